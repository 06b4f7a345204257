"""Steps of critics that go on from the epoch before, beside fresh ones."""

import numpy as np
import pandas as pd
import pytest

from infoplane.measurement import convergence
from infoplane.measurement.convergence import ALL, CARRIED, FRESH, LEVEL


def curve(start, bounds, seed=0, epoch=4, layer="a", quantity="ixt", carried=None, value=1.0):
    """One critic's evaluations, one every 10 steps."""
    return pd.DataFrame(
        {
            "start": start,
            "seed": seed,
            "epoch": epoch,
            "layer": layer,
            "quantity": quantity,
            "step": 10 * np.arange(len(bounds)),
            "bound": bounds,
            "carried": start == CARRIED if carried is None else carried,
            "value": value,
        }
    )


def test_the_first_step_at_a_bound_is_found():
    assert convergence.first_step([0, 10, 20], [0.1, 2.0, 1.0], 1.5) == 10
    assert convergence.first_step([0, 10, 20], [2.0, 0.1, 1.0], 1.5) == 0
    assert np.isnan(convergence.first_step([0, 10], [0.1, 0.2], 1.5))


def test_pairs_are_compared_at_a_bound_that_both_reach():
    curves = pd.concat(
        [
            curve(CARRIED, [1.8, 2.0, 1.0], value=1.9),  # stops early, and low
            curve(FRESH, [0.0, 1.0, 1.95, 2.5, 3.0, 2.9], value=2.8),
        ]
    )
    (pair,) = convergence.paired(curves).itertuples()
    assert pair.level == pytest.approx(LEVEL * 2.0)
    assert (pair.steps_carried, pair.steps_fresh) == (20, 50)
    assert (pair.steps_to_level_carried, pair.steps_to_level_fresh) == (10, 20)
    assert (pair.value_carried, pair.value_fresh) == (1.9, 2.8)


def test_only_carried_critics_with_a_fresh_twin_make_a_pair():
    curves = pd.concat(
        [
            curve(CARRIED, [0.0, 1.0], epoch=0, carried=False),  # the first epoch
            curve(FRESH, [0.0, 1.0], epoch=0),
            curve(CARRIED, [0.5, 1.0], epoch=4),
            curve(FRESH, [0.0, 1.0], epoch=4),
            curve(CARRIED, [0.5, 1.0], epoch=8),  # its twin failed
        ]
    )
    assert convergence.paired(curves).epoch.tolist() == [4]
    assert convergence.paired(curves[curves.epoch == 0]).empty


def test_a_critic_that_learns_nothing_has_no_level():
    curves = pd.concat([curve(CARRIED, [-1.0, -np.inf]), curve(FRESH, [0.0, 1.0])])
    pairs = convergence.paired(curves)
    assert np.isnan(pairs.level[0]) and np.isnan(pairs.steps_to_level_fresh[0])
    found = convergence.differences(pairs).set_index("measure")
    assert found.n_without["steps_to_level"] == 1 and found.n_pairs["steps"] == 1
    assert np.isnan(found.difference["steps_to_level"])


def pairs_of(difference, n_seeds=3, n_epochs=5, layers=("a", "b"), spread=0.0):
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(n_seeds):
        for epoch in range(n_epochs):
            shared = rng.normal() * spread  # what the layers of one network have in common
            for layer in layers:
                row = {"seed": seed, "epoch": epoch, "layer": layer, "quantity": "ity"}
                for measure in convergence.MEASURES:
                    row |= {f"{measure}_fresh": 300.0}
                    row |= {f"{measure}_carried": 300.0 + difference + shared}
                rows.append(row)
    return pd.DataFrame(rows)


def test_differences_are_means_of_pairs_with_intervals_over_clusters():
    pairs = pairs_of(-200.0, spread=30.0)
    found = convergence.differences(pairs)
    assert list(dict.fromkeys(found.layer)) == ["a", "b", ALL]
    row = found[(found.layer == ALL) & (found.measure == "steps")].iloc[0]
    of_pairs = pairs.steps_carried - pairs.steps_fresh
    assert row.difference == pytest.approx(of_pairs.mean())
    assert (row.n_pairs, row.n_clusters, row.n_seeds, row.n_seeds_lower) == (30, 15, 3, 3)
    # Layers of a network repeat each other here: the interval is that of 15 means, not of 30.
    means = of_pairs.groupby([pairs.seed, pairs.epoch]).mean()
    expected = 2 * 1.96 * means.std() / np.sqrt(15)
    assert row.upper - row.lower == pytest.approx(expected, rel=0.15)
    assert row.lower < row.difference < row.upper


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng, held = np.random.default_rng(1), 0
    for _ in range(60):
        sums = rng.normal(5.0, 2.0, 15)
        lower, upper = convergence._interval(sums, np.ones(15), 0)
        held += lower <= 5.0 <= upper
    # Percentile intervals of 15 values hold it in about 92 %; 60 draws leave ± 7 %.
    assert 0.8 <= held / 60 < 1.0


def test_one_cluster_has_no_interval():
    found = convergence.differences(pairs_of(-5.0, n_seeds=1, n_epochs=1))
    assert found.lower.isna().all() and (found.difference == -5.0).all()
