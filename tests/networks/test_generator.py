"""Generators: the same numbers as torch.nn, one alone as in a stack, and what does not fit."""

import numpy as np
import pytest
import torch
from torch import nn

from infoplane.networks import cnn, mlp
from infoplane.networks.description import describe, rebuild
from infoplane.networks.generator import Generator, Settings
from infoplane.networks.network import Misfit, initialise_seeds


def test_a_dense_generator_is_torchs_and_has_the_shape_of_the_data():
    network = Generator(Settings(hidden=[6], output="tanh"), (3,), (1, 2, 4))
    weights = initialise_seeds(network, [0, 1])
    z = torch.randn(2, 5, 3)
    found, _ = network.run(weights, z)
    assert found.shape == (2, 5, 1, 2, 4) and network.stacks
    for i in range(2):
        own = {name: value[i] for name, value in weights.items()}
        h = torch.relu(z[i] @ own["hidden1.weight"] + own["hidden1.bias"])
        h = torch.tanh(h @ own["output.weight"] + own["output.bias"])
        torch.testing.assert_close(found[i].flatten(1), h)


def test_a_convolutional_generator_is_torchs():
    network = Generator(Settings(hidden=[5], maps=[4, 3], output="sigmoid"), (2,), (1, 8, 12))
    assert [layer.shape for layer in network.layers] == [
        (5,), (4, 2, 3), (3, 4, 6), (1, 8, 12),
    ]  # fmt: skip
    assert [layer.name for layer in network.layers] == ["hidden1", "maps1", "maps2", "output"]
    weights = initialise_seeds(network, [3, 4])
    z = torch.randn(7, 2)
    layers = {name: reading.t for name, reading in network.read(weights, z)}
    grown = [nn.ConvTranspose2d(4, 3, 4, 2, 1), nn.ConvTranspose2d(3, 1, 4, 2, 1)]
    for name, layer in zip(("maps2", "output"), grown, strict=True):
        state = {key: weights[f"{name}.{key}"][1] for key in ("weight", "bias")}
        layer.load_state_dict(state)
    own = {name: value[1] for name, value in weights.items()}
    h = torch.relu(z @ own["hidden1.weight"] + own["hidden1.bias"])
    h = torch.relu(h @ own["maps1.weight"] + own["maps1.bias"]).unflatten(1, (4, 2, 3))
    torch.testing.assert_close(layers["maps1"][1], h)
    h = torch.relu(grown[0](h))
    torch.testing.assert_close(layers["maps2"][1], h)
    torch.testing.assert_close(layers["output"][1], torch.sigmoid(grown[1](h)))
    products = 2 * 5 + 5 * 24 + 4 * 3 * 16 * 6 + 3 * 1 * 16 * 24
    assert network.n_products == products


def test_batch_norm_is_torchs():
    settings = Settings(hidden=[6], maps=[4], batch_norm=True)
    network = Generator(settings, (3,), (1, 4, 4))
    weights = initialise_seeds(network, [1, 2])
    z = torch.randn(9, 3)
    twin = nn.Sequential(
        *(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU()),
        *(nn.Linear(6, 16), nn.Unflatten(1, (4, 2, 2)), nn.BatchNorm2d(4), nn.ReLU()),
        nn.ConvTranspose2d(4, 1, 4, 2, 1),
    )
    with torch.no_grad():
        for place, name in ((0, "hidden1"), (3, "maps1"), (7, "output")):
            weight = weights[f"{name}.weight"][1]
            twin[place].weight.copy_(weight if name == "output" else weight.T)
            twin[place].bias.copy_(weights[f"{name}.bias"][1])
        found, buffers = network.run(weights, z, training=True)
        torch.testing.assert_close(found[1], twin(z))
        measured, _ = network.run({**weights, **buffers}, z)
        torch.testing.assert_close(measured[1], twin.eval()(z))
        # live: by the statistics of batches, here of all rows
        live = network.as_in_training(9)
        drawn = live.random(9, [torch.Generator(), torch.Generator()])
        *_, (_, reading) = live.read(weights, z, drawn)
        torch.testing.assert_close(reading.t, found)


def test_a_generator_that_is_described_is_rebuilt():
    network = Generator(Settings(maps=[2], output="sigmoid"), (3,), (1, 4, 4))
    weights = initialise_seeds(network, [0])
    again = rebuild(describe({"generator": network})["generator"])
    z = torch.randn(6, 3)
    assert torch.equal(network.run(weights, z)[0], again.run(weights, z)[0])
    assert again.layers == network.layers


def test_an_affine_generator_says_what_gaussian_it_makes():
    network = Generator(Settings(), (2,), (2,))
    weights = initialise_seeds(network, [5, 6])
    mean, covariance = network.gaussian(weights)
    z = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    x, _ = network.run(weights, z)
    for i in range(2):
        # 5 standard errors of means and covariances of numbers of size 1
        np.testing.assert_allclose(x[i].mean(0), mean[i], atol=5 / 200_000**0.5)
        np.testing.assert_allclose(np.cov(x[i].T), covariance[i], atol=5 * (2 / 200_000) ** 0.5)
    assert Generator(Settings(hidden=[2]), (2,), (2,)).gaussian(weights) is None


@pytest.mark.parametrize(
    ("maps", "shape", "said"),
    [
        ([], 10, "it makes data, not scores of classes"),
        ([4], (64,), "must be empty if data are 64 values"),
        ([4, 4, 4], (1, 28, 28), "sides, 28 × 28, must be divisible by 2 once for each"),
    ],
)
def test_maps_that_cannot_grow_to_the_data_are_named(maps, shape, said):
    with pytest.raises(Misfit, match=said):
        Generator(Settings(maps=maps), (8,), shape)


@pytest.mark.parametrize("family", ["mlp", "cnn"])
def test_a_single_output_is_read_as_it_is(family):
    if family == "mlp":
        network = mlp.MLP(mlp.Settings(hidden=[3]), (1, 4, 4), 1)
    else:
        stages = [{"stage": "conv", "channels": 2, "kernel": 3}, {"stage": "flatten"}]
        settings = cnn.Settings.model_validate({"family": "cnn", "stages": stages})
        network = cnn.CNN(settings, (1, 4, 4), 1)
    weights = initialise_seeds(network, [0, 1])
    x = torch.randn(5, 1, 4, 4)
    *_, (name, reading) = network.read(weights, x)
    assert name == "output"
    assert torch.equal(reading.t, network.run(weights, x)[0])
