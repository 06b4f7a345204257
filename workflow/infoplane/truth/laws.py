"""The laws of A and B, from which the truths of quantities other than I(A;B) follow.

An estimator that uses bins, noise on a layer or projections has a quantity of its own. A law
gives the truth of this quantity in bits, or None if it is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy  # its parts are imported where they are used: a plan does without them

from infoplane.information import BIT

DIRECTIONS = 4000
"""A sliced truth is averaged over this many pairs of random directions."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
"""Nodes and weights of the integral over one bin, on [−1, 1]."""
CENTRE_DRAWS = 40_000
"""Draws of the Monte Carlo for centres with noise: an error of 0.005 bit for one bit."""
BEYOND = 9.0
"""The tail of a normal beyond this many standard deviations is negligible."""


class Known(NamedTuple):
    """A truth in bits and its standard error."""

    bits: float
    error: float = 0.0


class Grid(NamedTuple):
    """Bins of one variable: low + step · (0, 1, … n_bins); the outer ones reach to infinity.

    low, step : (d,), in units of the variable
    """

    low: np.ndarray
    step: np.ndarray
    n_bins: int

    def cells(self, values: np.ndarray) -> np.ndarray:
        """Numbers of the bins of values (n, d)."""
        found = np.floor((values - self.low) / self.step)
        return np.clip(found, 0, self.n_bins - 1).astype(np.int64)

    def edges(self, unit: int) -> np.ndarray:
        """The edges (n_bins + 1,) of one unit, from −inf to inf."""
        inner = self.low[unit] + self.step[unit] * np.arange(1, self.n_bins)
        return np.concatenate([[-np.inf], inner, [np.inf]])


class Law:
    """The law of A and B, or of A and a label; a method returns None for an unknown truth."""

    def with_noise(self, of_a: float, of_b: float) -> Known | None:
        """I(A + N(0, of_a); B + N(0, of_b)), with the variance of every unit; a label gets no
        noise."""
        return None

    def binned(self, of_a: Grid, of_b: Grid | None) -> Known | None:
        """I(bins of A; bins of B); a label has no bins, and its grid is None."""
        return None

    def sliced(self) -> Known | None:
        """The mean of I(θᵀA; φᵀB) over random directions of both, after every unit is scaled to
        variance 1; a label is not projected."""
        return None

    def mapped(self, of_a: np.ndarray) -> Known | None:
        """I(Aᵀ of_a; B); of_a (d_a, k) of rank k."""
        return None


@dataclass(frozen=True)
class Normal(Law):
    """A joint normal; the first d_a coordinates are A, the others B. covariance : (d, d)"""

    covariance: np.ndarray
    d_a: int

    def with_noise(self, of_a: float, of_b: float) -> Known:
        """By determinants."""
        d_b = len(self.covariance) - self.d_a
        noise = np.repeat([of_a, of_b], [self.d_a, d_b])
        return Known(of_normals(self.covariance + np.diag(noise), self.d_a))

    def binned(self, of_a: Grid, of_b: Grid | None) -> Known | None:
        """The sum over pairs of coordinates; known if each coordinate is correlated with at
        most one other, which belongs to the other variable."""
        between = self.covariance[: self.d_a, self.d_a :]
        apart = np.abs(self.covariance) > 1e-12
        np.fill_diagonal(apart, False)
        if (
            of_b is None
            or apart.sum(axis=0).max() > 1
            or apart.sum() != 2 * (between != 0).sum()
        ):
            return None
        scale = np.sqrt(np.diag(self.covariance))
        known: dict[tuple, float] = {}
        total = 0.0
        for i, j in np.argwhere(between != 0):
            a, b = of_a.edges(i) / scale[i], of_b.edges(j) / scale[self.d_a + j]
            rho = between[i, j] / scale[i] / scale[self.d_a + j]
            key = (round(rho, 12), a.tobytes(), b.tobytes())  # many pairs are equal
            if key not in known:
                known[key] = of_table(table_of_normals(rho, a, b))
            total += known[key]
        return Known(total)

    def sliced(self) -> Known:
        """Every pair of projections is normal."""
        scale = np.sqrt(np.diag(self.covariance))
        r = self.covariance / np.outer(scale, scale)
        theta, phi = directions(self.d_a), directions(len(r) - self.d_a, of_b=True)
        r_a, r_b = r[: self.d_a, : self.d_a], r[self.d_a :, self.d_a :]
        shared = np.einsum("ki,ij,kj->k", theta, r[: self.d_a, self.d_a :], phi)
        alone = np.einsum("ki,ij,kj->k", theta, r_a, theta)
        alone *= np.einsum("ki,ij,kj->k", phi, r_b, phi)
        return mean(-0.5 * BIT * np.log1p(-np.square(shared) / alone))

    def mapped(self, of_a: np.ndarray) -> Known:
        """By determinants."""
        d_b = len(self.covariance) - self.d_a
        both = scipy.linalg.block_diag(of_a, np.eye(d_b))
        return Known(of_normals(both.T @ self.covariance @ both, of_a.shape[1]))


@dataclass(frozen=True)
class Signs(Law):
    """A normal A with covariance (d, d), and the sign of a normal U of variance 1 that is
    correlated with it. with_u : (d,), the covariances of A with U"""

    covariance: np.ndarray
    with_u: np.ndarray

    def sliced(self) -> Known:
        """From the share ρ² of U's variance that a projection predicts; see `of_sign`."""
        scale = np.sqrt(np.diag(self.covariance))
        theta = directions(len(scale)) / scale
        alone = np.einsum("ki,ij,kj->k", theta, self.covariance, theta)
        known = np.square(theta @ self.with_u) / alone
        parts = np.linspace(0, 1, 200) ** 2 * 0.999999
        return mean(np.interp(known, parts, [of_sign(part) for part in parts]))

    def mapped(self, of_a: np.ndarray) -> Known:
        """From the share ρ² of U's variance that the map of A predicts."""
        with_u = of_a.T @ self.with_u
        known = with_u @ np.linalg.solve(of_a.T @ self.covariance @ of_a, with_u)
        return Known(of_sign(float(np.clip(known, 0, 1))))


@dataclass(frozen=True)
class Corners(Law):
    """2^bits equally likely labels, and A, a corner of a cube with this edge in the first
    `bits` of d dimensions, plus N(0, 1) in every dimension.

    of_bit : function of the edge, the bits that ±edge/2 carries through N(0, 1)
    """

    edge: float
    bits: int
    d: int
    of_bit: Callable[[float], float]

    def with_noise(self, of_a: float, of_b: float) -> Known:
        """More noise is equivalent to a shorter edge."""
        return Known(self.bits * self.of_bit(self.edge / math.sqrt(1 + of_a)))

    def binned(self, of_a: Grid, of_b: Grid | None) -> Known:
        """Each bit passes its own dimension and its bins, independently of the others."""
        total = 0.0
        for unit in range(self.bits):
            edges = of_a.edges(unit)
            shifted = (edges - self.edge / 2, edges + self.edge / 2)
            sides = [np.diff(scipy.special.ndtr(values)) for values in shifted]
            total += of_table(np.stack(sides) / 2)
        return Known(total)

    def sliced(self) -> Known:
        """A projection is a mixture of 2^bits normals on a line."""
        scale = np.ones(self.d)
        scale[: self.bits] = math.sqrt(1 + self.edge**2 / 4)
        theta = directions(self.d)[: DIRECTIONS // 8] / scale
        centres = self.edge * theta[:, : self.bits] @ self._corners().T
        sd = np.sqrt(np.square(theta).sum(axis=1))
        return mean(np.array([of_line(*pair) for pair in zip(centres, sd, strict=True)]))

    def mapped(self, of_a: np.ndarray) -> Known:
        """The map of A is a mixture of 2^bits normals with one covariance: by Monte Carlo."""
        whole = of_a @ whitening(of_a)
        return of_centres(self.edge * self._corners() @ whole[: self.bits])

    def _corners(self) -> np.ndarray:
        """The corners (2^bits, bits) of a cube with edge 1."""
        return np.indices((2,) * self.bits).reshape(self.bits, -1).T - 0.5


def directions(d: int, of_b: bool = False) -> np.ndarray:
    """Directions (DIRECTIONS, d) of length 1; always the same ones for A, and others for B."""
    found = np.random.default_rng([d, of_b]).standard_normal((DIRECTIONS, d))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def mean(bits: np.ndarray) -> Known:
    """The mean over random directions, with its standard error."""
    return Known(float(bits.mean()), float(bits.std() / math.sqrt(len(bits))))


def of_table(p: np.ndarray) -> float:
    """Information in bits of a table p(a, b) that sums to 1."""
    sums = (p.sum(axis=1), p.sum(axis=0), p.ravel())
    h_a, h_b, h_ab = (float(scipy.special.entr(part).sum()) for part in sums)
    return max(0.0, BIT * (h_a + h_b - h_ab))


def of_normals(covariance: np.ndarray, d_a: int) -> float:
    """Information in bits of a normal; the first d_a coordinates are A, the others B."""
    parts = (covariance[:d_a, :d_a], covariance[d_a:, d_a:], covariance)
    of_a, of_b, of_both = (np.linalg.slogdet(part)[1] for part in parts)
    return float(BIT * (of_a + of_b - of_both) / 2)


def whitening(of_a: np.ndarray) -> np.ndarray:
    """The map (k, k) that makes the image of standard normals under of_a (d, k) standard
    again."""
    return np.linalg.inv(np.linalg.cholesky(of_a.T @ of_a)).T


def of_centres(centres: np.ndarray) -> Known:
    """I(T;C) in bits for T = centre + N(0, 1) on every coordinate, each of the centres (n, k)
    equally likely, by Monte Carlo with CENTRE_DRAWS draws."""
    rng = np.random.default_rng(0)
    of = np.arange(CENTRE_DRAWS) % len(centres)
    t = centres[of] + rng.standard_normal((CENTRE_DRAWS, centres.shape[1]))
    to = np.square(centres).sum(axis=1) / 2 - t @ centres.T  # ½ |t − c|², less ½ |t|²
    left = scipy.special.logsumexp(to[np.arange(len(of)), of][:, None] - to, axis=1)
    return mean(math.log2(len(centres)) - BIT * left)


def table_of_normals(rho: float, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p(bin of A, bin of B) of standard normals with correlation rho.

    a, b : (n + 1,) edges, from −inf to inf. The integral over A is taken bin by bin
    """
    rest = math.sqrt((1 - rho) * (1 + rho))
    # bins are cut where B's probabilities change fast, so that nodes are dense there
    turns = np.concatenate([a, b[1:-1] / rho if rho else [], np.linspace(-BEYOND, BEYOND, 37)])
    cuts = np.unique(np.clip(turns, -BEYOND, BEYOND))
    half = np.diff(cuts)[:, None] / 2
    nodes = cuts[:-1, None] + half * (1 + NODES)
    weights = half * WEIGHTS * np.exp(-np.square(nodes) / 2) / math.sqrt(2 * math.pi)
    of_b = np.diff(scipy.special.ndtr((b - rho * nodes.ravel()[:, None]) / rest), axis=1)
    pieces = (weights.ravel()[:, None] * of_b).reshape(*nodes.shape, -1).sum(axis=1)
    bins = np.searchsorted(a[1:-1], (cuts[:-1] + cuts[1:]) / 2)
    p = np.zeros((len(a) - 1, len(b) - 1))
    np.add.at(p, bins, pieces)
    return p / p.sum()


def of_sign(known: float) -> float:
    """Bits that a normal tells about the sign of U, if it predicts the share `known` of U's
    variance 1: 1 − E h(Φ(ρ g / √(1 − ρ²))), g standard normal, ρ² = known."""
    g = np.linspace(-8, 8, 2001)
    density = np.exp(-np.square(g) / 2)
    p = scipy.special.ndtr(math.sqrt(known / max(1 - known, 1e-300)) * g)
    entropies = BIT * (scipy.special.entr(p) + scipy.special.entr(1 - p))
    return float(1 - np.average(entropies, weights=density))


def of_line(centres: np.ndarray, sd: float) -> float:
    """I(T;C) in bits for T = centre + N(0, sd²), every centre (n,) equally likely."""
    c = centres / sd
    t = np.linspace(c.min() - BEYOND, c.max() + BEYOND, int(40 * (np.ptp(c) + 2 * BEYOND)))
    density = np.exp(-np.square(t[:, None] - c) / 2).mean(axis=1) / math.sqrt(2 * math.pi)
    h = float(scipy.special.entr(density).sum() * (t[1] - t[0]))
    return max(0.0, BIT * (h - 0.5 * math.log(2 * math.pi * math.e)))
