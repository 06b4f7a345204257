"""Scores against slow loops, scipy and scikit-learn, closed forms, and their properties."""

import numpy as np
import pytest
from scipy.stats import kendalltau, rankdata
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from tests.compare import twins

from infoplane.compare.conditional import conditional_information, granules
from infoplane.compare.environments import OneAxis, by_environment
from infoplane.compare.increment import RIDGE, explained, increment
from infoplane.compare.pairs import in_order, kendall
from infoplane.compare.sample import Networks, Sample, resampled
from infoplane.compare.scores import interval

EXACT = {"abs": 1e-5}  # weights and signs are float32


@pytest.fixture(params=[False, True], ids=["distinct", "ties"])
def one(request, sample):
    return sample(ties=request.param)


def parts(sample):
    return sample.signal, sample.networks.target, sample.networks.points


def test_in_order_is_the_loop_over_pairs(one):
    assert in_order(one)[0] == pytest.approx(twins.in_order(*parts(one)[:2]), **EXACT)


def test_kendall_is_that_of_scipy(one):
    expected = kendalltau(*parts(one)[:2]).statistic
    assert kendall(one)[0] == pytest.approx(expected, **EXACT)


def test_sign_errors_are_those_of_the_loop_over_environments(one):
    errors = sorted(twins.sign_errors(*parts(one)).values())
    found = by_environment(one, OneAxis.of(one.networks))
    assert found.mean[0] == pytest.approx(np.mean(errors), **EXACT)
    assert found.largest[0] == pytest.approx(errors[-1], **EXACT)
    at = int(np.ceil(0.9 * len(errors))) - 1
    assert found.ninetieth[0] == pytest.approx(errors[at], **EXACT)


def test_granulated_is_the_loop_over_contexts(one):
    found = by_environment(one, OneAxis.of(one.networks)).granulated[0]
    assert found == pytest.approx(twins.granulated(*parts(one)), **EXACT)


def test_conditional_information_is_that_of_counts(one):
    found = conditional_information(one, granules(one.networks))[0]
    assert found == pytest.approx(twins.conditional_information(*parts(one)), abs=1e-4)


def test_increment_is_that_of_scikit_learns_ridge(one):
    loss = np.random.default_rng(3).normal(size=len(one.signal)) - one.networks.target
    ranks = [rankdata(v) for v in (one.networks.target, loss, one.signal)]
    target, *features = [(r - r.mean()) / r.std() for r in ranks]

    def r2(columns):
        x = np.stack(columns, axis=1)
        left = np.zeros(len(target))
        folds = GroupKFold(5).split(x, groups=one.networks.configuration)
        for train, test in folds:
            fitted = Ridge(alpha=RIDGE).fit(x[train], target[train])
            left[test] = target[test] - fitted.predict(x[test])
        return 1 - (left**2).sum() / ((target - target.mean()) ** 2).sum()

    expected = r2(features) - r2(features[:1])
    assert increment(one, loss, 5)[0] == pytest.approx(expected, abs=1e-6)


def test_explained_with_weights_is_that_of_repeated_networks():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 2)), rng.normal(size=20)
    counts = rng.integers(0, 3, size=20)
    folds = [np.arange(0, 10), np.arange(10, 20)]
    again = np.repeat(np.arange(20), counts)
    of_again = [np.flatnonzero(np.isin(again, fold)) for fold in folds]
    weighted = explained(y, x, counts[None].astype(float), folds)[0]
    repeated = explained(y[again], x[again], np.ones((1, len(again))), of_again)[0]
    assert weighted == pytest.approx(repeated, rel=1e-6)


@pytest.mark.parametrize(("noise", "sign"), [(0.0, 1), (0.0, -1)])
def test_a_perfect_signal_has_the_best_scores_and_its_opposite_the_worst(sample, noise, sign):
    found = sample(noise=noise)
    told = Sample(found.networks, sign * found.signal)
    environments = by_environment(told, OneAxis.of(told.networks))
    assert in_order(told)[0] == (1 + sign) / 2
    assert kendall(told)[0] == pytest.approx(sign)
    assert environments.granulated[0] == sign
    assert environments.largest[0] == (1 - sign) / 2
    assert conditional_information(told, granules(told.networks))[0] == pytest.approx(1)


def test_a_constant_signal_is_a_coin(sample):
    told = Sample(sample().networks, np.zeros(24))
    assert in_order(told)[0] == 0.5
    assert np.isnan(kendall(told)[0])
    assert by_environment(told, OneAxis.of(told.networks)).mean[0] == 0.5
    assert conditional_information(told, granules(told.networks))[0] == pytest.approx(0)


def test_networks_without_the_signal_change_nothing(sample):
    whole = sample(seeds=3, resamples=5)
    signal = np.where(np.arange(len(whole.signal)) % 3 == 0, np.nan, whole.signal)
    kept = np.isfinite(signal)
    few = Networks(
        whole.networks.target[kept],
        whole.networks.points[kept],
        whole.networks.weights[:, kept],
    )
    left, alone = Sample(whole.networks, signal), Sample(few, signal[kept])
    np.testing.assert_allclose(in_order(left), in_order(alone), atol=1e-6)
    np.testing.assert_allclose(kendall(left), kendall(alone), atol=1e-6)
    one, two = (by_environment(s, OneAxis.of(s.networks)) for s in (left, alone))
    for name in ("mean", "ninetieth", "largest", "granulated"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-6)
    loss = np.random.default_rng(5).normal(size=len(signal))
    expected = increment(alone, loss[kept], 4)
    np.testing.assert_allclose(increment(left, loss, 4), expected, atol=1e-6)


def test_a_resample_is_the_score_of_the_networks_drawn(sample):
    """Twice-drawn networks count twice, and form no pair with themselves."""
    told = sample(resamples=4)
    target, points = told.networks.target, told.networks.points
    for row, weights in enumerate(told.networks.weights[1:].astype(int), start=1):
        right = total = 0.0
        for i, j in twins.pairs(len(target)):
            w = weights[i] * weights[j]
            agree = np.sign(told.signal[i] - told.signal[j]) * np.sign(target[i] - target[j])
            right, total = right + w * (1 + agree) / 2, total + w
        assert in_order(told)[row] == pytest.approx(right / total, **EXACT)
    blocked = by_environment(told, OneAxis.of(told.networks))
    assert np.isfinite(blocked.mean).all() and len(points) == 24


def test_weightings_in_blocks_give_the_same(sample, monkeypatch):
    told = sample(resamples=20)
    whole = by_environment(told, OneAxis.of(told.networks))
    monkeypatch.setattr("infoplane.compare.sample.PAIRS_AT_ONCE", 300)
    split = by_environment(told, OneAxis.of(told.networks))
    np.testing.assert_allclose(whole.ninetieth, split.ninetieth, atol=1e-6)
    np.testing.assert_allclose(whole.granulated, split.granulated, atol=1e-6)


def test_environments_are_pairs_of_configurations_that_differ_in_one_axis(grid):
    pairs = OneAxis.of(grid(levels=(3, 2, 2), seeds=2))
    # 12 configurations: 4 contexts × 3 pairs, 6 × 1, 6 × 1; 2 × 2 pairs of seeds in each
    assert len(pairs.context) == 12 + 6 + 6
    assert len(pairs.first) == 24 * 4
    assert sorted(np.bincount(pairs.axis)) == [4, 6, 6]


def test_without_axes_there_is_no_environment_and_no_increment():
    rng = np.random.default_rng(0)
    networks = Networks(rng.normal(size=6), np.zeros((6, 1), int), resampled(6, 3, 0))
    told = Sample(networks, rng.normal(size=6))
    assert np.isnan(by_environment(told, OneAxis.of(networks)).mean).all()
    assert np.isnan(increment(told, rng.normal(size=6), 5)).all()
    assert np.isfinite(in_order(told)[0])


def test_resamples_follow_the_seed_and_draw_as_many_networks():
    one, again, other = (resampled(9, 50, seed) for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).any()
    assert (one[0] == 1).all() and (one.sum(axis=1) == 9).all()


def test_resamples_that_agree_are_no_interval():
    """Of four networks in order every resample is in order: others need not be."""
    target = np.arange(4.0)
    weights = resampled(4, 400, 0)
    one = Sample(Networks(target, np.zeros((4, 1), np.int64), weights), target)
    value, low, high = interval(in_order(one), 0.95)
    assert value == 1 and np.isnan([low, high]).all()
    other = Sample(one.networks, np.array([0.0, 2.0, 1.0, 3.0]))
    value, low, high = interval(in_order(other), 0.95)
    assert low < value < high <= 1
