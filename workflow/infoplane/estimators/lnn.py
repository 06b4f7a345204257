"""Differences of entropies by local likelihood with nearest-neighbour bandwidths (LNN).

Source: Gao, Oh & Viswanath 2016 (NIPS, "Breaking the bandwidth barrier: geometrical adaptive
entropy estimation"), equations 5 to 7 and theorem 1. With ρ the distance of sample i to its
k-th neighbour, z_j = (a_j − a_i) / ρ over its m nearest neighbours, w_j = exp(−‖z_j‖² / 2),
    S_0 = Σ w_j    μ = Σ w_j z_j / S_0    Σ = Σ w_j z_j z_jᵀ / S_0 − μ μᵀ
    −ln f(a_i) = ψ(n) + (d/2) ln 2π + d ln ρ + (ln|Σ| + μᵀ Σ⁻¹ μ) / 2 − ln S_0
    H(A) = mean_i −ln f(a_i) − B            I(A;B) = H(A) + H(B) − H(A,B)
and with labels H(A) − Σ_y p(y) H(A | y). The paper has ln n in place of ψ(n), which is the
correct term for the mass of a ball that reaches a neighbour among n samples.

The bias B depends only on k, m and the dimension, not on the density: the distances from a
sample to its neighbours are (E_1 + … + E_j)^(1/d) with E exponential, and their directions are
uniform. It is −1.5 nats in 5 dimensions and must be known. BIAS holds it for the default k and
m, from `simulate_bias`; for others it is simulated at the first use.

The density must be nearly Gaussian over the m neighbours, but samples in the tails have their
neighbours on one side. H of a standard Gaussian at n = 3000 is 0.02, 0.0, 0.1, 0.3, 0.6, 1.0,
2.4 and 4.3 nats too large at d = 1 … 6, 8, 10. So I(A;B) is too small, by 0.0, 0.4, 1.2 and 4.6
bits at d = 1, 2, 3, 5 for each variable and n = 4096 (true value 1.44 bits).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from scipy.special import digamma

from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import neighbour_terms, neighbours, scaled
from infoplane.samples import Information, Pair
from infoplane.settings import Settings

REPEATS = 50_000
"""Number of neighbourhoods to simulate a bias that is not in the table, to 0.003 nat."""

FLAT = 1e-6
"""A covariance with a pivot below this, in squared bandwidths, counts as singular."""

MOST_FLAT = 0.01
"""A result is flagged if more than this share of the covariances is singular."""

_RIDGE = 1e-12


class LNNSettings(Settings):
    """Settings of LNN."""

    estimator: Literal["lnn"] = "lnn"
    """`lnn` fits a local Gaussian around each sample (Gao, Oh & Viswanath 2016)."""
    k: int = Field(default=5, ge=1)
    """The bandwidth is the distance to the neighbour of this rank."""
    n_neighbours: int = Field(default=30, ge=4)
    """The local Gaussian is fitted to this many neighbours: at least three more than the
    dimensions of both variables together, or its covariance is singular."""
    seed: int = Field(default=0, ge=0)
    """Noise that separates ties, if there are any, is drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting copies of the
    samples."""

    @model_validator(mode="after")
    def _bandwidth_lies_among_the_neighbours(self):
        if self.k > self.n_neighbours:
            raise ValueError(f"k = {self.k} must be at most n_neighbours = {self.n_neighbours}")
        return self


class LNN(PairEstimator):
    """Local Gaussian likelihood."""

    Settings = LNNSettings
    settings: LNNSettings
    infinite_without_noise = True
    changes = (
        "another k or n_neighbours changes how local the Gaussians are, and more samples "
        "lower the bias; if values repeat, the seed of the noise that separates them "
        "moves it"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rotate", "monotone")

    def between(self, pair: Pair) -> Information:
        """I(A;B) by local Gaussian likelihood.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels. With pair.n_draws > 1, b is
            treated as the index of its row: each of these needs more than k and d_a + 3 draws.
            Each variable is standardised and its ties are separated (scaled.py). If there are
            fewer than n_neighbours others, in all samples or in a class, all of them are used.
        Returns Information in bits.
            stderr : standard deviation of the samples' terms over √n, and the Monte Carlo error
                of the biases
            cap : infinite; a local Gaussian may be as flat as float64 can resolve
            flags : degenerate if more than 1 % of the covariances are singular: many ties, or b
                a function of a. The value is then of little use
        A variable that never varies, or a single class, gives 0.
        Raises ValueError if k ≥ n, or if samples or a class have fewer than d + 3 neighbours.
        """
        neighbour_terms.require_neighbours(pair, self.settings.k)
        a = scaled.of_one_scale(pair.a)
        if a.shape[1] == 0:
            return neighbour_terms.nothing(math.inf)
        if pair.is_labelled or pair.n_draws > 1:
            return _with_labels(pair, a, self.settings)
        b = scaled.of_one_scale(pair.b)
        if b.shape[1] == 0:
            return neighbour_terms.nothing(math.inf)
        a, b = scaled.without_ties([a, b], None, self.settings.seed)
        entropies = _Entropies(pair, self.settings)
        terms = entropies.of(a) + entropies.of(b) - entropies.of(torch.cat([a, b], dim=1))
        return entropies.record(terms)


def _with_labels(pair: Pair, a: torch.Tensor, settings: LNNSettings) -> Information:
    labels = pair.b if pair.is_labelled else torch.arange(pair.n) // pair.n_draws
    labels = labels.to(a.device)
    if bool((labels == labels[0]).all()):
        return neighbour_terms.nothing(math.inf)
    (a,) = scaled.without_ties([a], labels, settings.seed)
    entropies = _Entropies(pair, settings)
    terms = entropies.of(a)
    for label in labels.unique().tolist():
        members = torch.nonzero(labels == label).flatten()
        terms[members] -= entropies.of(a[members], f"class {label}")
    return entropies.record(terms)


class _Entropies:
    """Terms of entropies; also the share of singular covariances and the error of biases."""

    def __init__(self, pair: Pair, settings: LNNSettings):
        self.place, self.settings = pair.place, settings
        self.flat, self.n_terms, self.errors = 0, 0, []

    def of(self, rows: torch.Tensor, part: str = "the samples") -> torch.Tensor:
        """−ln f − B in nats, float64 (n,), for rows (n, d) without ties."""
        n, d = rows.shape
        m = min(self.settings.n_neighbours, n - 1)
        if m < max(d + 3, self.settings.k):
            raise ValueError(
                f"{self.place}: {part} ({n} rows) with n_neighbours = "
                f"{self.settings.n_neighbours} and k = {self.settings.k}: a covariance in {d} "
                f"dimensions needs at least {max(d + 3, self.settings.k)} neighbours, or it is "
                "singular; use fewer dimensions, more neighbours or samples"
            )
        terms, flat = minus_log_densities(rows, self.settings.k, m, self.settings.memory_mb)
        b, error = bias(self.settings.k, m, d)
        self.flat, self.n_terms = self.flat + flat, self.n_terms + n
        self.errors.append((error * n, b))
        return terms - b

    def record(self, terms: torch.Tensor) -> Information:
        n = len(terms)
        of_biases = sum((error / n) ** 2 for error, _ in self.errors)
        stderr = math.sqrt(terms.var(correction=0).item() / n + of_biases)
        information = neighbour_terms.record(terms, math.inf, stderr)
        if self.flat > MOST_FLAT * self.n_terms:
            information = information.with_flag("degenerate")
        return information


def minus_log_densities(
    rows: torch.Tensor, k: int, n_neighbours: int, memory_mb: int = 512
) -> tuple[torch.Tensor, int]:
    """−ln f of each row in nats, float64 (n,), for the units of the rows, without the bias; and
    the number of rows with a singular covariance. rows : (n, d), no two of them equal"""
    n, d = rows.shape
    distances, indices = neighbours.nearest(rows, n_neighbours, "euclidean", memory_mb * 10**6)
    width = distances[:, k - 1]
    constant = float(digamma(n)) + d / 2 * math.log(2 * math.pi)
    terms, flat = rows.new_empty(n), 0
    step = max(1, memory_mb * 10**6 // (8 * d * (4 * n_neighbours + 6 * d)))
    for start in range(0, n, step):
        part = slice(start, start + step)
        z = (rows[indices[part]] - rows[part, None]) / width[part, None, None]
        terms[part], singular = _of_neighbourhoods(z)
        flat += singular
    return terms + constant + d * width.log(), flat


def _of_neighbourhoods(z: torch.Tensor) -> tuple[torch.Tensor, int]:
    """(ln|Σ| + μᵀ Σ⁻¹ μ) / 2 − ln S_0 (n,) for neighbours z (n, m, d) in units of the width,
    and the number of singular Σ."""
    d = z.shape[2]
    w = torch.exp(z.square().sum(dim=2) / -2)
    total = w.sum(dim=1)
    w = w / total[:, None]
    mean = torch.einsum("nm,nmd->nd", w, z)
    apart = z - mean[:, None]
    covariance = torch.einsum("nmd,nme->nde", w[:, :, None] * apart, apart)
    ridge = _RIDGE * torch.eye(d, dtype=z.dtype, device=z.device)
    root, _ = torch.linalg.cholesky_ex(covariance + ridge)
    pivots = root.diagonal(dim1=1, dim2=2)
    mahalanobis = torch.linalg.solve_triangular(root, mean[:, :, None], upper=False)
    quadratic = mahalanobis.square().sum(dim=(1, 2))
    flat = pivots.amin(dim=1).square() < FLAT
    # Between tied neighbours there is only the noise, whose distances mean nothing.
    quadratic = torch.where(flat, 0.0, quadratic)
    return pivots.log().sum(dim=1) + quadratic / 2 - total.log(), int(flat.sum())


def bias(k: int, n_neighbours: int, d: int) -> tuple[float, float]:
    """B_{k,d} in nats and its Monte Carlo standard error: from BIAS, or simulated once."""
    if (k, n_neighbours) == (5, 30) and d in BIAS:
        return BIAS[d]
    return simulate_bias(k, n_neighbours, d, REPEATS, seed=0)


@lru_cache(maxsize=256)
def simulate_bias(
    k: int, n_neighbours: int, d: int, n_repeats: int, seed: int
) -> tuple[float, float]:
    """B_{k,d} in nats and its standard error, from n_repeats neighbourhoods under a uniform
    density of 1. There n f times the volume of the ball that reaches the j-th neighbour is a
    sum of j exponential variables."""
    random = np.random.default_rng(seed)
    values = []
    for first in range(0, n_repeats, 10_000):
        n = min(10_000, n_repeats - first)
        masses = random.exponential(size=(n, n_neighbours)).cumsum(axis=1)
        radii = (masses / masses[:, [k - 1]]) ** (1 / d)
        z = random.standard_normal((n, n_neighbours, d))
        z *= (radii / np.linalg.norm(z, axis=2))[:, :, None]
        terms, _ = _of_neighbourhoods(torch.from_numpy(z))
        values.append(terms.numpy() + np.log(masses[:, k - 1]))
    values = np.concatenate(values)
    constant = d / 2 * math.log(2 * math.pi) - neighbour_terms.ln_ball(d, "euclidean")
    return float(values.mean() + constant), float(values.std() / math.sqrt(n_repeats))


BIAS: dict[int, tuple[float, float]] = {
    1: (-0.0248, 0.0010),
    2: (-0.1736, 0.0008),
    3: (-0.5542, 0.0006),
    4: (-1.0318, 0.0006),
    5: (-1.5438, 0.0006),
    6: (-2.0801, 0.0006),
    7: (-2.6389, 0.0006),
    8: (-3.2221, 0.0006),
    9: (-3.8277, 0.0007),
    10: (-4.4580, 0.0007),
    11: (-5.1146, 0.0007),
    12: (-5.7939, 0.0008),
    13: (-6.5011, 0.0008),
    14: (-7.2329, 0.0009),
    15: (-7.9923, 0.0010),
    16: (-8.7757, 0.0011),
    17: (-9.5846, 0.0012),
    18: (-10.4147, 0.0014),
    19: (-11.2689, 0.0016),
    20: (-12.1351, 0.0019),
    21: (-12.9990, 0.0024),
    22: (-13.8544, 0.0031),
    23: (-14.6556, 0.0045),
    24: (-15.3036, 0.0070),
}
"""B_{5,d} with 30 neighbours and its standard error, in nats, by the dimension d. `python -m
infoplane.estimators.lnn`, in workflow/, prints the table after some minutes."""


if __name__ == "__main__":
    for dimension in range(1, 25):
        found = simulate_bias(5, 30, dimension, 200_000, seed=1)
        print(f"    {dimension}: ({found[0]:.4f}, {found[1]:.4f}),", flush=True)
