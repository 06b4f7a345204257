"""What a job will need, and what it asks for: margins, round numbers, further attempts.

What a thing costs stands beside it: of a training in training/cost.py, of a measurement in
measurement/cost.py, of a layer in estimators/tables/costs.py. `plan/costs.py` puts them
together to jobs.
"""

import math
from typing import NamedTuple

PREPARING_MB, ESTIMATING_MB, TRAINING_MB, DRAWING_MB = 760, 830, 870, 350
"""Resident memory of processes that did next to nothing, measured: torch (the build with CUDA
is the larger one); the compiled loops of estimators; torch's optimizers, which import its
compiler; matplotlib without torch."""
IMPORT_SECONDS = 30
"""Until a job has imported all that, on a slow shared disk."""
GFLOPS = 20.0
"""Products of small matrices on one thread, in 10^9 operations a second."""

MEMORY_FACTOR, TIME_FACTOR = 1.25, 3.0
"""Times the expected. A job over its limit is killed, one below it costs nothing."""
LEAST_MB, LEAST_MINUTES = 500, 10
ROUND_MB = 100
MINUTES = (LEAST_MINUTES, 20, 30, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
"""Limits that are asked for; beyond a day, whole days."""


class Cost(NamedTuple):
    """Expected peak of resident memory in MB (10^6 bytes), and seconds."""

    mb: float
    seconds: float


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
    least = again * TIME_FACTOR * cost.seconds / 60
    days = 1440 * math.ceil(least / 1440)
    minutes = next((limit for limit in MINUTES if least <= limit), days)
    return Request(ROUND_MB * math.ceil(mb / ROUND_MB), minutes)


def speed_of(threads: int) -> float:
    """How much faster than on one thread; half of what a further thread could give."""
    return 1 + (threads - 1) / 2
