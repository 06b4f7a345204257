"""Clocks: medians of alternating runs, and the limits of the machine."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import torch

from infoplane.estimators.kernels import pairwise_cpu
from infoplane.estimators.kernels.threads import each

SHOWN = "{:<40} {:>11} {:>11} {:>8} {:>9}  {}"
"""Format of a printed row: item, the peer's and our milliseconds, ratio, distance, limit."""
HEAD = SHOWN.format("item", "peer ms", "ours ms", "ratio", "distance", "limit")


class Row(NamedTuple):
    """One item of a benchmark, in seconds.

    item : what is timed, with its sizes; it names the row within its part
    peer : time of the peer's algorithm in the same run; None: there is none
    least : time that the machine's measured limit alone would take; None: no limit is known
    limit : the name of this limit: "exponentials", "GEMM", "memory", …
    note : text that is printed below the row and is not in the table
    """

    item: str
    ours: float
    peer: float | None = None
    least: float | None = None
    limit: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The peer's time over ours."""
        return None if self.peer is None else self.peer / self.ours

    @property
    def distance(self) -> float | None:
        """Our time over the time of the limit alone."""
        return None if self.least is None else self.ours / self.least

    def __str__(self) -> str:
        shown = SHOWN.format(
            self.item,
            "–" if self.peer is None else f"{1e3 * self.peer:.2f}",
            f"{1e3 * self.ours:.3f}",
            "–" if self.ratio is None else f"{self.ratio:.1f}×",
            "–" if self.distance is None else f"{self.distance:.1f}×",
            self.limit,
        )
        return "\n  ".join([shown.rstrip(), *self.note.splitlines()])


def largest_resident() -> int:
    """Bytes of this program alone; getrusage would give its parent's peak if that is larger."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", status)[1])


now = time.perf_counter
"""The clock that is read before and after: of the wall, or time.process_time."""


def seconds(work: Callable[[], object]) -> float:
    """Time of one call on the clock `now`."""
    start = now()
    work()
    return now() - start


def medians(first: Callable, second: Callable, repeats: int) -> tuple[float, float]:
    """Median seconds of both, run in turn so that the machine's drift affects both equally."""
    first(), second()
    times = np.array([(seconds(first), seconds(second)) for _ in range(repeats)])
    return tuple(np.median(times, axis=0))


def median(call: Callable, repeats: int) -> float:
    """Median seconds of a call, after a first one."""
    call()
    return float(np.median([seconds(call) for _ in range(repeats)]))


@dataclass(frozen=True)
class Limits:
    """Measured rates of this machine with the threads in use."""

    gflops: float
    exponentials: float
    bytes_per_second: float

    @classmethod
    def measured(cls) -> "Limits":
        a = torch.randn(2048, 2048)
        product = torch.empty_like(a)
        torch.mm(a, a, out=product)
        gemm = np.median([seconds(lambda: torch.mm(a, a, out=product)) for _ in range(5)])
        return cls(2 * 2048**3 / gemm / 1e9, _exponentials(), _copies())

    def __str__(self) -> str:
        return (
            f"sgemm {self.gflops:.0f} GFLOP/s, float32 exponentials "
            f"{self.exponentials / 1e9:.1f} G/s, copies {self.bytes_per_second / 1e9:.1f} GB/s"
        )


def _exponentials(n_repeats: int = 100_000, n_values: int = 1024) -> float:
    """Exponentials per second of our own polynomial on values in cache; torch's is no
    faster."""
    values = np.random.default_rng(0).random((2, n_values)).astype(np.float32)
    n_threads = numba.get_num_threads()
    outs = [np.zeros(n_values, np.float32) for _ in range(n_threads)]

    def run(i: int) -> None:
        _exp_again(values[0], outs[i], n_repeats)

    each(run, n_threads)
    taken = np.median([seconds(lambda: each(run, n_threads)) for _ in range(5)])
    return n_threads * n_repeats * n_values / taken


@numba.njit(nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _exp_again(values, out, n_repeats):
    for _ in range(n_repeats):
        for j in range(values.shape[0]):
            out[j] += pairwise_cpu.exp_minus(values[j])


def _copies(n_bytes: int = 2**28) -> float:
    """Bytes per second that a copy reads and writes."""
    source = torch.zeros(n_bytes, dtype=torch.uint8)
    target = torch.zeros_like(source)
    taken = np.median([seconds(lambda: target.copy_(source)) for _ in range(5)])
    return 2 * n_bytes / taken
