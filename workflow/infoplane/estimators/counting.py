"""Entropies of bin codes: rows are digitised, hashed to 64 bits and counted.

Values become bin numbers by a Grid, or by quantile edges. A row of bin numbers c becomes the
hash Σ_k m_k c_k mod 2⁶⁴ with fixed random odd multipliers m_k. Two rows of other codes share
one with a probability of about 2⁻⁵⁸, so that a layer of 10⁵ rows sees a collision once in 10⁷
times. Equal hashes are counted in a hash table on the CPU and by sorting on CUDA; both
see the same hashes.
"""

import math
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
import torch

from infoplane.estimators.threads import each

LARGEST_CODE = 2.0**53
"""Bin numbers beyond are not told apart in float64."""

ROWS_PER_TASK = 2**14
"""Smallest share of a large sample that is worth a thread of its own."""

_TILE = 512  # values digitised before they are summed into hashes: a few kB, in cache


class Grid(NamedTuple):
    """Equal bins of some samples: bin k of a unit is [edge_k, edge_(k+1)),
    edge_k = low + k·step.

    low, high, step : float64 (n_samples, n_units)
    n_bins : bin n_bins − 1 also holds `high`; beyond the range the grid goes on with bins of
        its own. 0: no range, bins are floor(t / step).
    """

    low: np.ndarray
    high: np.ndarray
    step: np.ndarray
    n_bins: int

    @classmethod
    def of_range(cls, low, high, n_bins: int, shape: tuple[int, int]) -> "Grid":
        """np.linspace(low, high, n_bins + 1) as edges; low and high broadcast to the shape."""
        low = np.array(np.broadcast_to(low, shape), dtype=np.float64)
        high = np.array(np.broadcast_to(high, shape), dtype=np.float64)
        step = (high - low) / n_bins
        return cls(low, high, np.where(step > 0, step, 1.0), n_bins)

    @classmethod
    def of_width(cls, width: float, shape: tuple[int, int]) -> "Grid":
        """Bins floor(t / width)."""
        zero = np.zeros(shape)
        return cls(zero, zero, np.full(shape, float(width)), 0)

    def farthest(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Largest bin number (n_samples,), in absolute value, of values from low to high."""
        with np.errstate(over="ignore"):
            distance = np.maximum(np.abs(low - self.low), np.abs(high - self.low))
            return (distance / self.step).max(axis=1)


class Tally(NamedTuple):
    """Counts c of codes: Σ c, how many codes are occupied, Σ c log2 c."""

    n_rows: int
    n_codes: int
    weighted: float

    @classmethod
    def of_counts(cls, counts: np.ndarray) -> "Tally":
        """Tally of counts in any order, which does not change the last bit."""
        sizes, times = np.unique(counts, return_counts=True)
        weighted = float((times * sizes * np.log2(sizes)).sum())
        return cls(int(sizes @ times), int(times.sum()), weighted)

    @property
    def entropy(self) -> float:
        """Plug-in entropy of the codes in bits: log2 N − (1/N) Σ c log2 c."""
        return math.log2(self.n_rows) - self.weighted / self.n_rows


def ranges(t: torch.Tensor, per_unit: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of samples (n_samples, n_rows, n_units), float64 arrays
    (n_samples, 1), or (n_samples, n_units) unit by unit."""
    values = t if per_unit else t.reshape(len(t), -1, 1)
    if not t.is_cuda:  # numpy's loops are several times torch's here
        values = values.numpy()
        return values.min(axis=1).astype(np.float64), values.max(axis=1).astype(np.float64)
    low, high = torch.aminmax(values, dim=1)
    return low.double().cpu().numpy(), high.double().cpu().numpy()


def grid_hashes(t: torch.Tensor, grid: Grid) -> torch.Tensor:
    """Hashes int64 (n_samples, n_rows) of the codes of t (n_samples, n_rows, n_units)."""
    if t.is_cuda:
        return hashes_on_device(t, grid)
    values = t.contiguous().numpy()
    n_samples, n_rows, n_units = values.shape
    hashes = np.empty((n_samples, n_rows), dtype=np.int64)
    multipliers = odd_multipliers(n_units)
    if n_samples == 1:
        parts = [(slice(0, 1), rows) for rows in _shares(n_rows, ROWS_PER_TASK)]
    else:
        parts = [(some, slice(0, n_rows)) for some in _shares(n_samples)]

    def run(i: int) -> None:
        some, rows = parts[i]
        low, high, step = (g[some] for g in grid[:3])
        _hash_rows(
            values[some, rows], low, high, step, grid.n_bins, multipliers, hashes[some, rows]
        )

    each(run, len(parts))
    return torch.from_numpy(hashes)


def _shares(n: int, least: int = 1) -> list[slice]:
    """Equal runs of n things, one a thread, of at least so many."""
    n_shares = max(1, min(numba.get_num_threads(), n // least))
    edges = [n * i // n_shares for i in range(n_shares + 1)]
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def hashes_on_device(t: torch.Tensor, grid: Grid) -> torch.Tensor:
    """The same hashes by torch operations, on any device."""
    multipliers = odd_multipliers(t.shape[2]).tolist()
    ends = [torch.from_numpy(g).to(t.device)[:, :, None] for g in grid[:3]]
    hashes = torch.zeros(t.shape[:2], dtype=torch.int64, device=t.device)
    for k, factor in enumerate(multipliers):
        low, high, step = (g[:, k] for g in ends)
        x = t[:, :, k].to(torch.float64)
        code = ((x - low) / step).floor()
        if grid.n_bins:
            code -= (x < code * step + low).to(torch.float64)
            code += (x >= (code + 1) * step + low).to(torch.float64)
            inside, outside = code.clamp(max=grid.n_bins - 1), code.clamp(min=grid.n_bins)
            code = torch.where(x > high, outside, inside)
        hashes += code.to(torch.int64) * factor
    return hashes


def edge_hashes(t: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Hashes (n_rows,) of the codes between inner edges; an edge belongs to the bin above.

    t (n_rows, n_units), edges (n_units or 1, n_edges) float64, ascending, on t's device
    """
    multipliers = odd_multipliers(t.shape[1]).tolist()
    edges = edges.expand(t.shape[1], -1).contiguous()
    hashes = torch.zeros(len(t), dtype=torch.int64, device=t.device)
    for k, factor in enumerate(multipliers):
        column = t[:, k].to(torch.float64).contiguous()
        hashes += torch.bucketize(column, edges[k], right=True) * factor
    return hashes


def quantile_edges(values: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Inner edges (n_bins − 1,) float64 that cut the values into equal shares.

    An edge lies at its place in the sorted order, linearly between the two neighbours.
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


def tallies(hashes: torch.Tensor, labels: np.ndarray | None = None) -> list[Tally]:
    """One tally a sample, of its codes or of its codes jointly with labels.

    hashes, labels : int64 (n_samples, n_rows)
    """
    if hashes.is_cuda:
        return tallies_on_device(hashes, labels)
    keys, n_rows = hashes.numpy(), hashes.shape[1]
    factor = _LABEL_FACTOR if labels is not None else 0
    labels = labels if labels is not None else keys
    n_codes = np.empty(len(keys), dtype=np.int64)
    weighted = np.empty(len(keys))
    parts = _shares(len(keys))

    def run(i: int) -> None:
        some = parts[i]
        _count(keys[some], labels[some], factor, n_codes[some], weighted[some])

    each(run, len(parts))
    return [
        Tally(n_rows, k, w) for k, w in zip(n_codes.tolist(), weighted.tolist(), strict=True)
    ]


def tallies_on_device(hashes: torch.Tensor, labels: np.ndarray | None = None) -> list[Tally]:
    """The same tallies by torch operations, on any device."""
    if labels is not None:
        hashes = hashes + torch.from_numpy(labels).to(hashes.device) * _LABEL_FACTOR
    counts = [torch.unique(keys, return_counts=True)[1] for keys in hashes]
    return [Tally.of_counts(count.cpu().numpy()) for count in counts]


@cache
def odd_multipliers(n: int, seed: int = 0) -> np.ndarray:
    """n random odd numbers of 64 bits as int64, the same ones each time."""
    bits = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, n, dtype=np.uint64)
    return (bits | np.uint64(1)).view(np.int64)


_LABEL_FACTOR = int(odd_multipliers(1, seed=1)[0])


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _hash_rows(values, low, high, step, n_bins, multipliers, out):
    """Fill out (n_samples, n_rows) with the hashes of values (n_samples, n_rows, n_units).

    A tile holds some whole rows, so that the loop over its values is long enough to
    vectorise for layers of two units as well.
    """
    n_rows, n_units = values.shape[1:]
    height = max(1, _TILE // n_units)
    tiled = np.empty((4, height * n_units))
    factors = np.empty(height * n_units, np.int64)
    terms = np.empty(height * n_units, np.int64)
    for b in range(values.shape[0]):
        for i in range(height * n_units):
            k = i % n_units
            tiled[0, i], tiled[1, i], tiled[2, i] = low[b, k], high[b, k], step[b, k]
            tiled[3, i] = 1 / step[b, k]
            factors[i] = multipliers[k]
        flat = values[b].reshape(-1)
        for start in range(0, n_rows, height):
            stop = min(start + height, n_rows)
            tile = flat[start * n_units : stop * n_units]
            if n_bins:
                _grid_terms(
                    tile, tiled[0], tiled[1], tiled[2], tiled[3], n_bins, factors, terms
                )
            else:
                _width_terms(tile, tiled[2], factors, terms)
            for i in range(stop - start):
                total = np.int64(0)
                for k in range(n_units):
                    total += terms[i * n_units + k]
                out[b, start + i] = total


@numba.njit(error_model="numpy")
def _width_terms(tile, width, factors, terms):
    for i in range(tile.shape[0]):
        terms[i] = np.int64(np.floor(np.float64(tile[i]) / width[i])) * factors[i]


@numba.njit
def _grid_terms(tile, low, high, step, inverse, n_bins, factors, terms):
    """Code times factor of each value. A guess that rounding may have put into the
    neighbouring bin is set right by comparing with the edges."""
    for i in range(tile.shape[0]):
        x = np.float64(tile[i])
        code = np.floor((x - low[i]) * inverse[i])
        code -= x < code * step[i] + low[i]
        code += x >= (code + 1) * step[i] + low[i]
        code = max(code, n_bins) if x > high[i] else min(code, n_bins - 1)
        terms[i] = np.int64(code) * factors[i]


@numba.njit(nogil=True, cache=True)
def _count(hashes, labels, label_factor, n_codes, weighted):
    """Occupied codes and Σ c log2 c of the keys hash + label·factor, sample by sample.

    Open addressing: a key starts at the slot of its highest bits, which are the best mixed
    ones of a multiplicative hash, and moves on while other keys are in the way. Sums run
    over ascending c, so that they do not depend on the order of the rows.
    """
    n_samples, n = hashes.shape
    n_bits = 1
    while (1 << n_bits) < 2 * n:
        n_bits += 1
    keys = np.empty(1 << n_bits, np.int64)
    counts = np.empty(1 << n_bits, np.int32)
    times = np.empty(n + 1, np.int32)
    shift = np.uint64(64 - n_bits)
    last = (1 << n_bits) - 1
    for b in range(n_samples):
        counts[:] = 0
        for i in range(n):
            key = hashes[b, i] + labels[b, i] * label_factor
            slot = np.int64(np.uint64(key) >> shift)
            while counts[slot] > 0 and keys[slot] != key:
                slot = (slot + 1) & last
            keys[slot] = key
            counts[slot] += 1
        times[:] = 0
        for slot in range(counts.shape[0]):
            times[counts[slot]] += 1
        n_codes[b] = 0
        weighted[b] = 0.0
        for c in range(1, n + 1):
            if times[c]:
                n_codes[b] += times[c]
                weighted[b] += times[c] * (c * np.log2(c))
