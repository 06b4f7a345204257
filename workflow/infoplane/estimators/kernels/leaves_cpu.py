"""Leaves of rows that are close in space, compiled for the CPU.

A leaf is LEAF rows with a bounding box, and consists of parts of PART rows with boxes of their
own. Leaves, or their parts, are contiguous tiles (n_units, number of rows), filled up with rows
that are infinitely far away. Leaves out of a point's reach are skipped unread, and loops over a
leaf have a length that the compiler knows.
"""

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST
from infoplane.estimators.kernels.selection import boxed, part
from infoplane.vectors_cpu import after, least, load, most, pointer, spread, store

LEAF = 64
PART = 16
UNITS = 32
"""Number of units after which to check whether any row of a leaf is still within reach."""
LINE = 16
"""Numbers of float32 in a line of the cache."""


@compiled(nogil=True)
def split_in_space(rows, order, start, stop, smallest):
    """Reorder order[start:stop] so that LEAF successive rows, counted from start, are close
    together, and `smallest` successive rows of each leaf as well.

    rows (n_rows, n_units) : float32, filled up to whole lines. Rows are halved again and again
    near the median of their widest unit, at a multiple of LEAF or, within a leaf, of
    `smallest`.
    """
    low, high = np.empty((2, rows.shape[1]), rows.dtype)
    stack = [(start, stop)]
    while stack:
        a, b = stack.pop()
        size = LEAF if b - a > LEAF else smallest
        n_parts = (b - a + size - 1) // size
        if n_parts < 2:
            continue
        widest = _widest(rows, order, a, b, low, high)
        if widest < 0:  # all rows are equal
            continue
        middle = a + n_parts // 2 * size
        part(rows, order, a, b, middle, widest)
        stack.append((middle, b))
        stack.append((a, middle))


@numba.njit(forceinline=True)
def _widest(rows, order, a, b, low, high):
    """The unit in which the rows order[a:b] spread widest, or −1 if all rows are equal.

    rows, low, high : as in `split_in_space`; low and high are filled
    """
    p = pointer(rows)
    for first in range(0, rows.shape[1], LINE):
        smallest, largest = spread(np.float32(np.inf), LINE), spread(np.float32(-np.inf), LINE)
        for j in range(a, b):
            line = load(after(p, order[j] * rows.shape[1]), first, LINE)
            smallest, largest = least(line, smallest), most(line, largest)
        store(pointer(low), first, smallest)
        store(pointer(high), first, largest)
    widest, width = -1, np.float32(0)
    for k in range(rows.shape[1]):
        if high[k] - low[k] > width:
            widest, width = k, high[k] - low[k]
    return widest


@compiled(nogil=True)
def fill(rows, order, starts, stops, tiles, low, high):
    """Fill tiles (n_leaves, n_units, LEAF) with the rows order[starts[i]:stops[i]] of leaf i
    and far rows, and low and high (n_leaves, n_units) with the corners of the boxes."""
    tiles[:] = np.inf
    tiles[:, rows.shape[1] :] = 0
    for leaf in range(len(starts)):
        chosen = order[starts[leaf] : stops[leaf]]
        boxed(rows, chosen, low[leaf], high[leaf])
        for i in range(len(chosen)):
            for k in range(rows.shape[1]):
                tiles[leaf, k, i] = rows[chosen[i], k]


@numba.njit(fastmath=FAST, forceinline=True)
def reached(tiles, leaf, points, i, reach, out):
    """Whether a row of the leaf is within the squared distance `reach` of point i.

    If so, out[j] = ‖point i − row j of the leaf‖², by direct differences.
    """
    d = tiles.shape[1]
    for first in range(0, d, UNITS):
        _add_squares(tiles, leaf, points, i, first, min(first + UNITS, d), out)
        if not any_within(out, reach):
            return False
    return True


@numba.njit(fastmath=FAST, forceinline=True)
def _add_squares(tiles, leaf, points, i, first, last, out):
    """Add the squared differences in units first … last − 1 to out; unit 0 overwrites out.

    Each pass takes four units, because reading and writing `out` limits its speed, not
    arithmetic.
    """
    for k in range(first, last, 4):
        a0, a1, a2, a3 = points[i, k], points[i, k + 1], points[i, k + 2], points[i, k + 3]
        b0, b1 = tiles[leaf, k], tiles[leaf, k + 1]
        b2, b3 = tiles[leaf, k + 2], tiles[leaf, k + 3]
        if k == 0:
            for j in range(LEAF):
                e0, e1, e2, e3 = b0[j] - a0, b1[j] - a1, b2[j] - a2, b3[j] - a3
                out[j] = e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
        else:
            for j in range(LEAF):
                e0, e1, e2, e3 = b0[j] - a0, b1[j] - a1, b2[j] - a2, b3[j] - a3
                out[j] += e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3


@numba.njit(forceinline=True)
def any_within(values, reach):
    """Whether any of LEAF values is within reach. It counts them, because a loop that may stop
    early is not vectorised."""
    n = np.int32(0)
    for j in range(LEAF):
        n = np.int32(n + np.int32(values[j] <= reach))
    return n > 0


def filled_up(rows: np.ndarray, to: int = 4, dtype=None) -> np.ndarray:
    """Rows (n, d) with units of 0 to a multiple of `to`, contiguous, in their type or another.
    Numbers too large for it become infinite."""
    n, d = rows.shape
    filled = np.zeros((n, d + -d % to), dtype or rows.dtype)  # np.pad takes ten times as long
    with np.errstate(over="ignore"):
        filled[:, :d] = rows
    return filled


def in_lines(rows: np.ndarray) -> np.ndarray:
    """Rows (n, d) in float32, filled up to whole lines, as `split_in_space` takes them."""
    return filled_up(rows, LINE, np.float32)
