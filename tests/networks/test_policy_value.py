"""Policy-value networks against the same layers of torch.nn, their edges, what cannot be."""

from itertools import pairwise

import pytest
import torch
from pydantic import ValidationError

from infoplane.networks.network import INPUT, Misfit, initialise_seeds
from infoplane.networks.policy_value import PolicyValue, Settings

DENSE = {"kind": "dense", "units": [6, 5]}
RESIDUAL = {"kind": "residual", "channels": 4, "blocks": 2}
SHAPE, ACTIONS, SEEDS = (3, 3, 4), 7, (4, 9)


def network(shape=SHAPE, **changes) -> PolicyValue:
    written = {"family": "policy_value", "trunk": DENSE, **changes}
    return PolicyValue(Settings.model_validate(written), shape, ACTIONS + 1)


class Twin(torch.nn.Module):
    """The i-th of the stacked networks of these trunks, in torch's own modules."""

    def __init__(self, net: PolicyValue, arrays, i: int):
        super().__init__()
        nn, trunk, head = torch.nn, net.settings.trunk, net.settings.head
        self.trunk = trunk
        if trunk.kind == "dense":
            sizes = [36, *trunk.units]
            layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
            names = [f"trunk{i}" for i in range(1, len(sizes))]
        else:
            layers = [nn.Conv2d(3, 4, 3, padding=1)]
            layers += [nn.Conv2d(4, 4, 3, padding=1) for _ in range(4)]
            names = ["trunk", "block1a", "block1", "block2a", "block2"]
        size = 5 if trunk.kind == "dense" else 4 * 3 * 4
        for name, n in {"policy": ACTIONS, "value": 1}.items():
            if head:
                layers, names = [*layers, nn.Linear(size, head)], [*names, f"{name}_hidden"]
            layers, names = [*layers, nn.Linear(head or size, n)], [*names, name]
        self.of = nn.ModuleDict(dict(zip(names, layers, strict=True)))
        normed = [n for n in names if n not in ("policy", "value")]
        self.norms = nn.ModuleDict()
        if net.settings.batch_norm:
            for name in normed:
                many = nn.BatchNorm2d if self.of[name].weight.ndim > 2 else nn.BatchNorm1d
                self.norms[name] = many(len(self.of[name].bias))
        with torch.no_grad():
            for name in net.arrays:
                layer, _, part = name.partition(".")
                own = self.of[layer]
                if part.startswith("norm."):
                    own, part = self.norms[layer], part.removeprefix("norm.")
                    part = {"mean": "running_mean", "var": "running_var"}.get(part, part)
                getattr(own, part).copy_(arrays[name][i])

    def hidden(self, name, h, plus=0):
        h = self.of[name](h)
        h = self.norms[name](h) if name in self.norms else h
        return torch.relu(h + plus)

    def forward(self, x):
        if self.trunk.kind == "dense":
            h = self.hidden("trunk2", self.hidden("trunk1", x.flatten(1)))
        else:
            h = self.hidden("trunk", x)
            for i in (1, 2):
                h = self.hidden(f"block{i}", self.hidden(f"block{i}a", h), plus=h)
            h = h.flatten(1)
        ends = []
        for name in ("policy", "value"):
            own = self.hidden(f"{name}_hidden", h) if f"{name}_hidden" in self.of else h
            ends.append(self.of[name](own))
        return torch.cat([ends[0], torch.tanh(ends[1])], dim=1)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("head", [None, 5])
@pytest.mark.parametrize("trunk", [DENSE, RESIDUAL], ids=["dense", "residual"])
def test_network_agrees_with_torch_in_outputs_gradients_and_buffers(trunk, head, norm):
    net = network(trunk=trunk, head=head, batch_norm=norm)
    arrays = initialise_seeds(net, SEEDS)
    leaves = {n: arrays[n].clone().requires_grad_() for n in net.parameters}
    buffers = {n: arrays[n] for n in net.buffers}
    twins = [Twin(net, arrays, i) for i in range(2)]
    for step in range(2):  # the second goes on from the buffers of the first
        x = torch.randn(10, *SHAPE, generator=torch.Generator().manual_seed(step))
        out, new = net.run({**leaves, **buffers}, x, training=True)
        buffers |= new
        out.square().sum().backward()
        for i, twin in enumerate(twins):
            expected = twin(x)
            expected.square().sum().backward()
            torch.testing.assert_close(out[i], expected)
    for i, twin in enumerate(twins):
        for name, leaf in leaves.items():
            layer, _, part = name.partition(".")
            if norm and part == "bias" and layer in twin.norms:
                assert leaf.grad is None  # the batch norm after it takes it off
                continue
            own = twin.norms[layer] if part.startswith("norm.") else twin.of[layer]
            expected = getattr(own, part.removeprefix("norm.")).grad
            # float32, sums over ten boards
            torch.testing.assert_close(leaf.grad[i], expected, rtol=1e-4, atol=1e-5)
        evaluated, _ = net.run({**arrays, **{k: v.detach() for k, v in buffers.items()}}, x)
        torch.testing.assert_close(evaluated[i], twin.eval()(x).detach(), rtol=1e-4, atol=1e-5)


def test_edges_branch_at_the_two_heads():
    found = {layer.name: layer.after for layer in network(head=4).layers}
    assert found == {
        "trunk1": (INPUT,),
        "trunk2": ("trunk1",),
        "policy_hidden": ("trunk2",),
        "policy": ("policy_hidden",),
        "value_hidden": ("trunk2",),
        "value": ("value_hidden",),
    }
    residual = network(trunk=RESIDUAL)
    assert {layer.name: layer.after for layer in residual.layers} == {
        "trunk": (INPUT,),
        "block1a": ("trunk",),
        "block1": ("trunk",),
        "block2a": ("block1",),
        "block2": ("block1",),
        "policy": ("block2",),
        "value": ("block2",),
    }
    assert residual.by_default == ("trunk", "block1", "block2", "policy", "value")


@pytest.mark.parametrize("trunk", [DENSE, RESIDUAL], ids=["dense", "residual"])
def test_layers_that_are_read_give_what_run_gives(trunk):
    net = network(trunk=trunk, head=4)
    arrays = initialise_seeds(net, SEEDS)
    x = torch.randn(9, *SHAPE, generator=torch.Generator().manual_seed(0))
    out, _ = net.run(arrays, x)
    found = {name: reading.t for name, reading in net.read(arrays, x)}
    assert {name: t.shape[2:] for name, t in found.items()} == {
        layer.name: layer.shape for layer in net.layers
    }
    torch.testing.assert_close(found["policy"], torch.softmax(out[..., :-1], 2))
    assert torch.equal(found["value"], out[..., -1:])
    alone = {name: array[1:] for name, array in arrays.items()}
    # sums over few numbers, in another order at the most
    torch.testing.assert_close(net.run(alone, x)[0], out[1:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_quantised_layers_have_no_more_values_than_their_bits_say(activation):
    quantisation = {"bits": 2}
    net = network(trunk=RESIDUAL, head=4, activation=activation, quantisation=quantisation)
    arrays = initialise_seeds(net, SEEDS)
    x = torch.randn(200, *SHAPE, generator=torch.Generator().manual_seed(0))
    arrays |= net.calibrate(arrays, x)
    for name, reading in net.read(arrays, x):
        for one in reading.t:
            assert len(one.unique()) <= 4, name


def test_network_that_cannot_be_is_named():
    with pytest.raises(Misfit, match=r"network\.trunk\.kind: must be dense, or have boards"):
        network(shape=(36,), trunk=RESIDUAL)
    with pytest.raises(ValidationError, match="kernel"):
        network(trunk={**RESIDUAL, "kernel": 2})
    with pytest.raises(ValidationError, match="units"):
        network(trunk={"kind": "dense", "units": []})
