"""Neighbour counts for variables of one dimension, by sorting, compiled for the CPU.

A ball on a line is an interval, and two binary searches count the values in it. So a thousand
slices of a layer cost as much as a few searches in many dimensions. Comparisons use the
differences themselves, because a comparison with x_i + r may round to the other side. Radii are
distances or, with `euclid`, their squares.
"""

import numba
import numpy as np

from infoplane.compiled import compiled


@numba.njit(nogil=True)
def _inside(e, radius, euclid):
    """Whether two values that differ by e ≥ 0 are neighbours: strictly nearer than the radius
    in the max-norm, at most as far as the radius in the Euclidean norm."""
    return e * e <= radius if euclid else e < radius


@numba.njit(nogil=True)
def _others_within(values, x, radius, euclid):
    """Number of sorted values in the ball around x, without x itself."""
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
def _seek(point, x, y, place, own, euclid, best):
    """Put the distances of a point to the nearest of some points (x, y), sorted by y, into
    best (k,).

    place : position of the point in their order; the search goes outwards from here until y
        alone is farther than the k-th distance found
    own : position of the point itself among them, or −1
    """
    k = best.shape[0]
    for j in range(place, y.shape[0]):
        dy = y[j] - point[1]
        if _apart(0.0, dy, euclid) >= best[k - 1]:
            break
        v = _apart(x[j] - point[0], dy, euclid)
        if v < best[k - 1] and j != own:
            _put(v, best)
    for j in range(place - 1, -1, -1):
        dy = y[j] - point[1]
        if _apart(0.0, dy, euclid) >= best[k - 1]:
            break
        v = _apart(x[j] - point[0], dy, euclid)
        if v < best[k - 1]:
            _put(v, best)


@compiled(nogil=True)
def pair_counts(x, y, order, k, euclid, out):
    """Numbers of values within the distance of each point's k-th neighbour in the plane.

    x, y : float64 (n,); order : int64 (n,), sorts x
    out : int64 (n, 2), the numbers in x and in y, without the point itself
    The plane is divided along x into strips of about √(n k) / 2 points, each sorted by y. The
    search covers the point's own strip and then neighbouring strips, until x alone is farther
    than the k-th distance found.
    """
    n = x.shape[0]
    width = max(4, int(np.sqrt(n * k) / 2))
    along, sorted_y = x[order], np.sort(y)
    order = order.copy()
    for start in range(0, n, width):
        part = order[start : start + width].copy()
        order[start : start + width] = part[np.argsort(y[part])]
    x, y = x[order], y[order]
    best = np.empty(k)
    for i in range(n):
        start = i // width * width
        stop = min(n, start + width)
        point = x[i], y[i]
        best[:] = np.inf
        _seek(point, x[start:stop], y[start:stop], i - start, i - start, euclid, best)
        while start > 0 and _apart(x[i] - along[start - 1], 0.0, euclid) < best[k - 1]:
            start -= width
            strip = y[start : start + width]
            place = np.searchsorted(strip, y[i])
            _seek(point, x[start : start + width], strip, place, -1, euclid, best)
        while stop < n and _apart(along[stop] - x[i], 0.0, euclid) < best[k - 1]:
            strip = y[stop : stop + width]
            place = np.searchsorted(strip, y[i])
            _seek(point, x[stop : stop + width], strip, place, -1, euclid, best)
            stop = min(n, stop + width)
        radius = best[k - 1]
        out[order[i], 0] = _others_within(along, x[i], radius, euclid)
        out[order[i], 1] = _others_within(sorted_y, y[i], radius, euclid)


@compiled(nogil=True)
def counts(x, everything, radii, euclid, out):
    """Fill out (n,) with the numbers of other values within radii (n,) around x (n,).
    everything : x, sorted"""
    for i in range(x.shape[0]):
        out[i] = _others_within(everything, x[i], radii[i], euclid)


@compiled(nogil=True)
def group_counts(x, starts, stops, ks, out):
    """Fill out, int64 (n,), with the number of other values of all groups that are strictly
    nearer than the ks[i]-th neighbour in the own group.

    x : float64 (n,), sorted within each group; starts, stops : int64 (n,), start and end of
        each value's group; ks : int64 (n,), less than the size of the group
    """
    everything = np.sort(x)
    for i in range(x.shape[0]):
        k = ks[i]
        radius = np.inf
        for first in range(max(starts[i], i - k), min(i, stops[i] - 1 - k) + 1):
            radius = min(radius, max(x[i] - x[first], x[first + k] - x[i]))
        out[i] = _others_within(everything, x[i], radius, False)


def gentler_first(x: np.ndarray, y: np.ndarray, k: int) -> bool:
    """Whether to divide strips along x and not along y: the variable with less crowded
    values."""
    step = max(1, int(np.sqrt(len(x) * k)))

    def crowding(values):
        ordered = np.sort(values)
        return -np.log(np.maximum(ordered[step:] - ordered[:-step], 1e-300)).sum()

    return step >= len(x) or crowding(x) <= crowding(y)
