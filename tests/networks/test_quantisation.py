"""Quantised networks: values on grids, gradients through them, ranges, each network its own."""

import pytest
import torch
from tests.steps import layers_of

from infoplane.networks import mlp, quantisation
from infoplane.networks.network import initialise_seeds

X = torch.randn(600, 7, generator=torch.Generator().manual_seed(0))
FUNCTIONS = ["tanh", "relu", "leaky_relu", "sigmoid", "softsign", "softplus", "linear"]


def network_of(activation="tanh", seeds=(0, 1), **chosen):
    settings = mlp.Settings(hidden=[6, 4], activation=activation, quantisation=chosen or None)
    network = mlp.MLP(settings, (7,), 3)
    weights = initialise_seeds(network, seeds)
    return network, {**weights, **network.calibrate(weights, X)}


@pytest.mark.parametrize("bits", [1, 4, 16])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (-0.3, 2.7)])
def test_numbers_become_the_nearest_of_equally_spaced_ones(low, high, bits):
    values = torch.linspace(low - 1, high + 1, 100_001)
    found = quantisation.on_grid(values, low, high, bits)
    # float64 spacing; float32 rounds a coordinate by up to 2⁻²² of the values' size
    levels = torch.linspace(low, high, 2**bits, dtype=torch.float64)
    step = (high - low) / (2**bits - 1)
    assert len(found.unique()) <= 2**bits
    codes = ((found.double() - low) / step).round()
    torch.testing.assert_close(found.double(), levels[codes.long()], atol=1e-6, rtol=0)
    inside = values.clamp(low, high).double()
    assert (found.double() - inside).abs().max() <= step / 2 + 1e-6
    assert found.min() == low and found.max() == pytest.approx(high, abs=1e-6)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_numbers_are_those_of_torchs_own_fake_quantisation(bits):
    x = torch.randn(3, 5, 40, generator=torch.Generator().manual_seed(1))
    found = quantisation.weights_on_grid(x, bits)
    step = 2 * x.abs().amax(dim=(1, 2)) / (2**bits - 1)
    middle = torch.full((3,), (2**bits - 1) / 2)
    theirs = torch.fake_quantize_per_channel_affine(x, step, middle, 0, 0, 2**bits - 1)
    torch.testing.assert_close(found, theirs)


def test_equal_codes_have_equal_bits():
    values = torch.rand(50, 3, 1000, generator=torch.Generator().manual_seed(2)) * 2 - 1
    low, high = torch.full((50, 1, 1), -0.7), torch.linspace(0.5, 0.9, 50)[:, None, None]
    found = quantisation.on_grid(values, low, high, 4)
    assert all(len(one.unique()) == 16 for one in found)
    # wherever in memory they stand, and however many with them
    transposed = quantisation.on_grid(values.transpose(1, 2)[:, 3:990], low, high, 4)
    few = quantisation.on_grid(values[:, :, 7:8], low, high, 4)
    for one, other, third in zip(found, transposed, few, strict=True):
        assert set(other.unique().tolist()) == set(one.unique().tolist())
        assert set(third.unique().tolist()) <= set(one.unique().tolist())


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("bits", [1, 4])
def test_layers_have_at_most_so_many_values(activation, bits):
    network, weights = network_of(activation, bits=bits)
    for name, t in layers_of(network, weights, X).items():
        for one in t:
            assert len(one.unique()) <= 2**bits, name
        if name == "output":
            assert t.min() >= 0 and t.max() <= 1
    assert any(len(t.unique()) > 1 for _, t in layers_of(network, weights, X).items())


def test_layers_are_computed_from_quantised_weights_and_layers():
    network, weights = network_of(bits=3)
    grid, h = quantisation.on_grid, X
    layers = layers_of(network, weights, X)
    for name in ("hidden1", "hidden2"):
        w = quantisation.weights_on_grid(weights[f"{name}.weight"], 3)
        assert all(len(one.unique()) <= 8 for one in w)
        h = grid(torch.tanh(h @ w + weights[f"{name}.bias"][:, None]), -1.0, 1.0, 3)
        torch.testing.assert_close(layers[name], h)
    w = quantisation.weights_on_grid(weights["output.weight"], 3)
    logits = h @ w + weights["output.bias"][:, None]
    torch.testing.assert_close(network.run(weights, X)[0], logits)  # not on a grid themselves
    assert torch.equal(layers["output"], grid(torch.softmax(logits, 2), 0.0, 1.0, 3))


def test_weights_can_stay_as_they_are():
    network, weights = network_of(bits=3, weights=False)
    first = torch.tanh(X @ weights["hidden1.weight"] + weights["hidden1.bias"][:, None])
    found = layers_of(network, weights, X)["hidden1"]
    torch.testing.assert_close(found, quantisation.on_grid(first, -1.0, 1.0, 3))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradients_pass_as_if_nothing_was_rounded(activation):
    network, weights = network_of(activation, bits=8)
    plain, _ = network_of(activation)
    found = {}
    for kind, of in (("quantised", network), ("plain", plain)):
        leaves = {n: w.clone().requires_grad_() for n, w in weights.items()}
        used = [n for n in leaves if not n.endswith("range")]
        loss = of.run(leaves, X)[0].square().mean()
        found[kind] = torch.autograd.grad(loss, [leaves[n] for n in used])
    for ours, theirs in zip(found["quantised"], found["plain"], strict=True):
        assert (ours != 0).any()
        # 8 bits: activations and weights move by up to 0.4 % of their range
        assert (ours - theirs).norm() < 0.05 * theirs.norm()


def test_what_is_clipped_has_no_gradient():
    x = torch.tensor([[[-0.5, 0.0, 1.0, 2.0, 2.5]]], requires_grad=True)
    low, high = torch.zeros(1, 1, 1), torch.full((1, 1, 1), 2.0)
    quantisation.on_grid(x, low, high, 2).sum().backward()
    assert x.grad.flatten().tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_network_is_the_same_alone_and_in_a_stack(activation):
    network, weights = network_of(activation, seeds=[0, 1, 2], bits=4)
    _, alone = network_of(activation, seeds=[1], bits=4)
    weights["hidden1.weight"][0] *= 50
    lonely = layers_of(network, alone, X)
    for name, t in layers_of(network, weights, X).items():
        # a value between two levels may go either way by the order of a sum
        assert (t[1] == lonely[name][0]).float().mean() > 0.999, name


def test_ranges_are_measured_layer_by_layer():
    network, weights = network_of("relu", bits=4)
    assert network.buffers["hidden2.range"] == (2,)
    layers = layers_of(network, weights, X)
    w = quantisation.weights_on_grid(weights["hidden2.weight"], 4)
    second = torch.relu(layers["hidden1"] @ w + weights["hidden2.bias"][:, None])
    # of what hidden1 gives on the range it was just measured to have, not on an earlier one
    torch.testing.assert_close(weights["hidden2.range"][:, 1], second.amax((1, 2)))
    assert (weights["hidden2.range"][:, 0] == 0).all()
    beyond = layers_of(network, weights, 100 * X)["hidden1"]
    torch.testing.assert_close(beyond.amax((1, 2)), weights["hidden1.range"][:, 1])


def test_functions_with_both_ends_need_no_range():
    network, weights = network_of("tanh", bits=4)
    assert not any(name.endswith("range") for name in network.buffers)
    assert network.calibrate(weights, X) == {}


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_a_dead_layer_has_a_grid(activation):
    network, weights = network_of(activation, bits=4)
    weights = {n: torch.zeros_like(w) for n, w in weights.items()}
    weights |= network.calibrate(weights, X)
    for _, t in layers_of(network, weights, X).items():
        assert torch.isfinite(t).all() and len(t.unique()) == 1


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_32_bits_are_the_plain_network(activation):
    network, weights = network_of(activation, bits=32)
    plain, theirs = network_of(activation)
    assert network.arrays == plain.arrays
    for (_, ours), (_, t) in zip(
        layers_of(network, weights, X).items(), layers_of(plain, theirs, X).items(), strict=True
    ):
        assert torch.equal(ours, t)
    assert torch.equal(network.run(weights, X)[0], plain.run(theirs, X)[0])


@pytest.mark.parametrize("bits", [17, 31])
def test_other_bits_are_refused(bits):
    with pytest.raises(ValueError, match=f"bits is 1 to 16, or 32 for none, not {bits}"):
        quantisation.Settings(bits=bits)


def test_noise_is_refused():
    with pytest.raises(ValueError, match="noise and quantisation exclude one another"):
        mlp.Settings(hidden=[3], noise={"sigma": 0.1}, quantisation={"bits": 8})
