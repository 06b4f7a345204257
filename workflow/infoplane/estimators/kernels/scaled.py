"""Samples for the neighbour estimators: with unit variance and without ties.

Each variable is centred and divided by its standard deviation, in float64, so that results do
not depend on units. A variable that never varies is left out. A variable with heavy tails is
replaced by its normal scores (tails.py), which have the same mutual information.

Nearest-neighbour methods assume that no two values and no two distances are equal. If values of
a variable are equal, or many gaps between neighbouring values (whole numbers, a clock),
Gaussian noise is added to this variable (Kraskov et al. 2004, section II). Its standard
deviation, in standard deviations of the variable, is
    max(10⁻¹⁰, min(10⁻¹³ m, g / 16))
for a value that m samples share and whose nearest other value is at the distance g. So the
noise of m equal samples covers about 1000 m of the steps of 10⁻¹⁶ that float64 has near 1. With
fewer steps the noise would have ties of its own, which look like information. The noise does
not reach the next value, unless that is nearer than about 10⁻⁹.

The noise is drawn with the seed and assigned to the rows in an order of their values, so that
the order of samples does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from infoplane.estimators.kernels import tails

JITTER = 1e-10
"""Smallest standard deviation of the noise that separates ties, in those of the variable."""

JITTER_PER_EQUAL = 1e-13
"""Standard deviation of this noise for each sample that shares the value."""

MOST_EQUAL_GAPS = 1e-3
"""A variable has ties in its distances if more than this share of its gaps equals the next."""


COLUMNS = 64
"""Number of variables that are sorted at once."""

VALUES = 2**20
"""At most this many values of a map are in memory at once, but at least one variable."""

_BYTES_A_VALUE = 48
"""Memory for each value: in float64, sorted, and during the tests for ties and tails."""


class Scaled(NamedTuple):
    """rows : float64 (n, number of varying variables); scales : float64, the standard
    deviations of these variables in the units of the samples"""

    rows: torch.Tensor
    scales: torch.Tensor


def of_one_scale(values: torch.Tensor) -> torch.Tensor:
    """The variables that vary, with mean 0, variance 1 and no heavy tails: float64 (n, number
    of varying variables). values : (n, d), floating point"""
    return standardised(tails.tamed(values)).rows


def standardised(values: torch.Tensor) -> Scaled:
    """The variables that vary, with mean 0 and variance 1.

    values : torch.Tensor (n, d), floating point
    """
    values = values.to(torch.float64)
    values = values[:, (values != values[0]).any(dim=0)]
    # Divided by a power of two first, because squares of tiny or huge values leave float64. The
    # division is exact, so a variable that varies still varies.
    largest = values.abs().amax(dim=0)
    units = torch.ldexp(torch.ones_like(largest), torch.frexp(largest).exponent - 1)
    rows = values.div_(units)  # in place: a map with many positions needs much memory
    rows -= rows.mean(dim=0)
    rows -= rows.mean(dim=0)  # what rounding left of a mean far from 0
    spread = rows.square().mean(dim=0).sqrt()
    return Scaled(rows.div_(spread), spread * units)


def without_ties(parts: list[torch.Tensor], also: torch.Tensor | None, seed: int):
    """The parts, with noise on the columns that have equal values or gaps.

    parts : float64 (n, d) each; also : (n,) labels, which distinguish rows that are equal
    """
    tied = [_has_ties(rows) for rows in parts]
    if not any(flags.any() for flags in tied):
        return parts
    key = _Key(len(parts[0]))
    for rows in parts:
        key.add(rows)
    order, noise = key.order(also).to(parts[0].device), np.random.default_rng(seed)
    return [_parted(*each, order, noise) for each in zip(parts, tied, strict=True)]


class Columns:
    """The variables of large maps with one scale and without ties: the result of
    `of_one_scale` and `without_ties`, but some variables at a time, without a copy of all.

    widths : number of varying variables of each part
    """

    def __init__(
        self,
        parts: list[torch.Tensor],
        also: torch.Tensor | None,
        seed: int,
        kept: torch.Tensor | None = None,
        memory: int = 2**62,
    ):
        """parts : (n, d) each, floating point; also, seed : see `without_ties`
        kept : int64 (m,), the rows to use, for which `also` has the labels; None for all
        memory : bytes that may be used; one variable is always used at once"""
        self._parts, self._seed = parts, seed
        self._most = min(VALUES, memory // _BYTES_A_VALUE)
        self._kept = None if kept is None or len(kept) == len(parts[0]) else kept
        key = _Key(len(parts[0]) if kept is None else len(kept))
        self.widths, self._tied = [], []
        for part in parts:
            tied = []
            for rows in self._scaled(part):
                key.add(rows)
                tied.append(_has_ties(rows))
            self.widths.append(sum(map(len, tied)))
            self._tied.append(tied)
        self._order = key.order(also).to(parts[0].device)

    def __iter__(self) -> Iterator[tuple[int, torch.Tensor]]:
        """The number of a part and its next variables, float64 (n, some), part by part."""
        noise = np.random.default_rng(self._seed)
        for number, (part, flags) in enumerate(zip(self._parts, self._tied, strict=True)):
            for rows, tied in zip(self._scaled(part), flags, strict=True):
                yield number, _parted(rows, tied, self._order, noise)

    def _scaled(self, part: torch.Tensor) -> Iterator[torch.Tensor]:
        for block in part.split(max(1, min(COLUMNS, self._most // len(part))), dim=1):
            block = block if self._kept is None else block[self._kept.to(block.device)]
            yield of_one_scale(block.T.contiguous().T)  # columns are read many times


def _parted(rows: torch.Tensor, tied: torch.Tensor, order: torch.Tensor, noise) -> torch.Tensor:
    """The rows (n, d), with noise from the next random numbers on the columns with ties."""
    if not tied.any():
        return rows
    rows = rows.clone()
    for column in torch.nonzero(tied).flatten().tolist():
        drawn = torch.from_numpy(noise.standard_normal(len(rows))).to(rows.device)
        sizes = _sizes_of_noise(rows[:, column])
        rows[order, column] += sizes[order] * drawn
    return rows


def _sizes_of_noise(values: torch.Tensor) -> torch.Tensor:
    """Standard deviation (n,) of each row's noise, for values (n,) that are not all equal."""
    distinct, codes, counts = torch.unique(values, return_inverse=True, return_counts=True)
    gaps = distinct.diff()
    infinite = gaps.new_tensor([torch.inf])
    nearest = torch.minimum(torch.cat([infinite, gaps]), torch.cat([gaps, infinite]))
    return torch.minimum(JITTER_PER_EQUAL * counts, nearest / 16).clamp(min=JITTER)[codes]


def share_of_equals(rows: torch.Tensor) -> float:
    """Share of the rows (n, d) that equal another row in all variables."""
    key = _Key(len(rows))
    key.add(rows)
    ordered = rows[key.order().to(rows.device)]
    same = (ordered[1:] == ordered[:-1]).all(dim=1)
    equal = torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
    equal[1:] |= same
    equal[:-1] |= same
    return equal.double().mean().item()


def _has_ties(rows: torch.Tensor) -> torch.Tensor:
    """Whether a column has equal values, or many equal gaps between its values: bool (d,)."""
    return torch.cat([_has_ties_in(part) for part in rows.split(COLUMNS, dim=1)])


def _has_ties_in(rows: torch.Tensor) -> torch.Tensor:
    """The same for columns that are sorted at once."""
    if rows.is_cuda:
        ordered = torch.sort(rows.T, dim=1).values
    else:  # far faster than torch's on a CPU
        ordered = torch.from_numpy(np.sort(rows.numpy().T.copy(), axis=1))
    gaps = ordered.diff()
    # gaps of whole numbers, divided by a standard deviation, differ by rounding
    rounding = 4 * torch.finfo(rows.dtype).eps * ordered[:, 1:-1].abs()
    many = (gaps.diff().abs() <= rounding).double().mean(dim=1) > MOST_EQUAL_GAPS
    return ((gaps == 0).any(dim=1) | many).cpu()


class _Key:
    """An order of rows by their values, along a random direction, in which different rows have
    different places. Equal rows may be exchanged without any effect."""

    def __init__(self, n: int):
        self._random, self._along = np.random.default_rng(0), np.zeros(n)

    def add(self, rows: torch.Tensor) -> None:
        """Add further variables (n, d)."""
        direction = self._random.standard_normal(rows.shape[1])
        self._along += (rows.cpu().numpy() * direction).sum(axis=1)

    def order(self, also: torch.Tensor | None = None) -> torch.Tensor:
        """The order of the rows, with labels (n,) as a further variable."""
        if also is not None:
            self._along += self._random.standard_normal() * also.cpu().numpy()
        return torch.from_numpy(np.argsort(self._along, kind="stable"))
