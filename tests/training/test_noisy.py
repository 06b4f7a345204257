"""Training with noise and with the orthonormal penalty."""

import numpy as np
import pytest
import torch
from tests.steps import steps

from infoplane.networks import mlp
from infoplane.training import supervised


@pytest.fixture
def trained(data):
    def run(seeds, epochs=3, noise=None, **options):
        network = mlp.MLP(mlp.Settings(hidden=[6, 3], noise=noise), (8,), 2)
        chosen = supervised.Settings(epochs=epochs, batch_size=64, device="cpu", **options)
        return supervised.Supervised(chosen, network, data, seeds)

    return run


NOISE = {"sigma": 0.1, "relative": True}


def test_noise_changes_training_and_is_the_seeds_own(trained):
    plain = list(steps(trained([3])))[-1].weights
    noisy = list(steps(trained([3], noise=NOISE)))[-1].weights
    beside = list(steps(trained([1, 3], noise=NOISE)))[-1].weights
    assert not np.array_equal(plain["hidden1.weight"], noisy["hidden1.weight"])
    for name, values in noisy.items():
        np.testing.assert_allclose(values[0], beside[name][1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["adam", "adamw"])
def test_scales_are_those_of_the_epochs_own_weights(trained, data, method):
    trainer = trained([3], noise=NOISE, optimizer={"method": method, "learning_rate": 0.05})
    x = torch.from_numpy(data.x[data.train])
    for epoch in steps(trainer):
        weights = {name: torch.from_numpy(v) for name, v in epoch.weights.items()}
        for name, value in trainer.network.calibrate(weights, x).items():
            torch.testing.assert_close(weights[name], value)


def test_a_resumed_noisy_training_ends_in_the_same_bits(trained):
    whole = list(steps(trained([0, 1], noise=NOISE)))
    stopped = trained([0, 1], noise=NOISE)
    epochs = steps(stopped)
    next(epochs), next(epochs)
    resumed = trained([0, 1], noise=NOISE)
    resumed.restore(stopped.state())
    last = list(steps(resumed))[-1]
    for name, values in whole[-1].weights.items():
        assert np.array_equal(values, last.weights[name])


def test_the_penalty_makes_matrices_orthonormal(trained):
    options = {"epochs": 150, "optimizer": {"method": "adam", "learning_rate": 0.01}}
    distances = {}
    for strength in (0, 1):
        last = list(steps(trained([0], orthonormal_penalty=strength, **options)))[-1]
        w = last.weights["hidden1.weight"][0]  # (8, 6)
        distances[strength] = np.square(w.T @ w - np.eye(6)).sum()
    assert distances[1] < 0.05 < 0.5 < distances[0]
