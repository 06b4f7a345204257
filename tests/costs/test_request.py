"""Margins, round numbers, further attempts."""

import pytest

from infoplane.costs import LEAST_MB, LEAST_MINUTES, MEMORY_FACTOR, Cost, request


def test_requests_are_round_and_never_below_the_cost():
    for mb in (1, 499, 1000, 12_345.6):
        for seconds in (1, 600, 5000, 400_000):
            asked = request(Cost(mb, seconds))
            assert asked.mb >= max(LEAST_MB, MEMORY_FACTOR * mb)
            assert asked.mb % 100 == 0
            assert 60 * asked.minutes >= seconds
            assert asked.minutes >= LEAST_MINUTES


def test_every_attempt_doubles():
    cost = Cost(800.0, 1800.0)  # 1000 MB, 90 minutes with the margins
    assert [request(cost, attempt) for attempt in (1, 2, 3)] == [
        (1000, 90),
        (2000, 180),
        (4000, 360),
    ]


def test_processes_around_a_job_are_added_once():
    cost = Cost(800.0, 60.0)
    assert [request(cost, attempt, around_mb=500).mb for attempt in (1, 2)] == [1500, 2500]


@pytest.mark.parametrize(("least", "asked"), [(0, 10), (10, 10), (11, 20), (1441, 2880)])
def test_limits_are_the_next_round_ones(least, asked):
    assert request(Cost(1.0, 20.0 * least)).minutes == asked
