"""Entropies of bin codes: rows are digitised, hashed to 64 bits and counted.

Values become bin numbers by a Grid, or by quantile edges. A row of bin numbers c becomes the
hash Σ_k m_k c_k mod 2⁶⁴ with fixed random odd multipliers m_k; rows of other codes share it
with a probability of about 2⁻⁵⁸ a pair, so that 10⁵ rows collide once in 10⁷ layers. Equal
hashes are counted in a hash table on the CPU, by sorting on CUDA; both see the same hashes.

Everything the estimators need follows from Tally: with N rows in K occupied codes of c rows,
    H = log2 N − (1/N) Σ c log2 c,      Miller-Madow adds (K − 1)/2N nats.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
import torch

from infoplane.estimators.threads import each

LARGEST_CODE = 2**53
"""Bin numbers beyond are not told apart in float64."""

STACK_BYTES = 2**28
"""Samples are copied side by side in groups of at most this size."""


class Grid(NamedTuple):
    """Equal bins: bin k of unit j is [edge_k, edge_(k+1)), edge_k = low[j] + k·step[j].

    low, high, step : float64, one a unit
    n_bins : bin n_bins − 1 also holds `high`; beyond the range the grid goes on with bins of
        its own. 0 where there is no range: bins are then floor(t / step), whatever low.
    """

    low: np.ndarray
    high: np.ndarray
    step: np.ndarray
    n_bins: int


class Tally(NamedTuple):
    """Counts of codes: how many rows, how many occupied codes, Σ c log2 c."""

    n_rows: int
    n_codes: int
    weighted: float

    @property
    def entropy(self) -> float:
        """Plug-in entropy in bits."""
        return math.log2(self.n_rows) - self.weighted / self.n_rows + 0.0

    @classmethod
    def of_counts(cls, counts) -> "Tally":
        """Of counts (n_codes,) in any order; the order does not change the last bit."""
        sizes, times = np.unique(np.asarray(counts), return_counts=True)
        return cls(int(sizes @ times), int(times.sum()), _weighted(sizes, times))


def _weighted(sizes, times) -> float:
    return float((times * sizes * np.log2(sizes)).sum())


def grid_of_range(low, high, n_bins: int, n_units: int) -> Grid:
    """n_bins equal bins from low to high, numbers or arrays (n_units,), as np.linspace's."""
    low = np.broadcast_to(np.asarray(low, dtype=np.float64), n_units)
    high = np.broadcast_to(np.asarray(high, dtype=np.float64), n_units)
    step = (high - low) / n_bins
    return Grid(low.copy(), high.copy(), np.where(step > 0, step, 1.0), n_bins)


def grid_of_width(width: float, n_units: int) -> Grid:
    """Bins floor(t / width)."""
    zero = np.zeros(n_units)
    return Grid(zero, zero, np.full(n_units, width), 0)


def code_hashes(t: torch.Tensor, grids: list[Grid], place: str) -> torch.Tensor:
    """Hashes of the codes of many samples, int64 (n_samples, n_rows).

    t (n_samples, n_rows, n_units), one grid a sample with the same n_bins.
    Raises ValueError where bins are so narrow that float64 does not number them.
    """
    low, high, step = (np.stack([g[i] for g in grids]) for i in range(3))
    farthest = _farthest_code(t, low, step)
    if not farthest < LARGEST_CODE:
        raise ValueError(
            f"{place}: activations lie {farthest:.3g} bins from the origin of the bins; more "
            f"than 2^53 cannot be numbered. Use wider bins, or range: layer"
        )
    multipliers = _multipliers(t.shape[2])
    if t.is_cuda:
        grid = [torch.from_numpy(values).to(t.device) for values in (low, high, step)]
        return hashes_on_device(t, *grid, grids[0].n_bins, multipliers)
    values = t.contiguous().numpy()
    hashes = np.empty(values.shape[:2], dtype=np.int64)
    n_rows = values.shape[1]
    height = max(1, 2**18 // values.shape[2])
    per_sample = -(-n_rows // height)

    def run(task: int) -> None:
        b, part = divmod(task, per_sample)
        rows = slice(part * height, (part + 1) * height)
        _hash_rows(
            values[b, rows], low[b], high[b], step[b], grids[0].n_bins, multipliers,
            hashes[b, rows],
        )  # fmt: skip

    each(run, len(values) * per_sample)
    return torch.from_numpy(hashes)


def edge_hashes(t: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Hashes (n_rows,) of the codes between given inner edges.

    t (n_rows, n_units), edges (n_units, n_edges) float64, ascending; an edge belongs to the
    bin above it.
    """
    multipliers = torch.from_numpy(_multipliers(t.shape[1])).to(t.device)
    hashes = torch.zeros(len(t), dtype=torch.int64, device=t.device)
    for k in range(t.shape[1]):
        column = t[:, k].to(torch.float64).contiguous()
        hashes += torch.bucketize(column, edges[k], right=True) * multipliers[k]
    return hashes


def quantile_edges(values: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Inner edges (n_bins − 1,) float64 that cut sorted values into equal shares.

    An edge is the value at its place in the sorted order, or between its two neighbours.
    """
    n = values.numel()
    places = torch.arange(1, n_bins, dtype=torch.float64) * (n - 1) / n_bins
    below = places.floor().to(torch.int64)
    ordered = values.reshape(-1).sort().values
    low = ordered[below.to(values.device)].cpu().to(torch.float64)
    high = ordered[(below + 1).clamp(max=n - 1).to(values.device)].cpu().to(torch.float64)
    return (low + (high - low) * (places - below)).to(values.device)


def tallies(hashes: torch.Tensor, labels: list[np.ndarray]) -> list[list[Tally]]:
    """For each sample the tally of its codes, and of its codes jointly with each label.

    hashes (n_samples, n_rows) int64; each of the labels (n_samples, n_rows) int64, at least 0
    """
    keys = np.stack(labels) if labels else np.empty((0, *hashes.shape), dtype=np.int64)
    if hashes.is_cuda:
        on_device = torch.from_numpy(keys).to(hashes.device)
        return [tally_on_device(h, on_device[:, b]) for b, h in enumerate(hashes)]
    n_samples, n_rows = hashes.shape
    n_codes = np.empty((n_samples, 1 + len(labels)), dtype=np.int64)
    weighted = np.empty((n_samples, 1 + len(labels)))
    values = hashes.numpy()
    each(lambda b: _count(values[b], keys[:, b], n_codes[b], weighted[b]), n_samples)
    return [
        [Tally(n_rows, int(k), float(w)) for k, w in zip(*row, strict=True)]
        for row in zip(n_codes, weighted, strict=True)
    ]


def hashes_on_device(t, low, high, step, n_bins, multipliers) -> torch.Tensor:
    """`code_hashes` with torch operations, on any device."""
    factors = torch.from_numpy(multipliers).to(t.device)
    hashes = torch.zeros(t.shape[:2], dtype=torch.int64, device=t.device)
    for k in range(t.shape[2]):
        x = t[:, :, k].to(torch.float64)
        a, b, s = low[:, k, None], high[:, k, None], step[:, k, None]
        if n_bins == 0:
            code = (x / s).floor()
        else:
            code = ((x - a) / s).floor()
            code = code - (x < code * s + a).to(x.dtype)
            code = code + (x >= (code + 1) * s + a).to(x.dtype)
            code = torch.where(x > b, code.clamp(min=n_bins), code.clamp(max=n_bins - 1))
        hashes += code.to(torch.int64) * factors[k]
    return hashes


def tally_on_device(hashes: torch.Tensor, labels) -> list[Tally]:
    """The tallies of one sample with torch operations, on any device."""
    factor = int(_multipliers(1, seed=1)[0])
    keys = [hashes, *(hashes + label * factor for label in labels)]
    counts = [torch.unique(key, return_counts=True)[1] for key in keys]
    return [Tally.of_counts(count.cpu().numpy()) for count in counts]


def _farthest_code(t, low, step) -> float:
    """Largest bin number in absolute value, about, over all samples and units."""
    lowest, highest = (x.to(torch.float64).cpu().numpy() for x in _extremes(t))
    with np.errstate(over="ignore"):
        codes = np.maximum(np.abs(lowest - low), np.abs(highest - low)) / step
    return float(codes.max())


def _extremes(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return t.amin(dim=(1, 2))[:, None], t.amax(dim=(1, 2))[:, None]


def _multipliers(n: int, seed: int = 0) -> np.ndarray:
    """n random odd numbers of 64 bits, always the same; the first are those of a smaller n."""
    bits = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, n, dtype=np.uint64)
    return (bits | np.uint64(1)).view(np.int64)


_LABEL_FACTOR = int(_multipliers(1, seed=1)[0])
