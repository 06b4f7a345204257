"""EDGE: mutual information of randomly shifted hash codes of both variables.

Source: Noshad, Zeng & Hero 2019 (ICASSP), "Scalable mutual information estimation using
dependence graphs", equations 7 and 9. Each coordinate x has the code ⌊(x + b) / ε⌋. With N_i
rows in code i of A, N_j rows in code j of B, and N_ij rows in both,
    I(A;B) = Σ_ij (N_ij / N) · min(log2(N_ij N / (N_i N_j)), U)
and the value is the median over several random shifts b. Labels are codes already. If B repeats
each of its rows (`Pair.n_draws` > 1), B is the index of the input, and this index is its code.

ε is in standard deviations: each coordinate has cells of its own width ε·sd (in float64), so no
value depends on units of measurement. A coordinate with heavy tails is first replaced by its
normal scores (tails.py). Wide cells lose information. In narrow cells each row is alone, and
the sum tends to log2 N whatever A and B have in common. So two things differ from the paper:
`correction: shuffled` subtracts the information of the same codes with B shuffled, and
`bandwidth: best` takes the ε of a grid with the largest such difference. Shuffled pairs occupy
more cells than dependent ones, so both err towards less information.

The published estimator is `correction: none` with `bandwidth: rule` or a number. Its U must not
be small. No ratio exceeds log2 N or, with labels, log2 of N over the smallest class. So the
published U of 20 bits for the inputs and 10 bits for ten classes cuts nothing from 10,000
samples. The published default of 10 bits for both would cut inputs of 13.3 bits; such a value
is flagged 'cut'.

Gaussians of 1 nat = 1.44 bit in d + d dimensions, N = 10⁴, gave 1.39, 1.12, 0.83, 0.48, 0.28
bit at d = 1, 2, 3, 5, 10, and independent ones 0.00 to 0.01 bit. With `correction:
miller_madow` and `bandwidth: rule` they gave 1.47, 1.35, 1.21, 1.09, 1.82 bit, and independent
ones 0.04, 0.16, 0.29, 0.56, 1.47 bit. So the default is too low, and no choice is accurate in
many dimensions.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field, model_validator

from infoplane.compiled import compiled
from infoplane.estimators.by_layer import ByLayer
from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import counting, tails
from infoplane.estimators.kernels.hash_table import slot_of
from infoplane.estimators.kernels.threads import each
from infoplane.samples import Information, Pair
from infoplane.settings import Settings

WIDTHS = tuple(2.0 ** (power / 2) for power in range(-6, 7))
"""Bandwidths in standard deviations that `bandwidth: best` chooses from: 1/8 … 8."""

Bits = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_B_FACTOR = int(counting.odd_multipliers(1, seed=2)[0])
_CHUNK = 2**21  # values turned into float64 at once
_SOME = 128
"""Codes of about this many coordinates are compared first."""


class Cuts(Settings):
    """U for each of the two informations."""

    inputs: Bits | None = None
    """The information with the inputs X, or with another continuous variable, has this cut U in
    bits; null means log2 N."""
    labels: Bits | None = None
    """The information with the labels Y has this cut U in bits; null means log2 N."""


class EDGESettings(Settings):
    """Settings of EDGE."""

    estimator: Literal["edge"] = "edge"
    """`edge` estimates by random-shift hashing (Noshad et al. 2019)."""
    bandwidth: Literal["best", "rule"] | float | ByLayer[Bits] = "best"
    """A cell has this width ε, in standard deviations of each coordinate. `best` takes the
    width among 1/8 … 8 with the largest shuffle-corrected information; rule takes smoothing ·
    √d · N^(−1/(2d)), where d counts the dimensions of both variables. A mapping gives each
    layer a width by its name or a pattern: {conv1: 2.0, "dense*": 1.0}."""
    smoothing: float = Field(default=1.1, gt=0, allow_inf_nan=False)
    """This factor multiplies the width of `bandwidth: rule`."""
    correction: Literal["shuffled", "miller_madow", "none"] = "shuffled"
    """`shuffled` subtracts the information of the same codes with B in random order.
    miller_madow subtracts (K_AB − K_A − K_B + 1) / 2N nats, where K counts occupied codes."""
    n_shuffles: int = Field(default=2, ge=1)
    """The shuffled correction averages over this many random orders."""
    n_shifts: int = Field(default=5, ge=1)
    """The value is the median over this many random shifts of the cells."""
    upper_cut: Bits | Cuts | None = None
    """Ratios are cut at U bits: one number for both informations, or {inputs: 20, labels: 10}.
    null means log2 N, which no ratio exceeds. A value from which anything was cut is flagged
    'cut'."""
    seed: int = Field(default=0, ge=0)
    """The shifts and shuffles are drawn with this seed."""

    @model_validator(mode="after")
    def _no_key_is_ignored(self):
        if isinstance(self.bandwidth, float) and not 0 < self.bandwidth < math.inf:
            raise ValueError("bandwidth must be best, rule or a positive number")
        if self.bandwidth == "best" and self.correction != "shuffled":
            raise ValueError(
                f"bandwidth: best needs correction: shuffled, not {self.correction}: without "
                "it the narrowest cells always win; use bandwidth: rule or a number"
            )
        for key, needed in {
            "smoothing": self.bandwidth == "rule",
            "n_shuffles": self.correction == "shuffled",
        }.items():
            if not needed and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} has no effect with these settings; leave it out")
        return self

    def cut(self, labelled: bool) -> float:
        """U in bits, ∞ if none is given."""
        cut = self.upper_cut
        if isinstance(cut, Cuts):
            cut = cut.labels if labelled else cut.inputs
        return math.inf if cut is None else cut


class EDGE(PairEstimator):
    """Randomly shifted hash codes of both variables."""

    Settings = EDGESettings
    settings: EDGESettings
    infinite_without_noise = True
    by_layer = ("bandwidth",)
    changes = (
        "another bandwidth, correction or seed of the shifts changes it, and more samples"
        " lower the bias"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rotate", "monotone", "permute")

    def between(self, pair: Pair) -> Information:
        """I(A;B) by hashing.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels
        Returns Information in bits. Time O(n (d_a + d_b)) for each bandwidth and shift,
        memory O(n) in addition to the samples.
            stderr : standard deviation of the rows' terms over √n; it does not include the
                variation over shifts and cell widths
            cap : the smaller of H(code of A) and H(code of B), less the correction, which is
                the value if one code determines the other. With `bandwidth: best`, the largest
                cap of its grid
            extra : bandwidth, the chosen ε, in standard deviations
            flags : 'cut' if a ratio above U counted as U in any shift
        A variable that never varies gives 0.
        """
        return _between(pair, self.settings, on_device=pair.a.is_cuda)


def _between(pair: Pair, settings: EDGESettings, on_device: bool) -> Information:
    """on_device : whether to use only torch operations, which also run on the CPU"""
    hashing = _Hashing.of(pair, on_device)
    dimensions = sum(hashing.dimensions)
    if settings.bandwidth == "best":
        widths = WIDTHS
    elif settings.bandwidth == "rule":
        shrink = pair.n ** (-1 / (2 * dimensions))
        widths = (settings.smoothing * math.sqrt(dimensions) * shrink,)
    else:
        widths = (settings.bandwidth,)
    found = np.empty((len(widths), settings.n_shifts, len(_Counted._fields)))

    def one(task: int) -> None:
        i, shift = divmod(task, settings.n_shifts)
        found[i, shift] = _counted(hashing, widths[i], shift, settings)

    if on_device:
        for task in range(len(widths) * settings.n_shifts):
            one(task)
    else:
        each(one, len(widths) * settings.n_shifts)
    value, variance, ceiling, cut = np.moveaxis(found, 2, 0)
    best = int(np.median(value, axis=1).argmax())
    return Information(
        float(np.median(value[best])) + 0.0,
        stderr=math.sqrt(variance[best].mean() / pair.n),
        cap=max(0.0, float(np.median(ceiling, axis=1).max())),
        flags=("cut",) if cut[best].any() else (),
        extra={"bandwidth": float(widths[best])},
    )


class _Counted(NamedTuple):
    """For one shift: corrected information, variance of its terms, its largest possible value,
    and whether U cut a term."""

    value: float
    variance: float
    ceiling: float
    cut: bool


class _Variable(NamedTuple):
    """A continuous variable: its rows (n, d), the start of its cells and their width at ε = 1.

    some : the rows with every n-th coordinate, for a variable with many; else None
    """

    rows: torch.Tensor | np.ndarray
    origin: np.ndarray
    scale: np.ndarray
    some: np.ndarray | None = None

    @classmethod
    def of(cls, values: torch.Tensor, on_device: bool) -> _Variable:
        values = tails.tamed(values)
        if on_device:
            return cls(values, *_mean_and_sd_on_device(values))
        rows = values.contiguous().numpy()
        apart = rows.shape[1] // _SOME
        some = np.ascontiguousarray(rows[:, ::apart]) if apart > 1 else None
        return cls(rows, *_mean_and_sd(rows), some)

    def hashes(self, width: float, shares: np.ndarray):
        """The codes (n,) with cells of this width, shifted by these shares of it.

        If some coordinates distinguish all rows, the others are not needed.
        """
        step = self.scale * width
        low = self.origin - shares[: len(step)] * step
        if not isinstance(self.rows, np.ndarray):
            return counting.hashes_on_device(self.rows[:, None], low, low, step, 0)[:, 0]
        factors = counting.odd_multipliers(len(step))
        found = np.empty(len(self.rows), np.int64)
        if self.some is not None:
            apart = len(step) // _SOME
            _hash(
                self.some,
                *(np.ascontiguousarray(v[::apart]) for v in (low, step, factors)),
                found,
            )
            if _occupancy(found)[1] == len(found):
                return found
        _hash(self.rows, low, step, factors, found)
        return found


class _Hashing(NamedTuple):
    """Both variables; b may be codes (n,)."""

    a: _Variable
    b: _Variable | torch.Tensor | np.ndarray
    on_device: bool
    labelled: bool

    @classmethod
    def of(cls, pair: Pair, on_device: bool) -> _Hashing:
        a = _Variable.of(pair.a, on_device)
        if not pair.is_labelled and pair.n_draws == 1:
            return cls(a, _Variable.of(pair.b, on_device), on_device, False)
        b = pair.b if pair.is_labelled else torch.arange(pair.n) // pair.n_draws
        b = b.to(pair.a.device) if on_device else b.contiguous().numpy()
        return cls(a, b * _B_FACTOR, on_device, pair.is_labelled)

    @property
    def dimensions(self) -> list[int]:
        """Number of coordinates of each variable that is not a code."""
        return [len(v.scale) for v in (self.a, self.b) if isinstance(v, _Variable)]

    def codes(self, width: float, shares: np.ndarray):
        """Hashes (n,) of the codes of a and of b with cells of this width, shifted by these
        shares of it. Both variables use the same shares from the first on, so that swapping
        them changes nothing."""
        a = self.a.hashes(width, shares)
        if isinstance(self.b, _Variable):
            return a, self.b.hashes(width, shares) * _B_FACTOR
        return a, self.b


def _mean_and_sd_on_device(rows: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each coordinate, float64; 1 if it never varies."""
    origin = rows[0].to(torch.float64)  # an equal row is then exactly 0, and so its sd
    total, squares = torch.zeros_like(origin), torch.zeros_like(origin)
    largest = torch.zeros_like(origin)
    parts = rows.split(max(1, _CHUNK // rows.shape[1]))
    for part in parts:
        largest = torch.maximum(largest, (part.to(torch.float64) - origin).abs().amax(0))
    unit = torch.where(largest > 0, largest, 1.0)  # squares of huge or tiny values overflow
    for part in parts:
        shifted = (part.to(torch.float64) - origin) / unit
        total += shifted.sum(dim=0)
        squares += shifted.square().sum(dim=0)
    mean = total / len(rows)
    sd = unit * (squares / len(rows) - mean.square()).clamp(min=0).sqrt()
    sd = torch.where(sd > 0, sd, 1.0)
    return (origin + unit * mean).cpu().numpy(), sd.cpu().numpy()


@compiled(nogil=True)
def _mean_and_sd(rows):
    """The same on the CPU, where torch's threads would wait for cores in use by others."""
    n, d = rows.shape
    largest, total, squares = np.zeros(d), np.zeros(d), np.zeros(d)
    for i in range(1, n):
        for k in range(d):
            shifted = np.float64(rows[i, k]) - np.float64(rows[0, k])
            largest[k] = max(largest[k], abs(shifted))
    unit = np.where(largest > 0, largest, 1.0)
    for i in range(1, n):
        for k in range(d):
            shifted = (np.float64(rows[i, k]) - np.float64(rows[0, k])) / unit[k]
            total[k] += shifted
            squares[k] += shifted * shifted
    mean = total / n
    sd = unit * np.sqrt(np.maximum(squares / n - mean * mean, 0.0))
    return rows[0].astype(np.float64) + unit * mean, np.where(sd > 0, sd, 1.0)


def _counted(hashing: _Hashing, width: float, shift: int, settings: EDGESettings) -> _Counted:
    """Counts of one bandwidth and shift."""
    rng = np.random.default_rng((settings.seed, shift))
    n = len(hashing.a.rows)
    a, b = hashing.codes(width, rng.random(max(hashing.dimensions)))
    occupancy = _occupancy_on_device if hashing.on_device else _occupancy
    logs = _logs(n)
    with_a, k_a = occupancy(a)
    with_b, k_b = occupancy(b)
    with_both, k_ab = occupancy(a + b)
    # Draws are codes too, but the cut for labels applies only to labels.
    cut = settings.cut(hashing.labelled)
    ratios = _terms(with_both, with_a, with_b, logs)
    terms = np.minimum(ratios, cut)
    value = terms.mean()
    ceiling = min(cut, logs[n] - max(logs[with_a].mean(), logs[with_b].mean()))
    if settings.correction == "shuffled":
        baseline = 0.0
        for _ in range(settings.n_shuffles):
            order = rng.permutation(n)
            jointly, _ = occupancy(a + b[torch.from_numpy(order).to(b.device)]
                                   if hashing.on_device else a + b[order])  # fmt: skip
            shuffled = _terms(jointly, with_a, with_b[order], logs)
            baseline += np.minimum(shuffled, cut).mean() / settings.n_shuffles
        value, ceiling = value - baseline, ceiling - baseline
    elif settings.correction == "miller_madow":
        unit = 2 * n * math.log(2)
        value -= (k_ab - k_a - k_b + 1) / unit
        ceiling += (min(k_a, k_b) - 1) / unit  # K_AB is at least the larger of K_A and K_B
    return _Counted(value, terms.var(), ceiling, bool((ratios > cut).any()))


def _terms(with_both, with_a, with_b, logs) -> np.ndarray:
    """log2(N_ij N / (N_i N_j)) of each row; the order of the codes makes no difference."""
    return (logs[with_both] + logs[-1]) - (logs[with_a] + logs[with_b])


@lru_cache(maxsize=4)
def _logs(n: int) -> np.ndarray:
    """log2 of 0 … n; the entry for 0 is never used."""
    return np.log2(np.maximum(np.arange(n + 1), 1))


def _occupancy_on_device(hashes: torch.Tensor) -> tuple[np.ndarray, int]:
    """The number of rows (n,) with a row's hash, and the number of hashes, by torch
    operations."""
    _, inverse, counts = torch.unique(hashes, return_inverse=True, return_counts=True)
    return counts[inverse].cpu().numpy(), len(counts)


@compiled(nogil=True, error_model="numpy")
def _hash(rows, low, step, multipliers, out):
    """Fill out (n,) with Σ_k m_k ⌊(x_k − low_k) / step_k⌋ mod 2⁶⁴ of rows (n, d)."""
    for i in range(rows.shape[0]):
        total = np.int64(0)
        for k in range(rows.shape[1]):
            code = np.floor((np.float64(rows[i, k]) - low[k]) / step[k])
            total += np.int64(code) * multipliers[k]
        out[i] = total


@compiled(nogil=True)
def _occupancy(hashes):
    """The same, by a hash table at most a quarter full."""
    n_bits = 3
    while (1 << n_bits) < 4 * hashes.size:
        n_bits += 1
    keys = np.empty(1 << n_bits, np.int64)
    counts = np.zeros(1 << n_bits, np.int32)
    slots = np.empty(hashes.size, np.int32)
    shift = np.uint64(64 - n_bits)
    n_codes = 0
    for i in range(hashes.size):
        key = hashes[i]
        # Sums of two multiplicative hashes are mixed once more: their high bits alone clash.
        mixed = (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> shift
        slot = slot_of(key, mixed, keys, counts)
        keys[slot] = key
        n_codes += counts[slot] == 0
        counts[slot] += 1
        slots[i] = slot
    of_row = np.empty(hashes.size, np.int32)
    for i in range(hashes.size):
        of_row[i] = counts[slots[i]]
    return of_row, n_codes
