"""Entropies of codes: rows are hashed to 64 bits and counted, digitised or as they are.

Values become bin numbers by a Grid, or by quantile edges. A row of bin numbers c becomes the
hash Σ_k m_k c_k mod 2⁶⁴ with fixed random odd multipliers m_k. Two rows of other codes share
one with a probability of about 2⁻⁵⁸, so that a layer of 10⁵ rows sees a collision once in 10⁷
times. Rows that are counted as they are have the scrambled bits of their values for c: values
of few levels end in many zeros, and would share hashes more often. Equal hashes are counted in
a hash table on the CPU and by sorting on CUDA; both see the same hashes.
"""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

import numba
import numpy as np
import torch

from infoplane.estimators.threads import each

LARGEST_CODE = 2.0**53
"""Bin numbers beyond are not told apart in float64."""

_FIXED_POINT = 2.0**30  # entropies are good to 1e-9 bit, and 10⁸ rows fit into 63 bits
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


T, TY, TX, Y, X = range(5)
"""Columns of Tallies: the codes, codes jointly with the class, with the input, these alone."""


class Tallies(NamedTuple):
    """What is counted in some samples, (n_samples, 5): with c rows in a code,

    n_codes : how many codes are occupied
    weighted : Σ c log2 c, from which the plug-in entropy is log2 N − weighted / N
    n_rows : N
    """

    n_codes: np.ndarray
    weighted: np.ndarray
    n_rows: int

    @classmethod
    def empty(cls, n_samples: int, n_inputs: int, n_draws: int) -> "Tallies":
        """Nothing counted yet beside the inputs, each of which has n_draws rows."""
        n_rows = n_inputs * n_draws
        n_codes = np.full((n_samples, 5), n_inputs, dtype=np.int64)
        return cls(n_codes, np.full((n_samples, 5), n_rows * math.log2(n_draws)), n_rows)

    def entropies(self) -> np.ndarray:
        """Plug-in entropies in bits."""
        return math.log2(self.n_rows) - self.weighted / self.n_rows


def stacked(parts: list[torch.Tensor]) -> torch.Tensor:
    """Equal tensors as one, (n_parts, …): a view where they lie one after the other, as the
    samples of a batch do, a copy elsewhere."""
    first, size = parts[0], parts[0].numel()
    if all(
        part.is_contiguous()
        and part.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        and part.storage_offset() == first.storage_offset() + i * size
        for i, part in enumerate(parts)
    ):
        return first.as_strided((len(parts), *first.shape), (size, *first.stride()))
    return torch.stack(parts)


def ranges(t: torch.Tensor, per_unit: bool) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest values of t (n_samples, n_inputs, n_draws, n_units), float64
    (n_samples, 1), or (n_samples, n_units) unit by unit."""
    values = t.reshape(len(t), -1, t.shape[-1] if per_unit else 1)
    if t.is_cuda:
        return tuple(end.double().cpu().numpy() for end in torch.aminmax(values, dim=1))
    values = values.numpy()  # numpy's loops are several times torch's here
    return tuple(end(axis=1).astype(np.float64) for end in (values.min, values.max))


def tally_grid(t: torch.Tensor, labels: np.ndarray, grid: Grid) -> Tallies:
    """The tallies of samples t (n_samples, n_inputs, n_draws, n_units) and their classes.

    labels : int64 (n_samples, n_inputs), or (1, n_inputs) where all have the same
    """
    found = Tallies.empty(*t.shape[:3])
    if t.is_cuda:
        for i, sample in enumerate(t):
            hashes = hashes_on_device(
                sample, grid.low[i], grid.high[i], grid.step[i], grid.n_bins
            )
            tally_on_device(hashes, labels[i % len(labels)], found, i)
        return found
    values = t.contiguous().numpy()
    multipliers, steps = odd_multipliers(t.shape[3]), _steps(found.n_rows)
    into = found.n_codes, found.weighted
    given = values, labels, grid, multipliers, steps
    _in_shares(lambda *share: _tally_share(*given, *into, *share), len(t))
    return found


def tally_edges(t: torch.Tensor, labels: np.ndarray, edges: list[torch.Tensor]) -> Tallies:
    """The same between inner edges, one set a sample, see `edge_hashes`."""
    found = Tallies.empty(*t.shape[:3])
    steps, table = _steps(found.n_rows), _table(found.n_rows)
    for i, sample in enumerate(t):
        hashes, of = edge_hashes(sample, edges[i]), labels[i % len(labels)]
        if t.is_cuda:
            tally_on_device(hashes, of, found, i)
        else:
            row = (found.n_codes[i], found.weighted[i])
            _tally(hashes.numpy(), of, steps, table, *row)
            _tally_classes(of, t.shape[2], *row)
    return found


def tally_rows(t: torch.Tensor, labels: np.ndarray) -> Tallies:
    """The same of rows as they are: equal values make equal codes, and 0 is −0.

    t : (n_samples, n_inputs, n_draws, n_units), counted in float32, or float64 where it is
    """
    found = Tallies.empty(*t.shape[:3])
    word = torch.int64 if t.dtype == torch.float64 else torch.int32
    words = (
        t.to(torch.float64 if word == torch.int64 else torch.float32).contiguous().view(word)
    )
    if t.is_cuda:
        for i, sample in enumerate(words):
            tally_on_device(row_hashes(sample), labels[i % len(labels)], found, i)
        return found
    values, steps = words.numpy(), _steps(found.n_rows)
    multipliers = odd_multipliers(t.shape[3])
    given = values, np.iinfo(values.dtype).min, labels, multipliers, steps
    into = found.n_codes, found.weighted
    _in_shares(lambda *share: _tally_rows_share(*given, *into, *share), len(t))
    return found


def _in_shares(task: Callable[[int, int], None], n_samples: int) -> None:
    """Call task(first, last) for shares of the samples, one a thread."""
    ends = np.linspace(0, n_samples, numba.get_num_threads() + 1).astype(np.int64)
    each(lambda k: task(ends[k], ends[k + 1]), len(ends) - 1)


def row_hashes(words: torch.Tensor) -> torch.Tensor:
    """Hashes (n_inputs, n_draws) of rows of integers, by torch operations."""
    hashes = torch.zeros(words.shape[:2], dtype=torch.int64, device=words.device)
    minus_zero = torch.iinfo(words.dtype).min
    for k, factor in enumerate(odd_multipliers(words.shape[2]).tolist()):
        word = words[:, :, k]
        mixed = word.where(word != minus_zero, 0).to(torch.int64) * _SCRAMBLE
        hashes += (mixed ^ (mixed >> 32)) * factor
    return hashes


def hashes_on_device(t: torch.Tensor, low, high, step, n_bins: int) -> torch.Tensor:
    """Hashes (n_inputs, n_draws) of the codes of one sample by torch operations."""
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


def tally_on_device(hashes: torch.Tensor, labels: np.ndarray, found: Tallies, i: int) -> None:
    """Fill row i of the tallies by torch operations, on any device."""
    y = torch.from_numpy(labels).to(hashes.device)[:, None] * _LABEL_FACTOR
    x = torch.arange(len(hashes), device=hashes.device)[:, None] * _LABEL_FACTOR
    for column, keys in (
        (T, hashes),
        (TY, hashes + y),
        (TX, hashes + x),
        (Y, y.expand_as(hashes)),
    ):
        counts = torch.unique(keys, return_counts=True)[1].cpu().numpy()
        sizes, times = np.unique(counts, return_counts=True)
        found.n_codes[i, column] = len(counts)
        found.weighted[i, column] = (times * sizes * np.log2(sizes)).sum()


def edge_hashes(t: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Hashes (n_inputs, n_draws) of the codes between inner edges (n_units or 1, n_edges),
    float64, ascending, on t's device. An edge belongs to the bin above it."""
    edges = edges.expand(t.shape[2], -1).contiguous()
    hashes = torch.zeros(t.shape[:2], dtype=torch.int64, device=t.device)
    for k, factor in enumerate(odd_multipliers(t.shape[2]).tolist()):
        column = t[:, :, k].to(torch.float64).contiguous()
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


@cache
def odd_multipliers(n: int, seed: int = 0) -> np.ndarray:
    """n random odd numbers of 64 bits as int64, the same ones each time."""
    bits = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, n, dtype=np.uint64)
    return (bits | np.uint64(1)).view(np.int64)


@lru_cache(maxsize=4)
def _steps(n: int) -> np.ndarray:
    """By how much c log2 c grows with c = 0 … n − 1, int64 multiples of 1/_FIXED_POINT.

    Sums of integers are exact, and so the same for any order of the rows.
    """
    c = np.arange(n + 1)
    return np.diff(np.rint(c * np.log2(np.maximum(c, 1)) * _FIXED_POINT).astype(np.int64))


_LABEL_FACTOR = int(odd_multipliers(1, seed=1)[0])
_SCRAMBLE = int(odd_multipliers(1, seed=2)[0])


@numba.njit(nogil=True, cache=True)
def _tally_share(values, labels, grid, multipliers, steps, n_codes, weighted, first, last):
    """Fill rows first … last − 1 of Tallies from values (n_samples, n_inputs, n_draws,
    n_units) and their classes."""
    low, high, step, n_bins = grid
    hashes = np.empty(values.shape[1:3], np.int64)
    table = _table(hashes.size)
    for i in range(first, last):
        _hash_rows(values[i], low[i], high[i], step[i], n_bins, multipliers, hashes)
        _tally_sample(hashes, labels, steps, table, n_codes, weighted, first, i)


@numba.njit(nogil=True, cache=True)
def _tally_rows_share(
    words, minus_zero, labels, multipliers, steps, n_codes, weighted, first, last
):
    """The same from the bits of values as they are."""
    hashes = np.empty(words.shape[1:3], np.int64)
    flat = words.reshape(len(words), -1)
    table = _table(hashes.size)
    for i in range(first, last):
        _hash_words(flat[i], minus_zero, multipliers, hashes.reshape(-1))
        _tally_sample(hashes, labels, steps, table, n_codes, weighted, first, i)


@numba.njit
def _hash_words(words, minus_zero, multipliers, out):
    """Fill out (n,) with the hashes of integers (n · n_units,), as `row_hashes` does."""
    n_units = len(multipliers)
    height = max(1, _TILE // n_units)
    factors = np.empty(height * n_units, np.int64)
    terms = np.empty(height * n_units, np.int64)
    for i in range(height * n_units):
        factors[i] = multipliers[i % n_units]
    for start in range(0, len(out), height):
        stop = min(start + height, len(out))
        tile = words[start * n_units : stop * n_units]
        for i in range(len(tile)):
            word = np.int64(tile[i])
            word = word if word != minus_zero else np.int64(0)
            mixed = word * _SCRAMBLE
            terms[i] = (mixed ^ (mixed >> np.int64(32))) * factors[i]
        for i in range(stop - start):
            total = np.int64(0)
            for k in range(n_units):
                total += terms[i * n_units + k]
            out[start + i] = total


@numba.njit
def _tally_sample(hashes, labels, steps, table, n_codes, weighted, first, i):
    """Fill row i of Tallies, the first of whose share is `first`."""
    of = labels[i % len(labels)]
    _tally(hashes, of, steps, table, n_codes[i], weighted[i])
    if i == first or len(labels) > 1:
        _tally_classes(of, hashes.shape[1], n_codes[i], weighted[i])
    else:
        n_codes[i, Y], weighted[i, Y] = n_codes[first, Y], weighted[first, Y]


@numba.njit(nogil=True, cache=True)
def _table(n):
    """Keys and counts of a hash table for n keys, at most a quarter full."""
    n_bits = 3
    while (1 << n_bits) < 4 * n:
        n_bits += 1
    return np.empty(1 << n_bits, np.int64), np.empty(1 << n_bits, np.int32), n_bits


@numba.njit(error_model="numpy")
def _hash_rows(values, low, high, step, n_bins, multipliers, out):
    """Fill out (n_inputs, n_draws) with the hashes of values (n_inputs, n_draws, n_units).

    A tile holds some whole rows, so that the loop over its values is long enough to
    vectorise for layers of two units as well.
    """
    n_units = values.shape[2]
    n_rows = values.shape[0] * values.shape[1]
    height = max(1, _TILE // n_units)
    tiled = np.empty((4, height * n_units))
    factors = np.empty(height * n_units, np.int64)
    terms = np.empty(height * n_units, np.int64)
    for i in range(height * n_units):
        k = i % n_units
        tiled[0, i], tiled[1, i], tiled[2, i] = low[k], high[k], step[k]
        tiled[3, i] = 1 / step[k]
        factors[i] = multipliers[k]
    flat = values.reshape(-1)
    hashes = out.reshape(-1)
    for start in range(0, n_rows, height):
        stop = min(start + height, n_rows)
        tile = flat[start * n_units : stop * n_units]
        if n_bins:
            _grid_terms(tile, tiled[0], tiled[1], tiled[2], tiled[3], n_bins, factors, terms)
        else:
            _width_terms(tile, tiled[2], factors, terms)
        for i in range(stop - start):
            total = np.int64(0)
            for k in range(n_units):
                total += terms[i * n_units + k]
            hashes[start + i] = total


@numba.njit(error_model="numpy")
def _width_terms(tile, width, factors, terms):
    for i in range(tile.shape[0]):
        terms[i] = np.int64(np.floor(np.float64(tile[i]) / width[i])) * factors[i]


@numba.njit(fastmath={"nnan", "nsz"})  # values are finite, and so are codes
def _grid_terms(tile, low, high, step, inverse, n_bins, factors, terms):
    """Code times factor of each value. A guess that rounding may have put into the
    neighbouring bin is set right by comparing with the edges."""
    beyond = np.float64(n_bins)
    for i in range(tile.shape[0]):
        x = np.float64(tile[i])
        code = np.floor((x - low[i]) * inverse[i])
        code -= 1.0 if x < code * step[i] + low[i] else 0.0
        code += 1.0 if x >= (code + 1) * step[i] + low[i] else 0.0
        code = max(code, beyond) if x > high[i] else min(code, beyond - 1)
        terms[i] = np.int64(code) * factors[i]


@numba.njit(nogil=True, cache=True)
def _tally(hashes, labels, steps, table, n_codes, weighted):
    """Fill one row of Tallies, but for the classes alone, from hashes (n_inputs, n_draws) and
    classes (n_inputs,)."""
    n = hashes.size
    inputs = np.arange(hashes.shape[0])
    n_codes[T], weighted[T] = _count(hashes, inputs, 0, steps, table)
    if n_codes[T] == n:  # all codes differ, jointly with anything as well
        n_codes[TY] = n_codes[TX] = n
        weighted[TY] = weighted[TX] = 0
    else:
        n_codes[TY], weighted[TY] = _count(hashes, labels, _LABEL_FACTOR, steps, table)
        if hashes.shape[1] > 1:
            n_codes[TX], weighted[TX] = _count(hashes, inputs, _LABEL_FACTOR, steps, table)


@numba.njit(nogil=True, cache=True)
def _tally_classes(labels, n_draws, n_codes, weighted):
    """Fill the column of the classes alone in one row of Tallies."""
    counts = np.zeros(labels.max() + 1, np.int64)
    for label in labels:
        counts[label] += n_draws
    n_codes[Y] = 0
    weighted[Y] = 0
    for c in counts:
        if c > 0:
            n_codes[Y] += 1
            weighted[Y] += c * np.log2(c)


@numba.njit
def _count(hashes, labels, factor, steps, table):
    """Occupied codes and Σ c log2 c of the keys hash + label·factor.

    Open addressing: a key starts at the slot of its highest bits, which are the best mixed
    ones of a multiplicative hash, and moves on while other keys are in the way. The table is
    wide, and nothing branches on whether a code is new, as a processor cannot guess it.
    """
    keys, counts, n_bits = table
    counts[:] = 0
    shift = np.uint64(64 - n_bits)
    last = np.uint64((1 << n_bits) - 1)
    n_codes = 0
    weighted = np.int64(0)
    for i in range(hashes.shape[0]):
        extra = labels[i] * factor
        for j in range(hashes.shape[1]):
            key = hashes[i, j] + extra
            slot = np.uint64(key) >> shift
            while min(counts[slot], 1) * (keys[slot] ^ key) != 0:  # taken, by another key
                slot = (slot + np.uint64(1)) & last
            c = counts[slot]
            keys[slot] = key
            counts[slot] = c + 1
            n_codes += c == 0
            weighted += steps[c]
    return n_codes, weighted / _FIXED_POINT
