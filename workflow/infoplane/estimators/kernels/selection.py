"""The bounding box of some rows, and the partition of rows at a position, to build trees of
rows; compiled for the CPU."""

import numba
import numpy as np


@numba.njit
def part(rows, order, a, b, middle, unit):
    """Reorder order[a:b] so that in `unit` no row before `middle` exceeds a later one."""
    while a < middle < b:
        first, last = rows[order[a], unit], rows[order[b - 1], unit]
        central = rows[order[(a + b) // 2], unit]
        pivot = max(min(first, last), min(max(first, last), central))  # their median
        behind = _smaller_first(rows, order, a, b, unit, pivot, False)
        if middle < behind:
            b = behind
            continue
        equal = _smaller_first(rows, order, behind, b, unit, pivot, True)
        if middle <= equal:
            return
        a = equal


@numba.njit
def _smaller_first(rows, order, a, b, unit, pivot, or_equal):
    """Reorder order[a:b]: first the rows that are smaller than the pivot in `unit`, or also
    those that equal it; returns the place behind them. It has no branches, of which a processor
    would predict every second one wrong."""
    behind = a
    for j in range(a, b):
        row = order[j]
        value = rows[row, unit]
        order[j], order[behind] = order[behind], row
        behind += np.int64((value < pivot) | (or_equal & (value == pivot)))
    return behind


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
