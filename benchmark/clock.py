"""Clocks: medians of alternating runs, and what the machine can do at most."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
import torch

from infoplane.estimators.kernels import pairwise_cpu
from infoplane.estimators.kernels.threads import each

ROW = "{:<34} {:>11} {:>11} {:>8} {:>8}"
"""One row of the table: item, the peer's and our milliseconds, ratio, share of the limit."""


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(first: Callable, second: Callable, repeats: int) -> tuple[float, float]:
    """Median seconds of both, run in turn so that the machine's drift meets both alike."""
    first(), second()
    times = np.array([(seconds(first), seconds(second)) for _ in range(repeats)])
    return tuple(np.median(times, axis=0))


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
            f"limits: sgemm {self.gflops:.0f} GFLOP/s, float32 exponentials "
            f"{self.exponentials / 1e9:.1f} G/s, copies {self.bytes_per_second / 1e9:.1f} GB/s"
        )


def _exponentials(n_repeats: int = 100_000, n_values: int = 1024) -> float:
    """Our own polynomial on values in cache: torch's is no faster."""
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
    """Bytes read and written a second by a copy."""
    source = torch.zeros(n_bytes, dtype=torch.uint8)
    target = torch.zeros_like(source)
    taken = np.median([seconds(lambda: target.copy_(source)) for _ in range(5)])
    return 2 * n_bytes / taken


def line(name: str, theirs: float | None, ours: float, least: float | None) -> None:
    """One row of the table, times in ms."""
    print(
        ROW.format(
            name,
            "–" if theirs is None else f"{1e3 * theirs:.2f}",
            f"{1e3 * ours:.3f}",
            "–" if theirs is None else f"{theirs / ours:.1f}×",
            "–" if least is None else f"{100 * least / ours:.0f} %",
        ),
        flush=True,
    )
