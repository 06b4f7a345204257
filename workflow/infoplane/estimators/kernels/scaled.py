"""Samples as the neighbour estimators take them: of unit variance, and without ties.

Each variable is centred and divided by its standard deviation, in float64, so that results do
not depend on units; one that never varies is left out, as it says nothing. One of heavy tails
is replaced by its normal scores (tails.py), which say as much, where information is all that is
asked.

Methods of nearest neighbours suppose that no two values and no two distances are equal. Where
values are, or many gaps between neighbouring values (whole numbers, a clock), Gaussian noise
is added to that variable (Kraskov et al. 2004, section II). Its standard deviation is
    max(10⁻¹⁰, min(10⁻¹³ m, g / 16))
in those of the variable, for a value that m samples share and whose nearest other value lies
at a distance g. So the noise of m equal samples takes some 1000 m of the steps of 10⁻¹⁶ that
float64 has near 1: with fewer steps the noise has ties of its own, which look like
information. It does not reach the next value, unless that is nearer than 10⁻⁹.

The noise is drawn by seed and dealt to the rows in an order of their values, not of their
numbers: so the order of samples does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from infoplane.estimators.kernels import tails

JITTER = 1e-10
"""Least standard deviation of the noise that parts ties, in those of the variable."""

JITTER_PER_EQUAL = 1e-13
"""The same for each of the samples that share a value."""

MOST_EQUAL_GAPS = 1e-3
"""Share of gaps that equal the next, from which on a variable has ties in its distances."""


COLUMNS = 64
"""Variables that are sorted at once."""

VALUES = 2**20
"""Numbers of a map that are held at once, at the most, or those of one variable."""

_BYTES_A_VALUE = 48
"""That each of them takes: itself in float64, ordered, and what tells ties and tails."""


class Scaled(NamedTuple):
    """rows : float64 (n, number of varying variables); scales : float64, their standard
    deviations in the units of the samples."""

    rows: torch.Tensor
    scales: torch.Tensor


def of_one_scale(values: torch.Tensor) -> torch.Tensor:
    """Each variable that varies, of mean 0 and variance 1 and without heavy tails: float64
    (n, number of varying variables), of values (n, d), floating point."""
    return standardised(tails.tamed(values)).rows


def standardised(values: torch.Tensor) -> Scaled:
    """Each variable that varies, of mean 0 and variance 1.

    values : torch.Tensor (n, d), floating point
    """
    values = values.to(torch.float64)
    values = values[:, (values != values[0]).any(dim=0)]
    # Divided by a power of two first, as squares of tiny or huge values leave float64, and
    # exactly, as a value that varies is to go on doing so.
    largest = values.abs().amax(dim=0)
    units = torch.ldexp(torch.ones_like(largest), torch.frexp(largest).exponent - 1)
    rows = values.div_(units)  # in place: a map of many positions fills memory soon enough
    rows -= rows.mean(dim=0)
    rows -= rows.mean(dim=0)  # what rounding left, far from 0
    spread = rows.square().mean(dim=0).sqrt()
    return Scaled(rows.div_(spread), spread * units)


def without_ties(parts: list[torch.Tensor], also: torch.Tensor | None, seed: int):
    """The parts, with noise on the columns in which values or gaps are equal.

    parts : float64 (n, d) each; also : (n,) labels, which tell apart rows that are equal
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
    """Variables of one scale and without ties, of a map of many positions: as `of_one_scale`
    and `without_ties` make them, but some at a time, so that no copy of all is held.

    widths : numbers of varying variables of each part
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
        kept : rows that are taken, int64 (m,), labels among them; None: all
        memory : bytes that may be used, if it is not less than one variable needs"""
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
        """Part by part: its number, and its next variables, float64 (n, some)."""
        noise = np.random.default_rng(self._seed)
        for number, (part, flags) in enumerate(zip(self._parts, self._tied, strict=True)):
            for rows, tied in zip(self._scaled(part), flags, strict=True):
                yield number, _parted(rows, tied, self._order, noise)

    def _scaled(self, part: torch.Tensor) -> Iterator[torch.Tensor]:
        for block in part.split(max(1, min(COLUMNS, self._most // len(part))), dim=1):
            block = block if self._kept is None else block[self._kept.to(block.device)]
            yield of_one_scale(block.T.contiguous().T)  # its columns are read many times


def _parted(rows: torch.Tensor, tied: torch.Tensor, order: torch.Tensor, noise) -> torch.Tensor:
    """The rows (n, d), with noise of the next random numbers on columns with ties."""
    if not tied.any():
        return rows
    rows = rows.clone()
    for column in torch.nonzero(tied).flatten().tolist():
        drawn = torch.from_numpy(noise.standard_normal(len(rows))).to(rows.device)
        sizes = _sizes_of_noise(rows[:, column])
        rows[order, column] += sizes[order] * drawn
    return rows


def _sizes_of_noise(values: torch.Tensor) -> torch.Tensor:
    """Standard deviation of each row's noise (n,), of values (n,) that are not all equal."""
    distinct, codes, counts = torch.unique(values, return_inverse=True, return_counts=True)
    gaps = distinct.diff()
    infinite = gaps.new_tensor([torch.inf])
    nearest = torch.minimum(torch.cat([infinite, gaps]), torch.cat([gaps, infinite]))
    return torch.minimum(JITTER_PER_EQUAL * counts, nearest / 16).clamp(min=JITTER)[codes]


def share_of_equals(rows: torch.Tensor) -> float:
    """Share of the rows (n, d) of which there is another that is equal in all variables."""
    key = _Key(len(rows))
    key.add(rows)
    ordered = rows[key.order().to(rows.device)]
    same = (ordered[1:] == ordered[:-1]).all(dim=1)
    equal = torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
    equal[1:] |= same
    equal[:-1] |= same
    return equal.double().mean().item()


def _has_ties(rows: torch.Tensor) -> torch.Tensor:
    """(d,) whether some values of a column are equal, or many gaps between its values."""
    return torch.cat([_has_ties_in(part) for part in rows.split(COLUMNS, dim=1)])


def _has_ties_in(rows: torch.Tensor) -> torch.Tensor:
    """The same of columns that are sorted at once."""
    if rows.is_cuda:
        ordered = torch.sort(rows.T, dim=1).values
    else:  # far faster than torch's on a CPU
        ordered = torch.from_numpy(np.sort(rows.numpy().T.copy(), axis=1))
    gaps = ordered.diff()
    # gaps of whole numbers, once divided by a deviation, differ by rounding
    rounding = 4 * torch.finfo(rows.dtype).eps * ordered[:, 1:-1].abs()
    many = (gaps.diff().abs() <= rounding).double().mean(dim=1) > MOST_EQUAL_GAPS
    return ((gaps == 0).any(dim=1) | many).cpu()


class _Key:
    """An order of rows by their values: by a random direction, in which no two unlike rows
    meet. Rows that are alike may change places without anyone noticing."""

    def __init__(self, n: int):
        self._random, self._along = np.random.default_rng(0), np.zeros(n)

    def add(self, rows: torch.Tensor) -> None:
        """Further variables (n, d)."""
        direction = self._random.standard_normal(rows.shape[1])
        self._along += (rows.cpu().numpy() * direction).sum(axis=1)

    def order(self, also: torch.Tensor | None = None) -> torch.Tensor:
        """Of the rows, with labels (n,) as one more variable."""
        if also is not None:
            self._along += self._random.standard_normal() * also.cpu().numpy()
        return torch.from_numpy(np.argsort(self._along, kind="stable"))
