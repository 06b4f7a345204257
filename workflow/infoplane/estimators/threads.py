"""Compiled loops that release the interpreter's lock, on as many threads as numba may use."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba


def each(task: Callable[[int], None], n_tasks: int) -> None:
    """Call task(0) … task(n_tasks − 1), on at most numba.get_num_threads() threads.

    The tasks must not depend on one another. Plain threads rather than numba's parallel
    loops: these bring an OpenMP pool of their own, which spins against torch's and does not
    survive a fork. Raises what a task raises.
    """
    n_threads = min(numba.get_num_threads(), n_tasks)
    if n_threads == 1:
        for i in range(n_tasks):
            task(i)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(task, range(n_tasks)):
            pass
