"""From what a job will need to what it asks for: margins, round numbers, further attempts."""

import math
from typing import NamedTuple

from infoplane.costs.cost import Cost

MEMORY_FACTOR = 1.25
"""Times the expected memory."""
TIME_FACTOR = 3.0
"""Times the expected seconds: a job over its limit is killed, one below it costs nothing."""
LEAST_MB = 500
LEAST_MINUTES = 10
ROUND_MB = 100
MINUTES = (10, 20, 30, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
"""Limits that are asked for; beyond a day, whole days."""


class Request(NamedTuple):
    """What a job asks for: MB (10^6 bytes) and minutes."""

    mb: int
    minutes: int


def request(cost: Cost, attempt: int = 1, around_mb: float = 0) -> Request:
    """What to ask for. Each further attempt doubles both.

    around_mb : memory of processes around the job that its allocation has to hold as well
    """
    again = 2 ** (attempt - 1)
    mb = again * max(MEMORY_FACTOR * cost.mb, LEAST_MB) + around_mb
    return Request(
        ROUND_MB * math.ceil(mb / ROUND_MB), minutes(again * TIME_FACTOR * cost.seconds / 60)
    )


def minutes(least: float) -> int:
    """The next of the limits that are asked for."""
    for limit in MINUTES:
        if least <= limit:
            return limit
    return 1440 * math.ceil(least / 1440)
