"""Modules of the user's own: weights from outside, layers, and where each comes from."""

import pytest
import torch

from infoplane.networks.module import Module, Settings
from infoplane.networks.network import INPUT


def network_of(name, shape=(8,), **settings):
    path = name if ":" in name else f"tests.networks.nets:{name}"
    return Module(Settings(family="module", path=path, **settings), shape, 2)


def stacked(network, *seeds):
    single = [network.initialise(seed) for seed in seeds]
    return {name: torch.stack([w[name] for w in single]) for name in network.arrays}


def edges(network):
    return {layer.name: layer.after for layer in network.layers}


def test_layers_are_activations_in_order_of_execution_and_the_output():
    layers = network_of("Net").layers
    assert [layer.name for layer in layers] == ["act", "act#2", "output"]
    assert [layer.shape for layer in layers] == [(6,), (6,), (2,)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["head", "first"], ["first", "head"]),
        (["act"], ["act", "act#2"]),
        (["act#2"], ["act#2"]),
        (["act#1"], ["act"]),
        (["*"], ["first", "norm", "act", "second", "act#2", "drop", "head", "output"]),
    ],
)
def test_layers_are_chosen_by_name_pattern_and_number_of_the_call(asked, found):
    assert [layer.name for layer in network_of("Net", layers=asked).layers] == found


def test_functions_are_layers_by_the_names_of_torch_fx():
    assert [la.name for la in network_of("Skips").layers] == ["relu", "relu_1", "output"]
    mixed = network_of("Skips", layers=["relu_1", "two", "output"])
    assert [layer.name for layer in mixed.layers] == ["two", "relu_1", "output"]


def test_a_module_that_cannot_be_traced_is_read_by_hooks():
    assert [layer.name for layer in network_of("Branches").layers] == ["act", "output"]


def test_edges_follow_two_heads():
    assert edges(network_of("TwoHeads")) == {
        "trunk.1": (INPUT,),
        "one.1": ("trunk.1",),
        "two.1": ("trunk.1",),
        "output": ("one.1",),
    }


def test_edges_stop_at_a_skip_from_the_input():
    found = edges(network_of("Skips", layers=["relu", "two", "relu_1", "output"]))
    assert found == {
        "relu": (INPUT,),
        "two": ("relu",),
        "relu_1": (INPUT,),
        "output": ("relu_1",),
    }


def test_edges_follow_residual_blocks():
    found = edges(
        network_of(
            "torchvision.models:resnet18",
            (3, 16, 16),
            arguments={"num_classes": 10},
            layers=["relu", "layer1.?", "layer2.0.relu", "layer2.?", "output"],
        )
    )
    assert found == {
        "relu": (INPUT,),
        "layer1.0": ("relu",),
        "layer1.1": ("layer1.0",),
        "layer2.0.relu": ("layer1.1",),
        "layer2.0.relu#2": ("layer1.1",),
        "layer2.0": ("layer2.0.relu#2",),
        "layer2.1": ("layer2.0",),
        "output": ("layer2.1",),
    }


def test_readings_are_the_modules_own_outputs():
    network = network_of("Net", layers=["first", "act", "output"])
    weights, x = stacked(network, 3, 4), torch.randn(600, 8)
    read = {name: reading.t for name, reading in network.read(weights, x)}
    outputs, _ = network.run(weights, x)
    for s in range(2):
        module = network.module
        module.load_state_dict({name: w[s] for name, w in weights.items()})
        first = module.first(x)
        torch.testing.assert_close(read["first"][s], first)
        torch.testing.assert_close(read["act"][s], module.norm(first).relu())
        torch.testing.assert_close(read["output"][s], outputs[s])


def test_weights_depend_on_the_seed_alone():
    network = network_of("Net")
    torch.manual_seed(1)
    first = network.initialise(5)
    state = torch.get_rng_state()
    again = network.initialise(5)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["first.weight"], network.initialise(6)["first.weight"])


def test_dropout_depends_on_the_seed_alone():
    network = network_of("Net", arguments={"dropout": 0.5})
    weights, x = stacked(network, 0, 1), torch.randn(32, 8)
    sources = [torch.Generator().manual_seed(s) for s in (0, 1)]
    both, _ = network.run(weights, x, training=True, random=network.random(32, sources))
    alone, _ = network.run(
        {name: w[1:] for name, w in weights.items()},
        x,
        training=True,
        random=network.random(32, [torch.Generator().manual_seed(1)]),
    )
    assert torch.equal(both[1], alone[0])
    draws = network.random(32, [torch.Generator().manual_seed(1)])
    assert draws.rows(0, 16).of(0) != draws.rows(16, 32).of(0)


def test_batch_norm_moves_in_training_and_not_in_measurement():
    network = network_of("Net")
    weights, x = stacked(network, 0), torch.randn(32, 8)
    before = {name: w.clone() for name, w in weights.items()}
    _, changed = network.run(weights, x, training=True)
    assert changed["norm.num_batches_tracked"].tolist() == [1]
    assert not torch.equal(changed["norm.running_mean"], weights["norm.running_mean"])
    assert all(torch.equal(before[name], weights[name]) for name in weights)
    assert network.run(weights, x)[1] == {}


def test_types_shared_frozen_and_replaced_arrays_are_kept():
    network = network_of("Mixed")
    assert set(network.parameters) == {"one.weight", "one.bias", "shared.bias", "small"}
    assert set(network.buffers) == {"frozen", "steps"}
    assert network.dtypes == {
        "one.weight": "float64",
        "one.bias": "float64",
        "shared.bias": "float64",
        "frozen": "float64",
        "small": "bfloat16",
        "steps": "int64",
    }
    assert network.aliases == {"shared.weight": "one.weight"}
    weights = stacked(network, 0)
    _, changed = network.run(weights, torch.randn(4, 8), training=True)
    assert changed["steps"].tolist() == [1]
    assert changed["steps"].dtype == torch.int64


@pytest.mark.parametrize(
    ("settings", "shape", "said"),
    [
        ({"name": "nowhere:Net"}, (8,), "'nowhere' of 'nowhere:Net' cannot be imported"),
        ({"name": "Nets"}, (8,), "has no 'Nets'. Nearest: Net"),
        ({"name": "broken"}, (8,), "broken() fails: RuntimeError: no such luck"),
        ({"name": "Net", "arguments": {"wide": 3}}, (8,), "Net(wide=3) fails: TypeError"),
        ({"name": "builtins:dict"}, (8,), "gives a dict, not a torch.nn.Module"),
        ({"name": "Nothing"}, (8,), "forward returns a NoneType, not a tensor"),
        ({"name": "Summed"}, (8,), "returns shape (8,) for 7 inputs"),
        ({"name": "Net"}, (9,), "fails on inputs of shape (9,)"),
        (
            {"name": "Net", "layers": ["frist"]},
            (8,),
            "'frist' matches no layer. Nearest: first",
        ),
        ({"name": "Net", "layers": ["blocks.*"]}, (8,), "Known: first, norm, act"),
    ],
)
def test_what_is_wrong_with_a_module_is_said(settings, shape, said):
    with pytest.raises(ValueError) as error:
        network_of(settings.pop("name"), shape, **settings)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("name", "settings", "layer"),
    [
        ("Net", {"arguments": {"dropout": 0.5}, "layers": ["drop", "output"]}, "drop"),
        ("Drops", {"layers": ["relu", "dropout", "output"]}, "dropout"),
    ],
)
def test_passes_as_in_training_are_draws_by_their_sources(name, settings, layer):
    plain = network_of(name, **settings)
    assert plain.differs_in_training
    network = plain.as_in_training(10)
    assert network.draws and not plain.draws and network.layers == plain.layers
    weights, x = stacked(network, 0, 1), torch.randn(35, 8)
    before = {array: w.clone() for array, w in weights.items()}

    def read(of, *seeds):
        sources = [torch.Generator().manual_seed(s) for s in seeds]
        random = of.random(35, sources)
        return {n: reading.t for n, reading in of.read(weights, x, random)}

    first, again, other = read(network, 5, 6), read(network, 5, 6), read(network, 7, 6)
    for n, t in first.items():
        assert torch.equal(t, again[n]) and torch.equal(t[1], other[n][1])
        assert torch.equal(t[0], other[n][0]) == (n == "relu")
    assert all(torch.equal(before[array], w) for array, w in weights.items())
    assert 0.3 < (first[layer] == 0).float().mean() < 0.9
    # what a layer gives is what the next one is computed from, in the same pass
    head = {"Net": "head", "Drops": "two"}[name]
    linear = torch.einsum("snh,sch->snc", first[layer], weights[f"{head}.weight"])
    torch.testing.assert_close(first["output"], linear + weights[f"{head}.bias"][:, None])
    evaluated = read(plain, 5, 6)
    assert torch.equal(evaluated["output"], plain.run(weights, x)[0])


def test_batch_norm_in_passes_as_in_training_is_of_random_batches():
    plain = network_of("Net", layers=["norm"])
    network = plain.as_in_training(10)
    weights, x = stacked(network, 0), 5 + torch.randn(40, 8)
    random = network.random(40, [torch.Generator().manual_seed(0)])
    ((_, reading),) = network.read(weights, x, random)
    assert reading.t.mean(1).abs().max() < 1e-5
    ((_, evaluated),) = plain.read(weights, x)
    assert evaluated.t.mean(1).abs().max() > 0.1
    assert not network_of("TwoHeads").differs_in_training


@pytest.mark.parametrize(
    ("name", "layers", "found"),
    [
        ("Net", [], {}),
        ("Net", ["first", "act", "output"], {"first": ("first.weight", "first.bias")}),
        ("Skips", ["relu_1", "two"], {"two": ("two.weight", "two.bias")}),
        ("TwoHeads", ["one*"], dict.fromkeys(("one", "one.0"), ("one.0.weight", "one.0.bias"))),
        ("Mixed", ["shared"], {"shared": ("one.weight", "shared.bias")}),
        ("One", ["output"], {"output": ("weight", "bias")}),
    ],
)
def test_parameters_belong_to_the_measured_module_that_they_are_in(name, layers, found):
    assert network_of(name, layers=layers).of_layer == found
