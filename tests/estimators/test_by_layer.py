"""Settings that are one value for all layers, or one for each layer by its name."""

import numpy as np
import pytest

from infoplane.estimators import by_layer, kde
from infoplane.samples import Samples


@pytest.mark.parametrize(
    ("layer", "expected"), [("conv1", 1.0), ("conv2", 2.0), ("dense1", 3.0)]
)
def test_the_exact_name_comes_first_then_the_first_pattern(layer, expected):
    chosen = {"conv*": 2.0, "*": 3.0, "conv1": 1.0}
    assert by_layer.of_layer(chosen, layer) == expected
    assert by_layer.of_layer(expected, layer) == expected


def test_misfits_name_the_layer_left_out_and_the_name_of_none():
    assert by_layer.misfits(2.0, ["conv1"]) == []
    assert by_layer.misfits({"conv*": 1.0, "dense1": 2.0}, ["conv1", "dense1"]) == []
    (left_out,) = by_layer.misfits({"conv1": 1.0}, ["conv1", "dense1"])
    assert left_out == "has none for layer 'dense1', only for conv1"
    (wrong,) = by_layer.misfits({"cnov1": 1.0, "*": 1.0}, ["conv1"])
    assert "'cnov1', which matches no measured layer. Did you mean 'conv1'?" in wrong


def test_kde_variance_by_layer_is_that_of_the_layer():
    t = np.random.default_rng(1).normal(size=(60, 2))
    samples = Samples.of(t, np.arange(60) % 3, layer="hidden2")
    session = kde.KDE(noise_variance={"hidden1": 5.0, "hidden2": 0.3}).session()
    alone = kde.KDE(noise_variance=0.3).session()
    assert session([samples])[0].ixt.value == alone([samples])[0].ixt.value
