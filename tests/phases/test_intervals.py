"""Means with Student's interval."""

import numpy as np
import pytest
from scipy import stats

from infoplane.phases.intervals import RESOLUTION, Estimate, mean_of


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_interval_is_that_of_scipy(confidence):
    values = np.random.default_rng(0).normal(1.0, 2.0, 7)
    found = mean_of(values, confidence)
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert found[:3] == pytest.approx((values.mean(), expected.low, expected.high), rel=1e-12)
    assert found.n == 7


def test_what_was_not_measured_is_left_out():
    assert mean_of(np.array([np.nan, 1.0, 3.0])) == mean_of(np.array([1.0, 3.0]))


def test_one_value_has_no_interval_and_no_verdict():
    one, none = mean_of(np.array([2.0])), mean_of(np.array([np.nan]))
    assert one.mean == 2 and np.isnan(one.lower) and one.is_positive is None
    assert np.isnan(none.mean) and none.n == 0 and none.is_positive is None


@pytest.mark.parametrize(
    ("lower", "verdict"), [(0.2, True), (-0.1, False), (0.0, False), (RESOLUTION / 2, False)]
)
def test_positive_is_an_interval_above_zero(lower, verdict):
    assert Estimate(1.0, lower, 2.0, 5).is_positive is verdict
