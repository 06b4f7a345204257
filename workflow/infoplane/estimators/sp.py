"""I(X;T) and I(T;Y) of a noisy layer by sample propagation (SP).

Source: Goldfeld, van den Berg, Greenewald, Melnyk, Nguyen, Kingsbury & Polyanskiy 2019 (ICML),
section 4. T = S + N(0, σ²I), S the layer's output before its own noise, computed while the
noise of the layers before is on. The samples of S, propagated through the network, make T a
Gaussian mixture: over the draws of one input, p(t|x); of a label, p(t|y); of all, p(t). Then
    I(X;T) = E log2 p(t|x) / p(t)        I(T;Y) = E log2 p(t|y) / p(t)
by Monte Carlo. The paper estimates the entropies separately, h(T) − h(T|X); here the logarithms
of both densities use the same sample t, so that most of its scatter cancels.

Bias, X being uniform over the inputs that are measured. With r draws of x the empirical
channel p̂(t|x) is p(t|x) in expectation, and I(X;T) is convex in the channel (Cover & Thomas,
theorem 2.7.4): E I(p̂) ≥ I, so that the value, in which t's own draw is among those of p̂(t|x),
is biased upwards; and likewise I(T;Y). With t's own draw left out, p̂₋(t|x) does not depend on
t given x, so that E log p̂₋(t|x) ≤ E log p(t|x) (Jensen), while E[−log p̂(t)], the entropy of
an empirical mixture, is at most h(T) (concavity): the difference is biased downwards. In
p̂₋(t|y) it is left out of its own input, the weight of which stays 1/n_y. Both meet as r grows.
Before the first layer there is no noise: all draws of an input have one centre, and both are
exact.

Where the noise multiplies, T = S · N(1, σ²), p(t|x) is a Gaussian of diagonal covariance σ²s²
and p(t) a mixture of these (Adilova, Geiger & Fischer 2023, arXiv 2303.00596, who take 1,000 of
them): both densities of one sample, in place of their h(T|X) in closed form and h(T) by Monte
Carlo.
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
"""An interval of 95 % has this many standard errors of the Monte Carlo on each side."""
MINIMUM = 1024
"""The smallest number of draws, which gives a standard error to some 5 %."""


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
    (1,000 in Adilova et al. 2023); null takes all measured inputs. Fewer components leave out
    other samples: I(X;T) is then biased upwards, the more the farther inputs lie apart, and has
    no cap."""
    max_samples: int = Field(default=100_000, ge=MINIMUM)
    """The Monte Carlo stops after this many samples in any case."""
    batch: int = Field(default=4096, ge=8)
    """This many Monte Carlo samples are taken at once, as memory allows. The setting changes no
    result."""
    seed: int = Field(default=0, ge=0)
    """The Monte Carlo is drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory on a GPU beside copies of the
    samples."""


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
        """I(X;T) and I(T;Y) in bits, of the layer's own noise.

        samples.centres : (n_inputs, n_draws, n_units), samples.sigma : of the noise on each
        unit, one for all or of the shape of the centres (sp_each.py), samples.y : (n_inputs,).
        samples.t, one noisy sample a centre, is not used.
        Returns
            value : see above; biased upwards if draws of an input differ
            interval : proven, at 95 % of the Monte Carlo. It reaches from the estimate without
                t's own draw, which is biased downwards, to the value, and 1.96 standard errors
                beyond each; the two are equal if all draws of an input have one centre. If
                draws differ, the biases have these signs on average over draws. With one draw
                there is no lower end, because one draw does not show whether earlier layers
                have noise
            stderr : of the Monte Carlo, given the centres
            cap : of I(X;T), log2 n_inputs, as p(t) ≥ p(t|x)/n_inputs
            flags : 'not_converged' if max_samples did not reach the target; 'needs_noise',
                without values, if the samples have no noise of their own
        With fewer `components` than inputs, I(X;T) has no lower end, I(T;Y) no interval, and
        there is no cap.
        A layer that never varies holds no information, exactly.
        Raises ValueError if no component has one of the labels. Densities neglect centres that
        together have less than 1e-6 of the sample's own term; with noise of many sizes they
        neglect nothing.
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
    """Whether all draws of an input have its first centre; inputs : of the first input alone,
    whether all have."""
    first = centres[inputs, :1]
    if isinstance(sigma, torch.Tensor):
        return sp_each.coincide(centres, sigma, first, sigma[inputs, :1])
    return sp_densities.coincide(centres, first, sigma)


def _components(samples: Samples, settings: SPSettings) -> np.ndarray | None:
    """The inputs of the mixture, in order; None: all."""
    n, wanted = samples.n_inputs, settings.components
    if wanted is None or wanted >= n:
        return None
    chosen = np.sort(np.random.default_rng((settings.seed, 1)).permutation(n)[:wanted])
    labels = samples.y.numpy()
    if missing := set(labels.tolist()) - set(labels[chosen].tolist()):
        raise ValueError(
            f"{samples.place}: of {wanted} components none has label {min(missing)}; use more"
        )
    return chosen


class _Sizes(NamedTuple):
    """Numbers of centres: of an input, of the label of each centre (n_inputs · n_draws,) and of
    all in the mixture, and places that samples are drawn from."""

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
    """Means of the terms, to the target or to the largest number of samples.

    Centres come in an order in which neighbours are alike, cut into strata of equal shares
    with two draws each: what varies between strata then adds nothing to the error, and the
    two tell what varies within. Each noise comes with its opposite, and ‖noise‖², of known
    mean, is a control variate.
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
        # In few large rounds, for the more strata, the less varies within; but not all that
        # the errors so far ask for, as it will.
        whole = n_samples * min(4.0, (BIT * result.errors[:2].max() / settings.target) ** 2)
        n_strata = min(most, max(MINIMUM, math.ceil(1.05 * whole - n_samples)) // 4)


def _terms(densities, sizes: _Sizes, n_strata: int, random, batch: int) -> np.ndarray:
    """Terms (n_strata, 2, 5), in nats, each of a noise and its opposite: of I(X;T) and I(T;Y),
    the same with the own draw left out, and ‖noise‖² without its mean."""
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
    """ln p(t|x)/p(t), ln p(t|y)/p(t), and both without the own draw, each (n,)."""
    r, of_label = sizes.of_input, sizes.of_label[chosen]
    p_t = densities.of_all - math.log(sizes.of_all)
    with_x = densities.of_input - math.log(r) - p_t
    with_y = densities.of_label - np.log(of_label) - p_t
    if r == 1 or sizes.of_all < sizes.places:
        return with_x, with_y, with_x, with_y
    without_x = densities.of_others - math.log(r - 1)
    # The other inputs of the label, and its own by its other draws. What the sum over the
    # label may lack is taken off, lest a difference of equals exceed these.
    neglected = np.log1p(-2 * sp_densities.NEGLECTED)
    share = np.minimum(densities.of_input - densities.of_label - neglected, 0)
    with np.errstate(divide="ignore"):
        rest = densities.of_label + neglected + np.log(-np.expm1(share))
    without_y = np.logaddexp(rest, without_x + math.log(r)) - np.log(of_label)
    return with_x, with_y, without_x - p_t, without_y - p_t


def _summary(totals: np.ndarray, differences: np.ndarray, settings: SPSettings) -> _Result:
    """From sums and differences (n_strata, 5) of the two terms of each stratum."""
    n = len(totals)
    own = differences[:, 4]
    slopes = own @ differences[:, :4] / max(own @ own, 1e-300)
    means = (totals[:, :4] - totals[:, 4:] * slopes).mean(axis=0) / 2
    left = differences[:, :4] - own[:, None] * slopes
    errors = np.sqrt(np.square(left).sum(axis=0)) / (2 * n)
    return _Result(means, errors, bool(BIT * errors[:2].max() <= settings.target))
