"""Exact nearest neighbours and counts in balls by k-d trees, compiled for the CPU.

In few dimensions most rows are far away, and a tree skips them: n log n steps instead of n².
Distances equal those of neighbours_cpu, bit by bit: the distance to a box is computed by the
same sums as the distance to a row in it, and rounding preserves their order. So counts are
exact, ties included, and samples that crowd in few places cost no more than others.

A grove has one balanced tree for each group of rows, or one for all. A node is a range of rows
with their bounding box; its children are its halves at the median of the widest dimension. The
nodes of a tree are stored level by level: the children of node i are 2i + 1 and 2i + 2. Radii
are float64, with `euclid` squared.
"""

from typing import NamedTuple

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.selection import boxed, part

LEAF = 12
"""A node with at most this many rows has no children."""
_STACK = 128
"""Room for nodes that wait during a search: at most one for each of fewer than 64 levels."""


class Grove(NamedTuple):
    """Trees over rows.

    rows : float64 (n, d), in the order of the trees; order : int64 (n,), their original indices
    tree : int64 (n,), the tree of each row
    first, n_inner : int64 (n_trees,), each tree's first node and number of nodes with children
    starts, stops : int64 (n_nodes,), ranges of rows; low, high : float64 (n_nodes, d), boxes
    """

    rows: np.ndarray
    order: np.ndarray
    tree: np.ndarray
    first: np.ndarray
    n_inner: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    low: np.ndarray
    high: np.ndarray


def planted(rows: np.ndarray, edges: np.ndarray | None = None) -> Grove:
    """One tree for the rows (n, d) from each edge (int64) to the next; None: one for all."""
    edges = np.array([0, len(rows)]) if edges is None else edges
    return Grove(*_planted(rows, edges))


@compiled(nogil=True)
def _planted(rows, edges):
    n, d = rows.shape
    n_trees = edges.shape[0] - 1
    first, n_inner = np.empty(n_trees, np.int64), np.empty(n_trees, np.int64)
    n_nodes = 0
    for t in range(n_trees):
        n_leaves = 1
        while n_leaves * LEAF < edges[t + 1] - edges[t]:
            n_leaves *= 2
        first[t], n_inner[t] = n_nodes, n_leaves - 1
        n_nodes += 2 * n_leaves - 1
    order, tree = np.arange(n), np.empty(n, np.int64)
    starts, stops = np.empty(n_nodes, np.int64), np.empty(n_nodes, np.int64)
    low, high = np.empty((n_nodes, d)), np.empty((n_nodes, d))
    for t in range(n_trees):
        tree[edges[t] : edges[t + 1]] = t
        starts[first[t]], stops[first[t]] = edges[t], edges[t + 1]
        for i in range(2 * n_inner[t] + 1):
            node = first[t] + i
            start, stop = starts[node], stops[node]
            widest = boxed(rows, order[start:stop], low[node], high[node])
            if i < n_inner[t]:
                middle = (start + stop) // 2
                part(rows, order, start, stop, middle, widest)
                left = first[t] + 2 * i + 1
                starts[left], stops[left] = start, middle
                starts[left + 1], stops[left + 1] = middle, stop
    return rows[order], order, tree, first, n_inner, starts, stops, low, high


@numba.njit
def _joined(e, total, euclid):
    return total + e * e if euclid else max(e, total)


@numba.njit
def _apart(x, y, d_a, euclid):
    """The distance of two rows; the first d_a dimensions are summed separately."""
    in_a, in_b = 0.0, 0.0
    for k in range(d_a):
        in_a = _joined(abs(x[k] - y[k]), in_a, euclid)
    for k in range(d_a, x.shape[0]):
        in_b = _joined(abs(x[k] - y[k]), in_b, euclid)
    return in_a + in_b if euclid else max(in_a, in_b)


@numba.njit
def _to_box(x, low, high, d_a, euclid):
    """Smallest distance from x to the box."""
    in_a, in_b = 0.0, 0.0
    for k in range(d_a):
        in_a = _joined(max(low[k] - x[k], x[k] - high[k], 0.0), in_a, euclid)
    for k in range(d_a, x.shape[0]):
        in_b = _joined(max(low[k] - x[k], x[k] - high[k], 0.0), in_b, euclid)
    return in_a + in_b if euclid else max(in_a, in_b)


@numba.njit
def _across_box(x, low, high, euclid):
    """Largest distance from x to a point of the box."""
    total = 0.0
    for k in range(x.shape[0]):
        total = _joined(max(x[k] - low[k], high[k] - x[k]), total, euclid)
    return total


@numba.njit
def _put(v, j, best, who):
    p = best.shape[0] - 1
    while p > 0 and best[p - 1] > v:
        best[p], who[p] = best[p - 1], who[p - 1]
        p -= 1
    best[p], who[p] = v, j


@numba.njit
def _nearest(grove, p, d_a, euclid, best, who, nodes, bounds):
    """Put the nearest rows to row p (in the grove's order), within its tree, into best (k,) and
    who (k,)."""
    rows, order, tree, first, n_inner, starts, stops, low, high = grove
    x, root, inner = rows[p], first[tree[p]], n_inner[tree[p]]
    k = best.shape[0]
    best[:], who[:] = np.inf, -1
    nodes[0], bounds[0], waiting = 0, 0.0, 1
    while waiting:
        waiting -= 1
        i = nodes[waiting]
        if bounds[waiting] >= best[k - 1]:
            continue
        while i < inner:  # down to the nearest leaf; the other nodes wait
            left, right = 2 * i + 1, 2 * i + 2
            to_left = _to_box(x, low[root + left], high[root + left], d_a, euclid)
            to_right = _to_box(x, low[root + right], high[root + right], d_a, euclid)
            if to_right < to_left:
                left, right, to_left, to_right = right, left, to_right, to_left
            if to_right < best[k - 1]:
                nodes[waiting], bounds[waiting] = right, to_right
                waiting += 1
            i = left
            if to_left >= best[k - 1]:
                break
        if i < inner:
            continue
        for j in range(starts[root + i], stops[root + i]):
            if j != p:
                v = _apart(x, rows[j], d_a, euclid)
                if v < best[k - 1]:
                    _put(v, order[j], best, who)


@compiled(nogil=True)
def nearest(grove, ks, d_a, euclid, first, last, distances, indices):
    """Fill row i of distances and indices (n, largest of ks) with the ks[i] nearest rows in its
    tree, for the rows i at first … last − 1 of the grove's order; the rest is unchanged."""
    nodes, bounds = np.empty(_STACK, np.int64), np.empty(_STACK)
    for p in range(first, last):
        i = grove.order[p]
        k = ks[i]
        _nearest(grove, p, d_a, euclid, distances[i, :k], indices[i, :k], nodes, bounds)


@numba.njit
def _count(grove, p, radius, strict, euclid, nodes):
    """Number of rows of tree 0 within the radius of row p (in the grove's order), without p."""
    rows, _, _, _, n_inner, starts, stops, low, high = grove
    x, inner = rows[p], n_inner[0]
    found = -int(radius > 0 or not strict)
    nodes[0], waiting = 0, 1
    while waiting:
        waiting -= 1
        i = nodes[waiting]
        nearest_ = _to_box(x, low[i], high[i], x.shape[0], euclid)
        if nearest_ > radius or (strict and nearest_ == radius):
            continue
        farthest = _across_box(x, low[i], high[i], euclid)
        if farthest < radius or (farthest == radius and not strict):
            found += stops[i] - starts[i]
        elif i < inner:
            nodes[waiting], nodes[waiting + 1] = 2 * i + 1, 2 * i + 2
            waiting += 2
        else:
            for j in range(starts[i], stops[i]):
                v = _apart(x, rows[j], x.shape[0], euclid)
                found += v < radius or (v == radius and not strict)
    return found


@compiled(nogil=True)
def counts(grove, radii, wanted, strict, euclid, first, last, out):
    """Put into out[i] the number of other rows nearer than radii[i] or, if not strict, at most
    as far, for each wanted row i at first … last − 1 of the order of a grove with one tree.
    """
    nodes = np.empty(_STACK, np.int64)
    for p in range(first, last):
        i = grove.order[p]
        if wanted[i]:
            out[i] = _count(grove, p, radii[i], strict, euclid, nodes)
