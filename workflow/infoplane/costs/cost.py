"""What a job will need."""

from typing import NamedTuple

IMPORTS_MB = 680
"""Resident memory of a job's process that has imported torch and the library, measured; the
build of torch with CUDA is the larger one."""
DRAWING_MB = 350
"""The same of a process that draws, which imports matplotlib and not torch."""
IMPORT_SECONDS = 30
"""Until a job has imported all that, on a slow shared disk."""
CUDA_MB = 3000
"""Allowance for CUDA's libraries and context in a process that computes on a GPU."""

GFLOPS = 20.0
"""Products of small matrices on one thread, in 10^9 operations a second."""


class Cost(NamedTuple):
    """Expected peak of resident memory in MB (10^6 bytes), and seconds."""

    mb: float
    seconds: float

    def on_gpu(self) -> "Cost":
        """The same of a job that may compute on a GPU. It has to end on a CPU as well."""
        return Cost(self.mb + CUDA_MB, self.seconds)


def speed_of(threads: int) -> float:
    """How much faster than on one thread; half of what a further thread could give."""
    return 1 + (threads - 1) / 2
