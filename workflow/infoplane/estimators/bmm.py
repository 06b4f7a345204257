"""A Bayesian mixture of Gaussians (BMM) of both variables, and the information that it has.

Source: Czyż, Grabowski, Vogt, Beerenwinkel & Marx 2025 (TMLR, "On the properties and estimation
of pointwise mutual information profiles"), section 4. A mixture is fitted to (a, b); each draw
of its parameters from the posterior has an information of its own,
    I = E ln p(a, b) − ln p(a) − ln p(b)
whose mean over samples of the mixture costs no data. The mean over draws is the value, their
deviation its error. Different from the paper:

- **Margins.** Each coordinate of two continuous variables is replaced by its normal scores,
  which leaves I(A;B) as it is, so that a normal law under monotone maps of its coordinates is
  one Gaussian again. Beside labels it is not: ranks close the gaps between classes.
- **Components.** Their number is the one of 1, 2, 4, … with which expectation maximisation
  makes samples likeliest that it has not seen; then Gibbs' sampler draws from the posterior.
- **Labels.** Within a component a and the label are independent: each has a normal and
  probabilities of labels. As many components as labels are tried too, one for each at first.
- **Bias.** A normal of n samples has E[I] too large, and so have draws from its posterior. Both
  excesses are known exactly (`excess`), some d_a d_b / n nats together, and are taken off.

Prior: weights Dirichlet(1); of each component Σ ~ inverse Wishart(d + 2, SPREAD · 1), μ | Σ ~
N(0, Σ / FEW); its labels Dirichlet(the frequencies of all).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field
from scipy.special import digamma, logsumexp

from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import scaled, tails
from infoplane.samples import BIT, Information, Pair
from infoplane.settings import Settings

if TYPE_CHECKING:
    from numpy.random import Generator
    from torch import Tensor

SPREAD, FEW = 0.01, 0.1
"""Of the prior: scale of covariances in those of the variables, and what the mean counts in
samples."""
LEAST_VARIANCE = 1e-4
"""Added to variances in expectation maximisation."""
ROUNDS, SETTLED = 100, 1e-3
"""Most steps of expectation maximisation, and the gain in nats a sample below which it ends."""
SAMPLES_A_DIMENSION = 10
"""Samples that a component must have on average, for each dimension and one more."""
MOST_FLAT = 0.01
"""Share of the samples in components narrower than the prior from which a value is flagged."""
CLUSTERINGS = 4
"""Of which k-means takes the best to begin with."""
HELD_OUT = 0.2
"""Share of the samples by which the number of components is chosen."""
LOG_2PI = math.log(2 * math.pi)


class BMMSettings(Settings):
    """Settings of the Bayesian mixture."""

    estimator: Literal["bmm"] = "bmm"
    """`bmm` is a Bayesian mixture of Gaussians (Czyż et al. 2025)."""
    margins: Literal["normal_scores", "standardised"] = "normal_scores"
    """What the mixture is fitted to of each coordinate of two continuous variables:
    normal_scores gives it normal margins by ranks, standardised a mean of 0 and a variance of
    1. Beside labels coordinates are standardised in any case."""
    max_components: int = Field(default=32, ge=1)
    """Largest number of Gaussians in the mixture; many dimensions or few samples allow
    fewer."""
    burn_in: int = Field(default=50, ge=0)
    """Steps of the Gibbs sampler before the first draw that counts."""
    n_draws: int = Field(default=50, ge=2)
    """Draws from the posterior that count, one at every second step of the Gibbs sampler."""
    n_points: int = Field(default=2000, ge=2)
    """Samples of the mixture by which the information of one draw is found."""
    seed: int = Field(default=0, ge=0)
    """Seed of the held-out samples, the first centres and all draws."""


class BMM(PairEstimator):
    """The information of a Bayesian mixture of Gaussians."""

    Settings = BMMSettings
    settings: BMMSettings
    infinite_without_noise = True
    idle_with_labels = frozenset({"margins"})

    def between(self, pair: Pair) -> Information:
        """I(A;B) in bits by a Bayesian mixture.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels. All draws of an input count as
        samples. Where a is a function of b, the prior alone keeps the value finite.
        Returns Information in bits.
            value : mean over draws from the posterior, less the bias of a normal
            stderr : their standard deviation without that of the Monte Carlo, at least the
                Monte Carlo error of the mean. Value ± 2 stderr is the credible interval: what
                parameters the samples leave open, and not whether the law is such a mixture
            cap : infinite
            flags : degenerate where more than 1 % of the samples are in components narrower
                than the prior: many ties, or b a function of a. The value then says little
            extra : components, their number (without unit)
        A variable that never varies gives 0. Raises ValueError where there are fewer than 5
        samples.
        """
        if pair.n < 5:
            raise ValueError(
                f"{pair.place}: {pair.n} samples are too few for a mixture of Gaussians; it "
                "takes 5"
            )
        scores = self.settings.margins == "normal_scores" and not pair.is_labelled
        a = _scaled(pair.a, scores)
        b = None if pair.is_labelled else _scaled(pair.b, scores)
        labels = _codes(pair) if b is None else np.zeros(pair.n, dtype=int)
        if a.shape[1] == 0 or (labels.max() == 0 if b is None else b.shape[1] == 0):
            return Information(0.0, stderr=0.0, cap=math.inf, extra={"components": 0.0})
        rows = a if b is None else np.concatenate([a, b], axis=1)
        random = np.random.default_rng(self.settings.seed)
        n = chosen_number(rows, labels, self.settings.max_components, random)
        gibbs = Gibbs(rows, labels, maximised(rows, labels, n, random), random)
        d_a = a.shape[1]
        found = [self._told(gibbs, d_a, b is None) for _ in gibbs.steps(self.settings)]
        value, error, bias = np.array(found).T
        of_monte_carlo = float(np.square(error).mean())
        variance = value.var(ddof=1) - of_monte_carlo
        stderr = math.sqrt(max(variance, of_monte_carlo / len(value)))
        flags = ("degenerate",) if gibbs.flat > MOST_FLAT else ()
        return Information(
            float(BIT * (value - bias).mean()),
            stderr=BIT * stderr,
            cap=math.inf,
            flags=flags,
            extra={"components": float(n)},
        )

    def _told(self, gibbs: Gibbs, d_a: int, labelled: bool) -> tuple[float, float, float]:
        """Information of the present draw in nats, its Monte Carlo error, and the bias."""
        mixture = gibbs.mixture
        rows, _ = mixture.sample(self.settings.n_points, gibbs.random)
        if labelled:
            of_rows = mixture.of_labels(rows)
            terms = _entropy(np.exp(mixture.log_weights) @ mixture.labels) - _entropy(of_rows)
            return terms.mean(), terms.std() / math.sqrt(len(terms)), 0.0
        none = np.zeros(len(rows), dtype=int)
        terms = logsumexp(mixture.logs(rows, none), axis=1)
        for part in (slice(0, d_a), slice(d_a, None)):
            terms -= logsumexp(mixture.margin(part).logs(rows[:, part], none), axis=1)
        bias = excess(gibbs.counts, d_a, rows.shape[1] - d_a) @ gibbs.counts / len(gibbs.rows)
        return terms.mean(), terms.std() / math.sqrt(len(terms)), float(bias)


def excess(n: np.ndarray, d_a: int, d_b: int) -> np.ndarray:
    """By how much draws of a normal's I(A;B), from the posterior of n samples each, are too
    large on average: in nats, to the order of the prior.

    With ψ_d(m) = Σ_{i<d} ψ((m − i) / 2), E ln|S| = ln|Σ| + d ln 2 + ψ_d(m) of a Wishart matrix
    of m degrees of freedom; the samples' has n − 1, a draw's inverse ν = n + d + 2.
    """
    d = d_a + d_b
    n = np.maximum(n, 2 * d + 2)
    nu = n + d + 2

    def of(m, d):
        return digamma((np.asarray(m)[..., None] - np.arange(d)) / 2).sum(-1)

    of_samples = of(n - 1, d_a) + of(n - 1, d_b) - of(n - 1, d)
    of_draws = of(nu, d) - of(nu - d_b, d_a) - of(nu - d_a, d_b)
    return (of_samples + of_draws) / 2


class Mixture:
    """K Gaussians of d dimensions, each with probabilities of C labels.

    log_weights : (K,); means : (K, d); labels : (K, C)
    roots : (K, d, d), R with precision R Rᵀ
    """

    def __init__(self, log_weights, means, roots, labels):
        self.log_weights, self.means, self.roots = log_weights, means, roots
        self.labels = labels
        d = means.shape[1]
        self.constants = np.linalg.slogdet(roots)[1] - d / 2 * LOG_2PI

    def logs(self, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """ln of the weighted densities of all components, (n, K), of rows (n, d) and labels."""
        parts = zip(self.means, self.roots, strict=True)
        squares = [np.square((rows - mean) @ root).sum(axis=1) for mean, root in parts]
        own = self.log_weights + self.constants - np.stack(squares, axis=1) / 2
        with np.errstate(divide="ignore"):  # a label that a component never has
            return own + np.log(self.labels.T[labels])

    def sample(self, n: int, random: Generator) -> tuple[np.ndarray, np.ndarray]:
        """n rows (n, d), and the components that they are of."""
        chosen = np.sort(random.choice(len(self.means), n, p=np.exp(self.log_weights)))
        rows = random.standard_normal((n, self.means.shape[1]))
        for k in np.unique(chosen):
            own = chosen == k
            rows[own] = self.means[k] + np.linalg.solve(self.roots[k].T, rows[own].T).T
        return rows, chosen

    def margin(self, part: slice) -> Mixture:
        """The mixture of some of the dimensions."""
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
    """Number of components, of 1, 2, 4, … up to `most`, by samples held out; of labels, their
    number too."""
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
    """A mixture of n components by expectation maximisation, from clusters (k-means), or from
    the labels where there are as many."""
    of_label = np.eye(n_labels or labels.max() + 1)[labels]
    shares = of_label
    if n == 1:
        shares = np.ones((len(rows), 1))
    elif n != of_label.shape[1]:
        from sklearn.cluster import KMeans  # a second, which plans need not wait for

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
    """The likeliest mixture of which components have these shares (n, K) in the rows."""
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
    """Gibbs' sampler of a mixture: parameters given components of samples, and the reverse.

    mixture : the present draw; counts : (K,) samples of each component by which it was drawn
    """

    def __init__(self, rows: np.ndarray, labels: np.ndarray, first: Mixture, random: Generator):
        self.rows, self.labels, self.random = rows, labels, random
        self.n_components, self.mixture = len(first.means), first
        self.of_label = np.eye(labels.max() + 1)[labels]
        self._choose()

    def steps(self, settings: BMMSettings):
        """Steps on, and stops at each draw that counts."""
        for step in range(settings.burn_in + 2 * settings.n_draws):
            self.mixture = self._parameters()
            self._choose()
            if step >= settings.burn_in and (step - settings.burn_in) % 2:
                yield step

    @property
    def flat(self) -> float:
        """Share of the samples in components that some direction hardly spreads: the sum of
        its squares is below that of the prior."""
        d = self.rows.shape[1]
        narrow = np.linalg.eigvalsh(self.scatter)[:, 0] < SPREAD
        return float(self.counts[narrow & (self.counts > d)].sum() / len(self.rows))

    def _choose(self) -> None:
        """Draws the component of each sample, and sums up what parameters need of them."""
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
        """Draws a mixture from the posterior given the components of the samples."""
        d, random, counts = self.rows.shape[1], self.random, self.counts
        known = FEW + counts
        outer = self.means[:, :, None] * self.means[:, None, :]
        scale = (
            SPREAD * np.eye(d) + self.scatter + (FEW * counts / known)[:, None, None] * outer
        )
        freedom = (d + 2 + counts)[:, None] - np.arange(d)
        # Bartlett: the precision is R Rᵀ, R = scale^(−½)ᵀ times a random triangle.
        triangle = np.tril(random.standard_normal((len(counts), d, d)), -1)
        triangle[:, np.arange(d), np.arange(d)] = np.sqrt(random.chisquare(freedom))
        roots = np.linalg.solve(np.linalg.cholesky(scale).mT, triangle)
        noise = np.linalg.solve(roots.mT, random.standard_normal((len(counts), d, 1)))[..., 0]
        means = self.means * (counts / known)[:, None] + noise / np.sqrt(known)[:, None]
        frequencies = self.of_label.mean(axis=0)
        of_labels = [random.dirichlet(own + frequencies) for own in self.label_counts]
        weights = np.log(random.dirichlet(counts + 1))
        return Mixture(weights, means, roots, np.stack(of_labels))


def _scaled(values: Tensor, scores: bool) -> np.ndarray:
    """(n, d) float64 of the coordinates that vary."""
    rows = scaled.of_one_scale(values.detach().cpu())
    return (scaled.standardised(tails.even_scores(rows)).rows if scores else rows).numpy()


def _codes(pair: Pair) -> np.ndarray:
    """Labels 0, 1, …, each of which occurs."""
    return np.unique(pair.b.cpu().numpy(), return_inverse=True)[1]


def _entropy(shares: np.ndarray) -> np.ndarray:
    """In nats, along the last axis."""
    return -np.where(shares > 0, shares * np.log(np.maximum(shares, 1e-300)), 0).sum(axis=-1)
