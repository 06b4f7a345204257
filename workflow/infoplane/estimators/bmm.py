"""A Bayesian mixture of Gaussians (BMM) for both variables, and its information.

Source: Czyż, Grabowski, Vogt, Beerenwinkel & Marx 2025 (TMLR, "On the properties and estimation
of pointwise mutual information profiles"), section 4. A mixture is fitted to (a, b). Each draw
of its parameters from the posterior has its own information,
    I = E [ln p(a, b) − ln p(a) − ln p(b)]
which is a mean over samples of the mixture and uses no further data. The value is the mean over
draws; the error is their standard deviation. Four things differ from the paper:

- **Margins.** Each coordinate of two continuous variables is replaced by its normal scores.
  This leaves I(A;B) unchanged, and a Gaussian whose coordinates were mapped by monotone
  functions becomes one Gaussian again. With labels, coordinates are only standardised, because
  ranks would close the gaps between classes.
- **Components.** Their number is the one of 1, 2, 4, … for which expectation maximisation gives
  held-out samples the largest likelihood. A Gibbs sampler then draws from the posterior.
- **Labels.** Within a component, a and the label are independent: a component has a Gaussian
  and probabilities of labels. As many components as labels are tried too; at first, each has
  the samples of one label.
- **Bias.** For a Gaussian fitted to n samples E[I] is too large, and so is it for draws from
  the posterior. Both biases are known exactly (`excess`), together about d_a d_b / n nats, and
  are subtracted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field
from scipy.special import digamma, logsumexp

from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import scaled, tails
from infoplane.estimators.kernels.posterior import Gibbs, chosen_number, maximised
from infoplane.samples import BIT, Information, Pair
from infoplane.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

MOST_FLAT = 0.01
"""A value is flagged if more than this share of the samples belongs to components that are
narrower than the prior."""


class BMMSettings(Settings):
    """Settings of the Bayesian mixture."""

    estimator: Literal["bmm"] = "bmm"
    """`bmm` estimates by a Bayesian mixture of Gaussians (Czyż et al. 2025)."""
    margins: Literal["normal_scores", "standardised"] = "normal_scores"
    """Each coordinate of two continuous variables is transformed first. `normal_scores` makes
    its distribution normal by ranks; standardised gives it mean 0 and variance 1. With labels
    this setting changes nothing: coordinates are standardised."""
    max_components: int = Field(default=32, ge=1)
    """The mixture has at most this many Gaussians; with many dimensions or few samples it has
    fewer."""
    burn_in: int = Field(default=50, ge=0)
    """The Gibbs sampler discards this many steps before the first draw that counts."""
    n_draws: int = Field(default=50, ge=2)
    """The value is a mean over this many draws from the posterior, one at every second step of
    the Gibbs sampler."""
    n_points: int = Field(default=2000, ge=2)
    """The information of one draw is a mean over this many samples of its mixture."""
    seed: int = Field(default=0, ge=0)
    """The held-out samples, the first centres and all draws are drawn with this seed."""


class BMM(PairEstimator):
    """The information of a Bayesian mixture of Gaussians."""

    Settings = BMMSettings
    settings: BMMSettings
    infinite_without_noise = True
    changes = (
        "more samples allow more components; a bias remains if the distribution is not a "
        "mixture of Gaussians; another seed moves it within its error"
    )
    idle_with_labels = frozenset({"margins"})

    def moved_by(self, of: str) -> tuple[str, ...]:
        """Monotone functions of units do not change normal scores, which only I(X;T) uses."""
        scores = of == "ixt" and self.settings.margins == "normal_scores"
        return ("rotate", "permute") if scores else ("rotate", "monotone", "permute")

    def between(self, pair: Pair) -> Information:
        """I(A;B) in bits by a Bayesian mixture.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels. All draws of an input count as
            samples. If a is a function of b, only the prior keeps the value finite.
        Returns Information in bits.
            value : mean over draws from the posterior, less the bias of a Gaussian
            stderr : standard deviation of the draws without their Monte Carlo variance, at
                least the Monte Carlo error of the mean. Value ± 2 stderr is the credible
                interval. It covers the uncertainty of the parameters, not the possibility that
                the distribution is not such a mixture
            cap : infinite
            flags : degenerate if more than 1 % of the samples belong to components narrower
                than the prior: many ties, or b a function of a. The value then says little
            extra : components, their number (without unit)
        A variable that never varies gives 0. Raises ValueError for fewer than 5 samples.
        """
        if pair.n < 5:
            raise ValueError(
                f"{pair.place}: {pair.n} samples are too few for a mixture of Gaussians; give "
                "at least 5"
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
        draws = gibbs.steps(self.settings.burn_in, self.settings.n_draws)
        found = [self._told(gibbs, d_a, b is None) for _ in draws]
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
        """Information of the current draw, its Monte Carlo error, and the bias, in nats."""
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
    """The mean bias, in nats, of I(A;B) of a Gaussian drawn from the posterior of n samples:
    how much it is too large, to the order of the prior. n : (K,), one number for each component

    For a Wishart matrix S with m degrees of freedom, E ln|S| = ln|Σ| + d ln 2 + ψ_d(m), where
    ψ_d(m) = Σ_{i<d} ψ((m − i) / 2). The scatter of the samples has m = n − 1, the inverse of a
    draw has m = ν = n + d + 2.
    """
    d = d_a + d_b
    n = np.maximum(n, 2 * d + 2)
    nu = n + d + 2

    def of(m, d):
        return digamma((np.asarray(m)[..., None] - np.arange(d)) / 2).sum(-1)

    of_samples = of(n - 1, d_a) + of(n - 1, d_b) - of(n - 1, d)
    of_draws = of(nu, d) - of(nu - d_b, d_a) - of(nu - d_a, d_b)
    return (of_samples + of_draws) / 2


def _scaled(values: Tensor, scores: bool) -> np.ndarray:
    """float64 (n, d): the coordinates that vary, standardised; with `scores` normal scores."""
    rows = scaled.of_one_scale(values.detach().cpu())
    return (scaled.standardised(tails.even_scores(rows)).rows if scores else rows).numpy()


def _codes(pair: Pair) -> np.ndarray:
    """Labels renumbered 0, 1, … without gaps."""
    return np.unique(pair.b.cpu().numpy(), return_inverse=True)[1]


def _entropy(shares: np.ndarray) -> np.ndarray:
    """Entropy in nats along the last axis."""
    return -np.where(shares > 0, shares * np.log(np.maximum(shares, 1e-300)), 0).sum(axis=-1)
