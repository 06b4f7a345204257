"""Means and variances of classes of rows, and the distances between classes."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

STEP_BYTES = 2**26
"""At most this many bytes of rows are read at once."""


class ClassMoments(NamedTuple):
    """Moments of the C classes that have rows.

    counts : float64 (C,), number of rows
    means : float64 (C, d), relative to one of the rows, in multiples of `unit`
    variances : float64 (C,), mean ‖t − μ_c‖² over the rows of a class, in multiples of `unit`²
    unit : a length, in units of the rows
    """

    counts: torch.Tensor
    means: torch.Tensor
    variances: torch.Tensor
    unit: float


def class_moments(
    rows: torch.Tensor, labels: torch.Tensor, step: int | None = None
) -> ClassMoments:
    """The moments of rows (n, d) with labels (n,) 0, 1, …; step : rows at once"""
    step = step or max(1, STEP_BYTES // (8 * rows.shape[1]))
    n_classes = int(labels.max()) + 1
    origin, unit = _origin_and_unit(rows, step)
    counts = torch.bincount(labels, minlength=n_classes).to(torch.float64)
    sums = torch.zeros((n_classes, rows.shape[1]), dtype=torch.float64, device=rows.device)
    parts = list(zip(rows.split(step), labels.split(step), strict=True))
    for part, of in parts:
        sums.index_add_(0, of, (part.to(torch.float64) - origin) / unit)
    means = sums / counts[:, None].clamp(min=1)
    # Sums around the class means: a difference of sums would lose digits.
    spread = torch.zeros_like(counts)
    for part, of in parts:
        apart = (part.to(torch.float64) - origin) / unit - means[of]
        spread.index_add_(0, of, apart.square().sum(dim=1))
    there = counts > 0
    counts = counts[there]
    return ClassMoments(counts, means[there], spread[there] / counts, unit)


def cdnv(means: torch.Tensor, variances: torch.Tensor) -> float:
    """Class-distance normalised variance of classes with means (C, d) and variances (C,), both
    in one unit: the mean over pairs of (v_c + v_c') / (2 ‖μ_c − μ_c'‖²). NaN if there is no
    pair, or if two means are equal."""
    distances = torch.cdist(means, means, compute_mode="donot_use_mm_for_euclid_dist").square()
    i, j = torch.triu_indices(len(means), len(means), offset=1, device=means.device)
    if not len(i) or not bool((distances[i, j] > 0).all()):
        return math.nan
    return float(((variances[i] + variances[j]) / (2 * distances[i, j])).mean())


def _origin_and_unit(rows: torch.Tensor, step: int) -> tuple[torch.Tensor, float]:
    """The first row, float64 (d,), and the largest difference from it in any coordinate (1 if
    all rows are equal)."""
    origin = rows[0].to(torch.float64)
    parts = [float((part.to(torch.float64) - origin).abs().max()) for part in rows.split(step)]
    return origin, max(parts) or 1.0
