"""Densities of a Gaussian mixture at many points, compiled for the CPU.

Centres lie in leaves of LEAF close ones of one class; some leaves in succession are a node.
Both have bounding boxes, so that leaves out of a point's reach are passed over unread; where
everything is within reach, nothing is lost but the look at the boxes. A leaf is one contiguous
tile (n_units, LEAF), filled up with centres that are infinitely far.

Everything is in units of the noise. Sums are of exp(−(D − R)/2), D the squared distance and R
the smallest that was met so far: they neither overflow nor vanish, in any number of units.
Within a leaf sums are float32, beyond it float64.
"""

import math

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST, squared_distance
from infoplane.estimators.kernels.leaves_cpu import LEAF, any_within, reached
from infoplane.estimators.kernels.pairwise_cpu import exp_minus

_f32 = np.float32
_FARTHEST = _f32(60.0)  # e^−60 is nothing beside the largest term's 1


@numba.njit(fastmath=FAST, forceinline=True)
def _sum(distances, reference):
    """Σ_j exp(−(distances[j] − reference)/2) of LEAF values, in float32; none is smaller."""
    total = _f32(0)
    for j in range(LEAF):
        x = _f32(distances[j] - reference) * _f32(0.5)
        total += exp_minus(x if x < _FARTHEST else _FARTHEST)
    return total


@numba.njit(fastmath=FAST, forceinline=True)
def _gaps(low, high, node, points, i, out):
    """out[b] = smallest squared distance of point i to box b of the node; low and high
    (n_nodes, n_units, n_boxes)."""
    n_boxes = low.shape[2]
    zero = out.dtype.type(0)
    for b in range(n_boxes):
        out[b] = 0
    for k in range(low.shape[1]):
        a = points[i, k]
        for b in range(n_boxes):
            e, f = low[node, k, b] - a, a - high[node, k, b]
            e = e if e > f else f
            e = e if e > zero else zero
            out[b] += e * e


@compiled(nogil=True)
def mixture(tiles, classes, boxes, nodes, points, labels, reach, first, last, out):
    """ln Σ_j exp(−D_j/2) of points first … last − 1 over the centres of the point's own class
    and over all, into out (n_points, 2).

    tiles (n_leaves, n_units, LEAF), classes (n_leaves,)
    boxes : low and high (n_nodes, n_units, fan) of the leaves, fan of them a node; what is
        missing in the last is out of reach. nodes : low and high (1, n_units, n_nodes)
    points (n_points, n_units), labels (n_points,)
    reach (n_points,) : squared distance beyond which a leaf may be passed over
    """
    (low, high), (node_low, node_high) = boxes, nodes
    m, (n_nodes, _, fan) = last - first, low.shape
    node_gaps = np.empty((m, n_nodes), tiles.dtype)
    gaps = np.empty(fan, tiles.dtype)
    distances = np.empty(LEAF, tiles.dtype)
    nearest = np.full(m, np.inf, tiles.dtype)
    sums = np.zeros((m, 2))
    for i in range(m):
        _gaps(node_low, node_high, 0, points, first + i, node_gaps[i])
    # Points within nodes: a node's tiles are read once for all points and stay in a cache.
    for node in range(n_nodes):
        for i in range(m):
            limit = reach[first + i]
            if node_gaps[i, node] > limit:
                continue
            _gaps(low, high, node, points, first + i, gaps)
            for b in range(fan):
                if not gaps[b] <= limit:
                    continue
                leaf = node * fan + b
                if not reached(tiles, leaf, points, first + i, limit, distances):
                    continue
                if any_within(distances, nearest[i]):
                    least = distances.min()
                    shrunk = math.exp(0.5 * (least - nearest[i]))
                    sums[i, 0] *= shrunk
                    sums[i, 1] *= shrunk
                    nearest[i] = least
                kind = 0 if classes[leaf] == labels[first + i] else 1
                sums[i, kind] += _sum(distances, nearest[i])
    for i in range(m):
        out[first + i, 0] = math.log(sums[i, 0]) - 0.5 * nearest[i]
        out[first + i, 1] = math.log(sums[i, 0] + sums[i, 1]) - 0.5 * nearest[i]


@compiled(nogil=True)
def groups(centres, chosen, points, first, last, out):
    """ln Σ_j exp(−D_j/2) over the draws j of the point's own input, and over those without
    its own draw, into out (n_points, 2); −∞ where there is no other.

    centres (n_inputs, n_draws, n_units); chosen (n_points,) : input · n_draws + draw
    """
    n_draws = centres.shape[1]
    distances = np.full((n_draws + LEAF - 1) // LEAF * LEAF, np.inf)
    for i in range(first, last):
        x, own = chosen[i] // n_draws, chosen[i] % n_draws
        other = np.inf
        for j in range(n_draws):
            distances[j] = squared_distance(centres[x, j], points[i])
            if j != own:
                other = min(other, distances[j])
        least = min(other, distances[own])
        # The own term is added apart: the others may vanish beside it.
        alone = math.exp(0.5 * (least - distances[own]))
        distances[own] = np.inf
        if other == np.inf:
            out[i, 0], out[i, 1] = -0.5 * least, -np.inf
            continue
        rest = 0.0
        for j in range(0, n_draws, LEAF):
            rest += _sum(distances[j : j + LEAF], other)
        out[i, 0] = math.log(alone + rest * math.exp(0.5 * (least - other))) - 0.5 * least
        out[i, 1] = math.log(rest) - 0.5 * other
