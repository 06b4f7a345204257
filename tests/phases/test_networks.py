"""Phases of each network by itself: values, and what the intervals of estimates leave open."""

import numpy as np
import pytest

from infoplane.phases.curves import phases_of
from infoplane.phases.networks import Curves, statistics_of

EPOCHS = np.array([0, 1, 10, 100])
FALLS = np.array([5.0, 6.0, 8.0, 4.0])
KNOWS = np.array([0.1, 0.5, 0.9, 1.0])


def curves(values, half=0.0, kind="exact", n=4) -> Curves:
    """n networks with one curve, and intervals of this half width."""
    values = np.tile(values, (n, 1)) if np.ndim(values) == 1 else values
    kinds = np.full(values.shape, kind, object)
    half = np.nan if kind == "none" else half
    whys = np.full(values.shape, "sample" if kind == "none" else "", object)
    return Curves(values, values - half, values + half, kinds, whys)


def test_values_are_those_whose_means_are_the_phases_of_a_layer():
    rng = np.random.default_rng(0)
    ixt, ity = FALLS + rng.normal(0, 1, (6, 4)), KNOWS + rng.normal(0, 0.1, (6, 4))
    snr = rng.uniform(0.1, 3, (6, 4))
    mean = phases_of(EPOCHS, ixt, ity, snr)
    each = statistics_of(EPOCHS, curves(ixt), curves(ity), snr)
    for name in ("compression", "rise", "fitting", "ity_end"):
        assert each[name].value.mean() == pytest.approx(getattr(mean, name).mean)
    ratio = np.exp(np.log(each["gradient_snr"].value).mean())
    assert ratio == pytest.approx(mean.gradient_snr.mean)
    assert each["turn"].value.tolist() == EPOCHS[ixt.argmax(1)].tolist()


def test_exact_values_give_differences_without_width():
    found = statistics_of(EPOCHS, curves(FALLS), curves(KNOWS))["compression"]
    assert found.at.tolist() == [1, 2, 3] and set(found.kind) == {"exact"}
    for numbers in (found.value, found.low, found.high):
        assert numbers.tolist() == [4.0, 4.0, 4.0]


def test_the_interval_of_a_difference_is_that_of_both_its_ends():
    found = statistics_of(EPOCHS, curves(FALLS, 0.25, "proven"), curves(KNOWS))["compression"]
    assert found.low.tolist() == [3.5] * 3 and found.high.tolist() == [4.5] * 3
    assert set(found.kind) == {"proven"}


def test_epochs_that_may_be_the_turn_count_too():
    """Within ±1.25 bits the turn may be epoch 1 or 10, so the fall may be as small as at 1."""
    found = statistics_of(EPOCHS, curves(FALLS, 1.25, "proven"), curves(KNOWS))["compression"]
    assert found.low.tolist() == [6.0 - 4.0 - 2.5] * 3
    assert found.high.tolist() == [8.0 - 4.0 + 2.5] * 3


def test_a_curve_that_only_rises_has_no_fall_unless_another_epoch_may_be_the_turn():
    rises = np.array([1.0, 2.0, 3.0, 4.0])
    sure = statistics_of(EPOCHS, curves(rises, 0.25, "proven"), curves(KNOWS))["compression"]
    assert (sure.low, sure.high) == (pytest.approx([0] * 3), pytest.approx([0] * 3))
    wide = statistics_of(EPOCHS, curves(rises, 0.75, "proven"), curves(KNOWS))["compression"]
    assert wide.value.tolist() == [0.0] * 3 and (wide.high == 0.5).all()


def test_no_interval_at_the_turn_or_the_end_is_none_of_the_difference():
    ixt = curves(FALLS)
    ixt.kind[2, 3], ixt.low[2, 3], ixt.high[2, 3] = "none", np.nan, np.nan
    found = statistics_of(EPOCHS, ixt, curves(KNOWS))
    assert found["compression"].kind.tolist() == ["exact", "none", "none"]
    assert np.isnan(found["compression"].low[1:]).all()
    assert set(found["rise"].kind[:2]) == {"exact"}


def test_the_weakest_kind_is_that_of_a_difference():
    ixt = curves(FALLS, 0.1)
    ixt.kind[:, 3] = "calibrated"
    found = statistics_of(EPOCHS, ixt, curves(KNOWS))
    assert set(found["compression"].kind) == {"calibrated"}
    assert set(found["rise"].kind) == {"calibrated"}, "of those that chose the turn"
    assert set(found["ity_end"].kind) == {"exact"}


def test_the_turn_of_a_network_may_be_every_epoch_that_intervals_let_be_highest():
    found = statistics_of(EPOCHS, curves(FALLS, 1.5, "proven"), curves(KNOWS))["turn"]
    assert found.value.tolist() == [10.0] * 4
    assert found.low.tolist() == [0.0] * 4 and found.high.tolist() == [10.0] * 4
    none = statistics_of(EPOCHS, curves(FALLS, kind="none"), curves(KNOWS))["turn"]
    assert np.isnan(none.low).all() and set(none.kind) == {"none"}


def test_what_lacks_an_interval_says_why():
    """All reasons count: at the epochs that may be the turn, at the other end, and those of the
    networks that chose the turn."""
    ixt = curves(FALLS, 0.25, "proven")
    ixt.kind[1, 3], ixt.why[1, 3] = "none", "above"
    ixt.kind[1, 2], ixt.why[1, 2] = "none", "not_calibrated"
    ixt.kind[1, 1], ixt.why[1, 1] = "none", "sample"  # epoch 1 cannot be the turn of the first
    found = statistics_of(EPOCHS, ixt, curves(KNOWS))
    assert found["compression"].why.tolist()[0] == "not_calibrated|above"
    assert found["compression"].why.tolist()[1:] == ["sample|not_calibrated|above"] * 2
    assert found["turn"].why.tolist() == ["", "sample|not_calibrated|above", "", ""]
    assert set(found["fitting"].why[:1]) == {""}
    exact = statistics_of(EPOCHS, curves(FALLS), curves(KNOWS))
    assert {why for one in exact.values() for why in one.why} == {""}
