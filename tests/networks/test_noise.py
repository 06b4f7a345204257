"""Noise on hidden layers: where it enters, what it depends on, how large it is."""

import pytest
import torch
from tests.steps import layers_of

from infoplane import streams
from infoplane.networks import mlp, noise
from infoplane.networks.network import initialise_seeds


def network_of(activation="tanh", **chosen):
    settings = mlp.Settings(hidden=[6, 4], activation=activation, noise=chosen)
    network = mlp.MLP(settings, (7,), 3)
    return network, initialise_seeds(network, [0, 1])


X = torch.randn(500, 7, generator=torch.Generator().manual_seed(0))


def numbers(network, n, *key):
    return network.random(n, [streams.of_training(*key, s) for s in (0, 1)])


def test_a_layer_is_given_before_its_own_noise_and_after_that_of_the_layer_before():
    network, weights = network_of(sigma=0.3)
    z = numbers(network, len(X), 5)
    assert {name: tuple(v.shape) for name, v in z.of.items()} == {
        "hidden1": (2, 6, 500),
        "hidden2": (2, 4, 500),
    }
    layers = layers_of(network, weights, X, z)
    clean = layers_of(network, weights, X)
    torch.testing.assert_close(layers["hidden1"], clean["hidden1"])
    first = layers["hidden1"] + 0.3 * z.of["hidden1"].transpose(1, 2)
    second = torch.tanh(first @ weights["hidden2.weight"] + weights["hidden2.bias"][:, None])
    torch.testing.assert_close(layers["hidden2"], second)
    last = second + 0.3 * z.of["hidden2"].transpose(1, 2)
    logits = last @ weights["output.weight"] + weights["output.bias"][:, None]
    torch.testing.assert_close(layers["output"], torch.softmax(logits, 2))
    torch.testing.assert_close(network.run(weights, X, random=z)[0], logits)


def test_noise_depends_on_its_key_alone_and_is_standard_normal():
    network, _ = network_of(sigma=1.0)
    a, b, c = (numbers(network, 4000, key).of for key in (5, 5, 6))
    assert torch.equal(a["hidden1"], b["hidden1"])
    assert not torch.equal(a["hidden1"], c["hidden1"])
    assert not torch.equal(a["hidden1"][0], a["hidden1"][1])
    everything = torch.cat([v.flatten() for v in a.values()])  # 80,000 numbers
    assert abs(everything.mean()) < 0.02 and abs(everything.std() - 1) < 0.02


def test_relative_noise_follows_the_measured_scale_of_each_network():
    network, weights = network_of("relu", sigma=0.1, relative=True)
    assert network.buffers["hidden1.scale"] == (1,)
    weights["hidden1.weight"][1] *= 10
    found = network.calibrate(weights, X)
    clean = layers_of(network, weights, X)
    expected = clean["hidden1"].var(1, correction=0).mean(1).sqrt()
    torch.testing.assert_close(found["hidden1.scale"][:, 0], expected)
    sigmas = network.sigmas({**weights, **found})
    torch.testing.assert_close(sigmas["hidden1"], 0.1 * expected)
    assert sigmas["hidden1"][1] > 8 * sigmas["hidden1"][0]


def test_networks_without_noise_have_none():
    network = mlp.MLP(mlp.Settings(hidden=[3]), (7,), 2)
    weights = initialise_seeds(network, [0])
    assert not network.draws and network.random(4, []) is None
    assert network.calibrate(weights, X) == {}


def test_a_sigma_of_nothing_is_refused():
    with pytest.raises(ValueError, match="greater than 0"):
        noise.Settings(sigma=0)
