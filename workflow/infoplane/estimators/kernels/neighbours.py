"""Nearest neighbours and counts of points in balls, for the neighbour estimators.

The CPU uses compiled brute force, or trees or sorting if few dimensions make them faster; CUDA
uses blocks of distances in torch. All give the results of float64, ties included, and none
holds n × n values.

Distances have the norm "max", the largest difference over the dimensions, or "euclidean".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numba
import numpy as np
import torch

from infoplane.estimators.kernels import neighbours_cpu, neighbours_line, neighbours_tree
from infoplane.estimators.kernels.threads import each

Norm = Literal["max", "euclidean"]

MEMORY = 512 * 10**6
"""Default for the bytes of working memory."""

TREE_ROWS = {1: 1000, 2: 1000, 3: 1000, 4: 4000, 5: 8000, 6: 16_000, 7: 32_000, 8: 64_000}
"""From this number of rows on, a tree is faster than brute force, by the number of dimensions;
with more dimensions, trees are not used. Measured on normal samples; samples that crowd in few
places, where float32 does not distinguish them, gain far more."""

LEAST_REACH = 2.0**-18
"""Below this radius, as a share of a row's size, float32 distinguishes too few neighbours."""


def nearest(
    rows: torch.Tensor, k: int, norm: Norm = "euclidean", memory: int = MEMORY
) -> tuple[torch.Tensor, torch.Tensor]:
    """The k nearest other rows of every row, nearest first.

    rows : torch.Tensor (n, d), floating point, CPU or CUDA
    k : 1 … n − 1
    memory : bytes of working memory
    Returns distances float64 (n, k) in the units of the rows, and indices int64 (n, k), on the
    device of the rows. A row is not its own neighbour; an equal row is, at distance 0.
    Raises ValueError if k is not in 1 … n − 1.
    """
    _require(k, len(rows))
    rows = rows.to(torch.float64)
    if in_torch(rows):
        return _nearest_in_torch(rows, k, norm, memory)
    rows = np.ascontiguousarray(rows.numpy())
    if _suits_a_tree(len(rows), rows.shape[1]):
        distances, indices = _nearest_in_trees(rows, None, k, norm)
    else:
        distances, indices = _nearest_compiled(rows, k, norm, memory)
    return torch.from_numpy(distances), torch.from_numpy(indices)


def joint_counts(
    a: torch.Tensor, b: torch.Tensor, k: int, norm: Norm, memory: int = MEMORY
) -> tuple[torch.Tensor, torch.Tensor]:
    """For each row, the numbers of rows in a, and in b, within the distance of its k-th
    neighbour in (a, b) together. The max-norm counts strictly nearer rows (Kraskov et al.
    2004); the Euclidean norm also counts rows at the same distance (Gao et al. 2018).

    a, b : torch.Tensor (n, d_a), (n, d_b), floating point, on one device
    k : 1 … n − 1
    Returns int64 (n,), (n,), on that device; a row does not count itself.
    Raises ValueError if k is not in 1 … n − 1.
    """
    _require(k, len(a))
    a, b = a.to(torch.float64), b.to(torch.float64)
    if in_torch(a):
        return _joint_in_torch(a, b, k, norm, memory)
    a, b = np.ascontiguousarray(a.numpy()), np.ascontiguousarray(b.numpy())
    if a.shape[1] == b.shape[1] == 1:
        both = on_lines(a[:, 0], b[:, 0], k, norm)
    elif _suits_a_tree(len(a), a.shape[1] + b.shape[1]):
        both = _joint_in_tree(a, b, k, norm)
    else:
        both = _joint_compiled(a, b, k, norm, memory)
    return tuple(torch.from_numpy(counts) for counts in both)


def group_distances(
    rows: torch.Tensor, groups: torch.Tensor, ks: torch.Tensor, norm: Norm, memory: int = MEMORY
) -> torch.Tensor:
    """Distances of each row to its nearest neighbours within its own group.

    rows : torch.Tensor (n, d), floating point; groups : int64 (n,)
    ks : int64 (n,), 1 … size of the row's group − 1
    Returns float64 (n, largest of ks) on the device of the rows, in their units: row i holds
    its ks[i] smallest distances in ascending order, then infinities.
    """
    return _in_groups(rows, groups, ks, norm, memory, False)


def group_counts(
    rows: torch.Tensor, groups: torch.Tensor, ks: torch.Tensor, norm: Norm, memory: int = MEMORY
) -> torch.Tensor:
    """For each row, the number of other rows of all groups that are strictly nearer than its
    ks[i]-th neighbour in its own group: int64 (n,). Arguments as in `group_distances`.
    """
    return _in_groups(rows, groups, ks, norm, memory, True)


def in_torch(rows: torch.Tensor) -> bool:
    """Whether torch does the work (on CUDA) and not the compiled loops."""
    return rows.is_cuda


def _require(k: int, n: int) -> None:
    if not 1 <= k < n:
        raise ValueError(f"k must be 1 … n − 1 neighbours; k is {k}, n is {n}")


def _suits_a_tree(n: int, d: int) -> bool:
    return n >= TREE_ROWS.get(d, np.inf)


class _Layout(NamedTuple):
    """Rows in the form that the compiled loops take (neighbours_cpu.py)."""

    columns: np.ndarray  # float32 (d, n filled up)
    rows: np.ndarray  # float64 (n, d)


def _layouts(norm: Norm, *parts: np.ndarray) -> tuple[list[_Layout], np.ndarray, float]:
    """Layouts with one scale, the sizes of the joint rows in this scale, and the scale."""
    n = len(parts[0])
    centred = [rows - rows.mean(axis=0) for rows in parts]
    largest = max((np.abs(c).max(initial=0.0) for c in centred), default=0.0)
    scale = float(2.0 ** -np.frexp(largest)[1]) if largest > 0 else 1.0
    layouts, sizes = [], np.zeros(n)
    for rows, c in zip(parts, centred, strict=True):
        c *= scale
        columns = np.full(
            (rows.shape[1], -(-n // neighbours_cpu.CHUNK) * neighbours_cpu.CHUNK),
            np.inf,
            np.float32,
        )
        columns[:, :n] = c.T
        layouts.append(_Layout(columns, rows))
        if norm == "max":
            np.maximum(sizes, np.abs(c).max(axis=1, initial=0.0), out=sizes)
        else:
            sizes += (c * c).sum(axis=1)
    return layouts, sizes if norm == "max" else np.sqrt(sizes), scale


def _shares(n: int, loop: Callable[[int, int], None]) -> None:
    """Call loop(first, last) for all n rows, in more shares than threads, so that no thread
    waits long."""
    n_shares = max(1, min(8 * numba.get_num_threads(), n // neighbours_cpu.ROWS))
    edges = np.linspace(0, n, n_shares + 1).astype(np.int64)
    each(lambda s: loop(edges[s], edges[s + 1]), n_shares)


def _rows_at_once(n: int, arrays: int, memory: int) -> int:
    """Number of rows whose distances each thread may hold, in `arrays` float32 arrays."""
    return int(
        np.clip(memory // (4 * n * arrays * numba.get_num_threads()), 1, neighbours_cpu.ROWS)
    )


def _nearest_compiled(rows, k, norm, memory):
    (layout,), sizes, scale = _layouts(norm, rows)
    n, euclid = len(rows), norm == "euclidean"
    distances, indices = np.empty((n, k)), np.empty((n, k), np.int64)
    at_once = _rows_at_once(n, 1, memory)
    _shares(
        n,
        lambda first, last: neighbours_cpu.nearest(
            *layout, sizes, scale, euclid, first, last, at_once, distances, indices
        ),
    )
    return (np.sqrt(distances) if euclid else distances), indices


def on_lines(a: np.ndarray, b: np.ndarray, k: int, norm: Norm):
    """`joint_counts` for two variables of one dimension, (n,) each, by sorting."""
    counts = np.empty((len(a), 2), np.int64)
    if neighbours_line.gentler_first(a, b, k):
        neighbours_line.pair_counts(a, b, np.argsort(a), k, norm == "euclidean", counts)
        return counts[:, 0], counts[:, 1]
    neighbours_line.pair_counts(b, a, np.argsort(b), k, norm == "euclidean", counts)
    return counts[:, 1], counts[:, 0]


def _joint_compiled(a, b, k, norm, memory):
    (in_a, in_b), sizes, scale = _layouts(norm, a, b)
    n, counts = len(a), np.empty((len(a), 2), np.int64)
    at_once = _rows_at_once(n, 2, memory)
    _shares(
        n,
        lambda first, last: neighbours_cpu.joint(
            in_a.columns,
            in_b.columns,
            a,
            b,
            sizes,
            scale,
            k,
            norm == "euclidean",
            first,
            last,
            at_once,
            counts,
        ),
    )
    return counts[:, 0], counts[:, 1]


def _nearest_in_trees(rows, edges, ks, norm):
    """Distances and indices (n, largest of ks) within the rows from each edge to the next, or
    within all rows; row i has infinities and −1 beyond its ks[i]."""
    euclid = norm == "euclidean"
    distances, indices = _searched(rows, edges, ks, rows.shape[1], euclid)
    return (np.sqrt(distances) if euclid else distances), indices


def _searched(rows, edges, ks, d_a, euclid):
    """The same, with squared distances if euclid; the first d_a dimensions are summed
    separately."""
    n = len(rows)
    ks = np.broadcast_to(ks, (n,))
    grove = neighbours_tree.planted(rows, edges)
    distances, indices = np.full((n, ks.max()), np.inf), np.full((n, ks.max()), -1)
    _shares(
        n,
        lambda first, last: neighbours_tree.nearest(
            grove, ks, d_a, euclid, first, last, distances, indices
        ),
    )
    return distances, indices


def _joint_in_tree(a, b, k, norm):
    euclid = norm == "euclidean"
    distances, _ = _searched(np.hstack([a, b]), None, k, a.shape[1], euclid)
    radii = distances[:, k - 1].copy()
    return tuple(_counts(rows, radii, not euclid, euclid) for rows in (a, b))


def _counts(rows, radii, strict, euclid):
    """For each row, the number of other rows nearer than its radius (squared if euclid) or, if
    not strict, at most as far."""
    n = len(rows)
    counts = np.empty(n, np.int64)
    if rows.shape[1] == 1 and strict != euclid:
        values = rows[:, 0]
        neighbours_line.counts(values, np.sort(values), radii, euclid, counts)
        return counts
    order = np.argsort(rows[:, 0])
    ordered, radii_of, in_order = rows[order], radii[order], np.empty_like(counts)
    (layout,), sizes, scale = _layouts("euclidean" if euclid else "max", ordered)
    reach = scale * (np.sqrt(radii_of) if euclid else radii_of)
    resolved = reach > LEAST_REACH * sizes
    along = np.ascontiguousarray(ordered[:, 0])
    given = along, sizes, scale, radii_of, resolved, strict, euclid
    _shares(n, lambda s, e: neighbours_cpu.counts(*layout, *given, s, e, in_order))
    counts[order] = in_order
    if not resolved.all():
        crowded = np.empty(n, bool)
        crowded[order] = ~resolved
        grove = neighbours_tree.planted(rows)
        given = grove, radii, crowded, strict, euclid
        _shares(n, lambda s, e: neighbours_tree.counts(*given, s, e, counts))
    return counts


def _in_groups(rows, groups, ks, norm, memory, counted):
    device = rows.device
    order = torch.argsort(groups.cpu(), stable=True)
    _, sizes = torch.unique_consecutive(groups.cpu()[order], return_counts=True)
    stops = sizes.cumsum(0).repeat_interleave(sizes)
    starts = stops - sizes.repeat_interleave(sizes)
    work = _groups_in_torch if in_torch(rows) else _groups_compiled
    ordered = rows.to(torch.float64)[order.to(device)]
    found = work(ordered, starts, stops, ks.cpu()[order], norm, memory, counted)
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order))
    return found[back.to(device)]


def _groups_compiled(rows, starts, stops, ks, norm, memory, counted):
    rows = np.ascontiguousarray(rows.numpy())
    starts, stops, ks = starts.numpy(), stops.numpy(), ks.numpy()
    if counted and rows.shape[1] == 1:
        return torch.from_numpy(_groups_on_a_line(rows[:, 0], starts, stops, ks))
    n, euclid = len(rows), norm == "euclidean"
    compared = n if counted else int((stops - starts).mean())  # rows compared with each
    if _suits_a_tree(compared, rows.shape[1]):
        distances, _ = _searched(
            rows, np.append(np.unique(starts), n), ks, rows.shape[1], euclid
        )
        if counted:
            radii = distances[np.arange(n), ks - 1]
            return torch.from_numpy(_counts(rows, radii, True, euclid))
        return torch.from_numpy(np.sqrt(distances) if euclid else distances)
    (layout,), sizes, scale = _layouts(norm, rows)
    given = (*layout, sizes, scale, starts, stops, ks, euclid)
    if counted:
        counts = np.empty(n, np.int64)
        at_once = _rows_at_once(n, 1, memory)
        _shares(n, lambda s, e: neighbours_cpu.group_counts(*given, s, e, at_once, counts))
        return torch.from_numpy(counts)
    distances = np.full((n, ks.max()), np.inf)
    _shares(n, lambda s, e: neighbours_cpu.group_distances(*given, s, e, distances))
    return torch.from_numpy(np.sqrt(distances) if euclid else distances)


def _groups_on_a_line(x, starts, stops, ks):
    order = np.lexsort((x, starts))  # the groups keep their places
    found = np.empty(len(x), np.int64)
    counts = np.empty(len(x), np.int64)
    neighbours_line.group_counts(x[order], starts[order], stops[order], ks[order], counts)
    found[order] = counts
    return found


def _nearest_in_torch(rows, k, norm, memory):
    n = len(rows)
    distances = rows.new_empty((n, k))
    indices = torch.empty((n, k), dtype=torch.int64, device=rows.device)
    for block, part in _blocks(rows, norm, memory):
        _leave_out_itself(block, part)
        distances[part], indices[part] = torch.topk(block, k, dim=1, largest=False, sorted=True)
    return distances, indices


def _joint_in_torch(a, b, k, norm, memory):
    n = len(a)
    in_a = torch.empty(n, dtype=torch.int64, device=a.device)
    in_b = torch.empty_like(in_a)
    half = memory // 2
    for (x, part), (y, _) in zip(_blocks(a, norm, half), _blocks(b, norm, half), strict=True):
        both = torch.maximum(x, y) if norm == "max" else torch.hypot(x, y)
        _leave_out_itself(both, part)
        radii = torch.topk(both, k, dim=1, largest=False).values[:, -1:]
        for values, counts in ((x, in_a), (y, in_b)):
            near = values < radii if norm == "max" else values <= radii
            _leave_out_itself(near, part, False)
            counts[part] = near.sum(dim=1)
    return in_a, in_b


def _groups_in_torch(rows, starts, stops, ks, norm, memory, counted):
    n, most = len(rows), int(ks.max())
    starts, stops, ks = (v.to(rows.device) for v in (starts, stops, ks))
    distances = rows.new_empty((n, most))
    counts = torch.empty(n, dtype=torch.int64, device=rows.device)
    place = torch.arange(n, device=rows.device)
    for block, part in _blocks(rows, norm, memory):
        _leave_out_itself(block, part)
        other = (place < starts[part, None]) | (place >= stops[part, None])
        nearest = torch.topk(block.masked_fill(other, torch.inf), most, largest=False).values
        beyond = place[:most] >= ks[part, None]
        distances[part] = nearest.masked_fill(beyond, torch.inf)
        if counted:
            radii = nearest.gather(1, ks[part, None] - 1)
            counts[part] = (block < radii).sum(dim=1)
    return counts if counted else distances


def _blocks(rows, norm, memory):
    """Distances of a block of rows to all rows, and the slice of that block."""
    step = max(1, memory // (32 * len(rows)))
    for start in range(0, len(rows), step):
        part = slice(start, min(len(rows), start + step))
        if norm == "max":
            yield torch.cdist(rows[part], rows, p=torch.inf), part
        else:
            mode = "donot_use_mm_for_euclid_dist"
            yield torch.cdist(rows[part], rows, compute_mode=mode), part


def _leave_out_itself(block, part, value=np.inf):
    own = torch.arange(len(block), device=block.device)
    block[own, part.start + own] = value
