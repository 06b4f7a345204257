"""Threads of a job, also of what it has not imported yet."""

import os
import sys

from threadpoolctl import threadpool_limits


def use_threads(n: int) -> None:
    """Make torch, numba and the linear algebra under numpy use n threads and no more.

    What is imported later reads it from the environment: a job that needs neither torch nor
    numba does not import them for this.
    """
    threadpool_limits(n)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(n)
    else:
        os.environ["OMP_NUM_THREADS"] = str(n)
    if numba := sys.modules.get("numba"):
        numba.set_num_threads(min(n, numba.config.NUMBA_NUM_THREADS))
    else:
        os.environ["NUMBA_NUM_THREADS"] = str(n)
