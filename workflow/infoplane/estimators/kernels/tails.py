"""Variables with tails so heavy that no single scale suits them: a test, and a transformation.

d are the distances of a variable's samples from its median, without samples that equal the
median (a unit that is mostly 0 or saturated has no heavy tail for that reason alone). The tails
are heavy if
    max d ≥ 30 q90(d)    and    max d ≥ 3 q99(d)
where q are quantiles: 90 % of the varying samples lie within a thirtieth of the largest
distance, and 99 % within a third, so that few samples lie far out. If such a variable is
standardised, nearly all samples lie at one place; with 30 equal bins, nearly all are in one
bin. With 10,000 samples, these have heavy tails: a Cauchy variable, e^(2z) and e^(6z) of a
normal z, a variable with one value 30 times too large. These have not: normal, uniform and
exponential variables, Student variables with 4 degrees of freedom or more, variables with few
values.

Mutual information does not change under one-to-one maps, so its estimators may replace such a
variable by its normal scores: the i-th smallest sample becomes the i-th smallest of n normal
numbers, which are drawn once for all; equal samples get the middle one of their scores. Evenly
spaced scores, Φ⁻¹(i / n), would be more regular than samples are, and nearest-neighbour
entropies would count the regularity as information.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

REACH = 30.0
"""The largest distance is at least this many times the 90 % quantile of the distances."""

ALONE = 3.0
"""The largest distance is at least this many times the 99 % quantile of the distances."""

BLOCK = 2**18
"""Number of samples whose distances are in memory at once."""

FEWEST = 8
"""With fewer samples that differ from the median, a variable has no heavy tail."""


def heavy(rows: torch.Tensor) -> torch.Tensor:
    """Whether each variable has heavy tails, bool (d,). rows : (n, d), floating point"""
    rows = rows.detach()
    found = _may_be(rows, 0)
    for column in torch.nonzero(found).flatten().tolist():
        found[column] = _is_heavy(rows[:, column].contiguous())
    return found


def heavy_radii(rows: torch.Tensor) -> bool:
    """Whether the distances of rows (n, d) from their medians, in the max-norm, have heavy
    tails; for methods with one scale for all variables."""
    rows = rows.detach()
    n, d = rows.shape
    columns, step = max(1, BLOCK // n), max(1, BLOCK // d)
    medians = [part.median(dim=0).values for part in rows.split(columns, dim=1)]
    middle = torch.cat(medians).to(torch.float64) / 2  # differences of halves cannot overflow
    apart = [
        (part.to(torch.float64) / 2 - middle).abs().amax(dim=1) for part in rows.split(step)
    ]
    return _are_heavy(lambda: [torch.cat(apart)])


def heavy_in_bins(t: torch.Tensor, by_unit: bool) -> list[bool]:
    """For each layer, whether heavy tails make equal bins between the smallest and the largest
    value useless: tails of all values together or, `by_unit`, of at least half of the units.

    t : torch.Tensor (n_layers, n_inputs, n_draws, n_units), floating point
    """
    if by_unit:
        return [bool(heavy(layer.flatten(0, 1)).double().mean() >= 0.5) for layer in t]
    values = t.detach().flatten(1)
    return [
        may_be and _is_heavy(layer)
        for layer, may_be in zip(values, _may_be(values, 1).tolist(), strict=True)
    ]


def tamed(rows: torch.Tensor) -> torch.Tensor:
    """The rows (n, d), with normal scores for variables with heavy tails, then in float64."""
    found = heavy(rows)
    if not found.any():
        return rows
    rows = rows.to(torch.float64, copy=True)
    for column in torch.nonzero(found).flatten().tolist():
        rows[:, column] = normal_scores(rows[:, column])
    return rows


def normal_scores(values: torch.Tensor) -> torch.Tensor:
    """The i-th smallest of n normal numbers for the i-th smallest value, float64 (n,)."""
    normals = np.sort(np.random.default_rng(0).standard_normal(len(values)))
    _, codes, counts = torch.unique(values, return_inverse=True, return_counts=True)
    middle = counts.cumsum(0) - (counts + 1) // 2
    return torch.from_numpy(normals).to(values.device)[middle][codes]


def even_scores(rows: torch.Tensor) -> torch.Tensor:
    """Φ⁻¹(i / (n + 1)) for the i-th smallest of each variable's n values, float64 (n, d); equal
    values get the middle one of their scores. For densities with few parameters, which do not
    count the even spacing as information."""
    found = torch.empty(rows.shape, dtype=torch.float64, device=rows.device)
    for column, values in enumerate(rows.detach().T):
        _, codes, counts = torch.unique(values, return_inverse=True, return_counts=True)
        middle = counts.cumsum(0) - (counts - 1) / 2
        found[:, column] = torch.special.ndtri(middle.double() / (len(values) + 1))[codes]
    return found


def _may_be(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Which variables, with samples along `dim`, may have heavy tails: those whose farthest
    sample is far enough away in standard deviations. With heavy tails max d² / mean d² is at
    least 1 / (0.0233 + 1.2 / n), and the mean is within one standard deviation of the median.
    """
    low, high = values.amin(dim), values.amax(dim)
    mean = values.mean(dim)
    square = torch.linalg.vector_norm(values, dim=dim).square() / values.shape[dim]
    variance = square - mean.square()
    unsure = ~(variance > 1e-3 * square)  # rounding, or squares that leave the type
    least = 0.99 * ((0.0233 + 1.2 / values.shape[dim]) ** -0.5 - 1)
    far = torch.maximum(high - mean, mean - low) >= least * variance.sqrt()
    return (high > low) & (far | unsure)


def _is_heavy(values: torch.Tensor) -> bool:
    """Whether one variable with samples (n,) has heavy tails; in blocks, because a whole layer
    as one variable may fill the memory."""
    middle = _median(values).to(torch.float64) / 2

    def apart() -> Iterator[torch.Tensor]:
        return ((part.to(torch.float64) / 2 - middle).abs() for part in values.split(BLOCK))

    return _are_heavy(apart)


def _median(values: torch.Tensor) -> torch.Tensor:
    """The lower median of samples (n,), as torch gives it, but for many samples without a copy:
    counts in blocks find 16 more bits at a time of integers in the order of the samples."""
    if len(values) <= BLOCK:
        return values.median()
    n_bits = 8 * values.itemsize
    word = {16: torch.int16, 32: torch.int32, 64: torch.int64}[n_bits]
    rank, found = (len(values) - 1) // 2, 0
    for shift in range(n_bits - 16, -1, -16):
        first = shift == n_bits - 16
        lowest = -(1 << 15) if first else found << 16
        counts = torch.zeros(1 << 16, dtype=torch.int64, device=values.device)
        for part in values.split(BLOCK):
            digits = _in_order(part.view(word)) >> shift
            digits = digits if first else digits[digits >> 16 == found]
            counts += torch.bincount(digits.to(torch.int64) - lowest, minlength=1 << 16)
        below = counts.cumsum(0)
        place = int(torch.searchsorted(below, rank, right=True))
        rank -= int(below[place] - counts[place])
        found = lowest + place
    return _in_order(torch.tensor(found, dtype=word)).view(values.dtype)


def _in_order(bits: torch.Tensor) -> torch.Tensor:
    """Signed integers in the order of the floating-point numbers with these bits, or back."""
    return bits ^ ((bits >> (8 * bits.itemsize - 1)) & torch.iinfo(bits.dtype).max)


def _are_heavy(apart: Callable[[], Iterable[torch.Tensor]]) -> bool:
    """Whether distances from the median, given in parts (n,), have heavy tails."""
    parts = [(float(part.max()), len(part), int((part > 0).sum())) for part in apart()]
    (farthest, *_), (_, n_all, n) = max(parts), map(sum, zip(*parts, strict=True))
    if n < FEWEST:
        return False
    # Counting the samples within reach replaces sorting them for a quantile.
    return all(
        sum(int((factor * part <= farthest).sum()) for part in apart()) - (n_all - n)
        > int(share * (n - 1))
        for share, factor in ((0.9, REACH), (0.99, ALONE))
    )
