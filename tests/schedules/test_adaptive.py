"""Adaptive schedules on curves that are known: no network, no estimator."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infoplane.schedules import DeltaApproximate, DeltaExact
from infoplane.schedules.distances import between

ENTROPIES = 12.0, 1.0


def exact(**settings):
    return DeltaExact(schedule="delta_exact", **settings)


def approximate(**settings):
    return DeltaApproximate(schedule="delta_approximate", **settings)


def plane(ixt, ity=0.0):
    """Curves (n_epochs, 1 seed, 1 layer, 2) in bits out of shares of the entropies."""
    ixt, ity = np.broadcast_arrays(np.asarray(ixt, float), np.asarray(ity, float))
    return np.stack([12 * ixt, ity], axis=-1)[:, None, None, :]


def follow(schedule, curves, epochs=None):
    """What is measured, and how often it was asked; no epoch may be asked for twice."""
    epochs = list(range(len(curves))) if epochs is None else epochs
    asked = []

    def measure(wanted):
        assert wanted == sorted(wanted) and not set(wanted) & set(asked)
        asked.extend(wanted)
        return curves[[epochs.index(epoch) for epoch in wanted]]

    path = schedule.follow(epochs, measure, ENTROPIES)
    assert path.epochs == sorted(asked)
    return path


def too_wide(schedule, curves, places):
    """Neighbours that are neither adjacent nor within delta, by a loop over every value."""
    scale = ENTROPIES if schedule.distance == "entropy" else (1.0, 1.0)
    found = []
    for a, b in itertools.pairwise(places):
        shifts = np.abs(curves[a] - curves[b]) / scale
        equal = np.isnan(curves[a]) & np.isnan(curves[b])
        shifts = np.where(equal, 0, np.where(np.isnan(shifts), np.inf, shifts))
        if b > a + 1 and shifts.max() > schedule.delta:
            found.append((a, b))
    return found


def interpolated(curves, places):
    flat = curves.reshape(len(curves), -1)
    x = np.arange(len(curves))
    columns = [np.interp(x, places, flat[places, i]) for i in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(curves.shape)


@st.composite
def some_curves(draw):
    """Random walks, jumps, plateaus and gaps of some seeds and layers, in bits."""
    n, seeds, layers = (
        draw(st.integers(1, 400)),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 3)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = n, seeds, layers, 2
    kind = draw(st.sampled_from(["walk", "jumps", "plateaus", "noise"]))
    if kind == "walk":
        values = rng.normal(0, 0.02, shape).cumsum(axis=0)
    elif kind == "jumps":
        values = (rng.normal(0, 1, shape) * (rng.random(shape) < 0.02)).cumsum(axis=0)
    elif kind == "plateaus":
        values = np.repeat(rng.random((n // 20 + 1, *shape[1:])), 20, axis=0)[:n]
    else:
        values = rng.normal(0, 0.05, shape)
    if draw(st.booleans()):
        values[rng.random(shape) < 0.05] = np.nan
    if draw(st.booleans()):
        values[rng.integers(0, n) :, 0] = np.nan
    return values * [12, 1]


SETTINGS = st.fixed_dictionaries(
    {
        "delta": st.sampled_from([0.01, 0.05, 0.3]),
        "skip": st.sampled_from([1.1, 1.5, 2, 3, 10]),
        "first_skip": st.sampled_from([1, 2, 7]),
        "distance": st.sampled_from(["entropy", "raw"]),
    }
)


@given(some_curves(), SETTINGS)
def test_neighbours_are_within_delta_or_adjacent(curves, settings):
    schedule = exact(**settings)
    places = follow(schedule, curves).epochs
    assert places[0] == 0 and places[-1] == len(curves) - 1
    assert too_wide(schedule, curves, places) == []


@given(some_curves(), SETTINGS)
def test_rounds_are_those_of_halving_the_longest_gap(curves, settings):
    assert follow(exact(**settings), curves).rounds <= 1 + math.ceil(math.log2(len(curves) + 1))


@given(some_curves(), SETTINGS)
def test_the_mean_over_seeds_is_within_delta_too(curves, settings):
    schedule = exact(over="mean", **settings)
    places = follow(schedule, curves).epochs
    scale = np.array(ENTROPIES) if schedule.distance == "entropy" else np.ones(2)
    for a, b in itertools.pairwise(places):
        both = np.isnan(curves[a]) == np.isnan(curves[b])
        if b > a + 1:
            assert both.all()
            means = (np.nansum(curves[e], 0) / (~np.isnan(curves[e])).sum(0) for e in (a, b))
            with np.errstate(invalid="ignore"):
                apart = np.abs(np.subtract(*means)) / scale
            assert np.nanmax(apart, initial=0) <= schedule.delta * (1 + 1e-9)


@given(some_curves(), SETTINGS)
def test_a_walk_takes_the_ends_and_each_epoch_once(curves, settings):
    for exceeded in ("keep", "shrink", "reset"):
        path = follow(approximate(exceeded=exceeded, **settings), curves)
        assert path.epochs[0] == 0 and path.epochs[-1] == len(curves) - 1


@given(st.integers(2, 3000))
def test_a_step_that_hides_between_probes_is_found(n):
    probes = follow(exact(), plane(np.zeros(n))).epochs
    for a, b in itertools.pairwise(probes):
        for at in {a + 1, (a + b + 1) // 2, b}:
            curves = plane(0.0, np.arange(n) >= at)
            assert {at - 1, at} <= set(follow(exact(), curves).epochs)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=300), st.sampled_from([0.02, 0.05, 0.2]))
@example([0.0] * 150 + [1.0], 0.05)
def test_a_rising_curve_is_nowhere_further_than_delta_from_the_measured_one(steps, delta):
    rising = np.cumsum(steps)
    curves = plane(rising / max(rising[-1], 1e-9))
    places = follow(exact(delta=delta), curves).epochs
    off = np.abs(interpolated(curves, places) - curves) / 12
    assert off.max() <= delta + 1e-9


def test_smooth_curves_are_met_within_delta_by_few_epochs():
    epochs = np.arange(8001)
    rise_and_fall = (
        0.9 - 0.5 * np.exp(-epochs / 40) - 0.3 / (1 + np.exp(-(epochs - 2500) / 400))
    )
    learned = 1 - np.exp(-epochs / 150)
    curves = plane(rise_and_fall, learned)
    path = follow(exact(), curves)
    off = np.abs(interpolated(curves, path.epochs) - curves) / ENTROPIES
    assert off.max() <= 0.05
    assert len(path.epochs) < 0.01 * len(epochs) and path.rounds <= 10


def test_as_many_epochs_as_the_dissertations_walk_in_fewer_rounds():
    epochs = np.arange(4001)
    curves = plane(1 - np.exp(-epochs / 300), 1 / (1 + np.exp(-(epochs - 900) / 100)))
    walked, rounds = dissertation(curves, 0.05)
    path = follow(exact(), curves)
    assert len(path.epochs) <= 1.1 * len(walked)
    assert path.rounds < rounds / 3


def dissertation(curves, delta):
    """Figures 3.6 and 3.7 as they are written: (epochs, rounds of measuring)."""
    last, found, place, skip = len(curves) - 1, {0}, 0, 1
    rounds = 1

    def apart(a, b):
        return float((np.abs(curves[a] - curves[b]) / ENTROPIES).max())

    def backtrack(a, b):
        if apart(a, b) > delta and b > a + 1:
            found.add((a + b) // 2)
            backtrack(a, (a + b) // 2)
            backtrack((a + b) // 2, b)

    while place < last:
        after = min(place + skip, last)
        found.add(after)
        rounds += 1
        if apart(place, after) > delta:
            backtrack(place, after)
        else:
            skip *= 2
        place = after
    return sorted(found), rounds


def test_walking_misses_what_bisecting_finds():
    curves = plane(0.0, np.arange(1000) >= 700)
    found, missed = follow(exact(), curves).epochs, follow(approximate(), curves).epochs
    assert {699, 700} <= set(found)
    assert not {699, 700} & set(missed)
    assert len(too_wide(approximate(), curves, missed)) == 1


STEP_AT_9 = plane(0.0, np.arange(40) >= 9)


@pytest.mark.parametrize(
    ("exceeded", "after"),
    [("keep", [15, 23, 39]), ("shrink", [15, 19, 27, 39]), ("reset", [15, 16, 18, 22, 30, 39])],
)
def test_the_skip_after_a_distance_above_delta(exceeded, after):
    path = follow(approximate(exceeded=exceeded), STEP_AT_9)
    assert path.epochs == [0, 1, 3, 7, *after]
    assert path.rounds == len(path.epochs) - 1


def test_skips_are_counted_among_the_kept_epochs():
    kept = [0, 5, 10, 100, 101, 2000]
    curves = plane(0.0, [0, 0, 0, 0, 1, 1])
    assert follow(exact(), curves[:1], kept[:1]).epochs == [0]
    assert follow(exact(), plane(np.zeros(6)), kept).epochs == [0, 5, 100, 2000]
    assert follow(exact(), curves, kept).epochs == [0, 5, 100, 101, 2000]


def test_the_first_skip_and_its_multiplier():
    flat = plane(np.zeros(100))
    assert follow(exact(), flat).epochs == [0, 1, 3, 7, 15, 31, 63, 99]
    assert follow(exact(first_skip=5, skip=3), flat).epochs == [0, 5, 20, 65, 99]
    assert follow(exact(first_skip=500), flat).epochs == [0, 99]
    assert follow(approximate(first_skip=5, skip=3), flat).epochs == [0, 5, 20, 65, 99]


def test_raw_distances_are_in_bits():
    curves = plane(np.linspace(0, 1, 101))  # 0.12 bits an epoch, a hundredth of H(X)
    raw = follow(exact(distance="raw", delta=0.5), curves).epochs
    assert max(np.diff(raw)) == 4
    scaled = follow(exact(distance="entropy", delta=0.5), curves).epochs
    assert max(np.diff(scaled)) > 4


def test_a_failed_seed_is_as_if_it_were_not_there():
    rng = np.random.default_rng(0)
    curves = rng.normal(0, 0.05, (300, 3, 2, 2)).cumsum(axis=0)
    failed = np.concatenate([curves, np.full((300, 1, 2, 2), np.nan)], axis=1)
    for over in ("seed", "mean"):
        assert follow(exact(over=over), curves) == follow(exact(over=over), failed)


def test_nan_from_some_epoch_on_is_a_step():
    curves = plane(np.where(np.arange(500) < 321, 0.5, np.nan))
    for over in ("seed", "mean"):
        assert {320, 321} <= set(follow(exact(over=over), curves).epochs)


def test_nothing_but_failed_seeds_is_measured_at_the_probes_alone():
    path = follow(exact(), np.empty((100, 0, 3, 2)))
    assert path == ([0, 1, 3, 7, 15, 31, 63, 99], 1)


def test_distances_are_of_the_seed_or_of_the_mean():
    one, other = np.zeros((2, 1, 2)), np.zeros((2, 1, 2))
    other[0], other[1] = [[6, 0.1]], [[-3, 0.2]]
    scale = np.array(ENTROPIES)
    assert between(one, other, scale, "seed") == pytest.approx(0.5)
    assert between(one, other, scale, "mean") == pytest.approx(0.15)  # I(T;Y): 0.15 of 1 bit
    assert between(one, other, np.ones(2), "mean") == pytest.approx(1.5)
    assert between(np.stack([one, one]), np.stack([one, other]), scale, "seed").tolist() == [
        0.0,
        pytest.approx(0.5),
    ]


def test_infinite_values_are_no_difference_from_themselves():
    infinite = np.full((1, 1, 2), np.inf)
    scale = np.array(ENTROPIES)
    assert between(infinite, infinite, scale, "seed") == 0
    assert between(infinite, -infinite, scale, "mean") == np.inf
    assert between(infinite, np.zeros((1, 1, 2)), scale, "seed") == np.inf


@pytest.mark.parametrize("entropies", [(12.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_differences_stay_in_bits_where_the_entropy_is_zero(entropies):
    """One class among the measured inputs: I(T;Y) is 0, but for what the estimator makes."""
    values = np.zeros((100, 1, 1, 2))
    values[40:, ..., entropies.index(0.0)] = 0.2

    def measure(wanted):
        return values[wanted]

    fine = exact().follow(range(100), measure, entropies).epochs
    coarse = exact(delta=0.3).follow(range(100), measure, entropies).epochs
    assert {39, 40} <= set(fine) and coarse == [0, 1, 3, 7, 15, 31, 63, 99]
    assert approximate().follow(range(100), measure, entropies).epochs[-1] == 99
