"""Gaussian kernel sums over all pairs of rows that lie on a line, compiled for the CPU.

Examples are a layer with one unit, two outputs of a softmax, and a layer whose other units are
dead. Places s on the line are in units in which the kernel is e^−(s − s')², and the line is
divided into boxes. Relative to the boxes' centres p and q, with s = p + u and s' = q + v,
    Σ e^−(s − s')² = Σ_l u^l Σ_q Σ_k M_qk (−1)^l h_{k+l}(p − q) / (k! l!)     M_qk = Σ v^k
(the fast Gauss transform: Greengard & Strain 1991, SIAM J. Sci. Stat. Comput. 12, 79, eq. 13
and 17), where h_k(z) is e^−z² times the k-th Hermite polynomial. The cost of a pair of boxes
does not depend on the number of rows in them, so the sums take n steps instead of n².

By Cramér's bound, |h_k(z)| ≤ 1.09 √(2^k k!), the omitted terms are less than 2e-13 of the
largest kernel value, and so are the terms of boxes farther apart than REACH. So each sum, which
is at least 1, is accurate to n · 2e-13.
"""

import math
from functools import cache

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST

WIDTH = 0.375
"""Width of a box."""
TERMS = 16
REACH = 17
"""Pairs in boxes farther apart than this number of boxes have kernels below 3e-16."""
_FEW = 16


@compiled(nogil=True)
def on_a_line(rows, most, places):
    """Whether the squared distance of all rows (n, d) from a line through the first is at most
    `most`.

    If so, places, float64 (n,), holds their positions along the line, in units of the rows. For
    most layers a few rows show that they are not on a line.
    """
    n, d = rows.shape
    along = np.empty(d)
    for m in (min(n, _FEW), n):
        far, length = 0, 0.0
        for i in range(m):
            square = 0.0
            for k in range(d):
                e = np.float64(rows[i, k]) - np.float64(rows[0, k])
                square += e * e
            if square > length:
                far, length = i, square
        length = np.sqrt(length)
        for k in range(d):
            e = np.float64(rows[far, k]) - np.float64(rows[0, k])
            along[k] = e / length if length > 0 else 0.0
        for i in range(m):
            place = 0.0
            for k in range(d):
                place += (np.float64(rows[i, k]) - np.float64(rows[0, k])) * along[k]
            beside = 0.0
            for k in range(d):
                e = np.float64(rows[i, k]) - np.float64(rows[0, k]) - place * along[k]
                beside += e * e
            if not beside <= most:
                return False
            places[i] = place
    return True


@cache
def between_boxes() -> np.ndarray:
    """(−1)^l h_{k+l}(m · WIDTH) / (k! l!) for boxes m apart: (2 REACH + 1, TERMS, TERMS)."""
    z = WIDTH * np.arange(-REACH, REACH + 1)
    h = [np.exp(-z * z), 2 * z * np.exp(-z * z)]
    for k in range(1, 2 * TERMS - 2):
        h.append(2 * z * h[k] - 2 * k * h[k - 1])
    k = np.arange(TERMS)
    over = np.array([1 / math.factorial(i) for i in k])
    return np.stack(h, axis=1)[:, k[:, None] + k] * over[:, None] * (over * (-1.0) ** k)


@compiled(nogil=True)
def line_sums(places, ends, table, within, whole):
    """Fill within (n,) and whole (n,) with the kernel sums of places (n,) over the own class
    and over all. Class c has the places ends[c] … ends[c + 1] − 1."""
    for c in range(len(ends) - 1):
        _sums(places[ends[c] : ends[c + 1]], table, within[ends[c] : ends[c + 1]])
    if len(ends) > 2:
        _sums(places, table, whole)
    else:
        whole[:] = within


@numba.njit(fastmath=FAST, forceinline=True)
def _shift(moments, table, series):
    """Add a box's moments to the series around another. Each pass takes four terms, because a
    pass must wait until the one before is written."""
    for k in range(0, TERMS, 4):
        a, b, c, d = moments[k], moments[k + 1], moments[k + 2], moments[k + 3]
        for m in range(TERMS):
            series[m] += (a * table[k, m] + b * table[k + 1, m]) + (
                c * table[k + 2, m] + d * table[k + 3, m]
            )


@numba.njit(fastmath=FAST)
def _sums(places, table, out):
    low = places.min()
    n_boxes = np.int64((places.max() - low) / WIDTH) + 1
    n_rows = np.zeros(n_boxes, np.int64)
    moments = np.zeros((n_boxes, TERMS))
    box = np.empty(len(places), np.int64)
    for i in range(len(places)):
        box[i] = min(np.int64((places[i] - low) / WIDTH), n_boxes - 1)
        v = places[i] - low - (box[i] + 0.5) * WIDTH
        n_rows[box[i]] += 1
        power = 1.0
        for k in range(TERMS):
            moments[box[i], k] += power
            power *= v
    series = np.zeros((n_boxes, TERMS))
    for p in range(n_boxes):
        if n_rows[p] == 0:
            continue
        for q in range(max(0, p - REACH), min(n_boxes, p + REACH + 1)):
            if n_rows[q] > 0:
                _shift(moments[q], table[p - q + REACH], series[p])
    for i in range(len(places)):
        u = places[i] - low - (box[i] + 0.5) * WIDTH
        total = 0.0
        for k in range(TERMS - 1, -1, -1):
            total = total * u + series[box[i], k]
        out[i] = total
