"""Full Gaussians: the covariance of the centres, shrunk in several ways, and that of the noise.

In units of the noise, T = S + Z has the covariance Σ_S + I. Estimated from n inputs, Σ_S has at
most n − 1 non-zero variances, and the largest ones are too large. A variant either keeps the
first k variances and replaces all others by their mean (probabilistic principal components:
Tipping & Bishop 1999), or takes (1 − ρ) Σ_S + ρ tr(Σ_S)/d I (Ledoit & Wolf 2004). The last
variant is a Student distribution with 3 degrees of freedom and such a covariance. Its logarithm
falls only as ln r with the distance r from the mean, so that no sample has almost zero density.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from infoplane.estimators.densities.fit import Fit, Spectrum
from infoplane.estimators.kernels.noisy_layers import LOG_2PI

SHRUNK = (0.0, 0.01, 0.03, 0.1, 0.3)
DEGREES = 3.0
TAIL = 0.1
"""ρ of the covariance of the Student distribution."""


class Gaussian:
    """Full Gaussians and a Student distribution."""

    def __init__(self, fit: Fit, spectrum: Spectrum):
        self.spectrum = spectrum
        k, d = len(spectrum.variances), spectrum.d
        ranks = [0, *(2**i for i in range(k.bit_length()) if 2**i < k)]
        pairs = [_first(spectrum, rank) for rank in ranks] + [
            _shrunk(spectrum, rho) for rho in SHRUNK
        ]
        self.variances = torch.stack([variances for variances, _ in pairs])
        self.rest = torch.tensor([rest for _, rest in pairs], dtype=torch.float64)
        self.rest = self.rest.to(self.variances.device)
        self.tail = len(ranks) + SHRUNK.index(TAIL)
        self.n_rest = d - k
        self.best = int(self._normal(*self._squares(fit.chosen)).mean(1).argmax())

    def logs(self, t: Tensor) -> Tensor:
        """ln q(t) in nats, (n_variants, n): all Gaussians, then the Student distribution."""
        squares, rest = self._squares(t)
        d, i = self.spectrum.d, self.tail
        distance = squares @ (1 / self.variances[i]) + rest / self.rest[i]
        half = (DEGREES + d) / 2
        constant = (
            math.lgamma(half) - math.lgamma(DEGREES / 2) - d * math.log(DEGREES * math.pi) / 2
        )
        student = constant - self._log_det()[i] / 2 - half * torch.log1p(distance / DEGREES)
        return torch.cat([self._normal(squares, rest), student[None]])

    def beyond(self, t: Tensor, n: int) -> Tensor:
        """Log density (n_samples,), by the best variant, of all but the first n coordinates."""
        squares, rest = self._squares(t)
        variances = self.variances[self.best, n:]
        logs = squares[:, n:] @ (1 / variances) + rest / self.rest[self.best]
        logs += variances.log().sum() + self.n_rest * self.rest[self.best].log()
        return -(logs + (self.spectrum.d - n) * LOG_2PI) / 2

    def _squares(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Squared coordinates along the axes (n, k), and the squared distance along all other
        directions (n,)."""
        shifted = t - self.spectrum.mean
        squares = (shifted @ self.spectrum.axes).square()
        if not self.n_rest:
            return squares, torch.zeros_like(squares[:, 0])
        return squares, (shifted.square().sum(1) - squares.sum(1)).clamp(min=0)

    def _log_det(self) -> Tensor:
        return self.variances.log().sum(1) + self.n_rest * self.rest.log()

    def _normal(self, squares: Tensor, rest: Tensor) -> Tensor:
        distance = squares @ (1 / self.variances).T + rest[:, None] / self.rest
        return -(distance + self._log_det() + self.spectrum.d * LOG_2PI).T / 2


def _first(spectrum: Spectrum, rank: int) -> tuple[Tensor, float]:
    """Variances of T along the axes, and along all other directions: the first `rank` as they
    are, all others replaced by their mean."""
    variances = spectrum.variances.clone()
    rest = (spectrum.total - float(variances[:rank].sum())) / max(1, spectrum.d - rank)
    variances[rank:] = max(rest, 0.0)
    return variances + 1, max(rest, 0.0) + 1


def _shrunk(spectrum: Spectrum, rho: float) -> tuple[Tensor, float]:
    mean = rho * spectrum.total / spectrum.d
    return (1 - rho) * spectrum.variances + mean + 1, mean + 1
