"""Rows parted at a place, as trees of rows are made; compiled for the CPU."""

import numba


@numba.njit
def part(rows, order, a, b, middle, unit):
    """Order order[a:b] so that no row before `middle` has a larger value than one after it."""
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
