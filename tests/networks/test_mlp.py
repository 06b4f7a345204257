"""Batched perceptrons against torch's own layers, one network at a time."""

import math

import pytest
import torch
from pydantic import ValidationError
from tests.steps import layers_of
from torch import nn

from infoplane.networks import mlp
from infoplane.networks.description import describe, rebuild
from infoplane.networks.network import initialise_seeds
from infoplane.streams import of_training as source

MODULES = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "softsign": nn.Softsign,
    "softplus": nn.Softplus,
    "linear": nn.Identity,
}


def torch_twin(weights, seed_row, hidden, activation):
    """The same network as a torch.nn.Sequential, its layers' outputs in order."""
    layers, names = [], [*(f"hidden{i + 1}" for i in range(len(hidden))), "output"]
    for name in names:
        weight = weights[f"{name}.weight"][seed_row]
        linear = nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(weight.T)
            linear.bias.copy_(weights[f"{name}.bias"][seed_row])
        function = nn.Softmax(1) if name == "output" else activation()
        layers.append(nn.Sequential(linear, function))
    return layers


@pytest.mark.parametrize("activation", MODULES)
def test_activations_equal_torch_layer_by_layer(activation):
    settings = mlp.Settings(hidden=[5, 4], activation=activation)
    network = mlp.MLP(settings, (7,), 3)
    weights = initialise_seeds(network, [0, 1, 2])
    x = torch.randn(11, 7, generator=torch.Generator().manual_seed(0))
    found = list(layers_of(network, weights, x).items())
    assert [name for name, _ in found] == ["hidden1", "hidden2", "output"]
    for row in range(3):
        h = x
        for layer, (_, t) in zip(
            torch_twin(weights, row, [5, 4], MODULES[activation]), found, strict=True
        ):
            h = layer(h)
            torch.testing.assert_close(t[row], h)  # float32, torch's own tolerance


def test_images_are_flattened_and_shared_inputs_are_told_from_separate_ones():
    network = mlp.MLP(mlp.Settings(hidden=[4]), (1, 2, 2), 2)
    weights = initialise_seeds(network, [0, 1])
    x = torch.randn(2, 1, 2, 2)  # as many inputs as networks: shapes alone would not tell
    shared = network.run(weights, x)[0]
    separate = network.run(weights, x.expand(2, *x.shape))[0]
    assert shared.shape == (2, 2, 2)
    torch.testing.assert_close(shared, separate)


def test_one_activation_each_is_used_in_order():
    settings = mlp.Settings(hidden=[3, 3], activation=["relu", "tanh"])
    network = mlp.MLP(settings, (4,), 2)
    weights = initialise_seeds(network, [0])
    layers = layers_of(network, weights, torch.randn(50, 4) * 5)
    assert (layers["hidden1"] >= 0).all() and layers["hidden1"].max() > 1
    assert (layers["hidden2"] < 0).any() and layers["hidden2"].abs().max() <= 1


@pytest.mark.parametrize(
    ("name", "deviation"), [("fan_in", 1 / math.sqrt(400)), ("fan_out", 1 / math.sqrt(300))]
)
def test_truncated_normal_has_its_deviation_and_its_cut(name, deviation):
    network = mlp.MLP(mlp.Settings(hidden=[300], initialisation=name), (400,), 2)
    drawn = network.initialise(0)
    weight = drawn["hidden1.weight"]
    # A normal cut at two deviations keeps 0.8796 of its deviation; 120,000 draws: ± 0.2 %.
    assert weight.std().item() == pytest.approx(0.8796 * deviation, rel=0.01)
    assert weight.abs().max() <= 2 * deviation
    assert (drawn["hidden1.bias"] == 0).all()


def test_torch_initialisation_equals_the_bounds_of_torch_linear():
    drawn = mlp.MLP(mlp.Settings(hidden=[500]), (100,), 2).initialise(0)
    linear = nn.Linear(100, 500)
    for ours, theirs in [("hidden1.weight", linear.weight), ("hidden1.bias", linear.bias)]:
        assert drawn[ours].abs().max() <= 0.1
        # Uniform on ± 0.1: deviation 0.1/√3, from at least 500 draws.
        assert drawn[ours].std().item() == pytest.approx(theirs.std().item(), rel=0.1)


def test_initial_weights_of_a_seed_do_not_depend_on_its_neighbours(network):
    together, alone = initialise_seeds(network, [0, 7, 9]), initialise_seeds(network, [7])
    assert all(torch.equal(together[name][1], alone[name][0]) for name in alone)
    assert not torch.equal(together["hidden1.weight"][0], together["hidden1.weight"][1])


def test_description_rebuilds_the_same_network(network, network_settings):
    again = rebuild(describe({"network": network})["network"])
    assert again.settings == network.settings
    assert again.layers == network.layers
    assert network.layers[1] == ("hidden2", (3,), ("hidden1",))
    assert again.parameters == network.parameters
    assert again.widths == {"hidden1": 6, "hidden2": 3, "output": 2}
    assert network.n_parameters == 8 * 6 + 6 + 6 * 3 + 3 + 3 * 2 + 2


def test_wrong_number_of_activations_is_refused():
    with pytest.raises(ValidationError, match="2 functions for 1 hidden layers"):
        mlp.Settings(hidden=[3], activation=["relu", "tanh"])


def test_batch_norm_and_dropout_agree_with_torch():
    settings = mlp.Settings(hidden=[5, 4], activation="relu", batch_norm=True, dropout=[0.5, 0])
    network = mlp.MLP(settings, (7,), 3)
    weights = initialise_seeds(network, [3, 8])
    x = torch.randn(20, 7, generator=torch.Generator().manual_seed(0))
    random = network.random(len(x), [source(3), source(8)])
    masks = random.masks.kept("hidden1", (5,), 0.5)
    found, buffers = network.run(weights, x, training=True, random=random)
    measured, _ = network.run({**weights, **buffers}, x)
    for row in range(2):
        first, second, last = torch_twin(weights, row, [5, 4], nn.Identity)
        norms = nn.BatchNorm1d(5), nn.BatchNorm1d(4)
        h = norms[0](first(x)).relu() * masks[row]
        h = norms[1](second(h)).relu()
        torch.testing.assert_close(found[row], last[0](h))
        for layer, norm in zip(("hidden1", "hidden2"), norms, strict=True):
            torch.testing.assert_close(buffers[f"{layer}.norm.mean"][row], norm.running_mean)
            torch.testing.assert_close(buffers[f"{layer}.norm.var"][row], norm.running_var)
        h = norms[0].eval()(first(x)).relu()
        torch.testing.assert_close(measured[row], last[0](norms[1].eval()(second(h)).relu()))
