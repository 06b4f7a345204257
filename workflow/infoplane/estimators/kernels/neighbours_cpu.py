"""Exact nearest neighbours and counts in balls by brute force, compiled for the CPU.

All distances of a row are first computed in float32 from columns (d, n), which vectorise. Only
the distances that rounding leaves undecided are computed again in float64 from rows (n, d).
Results equal those of float64 alone, ties included.

Columns hold the rows' values, centred and divided by a power of two, and are filled up to a
multiple of CHUNK with infinitely far points. Distances are the largest difference over the
dimensions or, with `euclid`, sums of squares; radii in float64 are then squares too.
"""

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST, squared_distances

CHUNK = 64
ROWS = 16
"""Number of rows computed together, so that they share a tile of columns in the cache."""
TILE = 2**17
"""Number of float32 values in a tile: half of a usual second-level cache."""

_f32 = np.float32
_ABSOLUTE = 2.0**-22
_RELATIVE = 2.0**-21
_UNDERFLOW = 1e-17  # root of the smallest normal float32, with a margin


@numba.njit(fastmath=FAST, forceinline=True)
def _largest(columns, i, start, stop, out):
    """out[j] = max_k |columns[k, i] − columns[k, start + j]|, four dimensions in each pass."""
    d = columns.shape[0]
    m = stop - start
    for j in range(m):
        out[j] = _f32(0)
    for k in range(0, d - 3, 4):
        a0, a1, a2, a3 = columns[k, i], columns[k + 1, i], columns[k + 2, i], columns[k + 3, i]
        b0, b1 = columns[k, start:stop], columns[k + 1, start:stop]
        b2, b3 = columns[k + 2, start:stop], columns[k + 3, start:stop]
        for j in range(m):
            v = out[j]
            e = abs(b0[j] - a0)
            v = e if e > v else v
            e = abs(b1[j] - a1)
            v = e if e > v else v
            e = abs(b2[j] - a2)
            v = e if e > v else v
            e = abs(b3[j] - a3)
            v = e if e > v else v
            out[j] = v
    for k in range(d - d % 4, d):
        a = columns[k, i]
        b = columns[k, start:stop]
        for j in range(m):
            e = abs(b[j] - a)
            out[j] = e if e > out[j] else out[j]


@numba.njit
def _fill(columns, first, last, euclid, out):
    """Fill row r of `out` with the distances of row first + r to all rows, ∞ to itself."""
    d, n = columns.shape
    tile = max(CHUNK, TILE // max(d, 1) // CHUNK * CHUNK)
    for start in range(0, n, tile):
        stop = min(n, start + tile)
        for i in range(first, last):
            if euclid:
                squared_distances(columns, i, start, stop, out[i - first, start:stop])
            else:
                _largest(columns, i, start, stop, out[i - first, start:stop])
    for i in range(first, last):
        out[i - first, i] = np.inf


@numba.njit
def _joined(x, y, euclid, out):
    for j in range(x.shape[0]):
        if euclid:
            out[j] = x[j] + y[j]
        else:
            out[j] = x[j] if x[j] > y[j] else y[j]


@numba.njit
def _bound(values, start, stop, k, minima, kept):
    """A bound that at least k, and about k, of values[start:stop] do not exceed.

    It is the k-th smallest of the minima of interleaved lanes, of which there are more than k.
    minima (n_lanes,), kept (k,) : working memory
    """
    n_lanes = minima.shape[0]
    minima[:] = np.inf
    for s in range(start, stop, n_lanes):
        part = values[s : min(stop, s + n_lanes)]
        for j in range(part.shape[0]):
            v = part[j]
            minima[j] = v if v < minima[j] else minima[j]
    kept[:] = np.inf
    for v in minima:
        if v < kept[k - 1]:
            p = k - 1
            while p > 0 and kept[p - 1] > v:
                kept[p] = kept[p - 1]
                p -= 1
            kept[p] = v
    return kept[k - 1]


@numba.njit
def exact(rows, i, j, euclid):
    """The distance in float64, always rounded in the same way, so that it can be compared."""
    total = 0.0
    for k in range(rows.shape[1]):
        e = rows[i, k] - rows[j, k]
        if euclid:
            total += e * e
        elif abs(e) > total:
            total = abs(e)
    return total


@numba.njit
def _both(rows_a, rows_b, i, j, euclid):
    x = exact(rows_a, i, j, euclid)
    y = exact(rows_b, i, j, euclid)
    return x + y if euclid else max(x, y)


@numba.njit
def _limits(radius, size, d, scale, euclid):
    """Two limits: float32 distances below the first are certainly below the radius, those
    above the second certainly above it.

    A difference of two rounded values has an error of 2⁻²⁴ of each value. The size of the other
    row is at most the size of this row plus the distance. A sum of d squares has a relative
    error of d·2⁻²⁴.
    """
    if not euclid:
        r = radius * scale
        room = _RELATIVE * r + _ABSOLUTE * size + _UNDERFLOW
        return _f32(r - room), _f32(r + room)
    r = np.sqrt(radius) * scale
    room = (_RELATIVE + d * 2.0**-23) * r + _ABSOLUTE * size + np.sqrt(d) * _UNDERFLOW
    return _f32(max(r - room, 0.0) ** 2), _f32((r + room) ** 2)


@numba.njit
def _insert(v, j, best, who):
    """Insert row j at distance v into the best; equal distances in the order of their rows."""
    p = best.shape[0] - 1
    if v > best[p] or (v == best[p] and 0 <= who[p] < j):
        return
    while p > 0 and (
        v < best[p - 1] or (v == best[p - 1] and (who[p - 1] < 0 or j < who[p - 1]))
    ):
        best[p] = best[p - 1]
        who[p] = who[p - 1]
        p -= 1
    best[p] = v
    who[p] = j


@numba.njit
def _count(values, low, high, rows, i, radius, strict, euclid):
    """Number of rows nearer than the radius or, if not strict, at most as far."""
    sure = 0
    for s in range(0, values.shape[0], CHUNK):
        chunk = values[s : s + CHUNK]
        below, possible = np.int32(0), np.int32(0)
        for j in range(CHUNK):
            below += np.int32(chunk[j] < low)
            possible += np.int32(chunk[j] <= high)
        sure += below
        if possible > below:
            for j in range(CHUNK):
                if low <= chunk[j] <= high and s + j != i:
                    v = exact(rows, i, s + j, euclid)
                    sure += v < radius or (v == radius and not strict)
    return sure


@numba.njit
def _room(k):
    """Working memory of `_nearest`: minima and kept of `_bound`, best and who."""
    lanes = CHUNK * (2 + k // 16)
    return np.empty(lanes, _f32), np.empty(k, _f32), np.empty(k), np.empty(k, np.int64)


@numba.njit
def _nearest(values, start, stop, i, points, size, minima, kept, best, who):
    """Fill best (k,) and who (k,) with the nearest of rows start … stop − 1, in float64.

    values : rounded distances of the rows to row i; points : rows_a, rows_b, scale, euclid
    """
    rows_a, rows_b, scale, euclid = points
    k, d = best.shape[0], rows_a.shape[1] + rows_b.shape[1]
    unit = scale * scale if euclid else scale
    # k rounded distances are at most the bound, so their exact distances are at most the bound
    # plus the rounding error. Rows that may be nearer have rounded distances of at most this
    # plus the rounding error once more.
    bound = np.float64(_bound(values, start, stop, k, minima, kept))
    _, bound = _limits(bound / unit, size, d, scale, euclid)
    _, limit = _limits(np.float64(bound) / unit, size, d, scale, euclid)
    best[:] = np.inf
    who[:] = -1
    whole = start + (stop - start) // CHUNK * CHUNK
    for s in range(start, whole, CHUNK):
        chunk = values[s : s + CHUNK]
        possible = np.int32(0)  # 32-bit sums over a known length vectorise
        for j in range(CHUNK):
            possible += np.int32(chunk[j] <= limit)
        if possible:
            _take(values, s, s + CHUNK, limit, rows_a, rows_b, i, euclid, best, who)
    _take(values, whole, stop, limit, rows_a, rows_b, i, euclid, best, who)


@numba.njit
def _take(values, start, stop, limit, rows_a, rows_b, i, euclid, best, who):
    """Insert the rows whose values[start:stop] are at most the limit into the best."""
    for j in range(start, stop):
        if values[j] <= limit and j != i:
            _insert(_both(rows_a, rows_b, i, j, euclid), j, best, who)


@compiled(nogil=True)
def nearest(columns, rows, sizes, scale, euclid, first, last, n_rows, distances, indices):
    """Fill rows first … last − 1 of distances and indices (n, k) with the k nearest rows."""
    values = np.empty((n_rows, columns.shape[1]), _f32)
    minima, kept, _, _ = _room(distances.shape[1])
    points = (rows, np.empty((rows.shape[0], 0)), scale, euclid)
    for lo in range(first, last, n_rows):
        hi = min(last, lo + n_rows)
        _fill(columns, lo, hi, euclid, values)
        for i in range(lo, hi):
            v, best, who = values[i - lo], distances[i], indices[i]
            _nearest(v, 0, len(rows), i, points, sizes[i], minima, kept, best, who)


@compiled(nogil=True)
def joint(columns, other, rows_a, rows_b, sizes, scale, k, euclid, first, last, n_rows, out):
    """Fill out, int64 (n, 2), with the numbers of rows within the distance of the k-th joint
    neighbour in a and in b: strictly nearer in the max-norm, at most as far in the Euclidean
    norm."""
    n = columns.shape[1]
    x, y = np.empty((n_rows, n), _f32), np.empty((n_rows, n), _f32)
    v = np.empty(n, _f32)
    minima, kept, best, who = _room(k)
    points = (rows_a, rows_b, scale, euclid)
    d_a, d_b = rows_a.shape[1], rows_b.shape[1]
    for lo in range(first, last, n_rows):
        hi = min(last, lo + n_rows)
        _fill(columns, lo, hi, euclid, x)
        _fill(other, lo, hi, euclid, y)
        for i in range(lo, hi):
            _joined(x[i - lo], y[i - lo], euclid, v)
            _nearest(v, 0, len(rows_a), i, points, sizes[i], minima, kept, best, who)
            radius = best[k - 1]
            low, high = _limits(radius, sizes[i], d_a, scale, euclid)
            out[i, 0] = _count(x[i - lo], low, high, rows_a, i, radius, not euclid, euclid)
            low, high = _limits(radius, sizes[i], d_b, scale, euclid)
            out[i, 1] = _count(y[i - lo], low, high, rows_b, i, radius, not euclid, euclid)


@compiled(nogil=True)
def group_counts(
    columns, rows, sizes, scale, starts, stops, ks, euclid, first, last, n_rows, out
):
    """Fill out (n,) with the number of rows strictly nearer than the ks[i]-th neighbour among
    the rows starts[i] … stops[i] − 1."""
    values = np.empty((n_rows, columns.shape[1]), _f32)
    minima, kept, best, who = _room(ks.max())
    points = (rows, np.empty((rows.shape[0], 0)), scale, euclid)
    d = rows.shape[1]
    for lo in range(first, last, n_rows):
        hi = min(last, lo + n_rows)
        _fill(columns, lo, hi, euclid, values)
        for i in range(lo, hi):
            v, s, e, k = values[i - lo], starts[i], stops[i], ks[i]
            _nearest(v, s, e, i, points, sizes[i], minima, kept[:k], best[:k], who[:k])
            low, high = _limits(best[k - 1], sizes[i], d, scale, euclid)
            out[i] = _count(v, low, high, rows, i, best[k - 1], True, euclid)


@compiled(nogil=True)
def group_distances(columns, rows, sizes, scale, starts, stops, ks, euclid, first, last, out):
    """Fill row i of out with the distances of the ks[i] nearest of the rows starts[i] …
    stops[i] − 1."""
    v = np.empty(columns.shape[1], _f32)
    minima, kept, _, who = _room(ks.max())
    points = (rows, np.empty((rows.shape[0], 0)), scale, euclid)
    for i in range(first, last):
        s, e, k = starts[i], stops[i], ks[i]
        if euclid:
            squared_distances(columns, i, s, e, v[s:e])
        else:
            _largest(columns, i, s, e, v[s:e])
        v[i] = np.inf
        _nearest(v, s, e, i, points, sizes[i], minima, kept[:k], out[i, :k], who[:k])


@compiled(nogil=True)
def counts(columns, rows, along, sizes, scale, radii, wanted, strict, euclid, first, last, out):
    """Fill out (n,) with the number of other rows nearer than radii[i] or, if not strict, at
    most as far, for each row in wanted, bool (n,).

    along : float64 (n,), a dimension by which the rows are sorted; rows that are farther than
        the radius in this dimension alone are skipped
    """
    d = rows.shape[1]
    values = np.empty(columns.shape[1], _f32)
    for i in range(first, last):
        if not wanted[i]:
            continue
        reach = np.sqrt(radii[i]) if euclid else radii[i]
        reach = reach * (1 + 1e-12) + 1e-12 * abs(along[i])  # with a margin for rounding
        start = np.searchsorted(along, along[i] - reach) // CHUNK * CHUNK
        stop = np.searchsorted(along, along[i] + reach, side="right")
        stop = -(-stop // CHUNK) * CHUNK
        near = values[start:stop]
        if euclid:
            squared_distances(columns, i, start, stop, near)
        else:
            _largest(columns, i, start, stop, near)
        values[i] = np.inf
        low, high = _limits(radii[i], sizes[i], d, scale, euclid)
        out[i] = _count(near, low, high, rows[start:], i - start, radii[i], strict, euclid)
