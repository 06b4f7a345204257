"""Parallel tasks that release the interpreter's lock, on as many threads as numba may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba


def each(task: Callable[[int], None], n_tasks: int) -> None:
    """Call task(0) … task(n_tasks − 1), on at most numba.get_num_threads() threads.

    The tasks must not depend on one another; a thread that has finished takes the next task.
    These are plain threads and not numba's parallel loops, whose own OpenMP pool would compete
    with torch's for the cores. Raises what a task raises.
    """
    waiting = iter(range(n_tasks))

    def work() -> None:
        for i in waiting:  # taking the next number is atomic
            task(i)

    n_helpers = min(numba.get_num_threads(), n_tasks) - 1
    if n_helpers <= 0:
        work()
        return
    pool = _pool(n_helpers)
    helpers = [pool.submit(work) for _ in range(n_helpers)]
    work()
    for helper in helpers:
        helper.result()


@cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    """Threads that are kept: a new thread starts on its parent's core and needs milliseconds to
    move to a free one, longer than a short batch takes."""
    return ThreadPoolExecutor(n_threads)


os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
