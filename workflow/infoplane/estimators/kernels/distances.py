"""Squared distances by direct differences, compiled for the CPU: one loop for all methods but
leaves_cpu, whose tiles are so small that passing them on would cost a fifth of the time."""

import numba

FAST = {"reassoc", "contract", "nsz"}
"""Freedoms of the compiler with sums: it may reorder and fuse them. Infinities keep their
meaning, because distances to far points overflow to infinity."""


@numba.njit(fastmath=FAST, forceinline=True)
def squared_distances(columns, i, start, stop, out):
    """out[j] = ‖point i − point (start + j)‖², where columns (d, n) holds one point per column.

    Each pass takes four dimensions, because reading and writing `out` limits its speed, not
    arithmetic.
    """
    d = columns.shape[0]
    m = stop - start
    for j in range(m):
        out[j] = 0
    for k in range(0, d - 3, 4):
        a0, a1, a2, a3 = columns[k, i], columns[k + 1, i], columns[k + 2, i], columns[k + 3, i]
        b0, b1 = columns[k, start:stop], columns[k + 1, start:stop]
        b2, b3 = columns[k + 2, start:stop], columns[k + 3, start:stop]
        for j in range(m):
            e0, e1, e2, e3 = b0[j] - a0, b1[j] - a1, b2[j] - a2, b3[j] - a3
            out[j] += e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
    for k in range(d - d % 4, d):
        a = columns[k, i]
        b = columns[k, start:stop]
        for j in range(m):
            e = b[j] - a
            out[j] += e * e


@numba.njit(fastmath=FAST, forceinline=True)
def squared_distance(a, b):
    """‖a − b‖² for two contiguous rows."""
    total = a[0] * 0
    for k in range(a.shape[0]):
        e = a[k] - b[k]
        total += e * e
    return total
