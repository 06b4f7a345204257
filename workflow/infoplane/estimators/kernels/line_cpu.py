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
from infoplane.vectors_cpu import after, load, pointer, store, zeros

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
    table = np.stack(h, axis=1)[:, k[:, None] + k] * over[:, None] * (over * (-1.0) ** k)
    return np.ascontiguousarray(table)


@compiled(nogil=True)
def line_sums(places, ends, table, within, whole):
    """Fill within (n,) and whole (n,) with the kernel sums of places (n,) over the own class
    and over all. Class c has the places ends[c] … ends[c + 1] − 1."""
    low = places.min() - WIDTH / 2  # equal places are at the centre of their box
    n_boxes = np.int64((places.max() - low) / WIDTH) + 1
    moments, series, of_all = np.zeros((3, n_boxes, TERMS))
    occupied = np.zeros(n_boxes, np.bool_)
    for i in range(len(places)):
        occupied[_box(places[i], low, n_boxes)[0]] = True
    for c in range(len(ends) - 1):
        own = slice(ends[c], ends[c + 1])
        _fill_moments(places[own], low, moments)
        _fill_series(moments, table, occupied, series)
        _evaluate(places[own], low, series, within[own])
        of_all += series
    _evaluate(places, low, of_all, whole)


@numba.njit(fastmath=FAST, forceinline=True)
def _box(place, low, n_boxes):
    """The box of a place, and its distance from the box's centre."""
    box = min(np.int64((place - low) / WIDTH), n_boxes - 1)
    return box, place - low - (box + 0.5) * WIDTH


@numba.njit(fastmath=FAST, forceinline=True)
def _fill_powers(v, out):
    """out[k] = v^k, four at a time."""
    out[0], out[1], out[2], out[3] = 1.0, v, v * v, v * v * v
    fourth = out[2] * out[2]
    for k in range(4, TERMS):
        out[k] = out[k - 4] * fourth


@numba.njit(fastmath=FAST)
def _fill_moments(places, low, moments):
    powers = np.empty(TERMS)
    moments[:] = 0
    for i in range(len(places)):
        box, v = _box(places[i], low, len(moments))
        _fill_powers(v, powers)
        for k in range(TERMS):
            moments[box, k] += powers[k]


@numba.njit(fastmath=FAST)
def _fill_series(moments, table, occupied, series):
    """The series around each occupied box, from the moments of all boxes within reach. Moment 0
    is the number of places. Pairs of boxes equally far apart come one after another, because
    they share a part of the table, which is larger than the fastest cache."""
    series[:] = 0
    m, t, s = pointer(moments), pointer(table), pointer(series)
    n_boxes = len(moments)
    for apart in range(-REACH, REACH + 1):
        for p in range(max(0, apart), min(n_boxes, n_boxes + apart)):
            if occupied[p] and moments[p - apart, 0] > 0:
                _shift(
                    after(m, (p - apart) * TERMS),
                    after(t, (apart + REACH) * TERMS * TERMS),
                    after(s, p * TERMS),
                )


@numba.njit(fastmath=FAST, forceinline=True)
def _shift(moments, table, series):
    """Add a box's moments to the series around another; all are pointers. Four sums run at
    once, because a sum must wait for its last term."""
    a = load(series, 0, TERMS)
    b = c = d = zeros(series, TERMS)
    for k in range(0, TERMS, 4):
        a = a + load(table, k * TERMS, TERMS) * moments[k]
        b = b + load(table, (k + 1) * TERMS, TERMS) * moments[k + 1]
        c = c + load(table, (k + 2) * TERMS, TERMS) * moments[k + 2]
        d = d + load(table, (k + 3) * TERMS, TERMS) * moments[k + 3]
    store(series, 0, (a + b) + (c + d))


@numba.njit(fastmath=FAST)
def _evaluate(places, low, series, out):
    powers = np.empty(TERMS)
    for i in range(len(places)):
        box, u = _box(places[i], low, len(series))
        _fill_powers(u, powers)
        total = 0.0
        for k in range(TERMS):
            total += series[box, k] * powers[k]
        out[i] = total
