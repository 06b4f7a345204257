"""Densities of a Gaussian mixture at many points, compiled for the CPU.

A leaf has LEAF centres of one class that are close together; some successive leaves form a
node. Both have bounding boxes, so that leaves out of a point's reach are skipped unread; if
everything is within reach, only the time for the boxes is lost. A leaf is one contiguous tile
(n_units, LEAF), filled up with centres that are infinitely far away.

Everything is in units of the noise. Sums are over exp(−(D − R)/2), D being a squared distance
and R the smallest one so far, so they neither overflow nor vanish, in any number of units. Sums
within a leaf are float32, other sums float64.
"""

import math

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST, squared_distance
from infoplane.estimators.kernels.leaves_cpu import LEAF, any_within, reached
from infoplane.estimators.kernels.pairwise_cpu import exp_minus

_f32 = np.float32
_FARTHEST = _f32(60.0)  # e^−60 is negligible next to the largest term, 1


@numba.njit(fastmath=FAST, forceinline=True)
def _sum(distances, reference):
    """Σ_j exp(−(distances[j] − reference)/2) over LEAF distances, none below the reference, in
    float32."""
    total = _f32(0)
    for j in range(LEAF):
        x = _f32(distances[j] - reference) * _f32(0.5)
        total += exp_minus(x if x < _FARTHEST else _FARTHEST)
    return total


@numba.njit(fastmath=FAST, forceinline=True)
def _gaps(low, high, node, points, i, out):
    """out[b] = smallest squared distance from point i to box b of the node, with the corners
    low and high (n_nodes, n_units, n_boxes)."""
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
    """Fill rows first … last − 1 of out (n_points, 2) with ln Σ_j exp(−D_j/2) over the centres
    of the point's own class and over all centres.

    tiles (n_leaves, n_units, LEAF), classes (n_leaves,)
    boxes : low and high (n_nodes, n_units, fan) of the leaves, fan of them in each node;
        missing leaves of the last node are out of reach
    nodes : low and high (1, n_units, n_nodes)
    points (n_points, n_units), labels (n_points,)
    reach (n_points,) : squared distance beyond which a leaf may be skipped
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
    # Nodes outside, points inside: a node's tiles are read once and stay in a cache.
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
    """Fill rows first … last − 1 of out (n_points, 2) with ln Σ_j exp(−D_j/2) over the draws j
    of the point's own input, and over these without its own draw; −∞ if there is no other.

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
        # The own term is added separately: relative to it, the others may vanish.
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
