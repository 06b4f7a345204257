"""Neighbour counts of variables of one dimension, by sorting, compiled for the CPU.

A ball on a line is an interval, and how many values lie in it two binary searches tell; so a
thousand slices of a layer cost what a few kernels in many dimensions do. Comparisons are those
of the differences themselves, as a difference from x_i + r would round to the other side.
Radii are distances or, `euclid`, their squares.
"""

import numba
import numpy as np

from infoplane.compiled import compiled


@numba.njit(nogil=True)
def _inside(e, radius, euclid):
    """Whether two values that differ by e ≥ 0 are neighbours: strictly nearer than the radius
    in the max-norm, or as near as that in the Euclidean."""
    return e * e <= radius if euclid else e < radius


@numba.njit(nogil=True)
def _others_within(values, x, radius, euclid):
    """How many of the sorted values lie in the ball about x, less the one that is x."""
    low, high = 0, np.searchsorted(values, x)
    own = high
    while low < high:  # the first from the left that is inside
        middle = (low + high) // 2
        if _inside(x - values[middle], radius, euclid):
            high = middle
        else:
            low = middle + 1
    first = low
    low, high = own, values.shape[0]
    while low < high:  # the first from the right that is not
        middle = (low + high) // 2
        if _inside(values[middle] - x, radius, euclid):
            low = middle + 1
        else:
            high = middle
    return max(low - first - 1, 0)


@numba.njit(nogil=True)
def _apart(dx, dy, euclid):
    return dx * dx + dy * dy if euclid else max(abs(dx), abs(dy))


@numba.njit(nogil=True)
def _put(v, best):
    p = best.shape[0] - 1
    while p > 0 and best[p - 1] > v:
        best[p] = best[p - 1]
        p -= 1
    best[p] = v


@compiled(nogil=True)
def pair_counts(x, y, order, k, euclid, out):
    """Numbers of values within the distance of each point's k-th neighbour in the plane.

    x, y : float64 (n,); order : int64 (n,), sorts x
    out : int64 (n, 2), those in x and in y, the point itself left out
    Neighbours are sought from the point outwards along x, until x alone is farther than the
    k-th found: some √(n k) values for independent variables, fewer for dependent ones.
    """
    n = x.shape[0]
    along, beside = x[order], y[order]
    sorted_y = np.sort(y)
    best = np.empty(k)
    for i in range(n):
        best[:] = np.inf
        left, right = i - 1, i + 1
        while left >= 0 or right < n:
            if right < n:
                dx = along[right] - along[i]
                v = _apart(dx, beside[right] - beside[i], euclid)
                if v < best[k - 1]:
                    _put(v, best)
                right = right + 1 if _apart(dx, 0.0, euclid) < best[k - 1] else n
            if left >= 0:
                dx = along[i] - along[left]
                v = _apart(dx, beside[left] - beside[i], euclid)
                if v < best[k - 1]:
                    _put(v, best)
                left = left - 1 if _apart(dx, 0.0, euclid) < best[k - 1] else -1
        radius = best[k - 1]
        out[order[i], 0] = _others_within(along, along[i], radius, euclid)
        out[order[i], 1] = _others_within(sorted_y, beside[i], radius, euclid)


@compiled(nogil=True)
def counts(x, everything, radii, euclid, out):
    """Numbers of other values within radii (n,) of x (n,); everything : x, sorted."""
    for i in range(x.shape[0]):
        out[i] = _others_within(everything, x[i], radii[i], euclid)


@compiled(nogil=True)
def group_counts(x, starts, stops, ks, out):
    """How many of all values lie strictly nearer than the ks[i]-th neighbour in the own group.

    x : float64 (n,), sorted within each group; starts, stops : int64 (n,), the place of each
    value's group; ks : int64 (n,), less than the size of the group; out : int64 (n,)
    """
    everything = np.sort(x)
    for i in range(x.shape[0]):
        k = ks[i]
        radius = np.inf
        for first in range(max(starts[i], i - k), min(i, stops[i] - 1 - k) + 1):
            radius = min(radius, max(x[i] - x[first], x[first + k] - x[i]))
        out[i] = _others_within(everything, x[i], radius, False)


def gentler_first(x: np.ndarray, y: np.ndarray, k: int) -> bool:
    """Whether to seek along x rather than y: along the one that crowds its values less."""
    step = max(1, int(np.sqrt(len(x) * k)))

    def crowding(values):
        ordered = np.sort(values)
        return -np.log(np.maximum(ordered[step:] - ordered[:-step], 1e-300)).sum()

    return step >= len(x) or crowding(x) <= crowding(y)
