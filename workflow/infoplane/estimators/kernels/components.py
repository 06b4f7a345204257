"""The leading principal components of standardised variables."""

from __future__ import annotations

import torch

from infoplane import streams
from infoplane.estimators.kernels import scaled

MOST_DIAGONALISED = 1024
"""Most dimensions whose covariance matrix is diagonalised; above, the leading components come
from power iterations on a random subspace (Halko, Martinsson & Tropp 2011)."""

ROUNDING = 1e-12
"""A component with less than this share of the first component's variance consists of rounding
errors: those of samples in single precision (10⁻⁷ of their standard deviation)."""


def principal_components(
    values: torch.Tensor, n: int, seed: int = 0
) -> tuple[torch.Tensor, float]:
    """The n leading components (rows, ≤ n), float64, and their share of the variance.

    values : torch.Tensor (rows, d); each coordinate is first standardised. If at most n
    coordinates vary, these are returned; if none varies, a single coordinate of zeros.
    Components that consist of rounding errors are left out.
    """
    rows = scaled.of_one_scale(values)
    d = rows.shape[1]
    if d == 0:
        return torch.zeros_like(values[:, :1], dtype=torch.float64), 1.0
    if d <= n:
        return rows, 1.0
    if d <= MOST_DIAGONALISED:
        basis = torch.linalg.eigh(rows.T @ rows)[1][:, -n:].flip(1)
    else:
        basis = _leading_directions(rows, n, seed)
    components = rows @ basis
    variances = components.square().sum(dim=0)
    components = components[:, variances > ROUNDING * variances[0]]
    return components, float(components.square().sum() / rows.square().sum())


def _leading_directions(rows: torch.Tensor, n: int, seed: int) -> torch.Tensor:
    random = streams.of_estimator(seed, 3)
    width = min(n + 10, *rows.shape)
    start = torch.randn(rows.shape[1], width, generator=random, dtype=torch.float64)
    basis = start.to(rows.device)
    for _ in range(8):
        basis = torch.linalg.qr(rows.T @ (rows @ basis))[0]
    within = torch.linalg.eigh((rows @ basis).T @ (rows @ basis))[1]
    return basis @ within[:, -n:].flip(1)
