"""What a job asks for, from its expected cost. Each method's cost is in its own module."""

import math
from typing import NamedTuple

TORCH_MB, DRAWING_MB = 870, 350
"""Resident memory of processes that did next to nothing, measured: torch (the build with CUDA
is the larger one) with its optimizers or the compiled loops of estimators; matplotlib."""
IMPORT_SECONDS = 30
"""The time that a job takes to import all that from a slow shared disk."""
GFLOPS = 20.0
"""Speed of products of small matrices on one thread, in 10^9 operations per second."""
MEMORY_FACTOR, TIME_FACTOR = 1.25, 3.0
"""The job asks for this multiple of its expected cost. A job above its limit is killed; one
below it costs nothing."""
LEAST_MB, ROUND_MB, ROUND_MINUTES = 500, 100, 10


class Cost(NamedTuple):
    """Expected peak of resident memory in MB (10^6 bytes), and seconds."""

    mb: float
    seconds: float


class Request(NamedTuple):
    """What a job asks for: MB (10^6 bytes) and minutes."""

    mb: int
    minutes: int


def request(cost: Cost, attempt: int = 1, around_mb: float = 0) -> Request:
    """Memory and time to ask for. Each further attempt doubles both.

    around_mb : memory of processes around the job that its allocation has to hold as well
    """
    again = 2 ** (attempt - 1)
    mb = again * max(MEMORY_FACTOR * cost.mb, LEAST_MB) + around_mb
    minutes = again * max(TIME_FACTOR * cost.seconds / 60, 1)
    return Request(
        ROUND_MB * math.ceil(mb / ROUND_MB), ROUND_MINUTES * math.ceil(minutes / ROUND_MINUTES)
    )


def speed_of(threads: int) -> float:
    """The speed-up over one thread: each further thread counts half."""
    return 1 + (threads - 1) / 2
