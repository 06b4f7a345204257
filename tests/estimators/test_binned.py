import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from infoplane.estimators import binned
from infoplane.samples import Samples

EXACT = 1e-8
"""bit. Logarithms are summed in multiples of 2⁻³⁰ for each code, which changes an entropy by
less than 1e-9 bit."""


def result(t, y, survey=None, **options):
    chosen = binned.BinnedSettings(**options)
    return binned.Binned(chosen).estimate(Samples.of(t, y, draws=np.ndim(t) == 3), survey)


def assert_close(information, ixt, ity):
    assert information.ixt.value == pytest.approx(ixt, abs=EXACT)
    assert information.ity.value == pytest.approx(ity, abs=EXACT)


def edges_of(low, high, n_bins):
    return np.linspace(low, high, n_bins + 1)


def codes_within(t, low, high, n_bins):
    """Half-open bins, the last one closed, for values inside the range."""
    return np.minimum(np.digitize(t, edges_of(low, high, n_bins)) - 1, n_bins - 1)


@pytest.fixture
def layer():
    """Activations (300, 2, 3) with many ties, and their labels."""
    rng = np.random.default_rng(0)
    return np.tanh(rng.normal(size=(300, 2, 3)) * 2).round(2), rng.integers(0, 3, 300)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 40),
    r=st.integers(1, 5),
    d=st.integers(1, 20),
    n_bins=st.integers(2, 5),
    corrected=st.booleans(),
    double=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_binned_agrees_with_its_slow_twin(twins, seed, n, r, d, n_bins, corrected, double):
    rng = np.random.default_rng(seed)
    t = rng.normal(size=(n, r, d)).astype("f8" if double else "f4")
    y = rng.integers(0, 3, n)
    codes = codes_within(t.astype("f8"), t.min(), t.max(), n_bins)
    information = result(
        t, y, n_bins=n_bins, correction="miller_madow" if corrected else "none"
    )
    assert_close(information, *twins.discrete(codes, y, corrected))


def test_two_draws_by_hand():
    # Bins: x0 → {0, 0}, x1 → {0, 1}. H(T) of (3/4, 1/4) less the mean of 0 and 1 bit.
    t = [[[0.0], [0.1]], [[0.2], [1.0]]]
    entropy = 2 - 0.75 * math.log2(3)
    information = result(t, [0, 1], n_bins=2)
    assert_close(information, entropy - 0.5, entropy - 0.5)
    assert information.extra["entropy_binned"] == pytest.approx(entropy, abs=EXACT)


def test_one_draw_gives_the_entropy_of_the_codes():
    information = result([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1], n_bins=4)
    assert_close(information, 2, 1)
    assert information.extra["entropy_binned"] == pytest.approx(2, abs=EXACT)


def test_class_shares_weigh_conditional_entropies():
    # One input of class 0 and three of class 1, all codes apart: H(T|Y) = 3/4 log2 3.
    assert_close(
        result([[0.0], [1], [2], [3]], [0, 1, 1, 1], n_bins=4), 2, 2 - 0.75 * np.log2(3)
    )


def test_independent_classes_give_zero():
    t = np.repeat(np.arange(8.0), 4)[:, None]
    assert_close(result(t, np.tile([0, 1, 2, 3], 8), n_bins=8), 3, 0)


def test_draws_independent_of_inputs_give_zero():
    t = np.tile(np.arange(4.0)[None, :, None], (10, 1, 2))
    assert_close(result(t, np.arange(10) % 2, n_bins=4), 0, 0)


def test_constant_layer_gives_zero():
    for option in ({}, {"range": "unit"}, {"binning": "equal_mass"}, {"width": 0.1}):
        assert_close(result(np.full((7, 2), 0.3), np.arange(7) % 2, **option), 0, 0)


def test_permuted_rows_and_units_change_nothing(layer):
    t, y = layer
    rng = np.random.default_rng(1)
    rows, units = rng.permutation(len(t)), rng.permutation(t.shape[2])
    one, other = result(t, y), result(t[rows][:, :, units], y[rows])
    assert (one.ixt.value, one.ity.value) == (
        other.ixt.value,
        other.ity.value,
    )  # sums of integers: to the last bit


def test_thirty_edges_are_np_digitize(twins):
    rng = np.random.default_rng(2)
    t = np.tanh(rng.normal(size=(500, 1, 2)))
    y = rng.integers(0, 2, 500)
    published = np.digitize(t, np.linspace(-1, 1, 30))
    information = result(t, y, n_bins=29, range="fixed", low=-1, high=1)
    assert_close(information, *twins.discrete(published, y))


def test_width_is_floor_of_t_over_width(twins):
    rng = np.random.default_rng(3)
    t = rng.normal(size=(500, 1, 2))
    t[:50] = rng.integers(-9, 9, (50, 1, 2)) * 0.07  # on the edges, as rounded there
    y = rng.integers(0, 2, 500)
    assert_close(result(t, y, width=0.07), *twins.discrete(np.floor(t / 0.07), y))


def test_values_on_edges_are_digitised_as_numpy_does(twins):
    edges = np.linspace(-0.3, 0.7, 31)
    t = np.concatenate([edges, np.nextafter(edges, 9)[:-1], np.nextafter(edges, -9)[1:]])
    information = result(t[:, None], np.arange(len(t)), n_bins=30)
    assert_close(information, *twins.discrete(
        codes_within(t, -0.3, 0.7, 30)[:, None, None], np.arange(len(t))
    ))  # fmt: skip


def test_upper_end_lies_in_the_last_bin():
    options = {"n_bins": 4, "range": "fixed", "low": 0, "high": 1}
    assert result([[0.8], [1.0]], [0, 1], **options).ixt.value == pytest.approx(0, abs=EXACT)
    above = np.nextafter(1.0, 2)
    assert result([[0.8], [above]], [0, 1], **options).ixt.value == pytest.approx(1, abs=EXACT)


def test_values_beyond_a_fixed_range_have_bins_of_their_own():
    # Bins of width 1/2: −1.2, −0.7, −0.2 | 0.2, 0.7 | 1.2, 1.7 are seven different ones.
    t = [[-1.2], [-0.7], [-0.2], [0.2], [0.7], [1.2], [1.7]]
    information = result(t, range(7), n_bins=2, range="fixed", low=0, high=1)
    assert information.ixt.value == pytest.approx(math.log2(7), abs=EXACT)


def test_unit_range_resolves_a_small_unit():
    t = np.array([[0.0, 0.0], [0.0, 0.001], [100.0, 0.0], [100.0, 0.001]])
    assert result(t, range(4), n_bins=10).ixt.value == pytest.approx(1, abs=EXACT)
    assert result(t, range(4), n_bins=10, range="unit").ixt.value == pytest.approx(2, abs=EXACT)


def test_survey_spans_epochs_layers_and_seeds():
    y = np.array([0, 1])
    chosen = [
        Samples.of([[0.0], [ends]], y, layer=layer, seed=seed, epoch=epoch)
        for layer, seed, epoch, ends in (
            ("a", 0, 1, 1.0), ("a", 0, 2, 4.0), ("b", 0, 1, 16.0), ("a", 1, 1, 64.0),
        )
    ]  # fmt: skip
    of_layer = binned.BinnedSettings(n_bins=2, range="layer_over_training")
    ranges = binned.Binned(of_layer).survey(
        chosen[2:], binned.Binned(of_layer).survey(chosen[:2])
    )
    assert ranges == {(0, "a"): (0, 4), (0, "b"): (0, 16), (1, "a"): (0, 64)}
    records = binned.Binned(of_layer).estimate_batch(chosen, ranges)
    assert [r.ixt.value for r in records] == pytest.approx([0, 1, 1, 1], abs=EXACT)
    of_all = binned.BinnedSettings(n_bins=2, range="training")
    records = binned.Binned(of_all).estimate_batch(chosen, ranges)
    assert [r.ixt.value for r in records] == pytest.approx([0, 0, 1, 1], abs=EXACT)


@pytest.mark.parametrize("name", ["layer_over_training", "training"])
def test_range_over_training_needs_a_survey(name):
    assert binned.Binned(range=name).needs_survey
    samples = Samples.of([[0.0], [1.0]], [0, 1], layer="a", seed=3)
    other = {(0, "a"): (0.0, 1.0)}  # of another seed
    for survey in (None, other):
        with pytest.raises(ValueError, match=r"layer a, seed 3.*whole training.*range: layer"):
            binned.Binned(range=name).estimate(samples, survey)


@pytest.mark.parametrize("name", ["fixed", "layer", "unit"])
def test_range_of_single_samples_needs_no_survey(name):
    ends = {"low": 0, "high": 1} if name == "fixed" else {}
    assert not binned.Binned(range=name, **ends).needs_survey


def test_equal_mass_bins_hold_equal_shares():
    t = np.exp(np.random.default_rng(4).normal(size=(1000, 1)) * 3)
    information = result(t, np.zeros(1000), n_bins=8, binning="equal_mass")
    assert information.ixt.value == pytest.approx(3, abs=EXACT)
    assert result(t, np.zeros(1000), n_bins=8).ixt.value < 1  # bins of equal width do not


def test_equal_mass_keeps_equal_values_together():
    # Half of the values are 0, so that half of the quarters' edges are.
    t = np.concatenate([np.zeros(50), np.arange(1, 51)])[:, None]
    information = result(t, t[:, 0] > 0, n_bins=4, binning="equal_mass")
    counts = np.array([50, 25, 25]) / 100  # zeros; the third and the last quarter
    assert information.ixt.value == pytest.approx(-(counts * np.log2(counts)).sum(), abs=EXACT)
    assert information.ity.value == pytest.approx(1, abs=EXACT)


def test_equal_mass_of_units_cuts_each_unit():
    t = np.stack([np.arange(100.0), 1000 + np.arange(100.0)], axis=1)
    options = {"n_bins": 2, "binning": "equal_mass"}
    assert result(t, np.zeros(100), **options).ixt.value == pytest.approx(0, abs=EXACT)
    assert result(t, np.zeros(100), range="unit", **options).ixt.value == pytest.approx(
        1, abs=EXACT
    )


def test_miller_madow_by_hand():
    # H(T): 1.5 bit, 3 codes of 4 rows. Given y: 1 bit of 2 codes of 2 rows, and 0 of 1.
    t, y = [[0.0], [1.0], [2.0], [2.0]], [0, 0, 1, 1]
    information = result(t, y, n_bins=3, correction="miller_madow")
    of_t, of_class = 2 / (8 * math.log(2)), 1 / (4 * math.log(2))
    assert_close(information, 1.5 + of_t, 1.5 + of_t - 0.5 * (1 + of_class))


@pytest.mark.parametrize("correction", ["none", "miller_madow"])
@pytest.mark.parametrize("n_draws", [1, 3])
@pytest.mark.parametrize("n_bins", [2, 64])
def test_cap_is_reached_and_not_passed(correction, n_draws, n_bins):
    # 64 inputs on a line, each with all of its draws in one bin of 2 or of 64.
    t = np.repeat(np.arange(64.0)[:, None, None], n_draws, axis=1)
    information = result(t, np.arange(64) % 2, n_bins=n_bins, correction=correction)
    assert information.ixt.value == pytest.approx(information.ixt.cap, abs=EXACT)
    assert information.ixt.cap == pytest.approx(
        math.log2(n_bins)
        + (correction != "none") * (n_bins - 1) / (2 * 64 * n_draws * math.log(2))
    )


def test_cap_is_of_inputs_where_bins_are_without_end():
    for option in ({"width": 1e-3}, {"n_bins": 2, "range": "fixed", "low": 0, "high": 1e-3}):
        information = result(np.arange(8.0)[:, None], np.arange(8) % 2, **option)
        assert information.ixt.value == pytest.approx(information.ixt.cap, abs=EXACT)
        assert information.ixt.cap == pytest.approx(3)


@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), r=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_miller_madow_stays_below_the_cap(seed, n, r):
    t = np.random.default_rng(seed).normal(size=(n, r, 1))
    information = result(t, np.zeros(n), n_bins=4, correction="miller_madow")
    assert information.ixt.value <= information.ixt.cap + EXACT


def test_batch_equals_single_estimates(layer):
    t, y = layer
    chosen = binned.BinnedSettings(correction="miller_madow")
    batch = [
        Samples.of(part, labels, draws=part.ndim == 3)
        for part, labels in (
            (t, y), (t[:7], y[:7]), (t**3, y), (t.astype("f4"), y), (t[:, 0], y), (t + 1, y),
        )
    ]  # fmt: skip
    batch *= 3
    assert binned.Binned(chosen).estimate_batch(batch) == [
        binned.Binned(chosen).estimate(s) for s in batch
    ]


def test_strided_samples_are_read_right(layer):
    t, y = layer
    turned = torch.from_numpy(np.ascontiguousarray(t.transpose(2, 1, 0))).permute(2, 1, 0)
    strided = Samples(turned, torch.from_numpy(np.stack([y, y], axis=1))[:, 0])
    assert binned.Binned().estimate(strided) == result(t, y)


def test_bins_that_cannot_be_numbered_raise():
    with pytest.raises(ValueError, match=r"layer T: .*2\^51.*wider bins"):
        result([[0.0], [1e12]], [0, 1], width=1e-6)


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"n_bins": 30, "width": 0.1}, "n_bins.*width"),
        ({"width": 0.1, "range": "unit"}, "range.*width"),
        ({"width": 0.1, "binning": "equal_mass"}, "binning.*width"),
        ({"range": "fixed"}, "low and high"),
        ({"range": "fixed", "low": 0}, "low and high"),
        ({"range": "fixed", "low": 1, "high": 0}, "low < high"),
        ({"low": 0, "high": 1}, "low.*range: layer"),
        ({"range": "unit", "high": 1}, "high.*range: unit"),
        ({"binning": "equal_mass", "range": "training"}, "equal_mass.*range: unit"),
        ({"binning": "equal_mass", "range": "fixed", "low": 0, "high": 1}, "equal_mass"),
        ({"n_bins": 1}, "greater than or equal to 2"),
        ({"n_bins": 0}, "greater than or equal to 2"),
        ({"width": 0}, "greater than 0"),
        ({"bins": 30}, "Extra inputs"),
    ],
)
def test_settings_that_contradict_raise(options, keys):
    with pytest.raises(ValidationError, match=keys):
        binned.BinnedSettings(**options)


def test_settings_default_to_thirty_bins():
    assert binned.BinnedSettings().n_bins == 30
    assert binned.BinnedSettings(n_bins=None) == binned.BinnedSettings(n_bins=30)
    assert binned.BinnedSettings(width=0.1).n_bins is None


@pytest.mark.parametrize(
    "options", [{}, {"width": 0.1}, {"range": "fixed", "low": 0, "high": 1}]
)
def test_settings_survive_being_written(options):
    chosen = binned.BinnedSettings(**options)
    assert binned.BinnedSettings.model_validate(chosen.model_dump()) == chosen


def test_cap_beyond_a_survey_counts_the_codes_that_lie_there():
    """A survey of other epochs may have a smaller range: values beyond it get further bins."""
    t = torch.linspace(-4, 4, 64)[:, None]
    samples = Samples.of(t, np.arange(64) % 2, layer="a", seed=0)
    chosen = binned.BinnedSettings(n_bins=4, range="layer_over_training")
    inside = binned.Binned(chosen).estimate(samples, {(0, "a"): (-4.0, 4.0)})
    beyond = binned.Binned(chosen).estimate(samples, {(0, "a"): (-0.5, 0.5)})
    assert inside.ixt.value == pytest.approx(2) and inside.ixt.cap == 2
    assert 4 < beyond.ixt.value < beyond.ixt.cap == 6  # bins of 1/4: some 32 codes of 64 inputs
