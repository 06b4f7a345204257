"""The law of points: A is one of finitely many points, with or without Gaussian noise.

The classes C of A and C′ of B are drawn from a table p(c, c′); C′ may be B itself, a label. A
is a random point of its class, with or without noise, and B a random point of its class. Layers
of a network with finitely many inputs, tables and pairs of images are of this kind.

Without noise every truth is counted: only what a code of A says about the class matters. With
noise it is
    I = E log2 p(a, b) / p(a) p(b)
over draws, with densities summed over all points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from infoplane.information import BIT, entropy_of_counts
from infoplane.truth.laws import Grid, Known, Law, directions, mean, of_table, whitening

DRAWS = 2048
"""Draws of a Monte Carlo."""
BLOCK = 256
"""This many draws at a time have their densities at all points in memory."""
ALONG = 48
"""Directions of sliced truths with noise; each takes an integral over a line."""
DIGITS = 9
"""Mapped points count as equal if this many decimals agree, in units of the largest number."""
MOST_CODES = 6000
"""The most codes of several classes that are still counted."""


@dataclass(frozen=True)
class Points(Law):
    """The law of points of classes.

    a (n, d_a), class_a (n,) : points of A and their classes 0, 1, …
    b (m, d_b), class_b (m,) : the same for B; b None: B is the class itself, a label
    table : p(c, c′), or (n_classes,) if c′ = c
    sigma : standard deviation of A's own noise on every unit
    """

    a: np.ndarray
    class_a: np.ndarray
    table: np.ndarray
    b: np.ndarray | None = None
    class_b: np.ndarray | None = None
    sigma: float = 0.0

    def with_noise(self, of_a: float, of_b: float) -> Known:
        """By Monte Carlo over points and noise."""
        rng, (c, c_b) = self._drawn()
        var = self.sigma**2 + of_a
        t = self._some(self.a, self.class_a, c, rng)
        t = t + math.sqrt(var) * rng.standard_normal(t.shape)
        if self.b is None:
            return self._ratio(t, lambda rows: _densities(rows, self.a, var), c_b, None)
        u = self._some(self.b, self.class_b, c_b, rng)
        u = u + math.sqrt(of_b) * rng.standard_normal(u.shape)
        return self._ratio(
            t,
            lambda rows: _densities(rows, self.a, var),
            u,
            lambda rows: _densities(rows, self.b, of_b),
        )

    def binned(self, of_a: Grid, of_b: Grid | None) -> Known | None:
        """By counting; if A has noise, by Monte Carlo with the exact share of each bin."""
        codes_b = None if of_b is None else codes_of(of_b.cells(self.b))
        if not self.sigma:
            return self._counted(codes_of(of_a.cells(self.a)), codes_b)
        if codes_b is not None and not _all_apart(codes_b):
            return None
        rng, (c, c_b) = self._drawn()
        t = self._some(self.a, self.class_a, c, rng)
        t = t + self.sigma * rng.standard_normal(t.shape)
        logs = [
            _log_shares(self.a[:, unit], of_a.edges(unit), self.sigma)
            for unit in range(self.a.shape[1])
        ]

        def shares(cells: np.ndarray) -> np.ndarray:
            found = sum(table[:, cells[:, unit]] for unit, table in enumerate(logs)).T
            return np.exp(found - found.max(axis=1, keepdims=True))

        return self._ratio(of_a.cells(t), shares, c_b, None)

    def sliced(self) -> Known | None:
        """Without noise by counting, because different points differ in almost every direction;
        with noise by an integral over the line of each direction."""
        codes_b = None if self.b is None else codes_of(self.b)
        if not self.sigma:
            return self._counted(codes_of(self.a), codes_b)
        if self.table.ndim == 1:  # every point is its own class, and B depends on it alone
            group = np.arange(len(self.a)) if codes_b is None else codes_b
        elif self.b is None and np.count_nonzero(self.table) == len(self.table):
            group = self.class_a
        else:
            return None
        scale = np.sqrt(self.a.var(axis=0) + self.sigma**2)
        theta = directions(self.a.shape[1])[:ALONG] / scale
        sd = self.sigma * np.sqrt(np.square(theta).sum(axis=1))
        lines = zip(theta @ self.a.T, sd, strict=True)
        return mean(np.array([_along(line, one, group) for line, one in lines]))

    def mapped(self, of_a: np.ndarray) -> Known | None:
        """By counting, as different points may have one image. With noise by Monte Carlo, after
        the mapped noise is whitened."""
        if self.sigma and self.b is not None:
            return None
        if self.sigma:
            whole = of_a @ whitening(of_a) / self.sigma
            return replace(self, a=self.a @ whole, sigma=1.0).with_noise(0.0, 0.0)
        t = self.a @ of_a
        t = np.round(t / np.abs(t).max(), DIGITS) + 0.0  # one zero, not two
        return self._counted(codes_of(t), None if self.b is None else codes_of(self.b))

    def _drawn(self):
        """A generator, and the classes of A and B in DRAWS stratified draws."""
        rng = np.random.default_rng(0)
        share = np.cumsum(self.table.ravel())
        at = (np.arange(DRAWS) + rng.random(DRAWS)) / DRAWS * share[-1]
        found = np.minimum(np.searchsorted(share, at), self.table.size - 1)
        both = (found, found) if self.table.ndim == 1 else np.divmod(found, self.table.shape[1])
        return rng, both

    def _some(self, points, classes, wanted, rng) -> np.ndarray:
        """A random point of each wanted class."""
        order = np.argsort(classes, kind="stable")
        sizes = np.bincount(classes)
        starts = np.cumsum(sizes) - sizes
        at = starts[wanted] + np.floor(rng.random(len(wanted)) * sizes[wanted]).astype(int)
        return points[order[at]]

    def _ratio(self, t, shares_a, u, shares_b) -> Known:
        """The mean of log2 p(t, u) / p(t) p(u).
        shares_a : function of rows of t, their densities (rows, n) given each point, up to a
            factor for each row
        shares_b : the same for u; None: u are classes"""
        p = self.table
        p_a, p_b = (p, p) if p.ndim == 1 else (p.sum(axis=1), p.sum(axis=0))
        terms = []
        for start in range(0, len(t), BLOCK):
            rows = slice(start, start + BLOCK)
            f_a = _by_class(shares_a(t[rows]), self.class_a)
            if shares_b is None:
                f_b = np.zeros((len(u[rows]), len(p_b)))
                f_b[np.arange(len(f_b)), u[rows]] = 1
            else:
                f_b = _by_class(shares_b(u[rows]), self.class_b)
            joint = f_a * p if p.ndim == 1 else f_a @ p
            joint = (joint * f_b).sum(axis=1)
            terms.append(np.log(joint / (f_a @ p_a) / (f_b @ p_b)))
        return mean(BIT * np.concatenate(terms))

    def _counted(self, codes_a: np.ndarray, codes_b: np.ndarray | None) -> Known | None:
        """I(code of A; code of B), from the classes of each code."""
        if self.table.ndim == 1:
            b = self.class_a if codes_b is None else codes_b
            both = np.unique(codes_a * (b.max() + 1) + b, return_inverse=True)[1]
            h = [entropy_of_counts(np.bincount(part)) for part in (codes_a, b, both)]
            return Known(h[0] + h[1] - h[2])
        f_a = _profiles(codes_a, self.class_a)
        f_b = np.eye(self.table.shape[1])
        if codes_b is not None:
            f_b = _profiles(codes_b, self.class_b)
        if f_a is None or f_b is None:
            return None
        return Known(of_table(f_a @ self.table @ f_b.T))


def of_patterns(t: np.ndarray, b: np.ndarray, sigma: float = 0.0) -> Points:
    """The law of a layer's activations t (n, d) on n equally likely inputs, plus noise, with
    the inputs themselves, b (n, n_features), or with their labels, b (n,)."""
    n = len(t)
    if b.ndim == 2:
        every = np.arange(n)
        return Points(t, every, np.full(n, 1 / n), b, every, sigma)
    classes = np.unique(b, return_inverse=True)[1]
    return Points(t, classes, np.diag(np.bincount(classes) / n), sigma=sigma)


def codes_of(rows: np.ndarray) -> np.ndarray:
    """A number for each different row (n, d)."""
    rows = np.ascontiguousarray(rows)
    as_one = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))
    return np.unique(as_one.ravel(), return_inverse=True)[1]


def _all_apart(codes: np.ndarray) -> bool:
    return len(np.unique(codes)) == len(codes)


def _profiles(codes: np.ndarray, classes: np.ndarray) -> np.ndarray | None:
    """p(kind of code | class), (n_kinds, n_classes). All codes of one class alone are one kind.
    None if there are more than MOST_CODES kinds."""
    n_classes = classes.max() + 1
    pairs, counts = np.unique(codes * n_classes + classes, return_counts=True)
    code, c = np.divmod(pairs, n_classes)
    mixed = np.bincount(code)[code] > 1
    kinds = np.unique(np.where(mixed, code + n_classes, c), return_inverse=True)[1]
    if kinds.max() > MOST_CODES:
        return None
    shares = np.zeros((kinds.max() + 1, n_classes))
    np.add.at(shares, (kinds, c), counts)
    return shares / np.bincount(classes)


def _by_class(shares: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Means over the points of each class: (rows, n_classes) from (rows, n)."""
    sizes = np.bincount(classes)
    if len(sizes) == len(classes) and (classes == np.arange(len(classes))).all():
        return shares
    order = np.argsort(classes, kind="stable")
    starts = np.cumsum(sizes) - sizes
    return np.add.reduceat(shares[:, order], starts, axis=1) / sizes


def _densities(rows: np.ndarray, points: np.ndarray, var: float) -> np.ndarray:
    """Densities of normals around all points, up to a factor for each row."""
    squares = np.square(points).sum(axis=1) - 2 * rows @ points.T
    return np.exp(-(squares - squares.min(axis=1, keepdims=True)) / (2 * var))


def _log_shares(centres: np.ndarray, edges: np.ndarray, sd: float) -> np.ndarray:
    """ln P(bin | point) of one unit, (n_points, n_bins)."""
    z = (edges - centres[:, None]) / sd
    # the smaller of the two tails, which keeps its digits
    flipped = z[:, :-1] > 0
    low = np.where(flipped, -z[:, 1:], z[:, :-1])
    high = np.where(flipped, -z[:, :-1], z[:, 1:])
    return np.log(np.maximum(ndtr(high) - ndtr(low), 1e-300))


def _along(line: np.ndarray, sd: float, group: np.ndarray) -> float:
    """I(T; group) in bits for T = point + N(0, sd²), points (n,) on a line."""
    step = sd / 8
    low = line.min() - 8 * sd
    n_cells = int((np.ptp(line) + 16 * sd) / step) + 2
    at = (line - low) / step
    left = np.floor(at).astype(int)
    kernel = np.exp(-np.square(np.arange(-64, 65) * step / sd) / 2)
    kernel /= kernel.sum()

    def entropy(of: np.ndarray) -> float:
        weights = np.bincount(left[of], 1 - (at - left)[of], n_cells)
        weights = weights + np.bincount(left[of] + 1, (at - left)[of], n_cells)
        p = np.convolve(weights / of.sum(), kernel, "same")
        return entropy_of_counts(p)

    whole = entropy(np.ones(len(line), bool))
    sizes = np.bincount(group)
    if sizes.max() == 1:
        return whole - entropy_of_counts(kernel)
    return whole - sum(s / len(line) * entropy(group == g) for g, s in enumerate(sizes) if s)
