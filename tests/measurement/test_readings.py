"""Which layers are measured, and how maps are read."""

import numpy as np
import pytest
import torch

from infoplane.measurement.activations import samples_of
from infoplane.measurement.readings import Reader
from infoplane.networks.network import Layer, Reading
from infoplane.probes.probe import Inputs

LAYERS = (
    Layer("conv1", (2, 3, 4), ("input",)),
    Layer("pool1", (2, 1, 2), ("conv1",)),
    Layer("conv2", (5, 1, 1), ("pool1",)),
    Layer("dense1", (4,), ("conv2",)),
    Layer("output", (3,), ("dense1",)),
)
DEFAULT = ("conv1", "conv2", "dense1", "output")


def reader(how="flatten", chosen=None) -> Reader:
    return Reader(LAYERS, DEFAULT, chosen, how)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("flatten", {"conv1": (24, "input"), "conv2": (5, "conv1"), "dense1": (4, "conv2")}),
        ("whole", {"conv1": (24, "input"), "conv2": (5, "conv1"), "dense1": (4, "conv2")}),
        ("mean", {"conv1": (2, "input"), "conv2": (5, "input"), "dense1": (4, "input")}),
        ("max", {"conv1": (2, "input"), "conv2": (5, "input"), "dense1": (4, "input")}),
        (
            "channels",
            {
                **{f"conv1[{i}]": (12, "input") for i in range(2)},
                **{f"conv2[{i}]": (1, "input") for i in range(5)},
                "dense1": (4, "input"),
            },
        ),
    ],
)
def test_read_layers_have_units_and_the_layers_that_they_are_computed_from(how, expected):
    layers = {la.name: (la.units, *la.after) for la in reader(how).layers}
    assert layers == {**expected, "output": (3, "dense1")}


def test_layers_are_chosen_by_name_or_pattern():
    assert reader(chosen=["output", "conv*"]).names == ("conv1", "conv2", "output")
    assert reader(chosen=["pool1"]).names == ("pool1",)
    few = reader("channels", ["conv1[1]", "conv2[0]", "dense1"])
    assert few.names == ("conv1[1]", "conv2[0]", "dense1")
    with pytest.raises(ValueError, match=r"'cnv1' matches no layer. Did you mean 'conv1'"):
        reader(chosen=["dense1", "cnv1"])


def test_maps_are_read_as_said():
    t = torch.randn(3, 6, 2, 3, 4)
    read = {
        how: dict(reader(how).read("conv1", Reading(t))) for how in ("flatten", "mean", "max")
    }
    assert torch.equal(read["flatten"]["conv1"].t, t.flatten(2))
    torch.testing.assert_close(read["mean"]["conv1"].t, t.mean((3, 4)))
    assert torch.equal(read["max"]["conv1"].t, t.amax((3, 4)))
    channels = dict(reader("channels").read("conv1", Reading(t)))
    assert torch.equal(channels["conv1[1]"].t, t[:, :, 1].flatten(2))
    flat = torch.randn(3, 6, 4)
    for how in ("flatten", "whole", "channels", "mean", "max"):
        assert torch.equal(dict(reader(how).read("dense1", Reading(flat)))["dense1"].t, flat)
    assert not dict(reader().read("pool1", Reading(torch.zeros(3, 6, 2, 1, 2))))


def test_maps_keep_their_shape_where_they_are_read_whole():
    whole = reader("whole")
    assert whole.shapes == {"conv1": (2, 3, 4), "conv2": (5, 1, 1), "dense1": (), "output": ()}
    assert whole.shape_of_input((1, 8, 8)) == (1, 8, 8) and whole.shape_of_input((12,)) == ()
    t = torch.randn(3, 6, 2, 3, 4)
    assert torch.equal(dict(whole.read("conv1", Reading(t)))["conv1"].t, t.flatten(2))
    assert whole.in_words and whole.in_words != reader().in_words
    for how in ("flatten", "channels", "mean", "max"):
        assert not any(reader(how).shapes.values())
        assert reader(how).shape_of_input((1, 8, 8)) == ()


@pytest.mark.parametrize("how", ["flatten", "whole", "channels", "mean", "max"])
def test_noise_is_read_with_its_layer(how):
    noisy = Reading(
        torch.randn(3, 6, 2, 3, 4), torch.tensor([0.1, 0.2, 0.3]), torch.randn(3, 6, 2, 3, 4)
    )
    plain = Reading(noisy.seen)
    of_plain = dict(reader(how).read("conv1", plain))
    for name, found in reader(how).read("conv1", noisy):
        torch.testing.assert_close(found.seen, of_plain[name].t)
        assert (found.sigma is None) == (how == "max")
        if how == "mean":
            torch.testing.assert_close(found.sigma, noisy.sigma / 12**0.5)


@pytest.mark.parametrize("how", ["flatten", "channels", "mean", "max"])
def test_noise_of_many_sizes_is_read_with_its_layer(how):
    sigma = torch.rand(3, 6, 2, 3, 4)
    sigma[:, 2, 1] = 0  # a channel that is off has none
    noisy = Reading(torch.randn(3, 6, 2, 3, 4), sigma, torch.randn(3, 6, 2, 3, 4))
    of_plain = dict(reader(how).read("conv1", Reading(noisy.seen)))
    for name, found in reader(how).read("conv1", noisy):
        torch.testing.assert_close(found.seen, of_plain[name].t)
        assert (found.sigma is None) == (how == "max")
        if how == "mean":
            torch.testing.assert_close(found.sigma, sigma.square().sum((3, 4)).sqrt() / 12)


def test_what_is_said_of_maps():
    assert reader("mean").in_words == "maps as their channels' means over positions"
    assert reader("mean", ["dense1", "output"]).in_words == ""


def test_samples_of_maps_that_are_read_whole_carry_their_shapes_to_pairs():
    images = np.random.default_rng(0).normal(size=(12, 1, 4, 4))
    inputs = Inputs.of(images, np.arange(12) % 2)
    for how, shapes in (("whole", ((2, 3, 4), (1, 4, 4))), ("flatten", ((), ()))):
        read = reader(how)
        rows = torch.randn(12, 24)
        samples = samples_of(inputs, inputs.y, rows, None, read, "conv1", 0, 7)
        assert (samples.shape, samples.shape_x) == shapes
        assert samples.with_inputs().shapes == shapes
        assert samples.with_y().shapes == (shapes[0], ())
        flat = samples_of(inputs, inputs.y, rows[:, :4], None, read, "dense1", 0, 7)
        assert flat.shape == () and flat.shape_x == shapes[1]
