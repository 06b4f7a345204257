"""The information in the correlations of ranks: a cheap second opinion on I(A;B).

Every variable is replaced by its normal scores, Φ⁻¹(rank / (n + 1)). A normal distribution with
the correlations of these scores has
    I = ½ log2 (det R_a det R_b / det R_ab) bits.
The determinants of n samples of a normal are too small by a known factor: with m = n − 1,
    E ln det S_p = ln det Σ_p + p ln(2 / m) + Σ_{i=1..p} ψ((m + 1 − i) / 2).
This bias is subtracted (Goodman 1963, Ann. Math. Stat. 34, 178). The same is computed for the
distances from the median, |a − median|, which are correlated under heavy tails and on rings;
the larger result counts. It is near the truth if the scores are jointly normal, and misses
dependences that neither correlation shows.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from infoplane.information import BIT

ROWS, NUMBERS = 1000, 20_000
"""Samples that are used, evenly spaced among all: ROWS, or more if A and B have so few
dimensions that ROWS samples of both have less than NUMBERS numbers."""
FEWEST_VALUES = 0.9
"""A variable with at least this share of different values counts as continuous."""
SINGULAR = 1e-9
"""Added to variances, so that equal variables share some 15 bits and not infinitely many."""


def linear_information(a: torch.Tensor, b: torch.Tensor) -> float:
    """The bits in the correlations of normal scores, or of distances from the median; at least
    0.

    a : (n, d_a), b : (n, d_b), floating point. NaN if a variable of a is not continuous (its
    share of different values is below FEWEST_VALUES), or if there are fewer than twice as many
    samples as variables. Constant variables are left out.
    """
    n = max(ROWS, NUMBERS // (a.shape[1] + b.shape[1]))
    a, b = _some(a, n), _some(b, n)
    n = len(a)
    if 2 * (a.shape[1] + b.shape[1]) > n or _different(a) < FEWEST_VALUES:
        return math.nan
    apart = [np.abs(rows - np.median(rows, axis=0)) for rows in (a, b)]
    return max(0.0, _shared(a, b), _shared(*apart))


def is_continuous(a: torch.Tensor) -> bool:
    """Whether every variable of a (n, d_a) takes many different values in ROWS samples."""
    return _different(_some(a, ROWS)) >= FEWEST_VALUES


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """The bits in the correlations of their normal scores, without the bias."""
    a, b = (rows[:, (rows != rows[0]).any(axis=0)] for rows in (a, b))
    n, d_a, d_b = len(a), a.shape[1], b.shape[1]
    if 0 in (d_a, d_b):
        return 0.0
    r = np.corrcoef(np.hstack([normal_scores(a), normal_scores(b)]), rowvar=False)
    r += SINGULAR * np.eye(d_a + d_b)
    nats = _log_det(r[:d_a, :d_a]) + _log_det(r[d_a:, d_a:]) - _log_det(r)
    return BIT * (nats - _bias(n, d_a) - _bias(n, d_b) + _bias(n, d_a + d_b)) / 2


def _some(rows: torch.Tensor, n: int) -> np.ndarray:
    step = max(1, len(rows) // n)
    return rows.detach()[: step * n : step].double().numpy(force=True)


def _different(rows: np.ndarray) -> float:
    """Share of different values in the variable with fewest; rows (n, d)."""
    ordered = np.sort(rows, axis=0)
    return float((1 + (np.diff(ordered, axis=0) > 0).sum(axis=0)).min() / len(rows))


def normal_scores(rows: np.ndarray) -> np.ndarray:
    """Normal scores of each variable; equal values get the mean of their ranks."""
    n, d = rows.shape
    order = np.argsort(rows, axis=0, kind="stable")
    found = np.empty((n, d))
    for j in range(d):
        ordered = rows[order[:, j], j]
        starts = np.flatnonzero(np.r_[True, np.diff(ordered) > 0])
        ends = np.r_[starts[1:], n]
        ranks = np.repeat((starts + ends + 1) / 2, ends - starts)
        found[order[:, j], j] = _normal(ranks / (n + 1))
    return found


def _log_det(r: np.ndarray) -> float:
    return float(np.linalg.slogdet(r)[1])


def _bias(n: int, d: int) -> float:
    """E ln det of the sample covariance minus ln det of the true one, for d normal
    variables."""
    m = n - 1
    halves = (m + 1 - torch.arange(1, d + 1, dtype=torch.float64)) / 2
    return d * math.log(2 / m) + float(torch.special.digamma(halves).sum())


def _normal(shares: np.ndarray) -> np.ndarray:
    """Φ⁻¹"""
    return torch.special.ndtri(torch.from_numpy(shares)).numpy()
