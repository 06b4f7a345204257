"""Noise on hidden layers: where it enters, what it depends on, how large it is."""

import pytest
import torch
from tests.steps import layers_of

from infoplane import streams
from infoplane.networks import cnn, mlp, noise
from infoplane.networks.network import Misfit, initialise_seeds


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
    sigmas = noise.sigma(network.noise, {**weights, **found}, "hidden1", clean["hidden1"])
    torch.testing.assert_close(sigmas, 0.1 * expected)
    assert sigmas[1] > 8 * sigmas[0]


def test_networks_without_noise_have_none():
    network = mlp.MLP(mlp.Settings(hidden=[3]), (7,), 2)
    weights = initialise_seeds(network, [0])
    assert not network.draws and network.random(4, []) is None
    assert network.calibrate(weights, X) == {}


def test_a_sigma_of_nothing_is_refused():
    with pytest.raises(ValueError, match="greater than 0"):
        noise.Settings(sigma=0)


CONV = [
    {"stage": "conv", "channels": 2, "kernel": 3},
    {"stage": "pool"},
    {"stage": "flatten"},
    {"stage": "dense", "units": 5},
]


def cnn_of(activation="softplus", **chosen):
    settings = cnn.Settings(family="cnn", stages=CONV, activation=activation, noise=chosen)
    network = cnn.CNN(settings, (1, 8, 8), 3)
    return network, initialise_seeds(network, [0, 1])


@pytest.mark.parametrize(
    ("make", "shape", "layer"), [(network_of, (7,), "hidden2"), (cnn_of, (1, 8, 8), "dense1")]
)
def test_multiplicative_noise_is_gaussian_dropout_of_the_layers_named(make, shape, layer):
    network, weights = make(sigma=0.3, multiplicative=True, layers=[layer])
    assert set(network.noisy) == {layer}
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(2))
    random = numbers(network, len(x), 5)
    readings = dict(network.read(weights, x, random))
    assert [name for name, one in readings.items() if one.sigma is not None] == [layer]
    found = readings[layer]
    torch.testing.assert_close(found.sigma, 0.3 * found.t.abs())
    torch.testing.assert_close(found.seen, found.t * (1 + 0.3 * found.t.sign() * found.noise))
    own = weights["output.weight"]
    own = own if make is network_of else own.transpose(1, 2)  # (in, out)
    logits = found.seen @ own + weights["output.bias"][:, None]
    torch.testing.assert_close(network.run(weights, x, random=random)[0], logits)


def test_multiplicative_noise_has_the_gradient_of_the_product():
    network, weights = network_of("sigmoid", sigma=0.4, multiplicative=True, layers=["hidden2"])
    weights = {name: value.requires_grad_() for name, value in weights.items()}
    random = numbers(network, len(X), 5)
    network.run(weights, X, random=random)[0].square().sum().backward()
    found = weights["hidden2.bias"].grad.clone()
    weights["hidden2.bias"].grad = None
    first = torch.sigmoid(X @ weights["hidden1.weight"] + weights["hidden1.bias"][:, None])
    second = torch.sigmoid(first @ weights["hidden2.weight"] + weights["hidden2.bias"][:, None])
    seen = second * (1 + 0.4 * random.of["hidden2"].transpose(1, 2))
    logits = seen @ weights["output.weight"] + weights["output.bias"][:, None]
    logits.square().sum().backward()
    torch.testing.assert_close(found, weights["hidden2.bias"].grad)


def test_noise_of_one_layer_draws_no_others():
    network, _ = network_of(sigma=0.3, layers=["hidden2"])
    assert list(numbers(network, 4, 1).of) == ["hidden2"] and network.n_drawn == 4


def test_relative_noise_of_one_layer_is_scaled_by_that_layer():
    network, weights = network_of("relu", sigma=0.1, relative=True, layers=["hidden2"])
    clean = layers_of(network, weights, X)["hidden2"]
    assert set(network.buffers) == {"hidden2.scale"}
    found = network.calibrate(weights, X)
    torch.testing.assert_close(
        found["hidden2.scale"][:, 0], clean.var(1, correction=0).mean(1).sqrt()
    )


def test_noise_refuses_two_sizes_and_layers_that_are_not_hidden():
    with pytest.raises(ValueError, match="relative and multiplicative exclude one another"):
        noise.Settings(sigma=0.1, relative=True, multiplicative=True)
    with pytest.raises(Misfit, match="one of hidden1, hidden2, not 'output'"):
        network_of(sigma=0.1, layers=["output"])
