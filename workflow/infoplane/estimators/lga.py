"""Local Gaussian approximation (LGA): a Gaussian is fitted to the density at each sample.

Source: S. Gao, Ver Steeg & Galstyan 2015 (UAI, "Estimating mutual information by local Gaussian
approximation"), equations 8 to 12; the local likelihood is that of Hjort & Jones 1996. At each
sample x, the mean and covariance maximise the kernel-weighted log-likelihood less the
Gaussian's mass under the kernel,
    (1/n) Σ_j K(x_j − x) ln N(x_j; μ, Σ) − ∫ K(t − x) N(t; μ, Σ) dt
The sum is over all samples x_j, including x. K is a product Gaussian kernel whose bandwidth h
is the distance of x to its k-th neighbour; the integral is N(x; μ, Σ + h² I). The density is
f(x) = N(x; μ, Σ) and
    I(A;B) = mean ln f(a, b) / (f(a) f(b))          with labels mean ln f(a | b) / f(a)

The data enter only through the kernel-weighted number, mean and covariance of the
neighbourhood, which take O(n² d²) operations once. Damped Newton steps then find the maximum,
in p = d + d (d + 1) / 2 coordinates of mean and Cholesky factor (kernels/lga_cpu.py), in O(p³)
per step. Blocks of samples are chosen to fit into memory. On one core: 0.5 s at n = 2000 and
d = 1 + 1, 0.4 s at 2 + 2.

Gaussians of 0, 1.44 and 5.77 bits with n = 2000 gave −0.01, 1.42, 5.78 at d = 1 + 1 and −0.05,
1.40, 5.81 at 2 + 2 with k = 40, and −0.01, 1.41, 5.76 and −0.19, 1.26, 5.75 with k = 15. For
Gaussians the model is exact everywhere; with other distributions, more neighbours smooth
more.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numba
import numpy as np
import torch
from pydantic import Field
from threadpoolctl import threadpool_limits

from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import lga_cpu, neighbour_terms, neighbours, scaled
from infoplane.estimators.kernels.threads import each
from infoplane.samples import Information, Pair
from infoplane.settings import Settings

NARROWEST = 1e-4
"""Smallest bandwidth, in standard deviations: sums of squares do not resolve smaller ones."""

MOST_UNCONVERGED = 0.01
"""A result is flagged if more than this share of the fits did not converge."""

_RIDGE = 1e-10  # added to covariances, in squared bandwidths, for the sake of equal samples


class LGASettings(Settings):
    """Settings of LGA."""

    estimator: Literal["lga"] = "lga"
    """`lga` fits a local Gaussian around each sample by likelihood (Gao, Ver Steeg & Galstyan
    2015)."""
    k: int = Field(default=30, ge=1)
    """The bandwidth is the distance to the neighbour of this rank."""
    tolerance: float = Field(default=1e-5, gt=0, lt=1)
    """A fit has converged if the norm of its gradient is below this; the value is then within
    about ten times the square of this number of the maximum, in nats."""
    max_iterations: int = Field(default=200, ge=1)
    """The optimiser stops after this many iterations in any case."""
    seed: int = Field(default=0, ge=0)
    """Noise that separates ties, if there are any, is drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting copies of the
    samples."""


class Neighbourhoods(NamedTuple):
    """Statistics of the data around each of n samples, in units of its bandwidth and relative
    to its position.

    weight : (n,), the mass under the kernel, (1/n) Σ K · h^d
    mean, covariance : (n, d), (n, d, d), weighted with the kernel
    start_mean, start : (n, d), (n, d, d), mean and covariance of all samples
    """

    weight: torch.Tensor
    mean: torch.Tensor
    covariance: torch.Tensor
    start_mean: torch.Tensor
    start: torch.Tensor


def _bytes_each(n: int, d: int) -> int:
    """Bytes for one sample among n: its kernel values with all rows, its axes and its
    neighbourhood."""
    return 8 * (3 * n + 20 * d * d)


def _bytes_of_fits(d: int) -> int:
    """Bytes for the fits that run at the same time: Hessians, their factors and axes."""
    return numba.get_num_threads() * 64 * (d + d * (d + 1) // 2) ** 2


def log_densities(rows: torch.Tensor, k: int, options: LGASettings) -> tuple[torch.Tensor, int]:
    """ln f at each row in nats, float64 (n,), for the units of the rows, and the number of fits
    that did not converge. rows : float64 (n, d), with a standard deviation near 1"""
    n, d = rows.shape
    memory = options.memory_mb * 10**6
    distances, _ = neighbours.nearest(rows, k, "euclidean", memory)
    width = distances[:, -1].clamp(min=NARROWEST)
    products = (rows[:, :, None] * rows[:, None]).flatten(1)
    step = max(1, (memory - _bytes_of_fits(d)) // _bytes_each(n, d))
    values, unconverged = rows.new_empty(n), 0
    for start in range(0, n, step):
        part = slice(start, min(start + step, n))
        around = _neighbourhoods(rows, products, width, part)
        found, missed = _fit(around, options)
        values[part], unconverged = found, unconverged + missed
    return values - d * width.log(), unconverged


def _neighbourhoods(rows, products, width, part: slice) -> Neighbourhoods:
    n, d = rows.shape
    x, h = rows[part], width[part, None]
    kernel = torch.cdist(x, rows, compute_mode="donot_use_mm_for_euclid_dist")
    kernel.div_(h).square_().div_(-2).exp_()
    total = kernel.sum(dim=1)
    kernel /= total[:, None]
    mean = kernel @ rows
    covariance = (kernel @ products).view(-1, d, d) - mean[:, :, None] * mean[:, None]
    unit = torch.eye(d, dtype=rows.dtype, device=rows.device)
    centre = rows.mean(dim=0)
    spread = (products.mean(dim=0).view(d, d) - centre[:, None] * centre) + _RIDGE * unit
    return Neighbourhoods(
        total / n / (2 * math.pi) ** (d / 2),
        (mean - x) / h,
        covariance / h[:, :, None] ** 2 + _RIDGE * unit,
        (centre - x) / h,
        spread / h[:, :, None] ** 2,
    )


def _fit(around: Neighbourhoods, options: LGASettings) -> tuple[torch.Tensor, int]:
    """ln N(0; μ, Σ) of the fits (n,) and the number that did not converge; runs on the CPU."""
    root = torch.linalg.cholesky_ex(around.covariance)[0]
    start = torch.linalg.cholesky_ex(around.start)[0]
    unit = torch.eye(start.shape[1], dtype=start.dtype, device=start.device)
    inverse = torch.linalg.solve_triangular(start, unit, upper=False)
    log_start = start.diagonal(dim1=1, dim2=2).log().sum(dim=1)
    given = (around.weight, around.mean, root, around.start_mean, log_start, inverse)
    given = [values.cpu().contiguous().numpy() for values in given]
    found = np.empty((len(root), 2))
    edges = np.linspace(0, len(root), min(len(root), 64) + 1).astype(np.int64)
    stops = options.tolerance, options.max_iterations

    def run(i: int) -> None:
        lga_cpu.fits(*given, stops, edges[i], edges[i + 1], found)

    with threadpool_limits(1, "blas"):  # threads divide the samples, not the tiny matrices
        each(run, len(edges) - 1)
    return torch.from_numpy(found[:, 0]).to(start.device), int((found[:, 1] == 0).sum())


class LGA(PairEstimator):
    """Local Gaussian approximation."""

    Settings = LGASettings
    settings: LGASettings
    infinite_without_noise = True
    changes = (
        "another k changes how local the Gaussians are, and more samples lower the bias; "
        "if values repeat, the seed of the noise that separates them moves it"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rotate", "monotone")

    def between(self, pair: Pair) -> Information:
        """I(A;B) by local Gaussian approximation.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels. With pair.n_draws > 1, b is
            treated as the index of its row: each of these needs more than d_a + 1 draws. Each
            variable is standardised and its ties are separated (scaled.py). Classes of k
            samples or fewer take the farthest sample as their k-th neighbour.
        Returns Information in bits.
            stderr : standard deviation of the samples' terms over √n
            cap : infinite; a local Gaussian may be as flat as float64 can resolve
            flags : not_converged if more than 1 % of the fits did not converge: few iterations,
                or many ties, which make the value of little use
            extra : unconverged, the share of these fits (no unit)
        A variable that never varies, or a single class, gives 0.
        Raises ValueError if k ≥ n, if there are at most d + 1 samples, in all or in a class, or
        if the fits need more memory than memory_mb.
        """
        neighbour_terms.require_neighbours(pair, self.settings.k)
        a = scaled.of_one_scale(pair.a)
        if a.shape[1] == 0:
            return neighbour_terms.nothing(math.inf)
        if pair.is_labelled or pair.n_draws > 1:
            labels = pair.b if pair.is_labelled else torch.arange(pair.n) // pair.n_draws
            labels = labels.to(a.device)
            if bool((labels == labels[0]).all()):
                return neighbour_terms.nothing(math.inf)
            (a,) = scaled.without_ties([a], labels, self.settings.seed)
            densities = _Densities(pair, self.settings)
            terms = -densities.of(a)
            for label in labels.unique().tolist():
                members = torch.nonzero(labels == label).flatten()
                terms[members] += densities.of(a[members], f"class {label}")
            return densities.record(terms)
        b = scaled.of_one_scale(pair.b)
        if b.shape[1] == 0:
            return neighbour_terms.nothing(math.inf)
        a, b = scaled.without_ties([a, b], None, self.settings.seed)
        densities = _Densities(pair, self.settings)
        joint = densities.of(torch.cat([a, b], dim=1))
        return densities.record(joint - densities.of(a) - densities.of(b))


class _Densities:
    """Log densities, with the number of fits that did not converge."""

    def __init__(self, pair: Pair, settings: LGASettings):
        self.place, self.settings = pair.place, settings
        self.n_fits, self.n_unconverged = 0, 0

    def of(self, rows: torch.Tensor, part: str = "the samples") -> torch.Tensor:
        """ln f in nats, float64 (n,), at rows (n, d) without ties."""
        n, d = rows.shape
        if n <= d + 1:
            raise ValueError(
                f"{self.place}: {part} ({n} rows): a covariance in {d} dimensions needs more "
                f"than {d + 1} rows"
            )
        needed = 8 * n * d * d + _bytes_of_fits(d) + _bytes_each(n, d)
        if needed > self.settings.memory_mb * 10**6:
            raise ValueError(
                f"{self.place}: {part} ({n} rows): fits of a Gaussian in {d} dimensions take "
                f"at least {needed / 1e6:.0f} MB, but memory_mb is {self.settings.memory_mb}; "
                "use an estimator for many dimensions, or fewer dimensions"
            )
        k = min(self.settings.k, n - 1)
        values, unconverged = log_densities(rows, k, self.settings)
        self.n_fits, self.n_unconverged = self.n_fits + n, self.n_unconverged + unconverged
        return values

    def record(self, terms: torch.Tensor) -> Information:
        share = self.n_unconverged / self.n_fits
        found = neighbour_terms.record(terms, math.inf)
        found.extra["unconverged"] = share
        return found.with_flag("not_converged") if share > MOST_UNCONVERGED else found
