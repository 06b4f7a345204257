"""Where curves are highest: who chooses, who is judged, and how often that goes wrong."""

import numpy as np
import pytest

from infoplane.phases.curves import phases_of
from infoplane.phases.intervals import mean_of
from infoplane.phases.turns import chosen_before, turn_of

N_EPOCHS, REPEATS = 40, 2000
EPOCHS = np.arange(N_EPOCHS)
NOMINAL = 0.025
"""Share of intervals of 95 % that lie above the truth."""
ALLOWED = NOMINAL + 3 * np.sqrt(NOMINAL * (1 - NOMINAL) / REPEATS)
"""Three standard errors of that share above it."""
SHAPES = {
    "flat": np.zeros(N_EPOCHS),
    "rises a little": np.linspace(0, 0.5, N_EPOCHS),
    "rises": np.linspace(0, 3, N_EPOCHS),
    "rises and stays": np.minimum(np.linspace(0, 6, N_EPOCHS), 2),
}
PEAK = np.concatenate([np.linspace(0, 2, 12), np.linspace(2, 0.5, N_EPOCHS - 12)])
"""A mean curve that falls by 1.5 bits after epoch 11."""


def independent(rng, n):
    return rng.normal(size=(n, N_EPOCHS))


def wandering(rng, n):
    """Each network drifts: the noise of neighbouring epochs is alike."""
    return rng.normal(size=(n, N_EPOCHS)).cumsum(axis=1) / np.sqrt(N_EPOCHS)


def uneven(rng, n):
    """Heavy tails, a level of its own and a spread of its own for each network."""
    spread = rng.lognormal(0, 0.7, size=(n, 1))
    return spread * rng.standard_t(3, size=(n, N_EPOCHS)) + rng.normal(0, 3, size=(n, 1))


def compressions(mean, noise, n, repeats=REPEATS, scale=1.0):
    """Intervals of the fall after the turn, of so many experiments with n networks."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(repeats):
        curves = mean + scale * noise(rng, n)
        found.append(phases_of(EPOCHS, curves, curves).compression)
    return np.array([one[:3] for one in found])


def test_positions_are_those_of_a_plain_loop():
    curves = np.random.default_rng(1).normal(size=(6, 9))
    expected = [int(np.argmax(curves[:s].mean(axis=0))) for s in range(1, 6)]
    assert chosen_before(curves).tolist() == expected


def test_no_network_chooses_where_it_is_judged():
    curves = np.random.default_rng(2).normal(size=(6, 9))
    other = curves.copy()
    other[4] += np.random.default_rng(3).normal(size=9) * 100
    before, after = chosen_before(curves), chosen_before(other)
    assert (before[:4] == after[:4]).all()  # of networks 1 to 4
    assert before[4] != after[4]  # of network 5, for which network 4 does choose


@pytest.mark.parametrize("noise", [independent, wandering, uneven])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_fall_is_seldom_called_present_on_curves_that_never_fall(shape, noise):
    found = compressions(SHAPES[shape], noise, n=8)
    assert (found[:, 1] > 0).mean() <= ALLOWED


def test_own_peaks_and_leave_one_out_call_falls_that_are_not_there():
    """What is seen with the two statistics that this one takes the place of."""
    rng, n = np.random.default_rng(0), 20
    own, left_out = [], []
    for _ in range(500):
        curves = independent(rng, n)
        own.append(mean_of(curves.max(axis=1) - curves[:, -1]).is_positive)
        at = (curves.sum(axis=0) - curves).argmax(axis=1)
        left_out.append(mean_of(curves[np.arange(n), at] - curves[:, -1]).is_positive)
    assert np.mean(own) == 1
    assert np.mean(left_out) > 2 * ALLOWED


@pytest.mark.parametrize("n", [5, 10])
def test_interval_holds_a_known_fall_at_the_nominal_rate(n):
    found = compressions(PEAK, wandering, n, scale=0.7)
    held = ((found[:, 1] <= 1.5) & (found[:, 2] >= 1.5)).mean()
    assert abs(held - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / REPEATS)
    assert found[:, 0].mean() == pytest.approx(1.5, abs=0.05)


def test_a_fall_is_found_where_it_is_as_large_as_in_the_papers():
    """1.5 bits, with a spread over networks of half a bit, from 6 networks."""
    found = compressions(PEAK, wandering, n=6, repeats=300, scale=0.7)
    assert (found[:, 1] > 0).mean() > 0.95


def test_a_turn_that_is_hard_to_find_makes_a_fall_too_small_and_not_too_large():
    found = compressions(PEAK, independent, n=5, scale=1.5)
    assert 0.5 < found[:, 0].mean() < 1.5
    assert (found[:, 1] > 1.5).mean() <= ALLOWED


@pytest.mark.parametrize("noise", [independent, wandering])
def test_interval_holds_the_true_turn(noise):
    rng, held = np.random.default_rng(4), 0
    for _ in range(500):
        turn = turn_of(EPOCHS, PEAK + noise(rng, 6))
        held += turn.first <= 11 <= turn.last
        assert turn.first <= turn.epoch <= turn.last
    assert held / 500 >= 0.95


def test_interval_ends_before_the_last_epoch_exactly_where_a_fall_is_present():
    rng, seen = np.random.default_rng(5), set()
    for _ in range(300):
        curves = PEAK + 3 * wandering(rng, 5)
        found = phases_of(EPOCHS, curves, curves)
        if found.turn.epoch == EPOCHS[-1]:
            continue  # the highest mean of all networks stays in
        assert found.compression.is_positive == (found.turn.last < EPOCHS[-1])
        seen.add(found.compression.is_positive)
    assert seen == {True, False}


def test_of_two_networks_every_epoch_may_be_the_turn():
    assert turn_of(EPOCHS, PEAK + np.zeros((2, 1)))[:] == (11, 0, N_EPOCHS - 1)
