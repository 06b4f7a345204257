"""The bounding box of some rows, and the partition of rows at a position, to build trees of
rows; compiled for the CPU."""

import numba
import numpy as np

SAMPLED = 15
"""At most this many rows are sorted to find one that divides all of them near a place."""


@numba.njit
def part(rows, order, a, b, middle, unit):
    """Reorder order[a:b] so that in `unit` no row before `middle` exceeds a later one."""
    sample = np.empty(SAMPLED, rows.dtype)
    while a < middle < b:
        pivot = _pivot(rows, order, a, b, middle, unit, sample)
        behind = _smaller_first(rows, order, a, b, unit, pivot)
        if middle <= behind:
            b = behind
            continue
        equal = _equal_first(rows, order, behind, b, unit, pivot)
        if middle <= equal:
            return
        a = equal


@numba.njit
def _pivot(rows, order, a, b, middle, unit, sample):
    """About the value that belongs at `middle`: the one at its place in a sorted sample."""
    n = min(SAMPLED, max(3, (b - a) // 16))
    for i in range(n):
        value, j = rows[order[a + (2 * i + 1) * (b - a) // (2 * n)], unit], i
        while j > 0 and sample[j - 1] > value:
            sample[j] = sample[j - 1]
            j -= 1
        sample[j] = value
    return sample[(middle - a) * n // (b - a)]


@numba.njit
def _smaller_first(rows, order, a, b, unit, pivot):
    """Reorder order[a:b]: first the rows that are smaller than the pivot in `unit`; returns the
    place behind them. It has no branches, of which a processor would predict every second one
    wrong, and indices without a sign, which need not be compared with 0."""
    behind = np.uint64(a)
    for j in range(behind, np.uint64(b)):
        row = order[j]
        order[j], order[behind] = order[behind], row
        behind += np.uint64(rows[np.uint64(row), unit] < pivot)
    return np.int64(behind)


@numba.njit
def _equal_first(rows, order, a, b, unit, pivot):
    """The same for the rows that equal the pivot."""
    behind = np.uint64(a)
    for j in range(behind, np.uint64(b)):
        row = order[j]
        order[j], order[behind] = order[behind], row
        behind += np.uint64(rows[np.uint64(row), unit] == pivot)
    return np.int64(behind)


@numba.njit
def boxed(rows, chosen, low, high):
    """Fill low and high (d,) with the bounding box of the chosen rows; returns its widest unit,
    or −1 if all rows are equal."""
    low[:], high[:] = np.inf, -np.inf
    for j in chosen:
        for k in range(low.shape[0]):
            low[k], high[k] = min(low[k], rows[j, k]), max(high[k], rows[j, k])
    widest, width = -1, 0.0
    for k in range(low.shape[0]):
        if float(high[k]) - float(low[k]) > width:
            widest, width = k, float(high[k]) - float(low[k])
    return widest
