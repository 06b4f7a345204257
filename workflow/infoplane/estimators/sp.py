"""I(X;T) and I(T;Y) of a noisy layer by sample propagation (SP).

Source: Goldfeld, van den Berg, Greenewald, Melnyk, Nguyen, Kingsbury & Polyanskiy 2019 (ICML),
section 4. T = S + N(0, σ²I), where S is the layer's output before its own noise, computed with
noise in the earlier layers. With samples of S, propagated through the network, T is a Gaussian
mixture: p(t|x) over the draws of one input, p(t|y) over those of a label, p(t) over all. Then
    I(X;T) = E log2 p(t|x) / p(t)        I(T;Y) = E log2 p(t|y) / p(t)
by Monte Carlo. The paper estimates the entropies h(T) and h(T|X) separately. Here both
densities are evaluated at the same sample t, so that most of the variance cancels.

Bias, for X uniform over the measured inputs. With r draws of x, the expectation of the
empirical channel p̂(t|x) is p(t|x). I(X;T) is convex in the channel (Cover & Thomas, theorem
2.7.4), so E I(p̂) ≥ I. The value, in which p̂(t|x) includes t's own draw, is therefore biased
upwards, and so is I(T;Y). If t's own draw is left out, p̂₋(t|x) does not depend on t given x,
and E log p̂₋(t|x) ≤ E log p(t|x) (Jensen), while E[−log p̂(t)], the entropy of an empirical
mixture, is at most h(T) (concavity). This difference is biased downwards. p̂₋(t|y) leaves the
draw out of its own input, whose weight remains 1/n_y. The two biases vanish as r grows. The
first layer has no noise before it: all draws of an input have one centre, and neither is
biased.

With multiplicative noise, T = S · N(1, σ²), p(t|x) is a Gaussian with diagonal covariance σ²s²,
and p(t) is a mixture of these Gaussians. Adilova, Geiger & Fischer 2023 (arXiv 2303.00596) take
h(T|X) in closed form and h(T) by Monte Carlo from 1,000 components; here both densities are
evaluated at one sample.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field

from infoplane.estimators.interface import LayerEstimator
from infoplane.estimators.kernels import sp_densities, sp_each
from infoplane.information import (
    BIT,
    NO_INTERVAL,
    NOT_KNOWN,
    Information,
    Interval,
    LayerInformation,
    Quantity,
)
from infoplane.samples import Samples
from infoplane.settings import Settings

SIDE = 1.96
"""An interval of 95 % has this many Monte Carlo standard errors on each side."""
MINIMUM = 1024
"""The smallest number of Monte Carlo samples, which gives a standard error to about 5 %."""


class SPSettings(Settings):
    """Settings of sample propagation."""

    estimator: Literal["sp"] = "sp"
    """`sp` is sample propagation through noisy layers (Goldfeld et al. 2019)."""
    target: float = Field(default=0.01, gt=0, allow_inf_nan=False)
    """The Monte Carlo stops at this standard error in bits of I(X;T) and of I(T;Y)."""
    replicas: int | None = Field(default=None, ge=1)
    """At most this many draws of each input (measure.draws) are used; null uses all."""
    components: int | None = Field(default=None, ge=1)
    """The densities p(t) and p(t|y) use the centres of this many inputs, drawn with the seed
    (1,000 in Adilova et al. 2023); null uses all measured inputs. With fewer components than
    inputs, I(X;T) is biased upwards, the more the farther apart the inputs are, and has no
    cap."""
    max_samples: int = Field(default=100_000, ge=MINIMUM)
    """The Monte Carlo stops after this many samples in any case."""
    batch: int = Field(default=4096, ge=8)
    """This many Monte Carlo samples are computed at once, or fewer if memory_mb requires it.
    The setting changes no result."""
    seed: int = Field(default=0, ge=0)
    """The Monte Carlo is drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory on a GPU, not counting copies
    of the samples."""


class SP(LayerEstimator):
    """Sample propagation through the layer's own noise."""

    Settings = SPSettings
    settings: SPSettings
    needs_noise = "it estimates the information of a layer with Gaussian noise of its own"
    changes = (
        "more noise in the network lowers it, more inputs raise its cap, log2 of their "
        "number, and another seed moves it within its standard error"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ()

    def quantity_of(self, of: str, network: str = "the noisy network") -> Quantity:
        """The quantity in the noisy network; it measures no other network."""
        return super().quantity_of(of, network or "the noisy network")

    @property
    def idle(self) -> frozenset[str]:
        """The number of components, or null if they are all inputs."""
        return frozenset({"components"} if self.settings.components is None else ())

    def estimate(self, samples: Samples) -> LayerInformation:
        """I(X;T) and I(T;Y) in bits, given the layer's own noise.

        samples.centres : (n_inputs, n_draws, n_units); samples.y : (n_inputs,)
        samples.sigma : standard deviation of the noise, one for all units or in the shape of
            the centres (sp_each.py)
        samples.t, one noisy sample for each centre, is not used.
        Returns
            value : see above; biased upwards if draws of an input differ
            interval : proven, at 95 % over the Monte Carlo. It reaches from the estimate
                without t's own draw, which is biased downwards, to the value, and 1.96 standard
                errors beyond each; the two are equal if all draws of an input have one centre.
                If draws differ, the biases have these signs on average over draws. With one
                draw there is no lower end, because one draw does not show whether earlier
                layers have noise
            stderr : of the Monte Carlo, given the centres
            cap : of I(X;T), log2 n_inputs, because p(t) ≥ p(t|x)/n_inputs
            flags : 'not_converged' if max_samples did not reach the target; 'needs_noise',
                without values, if the samples have no noise of their own
        With fewer `components` than inputs, I(X;T) has no lower end, I(T;Y) no interval, and
        there is no cap.
        A layer that never varies has no information, exactly.
        Raises ValueError if a label has no component. Densities neglect centres that together
        have less than 1e-6 of the sample's own term; with noise of many sizes they neglect
        nothing.
        """
        if samples.sigma is None:
            return LayerInformation(NOT_KNOWN, NOT_KNOWN).with_flag("needs_noise")
        centres, sigma = samples.centres[:, : self.settings.replicas], samples.sigma
        if isinstance(sigma, torch.Tensor):
            sigma = sigma[:, : self.settings.replicas]
        cap = math.log2(samples.n_inputs)
        if _coincide(centres, sigma, slice(1)):  # also if σ is a share of 0
            nothing = Information(0.0, Interval(0.0, 0.0, "proven"), stderr=0.0)
            return LayerInformation(replace(nothing, cap=cap), nothing)
        has_draws = centres.shape[1] > 1
        if has_draws and _coincide(centres, sigma):
            centres = centres[:, :1]
            sigma = sigma[:, :1] if isinstance(sigma, torch.Tensor) else sigma
        labels, memory = samples.y.numpy(), self.settings.memory_mb * 10**6
        mixture = _components(samples, self.settings)
        if mixture is not None and not isinstance(sigma, torch.Tensor):
            sigma = torch.full_like(centres, sigma)
        if isinstance(sigma, torch.Tensor):
            densities = sp_each.EachItsOwn(centres, labels, sigma, memory, mixture)
        else:
            densities = sp_densities.densities(centres, labels, sigma, memory)
        sizes = _Sizes.of(centres, labels, mixture)
        result = _monte_carlo(densities, sizes, self.settings)
        values, without_own = (BIT * result.means).reshape(2, 2).tolist()
        cap = cap if mixture is None else math.nan
        errors, errors_without = (BIT * result.errors).reshape(2, 2).tolist()
        flags = () if result.converged else ("not_converged",)
        intervals = [NO_INTERVAL, NO_INTERVAL]
        for i in (0, 1) if mixture is None else (0,):
            low = without_own[i] - SIDE * errors_without[i]
            low = low if has_draws and mixture is None else -math.inf
            intervals[i] = Interval(low, values[i] + SIDE * errors[i], "proven")
        ixt, ity = (
            Information(values[i], intervals[i], errors[i], flags=flags) for i in (0, 1)
        )
        found = LayerInformation(replace(ixt, cap=cap), ity)
        return found.without_intervals("components")


def _coincide(centres: torch.Tensor, sigma, inputs: slice = slice(None)) -> bool:
    """Whether all draws of an input have the centre of its first draw; with inputs : slice(1),
    whether all draws of all inputs have the centre of the first."""
    first = centres[inputs, :1]
    if isinstance(sigma, torch.Tensor):
        return sp_each.coincide(centres, sigma, first, sigma[inputs, :1])
    return sp_densities.coincide(centres, first, sigma)


def _components(samples: Samples, settings: SPSettings) -> np.ndarray | None:
    """The inputs of the mixture, in order; None for all."""
    n, wanted = samples.n_inputs, settings.components
    if wanted is None or wanted >= n:
        return None
    chosen = np.sort(np.random.default_rng((settings.seed, 1)).permutation(n)[:wanted])
    labels = samples.y.numpy()
    if missing := set(labels.tolist()) - set(labels[chosen].tolist()):
        raise ValueError(
            f"{samples.place}: none of {wanted} components has label {min(missing)}; use more"
        )
    return chosen


class _Sizes(NamedTuple):
    """Numbers of centres.

    of_input : of one input; of_label : (n_inputs · n_draws,), of the label of each centre
    of_all : in the mixture; places : from which samples are drawn
    """

    of_input: int
    of_label: np.ndarray
    of_all: int
    places: int

    @classmethod
    def of(
        cls, centres: torch.Tensor, labels: np.ndarray, mixture: np.ndarray | None
    ) -> _Sizes:
        n_inputs, n_draws, _ = centres.shape
        mixed = labels if mixture is None else labels[mixture]
        of_label = n_draws * np.bincount(mixed, minlength=labels.max() + 1)[labels]
        places = n_inputs * n_draws
        return cls(n_draws, np.repeat(of_label, n_draws), len(mixed) * n_draws, places)


class _Result(NamedTuple):
    """Means and standard errors (4,) of the terms, in nats."""

    means: np.ndarray
    errors: np.ndarray
    converged: bool


def _monte_carlo(densities, sizes: _Sizes, settings: SPSettings) -> _Result:
    """Means of the terms, until the target or the largest number of samples is reached.

    Centres are in an order in which neighbours are similar, and divided into strata of equal
    size with two draws each. Variation between strata then adds nothing to the error, and the
    two draws show the variation within. Each noise is used with its opposite, and ‖noise‖²,
    whose mean is known, is a control variate.
    """
    random = np.random.default_rng(settings.seed)
    totals: list[np.ndarray] = []
    differences: list[np.ndarray] = []
    n_samples, n_strata = 0, MINIMUM // 4
    while True:
        terms = _terms(densities, sizes, n_strata, random, settings.batch)
        totals.append(terms.sum(axis=1))
        differences.append(terms[:, 0] - terms[:, 1])
        n_samples += 4 * n_strata
        result = _summary(np.concatenate(totals), np.concatenate(differences), settings)
        most = (settings.max_samples - n_samples) // 4
        if result.converged or most == 0:
            return result
        # Rounds are few and large, because many strata vary less within. But the total grows at
        # most fourfold, because the error will fall faster than the errors so far suggest.
        whole = n_samples * min(4.0, (BIT * result.errors[:2].max() / settings.target) ** 2)
        n_strata = min(most, max(MINIMUM, math.ceil(1.05 * whole - n_samples)) // 4)


def _terms(densities, sizes: _Sizes, n_strata: int, random, batch: int) -> np.ndarray:
    """Terms (n_strata, 2, 5), in nats, each the mean over a noise and its opposite: those of
    I(X;T) and I(T;Y), both without the own draw, and ‖noise‖² less its mean."""
    d = densities.points.shape[2]
    places = (np.arange(n_strata)[:, None] + random.random((n_strata, 2))) / n_strata
    places = np.minimum((places * sizes.places).astype(np.int64), sizes.places - 1)
    centres = densities.order[places.ravel()]
    terms = np.empty((len(centres), 5))
    for start in range(0, len(centres), batch // 2):
        chosen = centres[start : start + batch // 2]
        z = random.standard_normal((len(chosen), d))
        both = densities.logarithms(np.tile(chosen, 2), np.concatenate([z, -z]))
        of_both = np.stack(_ratios(both, sizes, np.tile(chosen, 2)), axis=1)
        part = terms[start : start + len(chosen)]
        part[:, :4] = of_both.reshape(2, -1, 4).mean(axis=0)
        part[:, 4] = np.square(z).sum(axis=1) - d
    return terms.reshape(n_strata, 2, 5)


def _ratios(densities: sp_densities.Logarithms, sizes: _Sizes, chosen: np.ndarray):
    """ln p(t|x)/p(t), ln p(t|y)/p(t), and both without the own draw, each (n,), in nats."""
    r, of_label = sizes.of_input, sizes.of_label[chosen]
    p_t = densities.of_all - math.log(sizes.of_all)
    with_x = densities.of_input - math.log(r) - p_t
    with_y = densities.of_label - np.log(of_label) - p_t
    if r == 1 or sizes.of_all < sizes.places:
        return with_x, with_y, with_x, with_y
    without_x = densities.of_others - math.log(r - 1)
    # The other inputs of the label, and the own input with its other draws. The largest share
    # that the sum over the label may lack is subtracted first, so that a difference of equal
    # sums does not become too large.
    neglected = np.log1p(-2 * sp_densities.NEGLECTED)
    share = np.minimum(densities.of_input - densities.of_label - neglected, 0)
    with np.errstate(divide="ignore"):
        rest = densities.of_label + neglected + np.log(-np.expm1(share))
    without_y = np.logaddexp(rest, without_x + math.log(r)) - np.log(of_label)
    return with_x, with_y, without_x - p_t, without_y - p_t


def _summary(totals: np.ndarray, differences: np.ndarray, settings: SPSettings) -> _Result:
    """The result from sums and differences (n_strata, 5) of the two terms of each stratum."""
    n = len(totals)
    own = differences[:, 4]
    slopes = own @ differences[:, :4] / max(own @ own, 1e-300)
    means = (totals[:, :4] - totals[:, 4:] * slopes).mean(axis=0) / 2
    left = differences[:, :4] - own[:, None] * slopes
    errors = np.sqrt(np.square(left).sum(axis=0)) / (2 * n)
    return _Result(means, errors, bool(BIT * errors[:2].max() <= settings.target))
