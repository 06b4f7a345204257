"""What a job will need."""

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


class Cost(NamedTuple):
    """Expected peak of resident memory in MB (10^6 bytes), and seconds."""

    mb: float
    seconds: float


def speed_of(threads: int) -> float:
    """How much faster than on one thread; half of what a further thread could give."""
    return 1 + (threads - 1) / 2
