"""The bounding box of some rows, and the partition of rows at a position, to build trees of
rows; compiled for the CPU."""

import numba
import numpy as np


@numba.njit
def part(rows, order, a, b, middle, unit):
    """Reorder order[a:b] so that in `unit` no row before `middle` exceeds a later one."""
    low, high = a, b - 1
    while low < high:
        pivot = rows[order[(low + high) // 2], unit]
        i, j = low, high
        while i <= j:
            while rows[order[i], unit] < pivot:
                i += 1
            while rows[order[j], unit] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


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
