"""Samples as the neighbour estimators take them: of unit variance, and without ties.

Each variable is centred and divided by its standard deviation, in float64, so that results do
not depend on units; one that never varies is left out, as it says nothing.

Methods of nearest neighbours suppose that no two values are equal. Where some are, Gaussian
noise of 10⁻¹⁰ standard deviations is added to that variable (Kraskov et al. 2004, section II).
It is drawn by seed and dealt to the rows in an order of their values, not of their numbers: so
the order of samples does not matter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

JITTER = 1e-10
"""Standard deviation of the noise that parts ties, in those of the variable."""


class Scaled(NamedTuple):
    """rows : float64 (n, number of varying variables); scales : float64, their standard
    deviations in the units of the samples."""

    rows: torch.Tensor
    scales: torch.Tensor


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
    rows = values / units
    rows = rows - rows.mean(dim=0)
    rows = rows - rows.mean(dim=0)  # what rounding left, far from 0
    spread = rows.square().mean(dim=0).sqrt()
    return Scaled(rows / spread, spread * units)


def without_ties(parts: list[torch.Tensor], also: torch.Tensor | None, seed: int):
    """The parts, with noise on the columns in which values are equal.

    parts : float64 (n, d) each; also : (n,) labels, which tell apart rows that are equal
    """
    tied = [_has_ties(rows) for rows in parts]
    if not any(flags.any() for flags in tied):
        return parts
    order = _order_of_values(parts, also).to(parts[0].device)
    noise = np.random.default_rng(seed)
    moved = []
    for rows, flags in zip(parts, tied, strict=True):
        rows = rows.clone()
        for column in torch.nonzero(flags).flatten().tolist():
            drawn = torch.from_numpy(noise.standard_normal(len(rows))).to(rows.device)
            rows[order, column] += JITTER * drawn
        moved.append(rows)
    return moved


def share_of_equals(rows: torch.Tensor) -> float:
    """Share of the rows (n, d) of which there is another that is equal in all variables."""
    order = _order_of_values([rows], None).to(rows.device)
    ordered = rows[order]
    same = (ordered[1:] == ordered[:-1]).all(dim=1)
    equal = torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
    equal[1:] |= same
    equal[:-1] |= same
    return equal.double().mean().item()


def _has_ties(rows: torch.Tensor) -> torch.Tensor:
    """(d,) whether some values of a column are equal."""
    if rows.is_cuda:
        ordered = torch.sort(rows, dim=0).values
        return (ordered[1:] == ordered[:-1]).any(dim=0).cpu()
    ordered = np.sort(rows.numpy().T.copy(), axis=1)  # far faster than torch's on a CPU
    return torch.from_numpy((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))


def _order_of_values(parts, also) -> torch.Tensor:
    """An order of rows by their values: by a random direction, in which no two unlike rows
    meet. Rows that are alike may change places without anyone noticing."""
    random = np.random.default_rng(0)
    key = np.zeros(len(parts[0]))
    for rows in parts:
        key += (rows.cpu().numpy() * random.standard_normal(rows.shape[1])).sum(axis=1)
    if also is not None:
        key += random.standard_normal() * also.cpu().numpy()
    return torch.from_numpy(np.argsort(key, kind="stable"))
