"""The number of threads of a job, also for libraries that it has not imported yet."""

import os
import sys

from threadpoolctl import threadpool_limits


def use_threads(n: int) -> None:
    """Make torch, numba and the linear algebra under numpy use n threads and no more.

    Libraries that are imported later read the number from the environment. So a job that needs
    neither torch nor numba does not import them here.
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
