"""A mixture of Gaussians: its most likely parameters, and draws from their posterior.

Expectation maximisation starts from clusters (k-means) or from labels. A Gibbs sampler then
alternates between parameters given the samples' components, and components given parameters.
Within a component, the coordinates and the label are independent.

Prior: weights Dirichlet(1); for each component Σ ~ inverse Wishart(d + 2, SPREAD · 1),
μ | Σ ~ N(0, Σ / FEW), label probabilities Dirichlet(the label frequencies of all samples).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

if TYPE_CHECKING:
    from numpy.random import Generator

SPREAD, FEW = 0.01, 0.1
"""Scale of the prior's covariances, in units of the variables' variance; and the number of
samples that the prior's mean counts for."""
LEAST_VARIANCE = 1e-4
"""Expectation maximisation adds this to variances."""
ROUNDS, SETTLED = 100, 1e-3
"""Largest number of steps of expectation maximisation; it ends earlier if a step gains less
than SETTLED nats for each sample."""
SAMPLES_A_DIMENSION = 10
"""A component must have on average this many samples for each dimension plus one."""
CLUSTERINGS = 4
"""k-means runs this many times; the best run is the start."""
HELD_OUT = 0.2
"""This share of the samples is held out to choose the number of components."""
LOG_2PI = math.log(2 * math.pi)


class Mixture:
    """K Gaussians in d dimensions, each with probabilities of C labels.

    log_weights : (K,); means : (K, d); labels : (K, C)
    roots : (K, d, d), R with the precision R Rᵀ
    """

    def __init__(self, log_weights, means, roots, labels):
        self.log_weights, self.means, self.roots = log_weights, means, roots
        self.labels = labels
        d = means.shape[1]
        self.constants = np.linalg.slogdet(roots)[1] - d / 2 * LOG_2PI

    def logs(self, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Logs of the weighted densities of all components (n, K), at rows (n, d) and labels
        (n,)."""
        parts = zip(self.means, self.roots, strict=True)
        squares = [np.square((rows - mean) @ root).sum(axis=1) for mean, root in parts]
        own = self.log_weights + self.constants - np.stack(squares, axis=1) / 2
        with np.errstate(divide="ignore"):  # a label that a component never has
            return own + np.log(self.labels.T[labels])

    def sample(self, n: int, random: Generator) -> tuple[np.ndarray, np.ndarray]:
        """n rows (n, d), and their components (n,)."""
        chosen = np.sort(random.choice(len(self.means), n, p=np.exp(self.log_weights)))
        rows = random.standard_normal((n, self.means.shape[1]))
        for k in np.unique(chosen):
            own = chosen == k
            rows[own] = self.means[k] + np.linalg.solve(self.roots[k].T, rows[own].T).T
        return rows, chosen

    def margin(self, part: slice) -> Mixture:
        """The marginal mixture of some of the dimensions."""
        inverse = np.linalg.inv(self.roots)
        covariances = (inverse.mT @ inverse)[:, part, part]
        roots = np.linalg.inv(np.linalg.cholesky(covariances)).mT
        return Mixture(self.log_weights, self.means[:, part], roots, self.labels)

    def of_labels(self, rows: np.ndarray) -> np.ndarray:
        """Probabilities of the labels given a row, (n, C)."""
        one = np.ones_like(self.labels[:, :1])
        alone = Mixture(self.log_weights, self.means, self.roots, one)
        logs = alone.logs(rows, np.zeros(len(rows), dtype=int))
        return np.exp(logs - logsumexp(logs, axis=1, keepdims=True)) @ self.labels


def chosen_number(rows: np.ndarray, labels: np.ndarray, most: int, random: Generator) -> int:
    """The number of components among 1, 2, 4, … up to `most`, and the number of labels, that
    makes held-out samples most likely."""
    order = random.permutation(len(rows))
    held, known = np.split(order, [max(1, round(HELD_OUT * len(rows)))])
    best, found, worse, n_labels = -math.inf, 1, 0, labels.max() + 1
    allowed = min(most, max(1, len(known) // (SAMPLES_A_DIMENSION * (rows.shape[1] + 1))))
    powers = {2**i for i in range(allowed.bit_length())}
    for number in sorted(powers | ({int(n_labels)} if n_labels <= allowed else set())):
        if worse == 2 and number != n_labels:
            continue
        mixture = maximised(rows[known], labels[known], number, random, n_labels)
        likely = logsumexp(mixture.logs(rows[held], labels[held]), axis=1).mean()
        worse = 0 if likely > best else min(worse + 1, 2)
        if likely > best:
            best, found = likely, number
    return found


def maximised(
    rows: np.ndarray, labels: np.ndarray, n: int, random: Generator, n_labels: int = 0
) -> Mixture:
    """A mixture of n components by expectation maximisation. It starts from the labels if there
    are n of them, else from clusters (k-means)."""
    of_label = np.eye(n_labels or labels.max() + 1)[labels]
    shares = of_label
    if n == 1:
        shares = np.ones((len(rows), 1))
    elif n != of_label.shape[1]:
        from sklearn.cluster import KMeans  # takes a second, which plans do not need

        seed = int(random.integers(2**31))
        shares = np.eye(n)[KMeans(n, n_init=CLUSTERINGS, random_state=seed).fit_predict(rows)]
    before = -math.inf
    for _ in range(ROUNDS):
        mixture = _maximum(rows, of_label, shares)
        logs = mixture.logs(rows, labels)
        totals = logsumexp(logs, axis=1)
        if n == 1 or totals.mean() - before < SETTLED:
            break
        before, shares = totals.mean(), np.exp(logs - totals[:, None])
    return mixture


def _maximum(rows: np.ndarray, of_label: np.ndarray, shares: np.ndarray) -> Mixture:
    """The most likely mixture, given the components' shares (n, K) in the rows."""
    counts = shares.sum(axis=0) + 1e-9
    means = (shares.T @ rows) / counts[:, None]
    ridge, roots = LEAST_VARIANCE * np.eye(rows.shape[1]), []
    for share, count, mean in zip(shares.T, counts, means, strict=True):
        apart = rows - mean
        covariance = (share[:, None] * apart).T @ apart / count + ridge
        roots.append(np.linalg.inv(np.linalg.cholesky(covariance)).T)
    frequencies = of_label.mean(axis=0)
    of_components = (shares.T @ of_label + frequencies) / (counts[:, None] + 1)
    weights = np.log(counts / counts.sum())
    return Mixture(weights, means, np.stack(roots), of_components)


class Gibbs:
    """A Gibbs sampler of a mixture: parameters given the samples' components, and the reverse.

    mixture : the current draw; counts : (K,), number of samples of each component
    """

    def __init__(self, rows: np.ndarray, labels: np.ndarray, first: Mixture, random: Generator):
        self.rows, self.labels, self.random = rows, labels, random
        self.n_components, self.mixture = len(first.means), first
        self.of_label = np.eye(labels.max() + 1)[labels]
        self._choose()

    def steps(self, burn_in: int, n_draws: int) -> Iterator[int]:
        """Steps of the sampler; yields at each draw that counts, every second after
        `burn_in`."""
        for step in range(burn_in + 2 * n_draws):
            self.mixture = self._parameters()
            self._choose()
            if step >= burn_in and (step - burn_in) % 2:
                yield step

    @property
    def flat(self) -> float:
        """Share of the samples in components that are narrow in some direction: their sum of
        squares there is below that of the prior."""
        d = self.rows.shape[1]
        narrow = np.linalg.eigvalsh(self.scatter)[:, 0] < SPREAD
        return float(self.counts[narrow & (self.counts > d)].sum() / len(self.rows))

    def _choose(self) -> None:
        """Draw the component of each sample, and compute the sums that parameters need."""
        if self.n_components == 1 and hasattr(self, "counts"):
            return
        logs = self.mixture.logs(self.rows, self.labels)
        chosen = (logs + self.random.gumbel(size=logs.shape)).argmax(axis=1)
        members = [chosen == k for k in range(self.n_components)]
        self.counts = np.array([own.sum() for own in members], dtype=float)
        some = np.maximum(self.counts, 1)[:, None]
        self.means = np.stack([self.rows[own].sum(axis=0) for own in members]) / some
        apart = [self.rows[own] - mean for own, mean in zip(members, self.means, strict=True)]
        self.scatter = np.stack([part.T @ part for part in apart])
        self.label_counts = np.stack([self.of_label[own].sum(axis=0) for own in members])

    def _parameters(self) -> Mixture:
        """Draw a mixture from the posterior, given the components of the samples."""
        d, random, counts = self.rows.shape[1], self.random, self.counts
        known = FEW + counts
        outer = self.means[:, :, None] * self.means[:, None, :]
        scale = (
            SPREAD * np.eye(d) + self.scatter + (FEW * counts / known)[:, None, None] * outer
        )
        freedom = (d + 2 + counts)[:, None] - np.arange(d)
        # Bartlett: the precision is R Rᵀ, where R is scale^(−½)ᵀ times a random triangle.
        triangle = np.tril(random.standard_normal((len(counts), d, d)), -1)
        triangle[:, np.arange(d), np.arange(d)] = np.sqrt(random.chisquare(freedom))
        roots = np.linalg.solve(np.linalg.cholesky(scale).mT, triangle)
        noise = np.linalg.solve(roots.mT, random.standard_normal((len(counts), d, 1)))[..., 0]
        means = self.means * (counts / known)[:, None] + noise / np.sqrt(known)[:, None]
        frequencies = self.of_label.mean(axis=0)
        of_labels = [random.dirichlet(own + frequencies) for own in self.label_counts]
        weights = np.log(random.dirichlet(counts + 1))
        return Mixture(weights, means, roots, np.stack(of_labels))
