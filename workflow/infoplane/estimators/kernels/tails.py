"""Variables whose tails are so heavy that no one scale suits them: which they are, and a map.

With d the distances of a variable's samples from its median, those that equal it left aside
(a unit that is mostly 0 or saturated has no tail for that), the tails are heavy where
    max d ≥ 30 q90(d)    and    max d ≥ 3 q99(d)
q being quantiles: 90 % of what varies lies within a thirtieth of the farthest sample, and that
one is not one of many. A standardised variable then has nearly all samples at one place, and
30 equal bins have them in one. Of 10,000 samples, a Cauchy variable, e^(2z) and e^(6z) of a
normal z and a single value 30 times too large have heavy tails; normal, uniform, exponential
and Student variables of 4 degrees of freedom or more have not, nor have those of few values.

Mutual information does not change when a variable is mapped one-to-one, so that estimators of
it may take the normal scores of such a variable: for its i-th smallest sample the i-th smallest
of n normals, drawn once for all; equal samples share the one in the middle. Evenly spaced
scores, Φ⁻¹(i / n), would lie more regularly than samples do, which entropies by neighbours
take for information.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

REACH = 30.0
"""How many times as far as 90 % of the samples the farthest one lies, at least."""

ALONE = 3.0
"""How many times as far as 99 % of them."""

BLOCK = 2**18
"""Samples of which distances are held at once."""

FEWEST = 8
"""Samples unlike the median from which on there is a tail to speak of."""


def heavy(rows: torch.Tensor) -> torch.Tensor:
    """(d,) whether the tails of each variable are heavy; rows (n, d), floating point."""
    rows = rows.detach()
    found = _may_be(rows, 0)
    for column in torch.nonzero(found).flatten().tolist():
        found[column] = _is_heavy(rows[:, column].contiguous())
    return found


def heavy_radii(rows: torch.Tensor) -> bool:
    """Whether distances of rows (n, d) from their medians, in the max-norm, have heavy tails:
    for methods with one scale for all variables."""
    rows = rows.detach()
    n, d = rows.shape
    columns, step = max(1, BLOCK // n), max(1, BLOCK // d)
    medians = [part.median(dim=0).values for part in rows.split(columns, dim=1)]
    middle = torch.cat(medians).to(torch.float64) / 2  # no difference of halves leaves float64
    apart = [
        (part.to(torch.float64) / 2 - middle).abs().amax(dim=1) for part in rows.split(step)
    ]
    return _are_heavy(lambda: [torch.cat(apart)])


def heavy_in_bins(t: torch.Tensor, by_unit: bool) -> list[bool]:
    """Of each of several layers, whether equal bins between its smallest and largest value
    find heavy tails: in all values together or, `by_unit`, in half or more of the units.

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
    """The rows (n, d), with the normal scores of variables of heavy tails: then float64."""
    found = heavy(rows)
    if not found.any():
        return rows
    rows = rows.to(torch.float64, copy=True)
    for column in torch.nonzero(found).flatten().tolist():
        rows[:, column] = normal_scores(rows[:, column])
    return rows


def normal_scores(values: torch.Tensor) -> torch.Tensor:
    """The i-th smallest of n normals for the i-th smallest of the values (n,), float64."""
    normals = np.sort(np.random.default_rng(0).standard_normal(len(values)))
    _, codes, counts = torch.unique(values, return_inverse=True, return_counts=True)
    middle = counts.cumsum(0) - (counts + 1) // 2
    return torch.from_numpy(normals).to(values.device)[middle][codes]


def even_scores(rows: torch.Tensor) -> torch.Tensor:
    """Φ⁻¹(i / (n + 1)) for the i-th smallest of each variable's n values, (n, d) float64; equal
    values have that of their middle. For densities of few parameters, which do not take their
    evenness for information."""
    found = torch.empty(rows.shape, dtype=torch.float64, device=rows.device)
    for column, values in enumerate(rows.detach().T):
        _, codes, counts = torch.unique(values, return_inverse=True, return_counts=True)
        middle = counts.cumsum(0) - (counts - 1) / 2
        found[:, column] = torch.special.ndtri(middle.double() / (len(values) + 1))[codes]
    return found


def _may_be(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Which variables, with samples along `dim`, may have heavy tails: those whose farthest
    sample lies far enough in standard deviations. Of heavy tails max d² / mean d² is at least
    1 / (0.0233 + 1.2 / n), and the mean lies within one standard deviation of the median.
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
    """Of samples (n,) of one variable, in blocks: a layer as one variable may fill memory."""
    middle = _median(values).to(torch.float64) / 2

    def apart() -> Iterator[torch.Tensor]:
        return ((part.to(torch.float64) / 2 - middle).abs() for part in values.split(BLOCK))

    return _are_heavy(apart)


def _median(values: torch.Tensor) -> torch.Tensor:
    """The lower median of samples (n,), as torch finds it in a copy of them. Of many, by
    counting in blocks: 16 more bits at a time of integers in the order of the samples."""
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
    """Signed integers in the order of the floating-point numbers of these bits; and back."""
    return bits ^ ((bits >> (8 * bits.itemsize - 1)) & torch.iinfo(bits.dtype).max)


def _are_heavy(apart: Callable[[], Iterable[torch.Tensor]]) -> bool:
    """By distances from the median, in parts (n,)."""
    parts = [(float(part.max()), len(part), int((part > 0).sum())) for part in apart()]
    (farthest, *_), (_, n_all, n) = max(parts), map(sum, zip(*parts, strict=True))
    if n < FEWEST:
        return False
    # A quantile is within reach where so many samples are: no sorting is needed.
    return all(
        sum(int((factor * part <= farthest).sum()) for part in apart()) - (n_all - n)
        > int(share * (n - 1))
        for share, factor in ((0.9, REACH), (0.99, ALONE))
    )
