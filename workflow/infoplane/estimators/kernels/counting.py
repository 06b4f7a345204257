"""Entropies of codes: rows, binned or not, are hashed to 64 bits, and equal hashes are counted.

Values become bin numbers by a Grid or by quantile edges. A row of bin numbers c becomes the
hash Σ_k m_k c_k mod 2⁶⁴ with fixed random odd multipliers m_k. Two different rows have the same
hash with a probability of about 2⁻⁵⁸, so one layer in 10⁷ with 10⁵ rows has a collision. Where
few enough bins are possible, m_k is n_bins^k, and no two rows share a number. For
rows without bins, c are the bits of the values, with the upper half folded into the lower half:
values with few levels end in many zeros and would otherwise collide more often. Equal hashes
are counted by a hash table on the CPU and by sorting on CUDA; both use the same hashes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numba
import numpy as np
import torch

from infoplane.estimators.kernels.counting_cpu import (
    LABEL_FACTOR,
    TX,
    TY,
    T,
    Y,
    odd_multipliers,
    repeats_of,
    room_for,
    steps_of,
    tally_rows_share,
    tally_sample,
    tally_share,
)
from infoplane.estimators.kernels.row_codes_cpu import LARGEST, Digits
from infoplane.estimators.kernels.threads import each

_SHARES = 4  # for each thread, so that no thread waits long for another


class Grid(NamedTuple):
    """Bins of equal width for some samples: bin k of a unit is [edge_k, edge_(k+1)), with
    edge_k = low + k·step.

    low, high, step : float64 (n_samples, n_units)
    n_bins : number of bins in the range; the last one includes `high`. Values beyond the range
        have further bins. 0 means no range: bins are floor(t / step)
    covers : whether all values are known to lie in the range
    """

    low: np.ndarray
    high: np.ndarray
    step: np.ndarray
    n_bins: int
    covers: bool = False

    @classmethod
    def of_range(cls, low, high, n_bins: int, shape: tuple[int, int]) -> Grid:
        """Bins with the edges np.linspace(low, high, n_bins + 1); low and high are broadcast to
        the shape."""
        low = np.array(np.broadcast_to(low, shape), dtype=np.float64)
        high = np.array(np.broadcast_to(high, shape), dtype=np.float64)
        with np.errstate(over="ignore"):
            step = (high - low) / n_bins
        return cls(low, high, np.where(step > 0, step, 1.0), n_bins)

    @classmethod
    def of_width(cls, width: float, shape: tuple[int, int]) -> Grid:
        """Bins floor(t / width)."""
        zero = np.zeros(shape)
        return cls(zero, zero, np.full(shape, float(width)), 0)

    def holding(self, low: np.ndarray, high: np.ndarray, places: Iterable[str]) -> Grid:
        """The grid of samples whose values reach from low to high. Raises ValueError if values
        of a sample lie in bins that float64 cannot number; the message names the sample by its
        place."""
        with np.errstate(over="ignore", invalid="ignore"):
            distance = np.maximum(np.abs(low - self.low), np.abs(high - self.low))
            farthest = (distance / self.step).max(axis=1)
        if np.isfinite(self.step).all() and (farthest < LARGEST).all():
            within = (low >= self.low).all() and (high <= self.high).all()
            return self._replace(covers=bool(self.n_bins > 0 and within))
        for place, number, step in zip(places, farthest, self.step, strict=True):
            if not np.isfinite(step).all():
                raise ValueError(
                    f"{place}: the bins span more than float64 holds, 1.8e308; divide the "
                    "activations by a constant"
                )
            if not number < LARGEST:
                raise ValueError(
                    f"{place}: the activations reach bin number {number:.3g}, and bins beyond "
                    "2^51 cannot be distinguished; use wider bins or range: layer"
                )


class Tallies(NamedTuple):
    """The counts of some samples, for T, T and Y, T and X, Y, X (counting_cpu.py).

    n_codes : (n_samples, 5), number of occupied codes
    weighted : (n_samples, 5), Σ c log2 c over the codes, with c rows in a code; the plug-in
        entropy is log2 N − weighted / N
    n_rows : N
    """

    n_codes: np.ndarray
    weighted: np.ndarray
    n_rows: int

    @classmethod
    def empty(cls, n_samples: int, n_inputs: int, n_draws: int) -> Tallies:
        """Tallies in which only the inputs are counted, each with n_draws rows."""
        n_rows = n_inputs * n_draws
        n_codes = np.full((n_samples, 5), n_inputs, dtype=np.int64)
        return cls(n_codes, np.full((n_samples, 5), n_rows * math.log2(n_draws)), n_rows)

    def entropies(self) -> np.ndarray:
        """Plug-in entropies (n_samples, 5), in bits."""
        return math.log2(self.n_rows) - self.weighted / self.n_rows


def stacked(parts: list[torch.Tensor]) -> torch.Tensor:
    """Tensors of one shape as one tensor (n_parts, …): a view if they follow one another in
    memory, like the samples of a batch; else a copy."""
    first, last = parts[0], parts[-1]
    size, start = first.numel(), first.data_ptr()
    if first.untyped_storage().data_ptr() == last.untyped_storage().data_ptr() and all(
        part.data_ptr() == start + i * size * first.itemsize and part.is_contiguous()
        for i, part in enumerate(parts)
    ):  # all parts between the ends of one storage are in it
        return first.as_strided((len(parts), *first.shape), (size, *first.stride()))
    return torch.stack(parts)


def ranges(t: torch.Tensor, per_unit: bool) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest values of t (n_samples, n_inputs, n_draws, n_units): float64
    (n_samples, 1), or, per_unit, (n_samples, n_units)."""
    values = t.reshape(len(t), -1, t.shape[-1] if per_unit else 1)
    if t.is_cuda:
        return tuple(end.double().cpu().numpy() for end in torch.aminmax(values, dim=1))
    values = values.numpy()  # numpy's loops are several times as fast as torch's here
    low, high = np.empty((2, len(t), values.shape[2]))

    def run(first: int, last: int) -> None:
        part = values[first:last]
        low[first:last], high[first:last] = part.min(axis=1), part.max(axis=1)

    _in_shares(run, len(t))
    return low, high


def tally_grid(
    t: torch.Tensor, labels: np.ndarray, grid: Grid, repeats: bool = False
) -> Tallies:
    """The tallies of samples t (n_samples, n_inputs, n_draws, n_units) with their classes.

    labels : int64 (n_samples, n_inputs), or (1, n_inputs) if all samples have the same
    repeats : whether `weighted` is instead the number of codes with more than one row
    """
    found = Tallies.empty(*t.shape[:3])
    if t.is_cuda:
        for i, sample in enumerate(t):
            hashes = hashes_on_device(
                sample, grid.low[i], grid.high[i], grid.step[i], grid.n_bins
            )
            tally_on_device(hashes, labels[i % len(labels)], found, i, repeats)
        return found
    values, steps = t.contiguous().numpy(), repeats_of if repeats else steps_of
    digits = Digits.of(*grid)
    given = values, labels, grid[:4], digits, odd_multipliers(t.shape[3]), steps(found.n_rows)
    into = found.n_codes, found.weighted
    _in_shares(lambda *share: tally_share(*given, *into, *share), len(t))
    return found


def tally_edges(t: torch.Tensor, labels: np.ndarray, edges: list[torch.Tensor]) -> Tallies:
    """The same with bins between inner edges, one tensor for each sample (`edge_hashes`)."""
    tallies = Tallies.empty(*t.shape[:3])
    steps, room = steps_of(tallies.n_rows), room_for(tallies.n_rows, labels)
    for i, sample in enumerate(t):
        hashes = edge_hashes(sample, edges[i])
        if t.is_cuda:
            tally_on_device(hashes, labels[i % len(labels)], tallies, i)
        else:
            into = tallies.n_codes, tallies.weighted
            tally_sample(hashes.numpy(), labels, steps, room, *into, 0, i)
    return tallies


def tally_rows(t: torch.Tensor, labels: np.ndarray, repeats: bool = False) -> Tallies:
    """The same without bins: equal values are equal codes, and 0 equals −0.

    t : (n_samples, n_inputs, n_draws, n_units), counted as float64 if it is, else as float32
    """
    tallies = Tallies.empty(*t.shape[:3])
    word = torch.int64 if t.dtype == torch.float64 else torch.int32
    words = (
        t.to(torch.float64 if word == torch.int64 else torch.float32).contiguous().view(word)
    )
    if t.is_cuda:
        for i, sample in enumerate(words):
            tally_on_device(row_hashes(sample), labels[i % len(labels)], tallies, i, repeats)
        return tallies
    values, multipliers = words.numpy(), odd_multipliers(t.shape[3])
    values = values.view(f"u{values.itemsize}")
    minus_zero = values.dtype.type(1 << (8 * values.itemsize - 1))
    steps = (repeats_of if repeats else steps_of)(tallies.n_rows)
    given = values, minus_zero, labels, multipliers, steps
    into = tallies.n_codes, tallies.weighted
    _in_shares(lambda *share: tally_rows_share(*given, *into, *share), len(t))
    return tallies


def _in_shares(task: Callable[[int, int], None], n_samples: int) -> None:
    """Call task(first, last) for shares of the samples, several for each thread."""
    ends = np.linspace(0, n_samples, _SHARES * numba.get_num_threads() + 1).astype(np.int64)
    shares = [(a, b) for a, b in itertools.pairwise(ends) if a < b]
    each(lambda k: task(*shares[k]), len(shares))


def row_hashes(words: torch.Tensor) -> torch.Tensor:
    """Hashes (n_inputs, n_draws) of rows of integers, with torch operations."""
    hashes = torch.zeros(words.shape[:2], dtype=torch.int64, device=words.device)
    minus_zero, half = torch.iinfo(words.dtype).min, words.itemsize * 4
    low = (1 << half) - 1
    whole = -1 if words.dtype == torch.int64 else (1 << 32) - 1
    for k, factor in enumerate(odd_multipliers(words.shape[2]).tolist()):
        word = words[:, :, k]
        word = word.where(word != minus_zero, 0)
        mixed = word ^ ((word >> half) & low)  # shifts of signed words insert ones
        hashes += (mixed.to(torch.int64) & whole) * factor
    return hashes


def hashes_on_device(t: torch.Tensor, low, high, step, n_bins: int) -> torch.Tensor:
    """Hashes (n_inputs, n_draws) of the codes of one sample, with torch operations."""
    hashes = torch.zeros(t.shape[:2], dtype=torch.int64, device=t.device)
    units = zip(low.tolist(), high.tolist(), step.tolist(), strict=True)
    for k, (a, b, s) in enumerate(units):
        x = t[:, :, k].to(torch.float64)
        code = ((x - a) / s).floor()
        if n_bins:
            code -= (x < code * s + a).to(torch.float64)
            code += (x >= (code + 1) * s + a).to(torch.float64)
            code = torch.where(x > b, code.clamp(min=n_bins), code.clamp(max=n_bins - 1))
        hashes += code.to(torch.int64) * int(odd_multipliers(t.shape[2])[k])
    return hashes


def tally_on_device(
    hashes: torch.Tensor, labels: np.ndarray, found: Tallies, i: int, repeats: bool = False
) -> None:
    """Fill row i of the tallies, with torch operations, on any device."""
    y = torch.from_numpy(labels).to(hashes.device)[:, None] * LABEL_FACTOR
    x = torch.arange(len(hashes), device=hashes.device)[:, None] * LABEL_FACTOR
    for column, keys in (
        (T, hashes),
        (TY, hashes + y),
        (TX, hashes + x),
        (Y, y.expand_as(hashes)),
    ):
        counts = torch.unique(keys, return_counts=True)[1].cpu().numpy()
        sizes, times = np.unique(counts, return_counts=True)
        found.n_codes[i, column] = len(counts)
        weights = sizes > 1 if repeats else sizes * np.log2(sizes)
        found.weighted[i, column] = (times * weights).sum()


def edge_hashes(t: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Hashes (n_inputs, n_draws) of the codes of bins between inner edges.

    edges : float64 (n_units or 1, n_edges), ascending, on t's device; an edge belongs to the
        bin above it
    """
    edges = edges.expand(t.shape[2], -1).contiguous()
    hashes = torch.zeros(t.shape[:2], dtype=torch.int64, device=t.device)
    for k, factor in enumerate(odd_multipliers(t.shape[2]).tolist()):
        column = t[:, :, k].to(torch.float64).contiguous()
        hashes += torch.bucketize(column, edges[k], right=True) * factor
    return hashes


def quantile_edges(values: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Inner edges, float64 (n_bins − 1,), that divide the values into equal shares.

    An edge is interpolated linearly between its two neighbours in the sorted order.
    """
    n = values.numel()
    ordered = values.reshape(-1).sort().values
    places = (
        torch.arange(1, n_bins, dtype=torch.float64, device=values.device) * (n - 1) / n_bins
    )
    below = places.floor().to(torch.int64)
    low = ordered[below].to(torch.float64)
    high = ordered[(below + 1).clamp(max=n - 1)].to(torch.float64)
    return low + (high - low) * (places - below)
