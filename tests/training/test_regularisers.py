"""What stands against overfitting, against a plain loop over torch's own modules."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.steps import steps
from torch import nn
from torch.nn import functional

from infoplane import streams
from infoplane.datasets import mnist
from infoplane.datasets.prepare import prepare
from infoplane.networks import cnn, mlp
from infoplane.networks.network import initialise_seeds
from infoplane.streams import of_training as source
from infoplane.training import augment, stack, supervised

STAGES = [
    {"stage": "conv", "channels": 3, "kernel": 3, "padding": 1},
    {"stage": "pool"},
    {"stage": "flatten"},
    {"stage": "dense", "units": 5},
]


@pytest.fixture(scope="module")
def images():
    """300 digits of 8 × 8 pixels."""
    from infoplane.datasets.digits import Settings

    return prepare(Settings(source="digits", flatten=False, size=300))


def trainer(network, data, seeds, **settings) -> supervised.Supervised:
    options = {"epochs": 3, "batch_size": 50, "device": "cpu"} | settings
    return supervised.Supervised(
        supervised.Settings.model_validate(options), network, data, seeds
    )


def small_cnn(**settings) -> cnn.CNN:
    chosen = {"family": "cnn", "stages": STAGES, "activation": "relu", **settings}
    return cnn.CNN(cnn.Settings.model_validate(chosen), (1, 8, 8), 10)


def test_cnn_training_equals_a_plain_loop_over_torch_modules(images):
    network = small_cnn(batch_norm=True)
    ours = trainer(
        network,
        images,
        [3, 7],
        optimizer={
            "method": "momentum",
            "learning_rate": 0.05,
            "warm_up": 1,
            "schedule": {"decay": "step", "every": 1, "factor": 0.5},
        },
        l1=1e-3,
        l2=1e-2,
        label_smoothing=0.1,
        augment={"crop": 1, "flip": True},
    )
    *_, final = steps(ours)

    first = initialise_seeds(network, [7])
    conv, dense, output = nn.Conv2d(1, 3, 3, padding=1), nn.Linear(48, 5), nn.Linear(5, 10)
    norms = nn.BatchNorm2d(3), nn.BatchNorm1d(5)
    with torch.no_grad():
        for name, module in (("conv1", conv), ("dense1", dense), ("output", output)):
            module.weight.copy_(first[f"{name}.weight"][0])
            module.bias.copy_(first[f"{name}.bias"][0])
    model = nn.Sequential(
        conv,
        norms[0],
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        dense,
        norms[1],
        nn.ReLU(),
        output,
    )
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    x, y = torch.from_numpy(images.x[images.train]), torch.from_numpy(images.y[images.train])
    rates = iter([*((i + 1) / 5 for i in range(5)), *[1.0] * 5, *[0.5] * 5])
    for epoch in range(1, 4):
        order = streams.order(len(x), 7, epoch)
        sources = [source(7, epoch, stack.AUGMENT)]
        drawn = augment.draw(ours.settings.augment, len(x), sources, "cpu")
        shown = augment.augmented(x[order][None], ours.settings.augment, drawn)[0]
        for rows in torch.arange(len(x)).split(50):
            for group in optimizer.param_groups:
                group["lr"] = 0.05 * next(rates)
            optimizer.zero_grad()
            loss = functional.cross_entropy(
                model(shown[rows]), y[order[rows]], label_smoothing=0.1
            )
            for module in (conv, dense, output):
                weight = module.weight
                loss = loss + 1e-3 * weight.abs().sum() + 1e-2 * weight.square().sum()
            loss.backward()
            optimizer.step()
    assert next(rates, None) is None
    for name, module in (("conv1", conv), ("dense1", dense), ("output", output)):
        found = final.weights[f"{name}.weight"][1]
        # float32 sums in another order, over 15 steps
        np.testing.assert_allclose(found, module.weight.detach(), atol=5e-5)
    for name, norm in (("conv1", norms[0]), ("dense1", norms[1])):
        found = final.weights[f"{name}.norm.var"][1]
        np.testing.assert_allclose(found, norm.running_var, rtol=1e-3)
    loss = functional.cross_entropy(model.eval()(x), y).item()
    assert final.metrics["loss_train"][1] == pytest.approx(loss, abs=1e-4)


@pytest.mark.parametrize("family", ["cnn", "mlp"])
def test_seeds_train_alike_alone_and_together_and_go_on_with_the_same_bits(family, images):
    drawn = {"dropout": 0.3, "batch_norm": True}
    network = small_cnn(**drawn)
    if family == "mlp":
        network = mlp.MLP(mlp.Settings(hidden=[6, 4], **drawn), (1, 8, 8), 10)
    together = list(steps(trainer(network, images, [1, 2, 5])))
    alone = list(steps(trainer(network, images, [2])))
    for name, found in together[-1].weights.items():
        np.testing.assert_allclose(found[1:2], alone[-1].weights[name], atol=1e-4, err_msg=name)
    biases = [
        name for name in network.parameters if f"{name[:-4]}norm.bias" in network.parameters
    ]
    first = initialise_seeds(network, [2])
    for name in biases:  # a batch norm takes it off
        assert np.array_equal(alone[-1].weights[name], first[name]), name
    assert len(biases) == 2
    first = trainer(network, images, [1, 2, 5])
    list(itertools.islice(steps(first), 2))
    second = trainer(network, images, [1, 2, 5])
    second.restore(first.state())
    *_, last = steps(second)
    for name, found in together[-1].weights.items():
        assert np.array_equal(found, last.weights[name]), name


def test_cnn_stacked_agrees_with_seeds_one_by_one(images, monkeypatch):
    """As on a GPU: one stack, its convolutions in one call."""
    network = small_cnn(dropout=0.2)
    *_, alone = steps(trainer(network, images, [1, 2]))
    convolved = cnn.convolved
    monkeypatch.setattr(
        cnn, "convolved", lambda *arrays, together: convolved(*arrays, together=True)
    )
    monkeypatch.setattr(cnn.CNN, "stacks", True)
    stacked = trainer(network, images, [1, 2])
    assert len(stacked.groups) == 1
    *_, together = steps(stacked)
    for name, found in together.weights.items():
        np.testing.assert_allclose(found, alone.weights[name], atol=1e-4)


def test_lenet5_learns_real_digits():
    folder = os.environ.get("INFOPLANE_DATA")
    if not folder or not (Path(folder) / "MNIST").is_dir():
        pytest.skip("MNIST is not in INFOPLANE_DATA")
    data = prepare(mnist.Settings(source="mnist", flatten=False, size=1400), [folder])
    settings = cnn.Settings(family="cnn", preset="lenet5", activation="relu")
    network = cnn.CNN(settings, data.x.shape[1:], 10)
    *_, last = steps(
        trainer(
            network, data, [0], epochs=4, optimizer={"method": "adam", "learning_rate": 2e-3}
        )
    )
    assert last.metrics["accuracy_test"][0] > 0.6  # chance: 0.1


def test_kernels_are_orthonormal_as_matrices():
    kernel = torch.eye(12)[:3].view(1, 3, 3, 2, 2)
    assert stack._distance_to_orthonormal(kernel.flatten(2)) == 0


def test_settings_that_cannot_be_are_refused(images):
    with pytest.raises(ValidationError, match="warm_up must be < 3"):
        trainer(small_cnn(), images, [0], optimizer={"method": "adam", "warm_up": 3})
    flat = mlp.MLP(mlp.Settings(hidden=[3]), (64,), 10)
    with pytest.raises(ValueError, match="flatten: false"):
        trainer(flat, images, [0], augment={"flip": True})
