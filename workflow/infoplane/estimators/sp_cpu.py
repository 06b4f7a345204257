"""Densities of a Gaussian mixture at many points, compiled for the CPU.

Centres lie in leaves of at most LEAF close ones of one class; `fan` leaves in succession are a
node. Both have bounding boxes, so that leaves out of a point's reach are passed over unread,
and where everything is within reach nothing is lost but the look at the boxes. A leaf's
centres are one contiguous tile (n_units, width), its width a multiple of LANES, filled up with
centres that are infinitely far.

Everything is in units of the noise. Sums are of exp(−(D − R)/2), D the squared distance and R
the smallest that was met so far: they neither overflow nor vanish, in any number of units.
Within a leaf sums are float32, beyond it float64.
"""

import math

import numba
import numpy as np

from infoplane.estimators.pairwise_cpu import exp_minus

LEAF = 64
UNITS = 32
"""Units between two looks at whether any centre of a leaf is still within reach."""

# Sums may be reordered and fused; infinities keep their meaning (far centres).
_FAST = {"reassoc", "contract", "nsz"}
_f32 = np.float32
_FARTHEST = _f32(60.0)  # e^−60 is nothing beside the largest term's 1


@numba.njit(fastmath=_FAST)
def _distances(tile, point, reach, out):
    """out[j] = ‖point − centre j‖² by direct differences; whether any is within reach.

    Four units a pass: a pass is bound by reading and writing `out`, not by arithmetic.
    """
    d, m = tile.shape
    for j in range(m):
        out[j] = 0
    for start in range(0, d, UNITS):
        stop = min(d, start + UNITS)
        for k in range(start, stop - 3, 4):
            a0, a1, a2, a3 = point[k], point[k + 1], point[k + 2], point[k + 3]
            b0, b1, b2, b3 = tile[k], tile[k + 1], tile[k + 2], tile[k + 3]
            for j in range(m):
                e0, e1, e2, e3 = b0[j] - a0, b1[j] - a1, b2[j] - a2, b3[j] - a3
                out[j] += e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
        for k in range(stop - (stop - start) % 4, stop):
            a, b = point[k], tile[k]
            for j in range(m):
                e = b[j] - a
                out[j] += e * e
        if _smallest(out[:m]) > reach:
            return False
    return True


@numba.njit(fastmath=_FAST)
def _smallest(values):
    least = values[0]
    for j in range(values.shape[0]):
        least = values[j] if values[j] < least else least
    return least


@numba.njit(fastmath=_FAST)
def _sum(distances, reference):
    """Σ_j exp(−(distances[j] − reference)/2), in float32; no distance is smaller."""
    total = _f32(0)
    for j in range(distances.shape[0]):
        x = _f32(distances[j] - reference) * _f32(0.5)
        total += exp_minus(min(x, _FARTHEST))
    return total


@numba.njit(fastmath=_FAST)
def _gaps(low, high, start, stop, point, out):
    """out[i] = smallest squared distance of the point to box start + i; low, high (d, n)."""
    for i in range(stop - start):
        out[i] = 0
    zero = point[0] * 0
    for k in range(low.shape[0]):
        a, below, above = point[k], low[k, start:stop], high[k, start:stop]
        for i in range(stop - start):
            e, f = below[i] - a, a - above[i]
            e = e if e > f else f
            e = e if e > zero else zero
            out[i] += e * e


@numba.njit(nogil=True, cache=True)
def mixture(tiles, leaves, boxes, nodes, points, labels, reach, first, last, out):
    """ln Σ_j exp(−D_j/2) of points first … last − 1 over the centres of the point's own class
    and over all, into out (n_points, 2).

    tiles : the leaves' tiles one behind the other; leaves int64 (n_leaves, 3) : start, stop
        and class, in centres, gaps included
    boxes, nodes : low and high (n_units, ·) of the leaves and of the nodes; the leaves' are
        filled up with boxes out of reach to a whole number of nodes
    points (n_points, n_units), labels (n_points,)
    reach (n_points,) : squared distance beyond which a leaf may be passed over
    """
    (low, high), (node_low, node_high) = boxes, nodes
    d, m = points.shape[1], last - first
    n_nodes = node_low.shape[1]
    fan = low.shape[1] // n_nodes
    node_gaps = np.empty((m, n_nodes), tiles.dtype)
    gaps = np.empty(fan, tiles.dtype)
    distances = np.empty(LEAF, tiles.dtype)
    nearest = np.full(m, np.inf, tiles.dtype)
    sums = np.zeros((m, 2))
    for i in range(m):
        _gaps(node_low, node_high, 0, n_nodes, points[first + i], node_gaps[i])
    # Points within nodes: the nodes' tiles are read once for all points, and stay in a cache.
    for node in range(n_nodes):
        for i in range(m):
            limit = reach[first + i]
            if node_gaps[i, node] > limit:
                continue
            point = points[first + i]
            _gaps(low, high, node * fan, (node + 1) * fan, point, gaps)
            for place in range(fan):
                if not gaps[place] <= limit:
                    continue
                start, stop, label = leaves[node * fan + place]
                width = stop - start
                tile = tiles[d * start : d * stop].reshape(d, width)
                if not _distances(tile, point, limit, distances):
                    continue
                least = _smallest(distances[:width])
                if least < nearest[i]:
                    shrunk = math.exp(0.5 * (least - nearest[i]))
                    sums[i, 0] *= shrunk
                    sums[i, 1] *= shrunk
                    nearest[i] = least
                kind = 0 if label == labels[first + i] else 1
                sums[i, kind] += _sum(distances[:width], nearest[i])
    for i in range(m):
        out[first + i, 0] = math.log(sums[i, 0]) - 0.5 * nearest[i]
        out[first + i, 1] = math.log(sums[i, 0] + sums[i, 1]) - 0.5 * nearest[i]


@numba.njit(nogil=True, cache=True)
def groups(centres, chosen, points, first, last, out):
    """ln Σ_j exp(−D_j/2) over the draws j of the point's own input, and over those without
    its own draw, into out (n_points, 2); −∞ where there is no other.

    centres (n_inputs, n_draws, n_units); chosen (n_points,) : input · n_draws + draw
    """
    n_draws, d = centres.shape[1:]
    distances = np.empty(n_draws)
    for i in range(first, last):
        own = chosen[i] % n_draws
        draws = centres[chosen[i] // n_draws]
        for j in range(n_draws):
            distances[j] = _distance(draws[j], points[i], d)
        least, other = np.inf, np.inf
        for j in range(n_draws):
            least = min(least, distances[j])
            if j != own:
                other = min(other, distances[j])
        # A term of its own: the others may be so far that they vanish beside it.
        alone = math.exp(0.5 * (least - distances[own]))
        distances[own] = np.inf
        if other == np.inf:
            out[i, 0], out[i, 1] = -0.5 * least, -np.inf
            continue
        rest = 0.0
        for j in range(0, n_draws, LEAF):
            rest += _sum(distances[j : min(j + LEAF, n_draws)], other)
        out[i, 0] = math.log(alone + rest * math.exp(0.5 * (least - other))) - 0.5 * least
        out[i, 1] = math.log(rest) - 0.5 * other


@numba.njit(fastmath=_FAST)
def _distance(a, b, d):
    """‖a − b‖² of two contiguous rows."""
    total = a[0] * 0
    for k in range(d):
        e = a[k] - b[k]
        total += e * e
    return total
