"""Pairwise-distance bounds on the entropy of a Gaussian mixture, at any number of rows.

A mixture of N equal Gaussians N(t_i, σ²I) in d dimensions has an entropy between
    −mean_i ln mean_j exp(−‖t_i − t_j‖² / 8σ²) + (d/2)(ln 2πσ² + 1)   (lower, Bhattacharyya)
    −mean_i ln mean_j exp(−‖t_i − t_j‖² / 2σ²) + (d/2)(ln 2πσ² + 1)   (upper, Kullback-Leibler)
(Kolchinsky & Tracey 2017, Entropy 19, 361, equations 10, 13 and 15). The functions here return
the first term in nats: the excess of the mixture's entropy over a single component's. The
second term is the same for all mixtures with one noise and cancels in differences of entropies.

The N × N distances are never in memory at once. The sums are computed in one of four ways:
- rows on a line, on the CPU: no pairs at all, but the fast Gauss transform (line_cpu.py);
- few units, on the CPU: compiled direct differences; blocks of distant rows are skipped;
- many units, on the CPU: inner products by matrix multiplication, tile by tile, with direct
  differences for the pairs that these do not resolve;
- CUDA: inner products in blocks, or direct differences if these do not resolve the distances.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from infoplane.estimators.kernels import leaves_cpu as leaves
from infoplane.estimators.kernels import line_cpu as line
from infoplane.estimators.kernels import pairwise_cpu as cpu
from infoplane.estimators.kernels.threads import each
from infoplane.isolated import products_are_exact

MOST_DIRECT_UNITS = 32
"""Up to this many units, direct differences are faster than matrix products on the CPU
(measured)."""

TOLERANCE = 1e-5
"""Largest rounding error of an exponent of the lower kernel, in nats: a quarter of the upper
kernel's, whose 4e-5 nats are 6e-5 bits. Its exponential adds 2e-5 bits."""

MOST_DEVIATION = 3e-6
"""Largest distance, in units of σ, by which float32 may move a row from its float64 place."""

MOST_BESIDE = 1e-10
"""Largest change, in nats, of an exponent of the lower kernel when rows are put on a line."""

ROWS_A_BOX = 4
"""With fewer rows than this for each box of a line, empty boxes included, pairs are faster."""

FARTHEST = 60.0
"""Largest exponent; larger ones are cut to it. e^−60 is negligible in a sum of at least 1."""

SMALLEST_VARIANCE = 1e-300
"""Rows with a smaller variance count as equal: distances divided by it would overflow."""


class Bounds(NamedTuple):
    """Both bounds on an entropy, in nats, less the entropy of one component."""

    lower: float
    upper: float

    def of(self, side: str) -> float:
        """The bound on one side, "lower" or "upper"."""
        return self.lower if side == "lower" else self.upper


def mixture_entropies(
    rows: torch.Tensor, classes: np.ndarray, variance: float, memory: int
) -> tuple[Bounds, Bounds]:
    """Bounds on H(T) and on Σ_c p(c) H(T | c), where T is a row chosen at random plus noise.

    rows : (n_rows, n_units); classes : (n_rows,) int64; variance : σ² of the noise
    memory : bytes that may be used in addition to the rows and, if these are float64, to a copy
        of them in float32
    """
    order, sizes, of_class = _by_class(np.asarray(classes, np.int64).tobytes())
    if rows.is_cuda:
        sums = _sums_on_device(rows, order, sizes, variance, memory)
    else:
        sums = _sums_on_cpu(rows, order, sizes, variance, memory)
    whole, within = 0.0 - cpu.mean_logs(sums, of_class)
    return Bounds(*whole.tolist()), Bounds(*within.tolist())


@lru_cache(maxsize=8)
def _by_class(classes: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The order that sorts rows by these classes (int64), the sizes of the classes in that
    order, and the size of each sorted row's class; cached, because layers share them."""
    written = np.frombuffer(classes, np.int64)
    order = np.argsort(written, kind="stable")
    sizes = np.unique(written, return_counts=True)[1]
    return order, sizes, np.repeat(sizes, sizes)


def group_entropies(rows: torch.Tensor, variance: float, memory: int) -> Bounds:
    """Bounds on mean_n H(T | X = x_n) for rows (n_inputs, n_draws, n_units)."""
    n_draws = rows.shape[1]
    if n_draws == 1:
        return Bounds(0.0, 0.0)
    if rows.is_cuda:
        return _bounds(_group_sums_on_device(rows, variance, memory), n_draws)
    return _bounds(_group_sums_on_cpu(rows, variance), n_draws)


def _bounds(sums: np.ndarray, n: int | np.ndarray) -> Bounds:
    """−mean ln(sum / n), from sums of the lower and upper kernel, (2, …)."""
    lower, upper = (-np.log(s / n).mean() + 0.0 for s in sums)
    return Bounds(float(lower), float(upper))


def _sums_on_cpu(rows, order, sizes, variance, memory) -> np.ndarray:
    """Kernel sums (4, n_rows) for the rows in `order`, which sorts them by class."""
    sums = _line_sums(rows, order, sizes, variance)
    if sums is not None:
        return sums
    if rows.shape[1] > MOST_DIRECT_UNITS:
        centred = _Centred(rows, order, variance, memory)
        if centred.are_resolved:
            return _product_sums(centred, sizes, variance, memory)
    return _direct_sums(rows, order, sizes, variance, memory)


def _line_sums(rows, order, sizes, variance) -> np.ndarray | None:
    """Kernel sums for rows that lie on a line and are close enough there; else None."""
    places = np.empty(len(rows))
    values = rows.to(torch.promote_types(rows.dtype, torch.float32)).contiguous().numpy()
    # two rows off the line may be twice as far from one another as from the line
    if not line.on_a_line(values, MOST_BESIDE / 4 * 8 * variance, places):
        return None
    places = places[order] * math.sqrt(1 / (8 * variance))
    if not 2 * np.ptp(places) < line.WIDTH * max(1, len(rows) // ROWS_A_BOX):
        return None
    ends, table = np.append(0, np.cumsum(sizes)), line.between_boxes()
    sums = np.empty((4, len(rows)))
    for upper, scaled in enumerate((places, 2 * places)):  # e^−(2s)² is the upper kernel
        within, whole = np.empty((2, len(rows)))
        line.line_sums(scaled, ends, table, within, whole)
        sums[cpu.LOWER_WITHIN + upper], sums[cpu.LOWER_ACROSS + upper] = within, whole - within
    return sums


def _direct_sums(rows, order, sizes, variance, memory) -> np.ndarray:
    points = _resolved(rows, variance)
    order, blocks = _leaves_in_space(points, order, sizes)
    n_leaves, d = len(blocks), points.shape[1]
    arranged = [
        np.empty(shape, points.dtype)
        for shape in (
            (n_leaves * leaves.LEAF, d),
            (n_leaves * cpu.PARTS, d, leaves.PART),
            (2, d, n_leaves),
            (2, d, n_leaves * cpu.PARTS),
            (2, n_leaves, d, cpu.FOURS),
        )
    ]
    cpu.arrange(points, order, blocks, *arranged)
    rows, tiles, *boxes = arranged
    scale = points.dtype.type(cpu.LOG2_E / (8 * variance))
    rest = scale if points.dtype == np.float32 else np.float32(1)
    reach = points.dtype.type(_reach(len(order)) * 8 * variance)
    # as many as fit into half of the memory: each has sums of its own for all rows
    most = max(1, memory // 2 // (4 * 8 * n_leaves * leaves.LEAF))
    n_shares = min(most, 64, max(4, n_leaves // 32))
    shares = np.empty((n_shares, 4, n_leaves, leaves.LEAF))
    given = rows, tiles, blocks, *boxes, scale, rest, reach

    def run(share: int) -> None:
        shares[share] = 0
        cpu.direct_sums(*given, share, n_shares, shares[share])

    each(run, n_shares)
    sums = np.empty((4, len(order)))
    cpu.add_shares(shares, blocks, sums)
    return sums


def _product_sums(centred: _Centred, sizes, variance, memory) -> np.ndarray:
    """Kernel sums from tiles of inner products of the centred rows."""
    n_rows, n_units = centred.rows.shape
    points = _resolved(centred.rows, variance)
    blocks = _blocks(sizes)
    scale = points.dtype.type(1 / (8 * variance))
    unit = _rounding_unit(n_units, torch.float32)
    limits = (np.float32(unit), np.float32(TOLERANCE), np.float32(_reach(n_rows)))
    n_shares = 8
    sums = np.zeros((n_shares, 4, n_rows))
    for tile, products in _tiles(centred, blocks, memory):

        def run(share: int, tile=tile, products=products) -> None:
            cpu.product_sums(
                products, tile, centred.squares, points, centred.order, blocks, scale, limits,
                share, n_shares, sums[share],
            )  # fmt: skip

        each(run, n_shares)
    return sums.sum(axis=0)


class _Centred:
    """Rows (t − mean)·√(1/8σ²) in an order, float32. All are held if they fit into half of the
    memory; else some are computed on request.

    squares : float32 (n_rows,), their squared norms
    are_resolved : whether float32 can represent these: no value is too large
    most_rows : the number of rows that fit into half of the memory, at least one block
    """

    def __init__(self, rows: torch.Tensor, order: np.ndarray, variance: float, memory: int):
        n_rows, n_units = rows.shape
        self.rows, self.order = rows, order
        self._mean, self._factor = rows.mean(dim=0), math.sqrt(1 / (8 * variance))
        self._step = max(1, 2**18 // n_units)
        self.most_rows = max(cpu.BLOCK, memory // 2 // (4 * n_units))
        fits = n_rows <= self.most_rows
        self._all = torch.empty((n_rows, n_units), dtype=torch.float32) if fits else None
        squares = torch.empty(n_rows, dtype=torch.float64)
        for start in range(0, n_rows, self._step):
            part = self._some(start, min(start + self._step, n_rows))
            if fits:
                self._all[start : start + self._step] = part
            torch.sum(
                part.to(torch.float64) ** 2, dim=1, out=squares[start : start + len(part)]
            )
        self.are_resolved = bool(squares.amax() < 1e30)
        self.squares = squares.to(torch.float32).numpy()

    def of(self, start: int, stop: int, room: torch.Tensor) -> torch.Tensor:
        """Rows start … stop − 1, float32 (stop − start, n_units). room : memory for at least as
        many, if not all rows are held"""
        if self._all is not None:
            return self._all[start:stop]
        for first in range(start, stop, self._step):
            last = min(first + self._step, stop)
            room[first - start : last - start] = self._some(first, last)
        return room[: stop - start]

    def room(self, n_rows: int) -> torch.Tensor:
        """Memory for at most this many rows; empty if all rows are held."""
        n_rows = 0 if self._all is not None else min(n_rows, len(self.rows))
        return torch.empty((n_rows, self.rows.shape[1]), dtype=torch.float32)

    def _some(self, start: int, stop: int) -> torch.Tensor:
        chosen = torch.from_numpy(self.order[start:stop])
        return (self.rows[chosen] - self._mean) * self._factor


def _tiles(centred: _Centred, blocks, memory) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tiles: the first and last block of rows and of columns, and their inner products.

    Tiles cover each pair of blocks at least once, in one of its two orders, and share one
    buffer. As many columns as fit into memory are centred at a time, and the rows before them
    are then centred again.
    """
    most, n_units = centred.rows.shape
    height, width = _tile_shape(memory // 4)
    height = min(height, max(cpu.BLOCK, memory // 8 // (4 * n_units)))
    buffer = torch.empty(min(height, most) * min(width, most), dtype=torch.float32)
    room, room_before = centred.room(centred.most_rows), centred.room(height)
    for left, right in _spans(blocks, centred.most_rows):
        start = blocks[left, 0]
        panel = centred.of(start, blocks[right - 1, 1], room)
        before = _spans(blocks[:left], height) if left else []
        within = _spans(blocks[left:right], height)
        for first, last in [*before, *((left + a, left + b) for a, b in within)]:
            top, bottom = blocks[first, 0], blocks[last - 1, 1]
            if first < left:
                rows = centred.of(top, bottom, room_before)
            else:
                rows = panel[top - start : bottom - start]
            begin = max(first, left)
            for a, b in _spans(blocks[begin:right], width):
                tile = np.array([first, last, begin + a, begin + b])
                columns = panel[blocks[tile[2], 0] - start : blocks[tile[3] - 1, 1] - start]
                products = buffer[: len(rows) * len(columns)].view(len(rows), -1)
                torch.mm(rows, columns.T, out=products)
                yield tile, products.numpy()


def _group_sums_on_cpu(rows, variance) -> np.ndarray:
    """Kernel sums (2, n_groups, n_draws) within each group."""
    n_groups, n_draws, n_units = rows.shape
    points = _resolved(rows.reshape(-1, n_units), variance).reshape(rows.shape)
    scale = points.dtype.type(cpu.LOG2_E / (8 * variance))
    sums = np.zeros((2, n_groups, n_draws))
    edges = np.linspace(0, n_groups, min(n_groups, 64) + 1).astype(np.int64)
    each(
        lambda i: cpu.group_sums(points, edges[i], edges[i + 1], scale, sums),
        len(edges) - 1,
    )
    return sums


def _resolved(rows: torch.Tensor, variance: float) -> np.ndarray:
    """The rows, contiguous, in a precision whose direct differences are accurate.

    float32 values are not changed: their differences are accurate to the last bit. float64
    values are centred and become float32 if that moves no row noticeably, given the noise.
    """
    moderate = 1e-30 < variance < 1e30  # else squares of differences near σ leave float32
    if rows.dtype != torch.float64:
        dtype = torch.float32 if moderate else torch.float64
        return rows.to(dtype).contiguous().numpy()
    if moderate:
        most = MOST_DEVIATION * math.sqrt(variance / rows.shape[1])
        for origin in (torch.zeros_like(rows[0]), rows.mean(dim=0)):
            single = _single(rows, origin, most)
            if single is not None:
                return single.numpy()
    return rows.contiguous().numpy()


def _single(rows, origin, most: float) -> torch.Tensor | None:
    """rows − origin in float32; None if that moves a value by more than `most`."""
    single = torch.empty(rows.shape, dtype=torch.float32)
    step = max(1, 2**20 // rows.shape[1])
    for start in range(0, len(rows), step):
        exact = rows[start : start + step] - origin
        part = single[start : start + step].copy_(exact)
        if not (part.to(torch.float64) - exact).abs().amax() <= most:
            return None
    return single


def _rounding_unit(n_units: int, dtype: torch.dtype) -> float:
    """Rounding error of ‖a‖² + ‖b‖² − 2a·b as a share of ‖a‖² + ‖b‖².

    The error of a running sum of n_units products grows like √n_units.
    """
    return (4 + math.sqrt(n_units)) * torch.finfo(dtype).eps / 2


def _reach(n_rows: int) -> float:
    """All terms with larger exponents together change a sum, which is at least 1, by less than
    1.3e-5, and so an entropy by less than 2e-5 bit; by 5e-9 bit on layers of a training."""
    return math.log(n_rows) + 11.3


def _blocks(sizes: np.ndarray, most: int = cpu.BLOCK) -> np.ndarray:
    """Blocks of at most this many rows of one class: (n_blocks, 3), start, stop and class."""
    return _blocks_of(tuple(sizes.tolist()), most)


@lru_cache(maxsize=8)
def _blocks_of(sizes: tuple[int, ...], most: int) -> np.ndarray:
    """The same, cached, because the layers of a network have the same classes."""
    parts, start = [], 0
    for label, size in enumerate(sizes):
        starts = np.arange(start, start + size, most)
        stops = np.minimum(starts + most, start + size)
        parts.append(np.stack([starts, stops, np.full_like(starts, label)], axis=1))
        start += size
    return np.concatenate(parts).astype(np.int64)


def _leaves_in_space(points, order, sizes) -> tuple[np.ndarray, np.ndarray]:
    """The order with the rows of each class sorted in space, and leaves of close rows."""
    order, stops, lines = order.copy(), np.cumsum(sizes), leaves.in_lines(points)
    each(
        lambda i: leaves.split_in_space(
            lines, order, stops[i] - sizes[i], stops[i], leaves.PART
        ),
        len(sizes),
    )
    return order, _blocks(sizes, leaves.LEAF)


def _tile_shape(n_values: int) -> tuple[int, int]:
    """Rows and columns of a tile of about n_values products, at least one block each."""
    height = min(512, max(cpu.BLOCK, int(math.sqrt(n_values / 4))))
    return height, min(4096, max(cpu.BLOCK, n_values // height))


def _spans(blocks: np.ndarray, most_rows: int) -> list[tuple[int, int]]:
    """First and last of successive blocks with together at most `most_rows` rows."""
    spans, first = [], 0
    for i in range(1, len(blocks) + 1):
        if i == len(blocks) or blocks[i, 1] - blocks[first, 0] > most_rows:
            spans.append((first, i))
            first = i
    return spans


def _sums_on_device(rows, order, sizes, variance, memory) -> np.ndarray:
    """Kernel sums (4, n_rows), in blocks of rows, on the device of the rows."""
    points, by_products = _points_on_device(rows, variance)
    points = points[torch.from_numpy(order).to(rows.device)]
    squares = points.square().sum(dim=1)
    n_rows = len(points)
    sums = torch.zeros((4, n_rows), dtype=torch.float64, device=rows.device)
    height = max(1, memory // (32 * n_rows))  # four float64 arrays of height × n_rows
    stop_of_class = 0
    for size in sizes.tolist():
        start_of_class, stop_of_class = stop_of_class, stop_of_class + size
        for top in range(start_of_class, stop_of_class, height):
            bottom = min(top + height, stop_of_class)
            distances = _squared_distances(
                points[top:bottom],
                points[top:],
                by_products,
                squares[top:bottom],
                squares[top:],
            )
            distances.diagonal().zero_()
            lower = distances.clamp_(max=FARTHEST).neg_().exp_()
            same = stop_of_class - top
            for kind, kernel in enumerate((lower, lower.clamp(min=1e-9) ** 4)):
                within, across = kernel[:, :same], kernel[:, same:]
                sums[kind, top:bottom] += within.sum(dim=1, dtype=torch.float64)
                sums[kind, bottom:stop_of_class] += within[:, bottom - top :].sum(
                    dim=0, dtype=torch.float64
                )
                sums[kind + 2, top:bottom] += across.sum(dim=1, dtype=torch.float64)
                sums[kind + 2, stop_of_class:] += across.sum(dim=0, dtype=torch.float64)
    return sums.cpu().numpy()


def _group_sums_on_device(rows, variance, memory) -> np.ndarray:
    n_groups, n_draws = rows.shape[:2]
    scaled = (rows.to(torch.float64) - rows[:, :1]) * math.sqrt(1 / (8 * variance))
    sums = torch.empty((2, n_groups, n_draws), dtype=torch.float64, device=rows.device)
    step = max(1, memory // (32 * n_draws * n_draws))
    for start in range(0, n_groups, step):
        part = scaled[start : start + step]
        lower = _squared_distances(part, part).clamp_(max=FARTHEST).neg_().exp_()
        sums[0, start : start + step] = lower.sum(dim=-1)
        sums[1, start : start + step] = lower.pow_(4).sum(dim=-1)
    return sums.cpu().numpy()


def _points_on_device(rows, variance) -> tuple[torch.Tensor, bool]:
    """Rows scaled by √(1/8σ²), in the cheapest precision that resolves their distances, and
    whether inner products resolve them; direct differences in float64 always do."""
    scaled = (rows.to(torch.float64) - rows.mean(dim=0)) * math.sqrt(1 / (8 * variance))
    both = 2 * float(scaled.square().sum(dim=1).amax())
    for dtype in (torch.float32, torch.float64) if products_are_exact() else (torch.float64,):
        if both * _rounding_unit(rows.shape[1], dtype) <= TOLERANCE:
            return scaled.to(dtype), True
    return scaled, False


def _squared_distances(a, b, by_products=False, squares_a=None, squares_b=None):
    """‖a_i − b_j‖², (…, n, m)."""
    if by_products:
        return torch.addmm(squares_b, a, b.T, alpha=-2).add_(squares_a[:, None]).clamp_(min=0)
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square_()
