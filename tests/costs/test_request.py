"""Margins, round numbers, further attempts."""

from infoplane.costs import LEAST_MB, MEMORY_FACTOR, Cost, request


def test_requests_are_round_and_never_below_the_cost():
    for mb in (1, 499, 1000, 12_345.6):
        for seconds in (1, 600, 5000, 400_000):
            asked = request(Cost(mb, seconds))
            assert asked.mb >= max(LEAST_MB, MEMORY_FACTOR * mb)
            assert asked.mb % 100 == asked.minutes % 10 == 0
            assert 60 * asked.minutes >= seconds
            assert asked.minutes >= 10


def test_every_attempt_doubles_and_processes_around_a_job_are_added_once():
    cost = Cost(800.0, 1800.0)  # 1000 MB, 90 minutes with the margins
    asked = [request(cost, attempt, around_mb=500) for attempt in (1, 2, 3)]
    assert asked == [(1500, 90), (2500, 180), (4500, 360)]
