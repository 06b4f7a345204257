"""What a job will need, and what it asks for: margins, round numbers, further attempts."""

import math
from typing import NamedTuple

PREPARING_MB = 760
"""Largest resident memory of a job's process that did next to nothing, measured: of one that
imported torch and the library. The build of torch with CUDA is the larger one."""
ESTIMATING_MB = 830
"""The same of one that estimated, with the compiled loops of the estimators."""
TRAINING_MB = 870
"""The same of one that trained: torch's optimizers import its compiler."""
DRAWING_MB = 350
"""The same of one that drew, which imports matplotlib and not torch: 110 MB, and its page."""
IMPORT_SECONDS = 30
"""Until a job has imported all that, on a slow shared disk."""
GFLOPS = 20.0
"""Products of small matrices on one thread, in 10^9 operations a second."""

MEMORY_FACTOR = 1.25
"""Times the expected memory."""
TIME_FACTOR = 3.0
"""Times the expected seconds: a job over its limit is killed, one below it costs nothing."""
LEAST_MB = 500
LEAST_MINUTES = 10
ROUND_MB = 100
MINUTES = (10, 20, 30, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
"""Limits that are asked for; beyond a day, whole days."""


class Cost(NamedTuple):
    """Expected peak of resident memory in MB (10^6 bytes), and seconds."""

    mb: float
    seconds: float


def speed_of(threads: int) -> float:
    """How much faster than on one thread; half of what a further thread could give."""
    return 1 + (threads - 1) / 2


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
