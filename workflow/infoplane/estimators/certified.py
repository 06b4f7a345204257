"""Intervals for I(X;T) and I(T;Y) of a noisy layer, at 95 % confidence.

The layer adds known Gaussian noise to its centres S: T = S + noise. For any density q
    I(X;T) ≤ E log2 p(t|x)/q(t),
because the cross-entropy of q is at least h(T). One part of the inputs serves to fit variants
of q, a second part to weight them; the average is taken over a third part, which neither step
has seen. Any density may be q (estimators/densities): a worse q makes the interval wider, not
wrong.

A lower bound needs no q. I(X;T) is concave in the distribution of X (Cover & Thomas, theorem
2.7.4). So the information of the measured inputs, each equally likely, is on average at most
that of the population they are drawn from:
    E [ 1/n Σ_i E log2 p(t|x_i) / (1/n Σ_j p(t|x_j)) ] ≤ I(X;T).
This is InfoNCE (van den Oord et al. 2018) with the true density as critic, and with all inputs,
the sample's own included, as contrasts. It is at most log2 n. Further lower bounds are
    −log2 E exp(−‖s − s'‖²/8σ²)     and     −log2 E exp(−‖s − s'‖²/4σ²) − d/2 log2(e/2)
over pairs of different inputs. The first uses the Chernoff distance (Kolchinsky & Tracey 2017),
the second Rényi's entropy of order 2, which is at most Shannon's. n inputs make n²/2 pairs, so
these bounds reach beyond log2 n, to about 2 log2 n − 5 bits. The lower bound of I(T;Y) is one
of I(X;T) too. No lower bound that is valid for every distribution of X grows faster with n
(McAllester & Stratos 2020, AISTATS).

    I(T;Y) ≥ H(Y) + E log2 q(y|t)     (Barber & Agakov 2003)
    I(T;Y) ≤ H(Y),     I(T;Y) = I(X;T) − I(X;T|Y) ≤ E log2 p(t|x)/q(t) − E log2 p(t|x)/p(t|y),
where the mixture of the measured inputs of a label replaces p(t|y): its entropy is on average
at most h(T|Y).

Noise in earlier layers makes S random given x. The mixture of the input's r draws then replaces
p(t|x). If it includes t's own draw, its entropy is on average at most h(T|X = x), and the upper
bound remains valid. If it leaves this draw out, its cross-entropy is at least h(T|X = x), and
the lower bound remains valid.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field

from infoplane.estimators.interface import LayerEstimator
from infoplane.estimators.kernels import confidence
from infoplane.estimators.kernels.confidence import Limit, Mean
from infoplane.estimators.kernels.noisy_layers import NoisyLayer, sums
from infoplane.information import (
    BIT,
    NOT_KNOWN,
    Information,
    Interval,
    LayerInformation,
    Quantity,
)
from infoplane.samples import Samples
from infoplane.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.estimators.densities.labels import Labels
    from infoplane.estimators.densities.stack import Stack

LEAST_INPUTS = 30
"""The smallest number of inputs that is divided into three parts."""
Kind = Literal["mixture", "flow"]


class CertifiedSettings(Settings):
    """Settings of the certified interval."""

    estimator: Literal["certified"] = "certified"
    """`certified` gives an interval for a layer with Gaussian noise of its own."""
    of: Literal["population", "inputs"] = "population"
    """`population` bounds the information of a population, of which the measured inputs are
    independent draws. inputs bounds the information of the measured inputs, each equally
    likely, for example if these are all values of X."""
    level: float = Field(default=0.95, gt=0.5, lt=1)
    """An interval contains the information with this probability; each of its sides fails with
    at most half of the remaining probability."""
    densities: list[Kind] = Field(default=["mixture"])
    """These densities of T are fitted, in addition to Gaussians, predictions over maps, and the
    noise around the fitted inputs: mixture is a mixture of Gaussians, flow a normalising
    flow."""
    only_noise: bool = False
    """`true` says that only the layer's own noise is random, so that one draw of an input gives
    its centre. With false, a lower bound from contrasts between inputs needs at least two draws
    (measure.draws)."""
    held_out: float = Field(default=0.4, ge=0.1, le=0.8)
    """This share of the inputs is held out to test the densities; a quarter of the others
    serves to weight them."""
    noise_draws: int = Field(default=4, ge=4, multiple_of=2)
    """An input with one centre gives this many noisy samples; an input with more centres gives
    two for each."""
    seed: int = Field(default=0, ge=0)
    """The parts, the noise and the fits are drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting copies of the
    samples."""


class Certified(LayerEstimator):
    """An interval for a layer with noise of its own, of any width."""

    Settings = CertifiedSettings
    settings: CertifiedSettings
    chosen_by = frozenset({"of"})
    needs_noise = "it bounds the information of a layer with Gaussian noise of its own"
    changes = (
        "more inputs, or densities that fit the layer better, narrow its interval, whose "
        "middle is the value; more noise in the network lowers it"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rotate", "permute")

    def quantity_of(self, of: str, network: str = "the noisy network") -> Quantity:
        """The quantity in the noisy network (it measures no other), with the inputs over which
        it is taken."""
        own = super().quantity_of(of, network or "the noisy network")
        over = (
            "the population of inputs"
            if self.settings.of == "population"
            else "the measured inputs"
        )
        return own._replace(words=f"{own.words} over {over}")

    def of_population(self, samples: Samples) -> bool:
        """Whether the results concern a population, as `of` says."""
        return self.settings.of == "population"

    def estimate(self, samples: Samples) -> LayerInformation:
        """Intervals for I(X;T) and I(T;Y) in bits, given the layer's own noise.

        samples.centres : (n_inputs, n_draws, n_units); samples.y : (n_inputs,)
        samples.sigma : standard deviation of the noise, one for all units or in the shape of
            the centres
        Returns
            interval : proven. Each side fails with probability (1 − level)/2 at most, over the
                choice of the inputs and of their noise, if a mean over held-out inputs is
                nearly normal (kernels/confidence.py)
            value : its middle, which errs by at most half its width
            extra : for I(X;T) of a population, two values without confidence limits: `inside`,
                the information of the measured inputs, at most log2 n_inputs, and
                `cross_entropy`, the upper bound
            flags : 'needs_noise', without values, if the samples have no noise of their own
        `of: population` needs inputs that are independent draws. For a data set with all values
        of X use `of: inputs`: both sides are then those of sample propagation (sp), no density
        is fitted, and if the draws of an input have one centre, the only error is that of the
        Monte Carlo over the noise. A layer that never varies has no information, exactly; nor
        does a single label. Raises ValueError for fewer than 30 inputs from a population.
        """
        if samples.sigma is None:
            return LayerInformation(NOT_KNOWN, NOT_KNOWN).with_flag("needs_noise")
        centres, sigma = _distinct(samples.centres, samples.sigma)
        if centres is None:
            nothing = Information(0.0, Interval(0.0, 0.0, "proven"))
            return LayerInformation(nothing, nothing)
        population = self.of_population(samples)
        if population and samples.n_inputs < LEAST_INPUTS:
            raise ValueError(
                f"{samples.place}: estimator {self.name} cuts the inputs into three parts, for "
                f"which it needs {LEAST_INPUTS} or more; there are {samples.n_inputs}"
            )
        layer = NoisyLayer(centres, sigma, samples.shape)
        parts = _Parts(layer, samples, self.settings)
        ixt, ity = parts.population() if population else parts.inputs()
        if not bool((samples.y != samples.y[0]).any()):
            ity = Information(0.0, Interval(0.0, 0.0, "proven"))
        return LayerInformation(ixt, ity)


def _distinct(centres: Tensor, sigma) -> tuple[Tensor | None, float | Tensor]:
    """The centres and their noise: a single draw if all draws of every input agree; None for
    the centres if all inputs agree too."""
    both = [centres] + ([sigma] if isinstance(sigma, torch.Tensor) else [])
    if all(bool((values == values[:1, :1]).all()) for values in both):
        return None, sigma
    if all(bool((values == values[:, :1]).all()) for values in both):
        return centres[:, :1], sigma[:, :1] if isinstance(sigma, torch.Tensor) else sigma
    return centres, sigma


class _Parts:
    """The inputs of a layer in three parts, one to fit densities, one to weight them and one
    held out; and noisy samples with their densities around the measured inputs.

    The terms of an input's samples are averaged to one term, in bits. Means of these terms are
    a `Mean`.
    """

    def __init__(self, layer: NoisyLayer, samples: Samples, settings: CertifiedSettings):
        self.layer, self.settings = layer, settings
        self.error = (1 - settings.level) / 2
        self.n, self.r = layer.n_inputs, layer.n_draws
        self.labels = samples.y.to(layer.centres.device)
        self.entropy_x = samples.entropy_x
        self.one_centre = self.r == 1 and (settings.only_noise or samples.n_draws > 1)
        order = np.random.default_rng(settings.seed).permutation(self.n)
        n_held = round(settings.held_out * self.n)
        n_chosen = round((self.n - n_held) / 4)
        self.held, self.chosen, self.fitted = np.split(order, [n_held, n_held + n_chosen])
        self.per_centre = settings.noise_draws if self.r == 1 else 2
        self.rows = layer.rows(self.per_centre, torch.Generator().manual_seed(settings.seed))
        self.sums = sums(layer, self.rows, self.labels, settings.memory_mb * 10**6)

    def population(self) -> tuple[Information, Information]:
        """Intervals for the population from which the inputs are drawn."""
        stack, labels = self._densities()
        held = self._rows_of(self.held)
        log_q = stack.logs(held.t)
        above = self._of_held(held.of_input - log_q)
        below_y = self._entropy_y() + self._of_held(labels.of(held.t, held.labels))
        entropy_y = self._of_held(-labels.prior[held.labels])
        # I(X;T) − I(X;T|Y): the noise that both have in common cancels
        above_y = above - self._given_label()
        below, extra = [below_y.lower], {"cross_entropy": above.value}
        if self.one_centre or self.r > 1:
            given = self.sums.of_input if self.one_centre else self.sums.of_others
            inside = self._inside(given)
            below.append(inside.lower)
            extra["inside"] = inside.value
        if self.one_centre:
            below += self._by_pairs()
        most_y = math.log2(len(self.labels.unique()))
        ixt = self._interval(below, [above.upper])
        ity = self._interval([below_y.lower], [above_y.upper, entropy_y.upper], most_y)
        return replace(ixt, extra=extra), ity

    def inputs(self) -> tuple[Information, Information]:
        """Intervals for the measured inputs, each equally likely."""
        of = self.sums
        share = torch.bincount(self.labels).double() / self.n
        entropy_y = -float(torch.special.xlogy(share, share).sum()) * BIT
        entropy_x = math.log2(self.n) if self.entropy_x is None else self.entropy_x
        if self.one_centre:
            with_x, with_y = (
                self._over_noise(s - of.of_all) for s in (of.of_input, of.of_label)
            )
            return (
                self._interval([with_x.lower], [with_x.upper], entropy_x),
                self._interval([with_y.lower], [with_y.upper], entropy_y),
            )
        below = [self._inside(of.of_others).lower] if self.r > 1 else []
        # the other inputs of the label, and the own input without its own draw
        n_label = torch.bincount(self.labels)[self.labels[self.rows.place // self.r]].log()
        rest = of.of_label + torch.log1p(
            -(of.of_input - of.of_label - n_label).exp().clamp(max=1)
        )
        without = torch.logaddexp(rest, of.of_others - n_label)
        y_above, y_below = (self._inside(s, by_label=True) for s in (of.of_label, without))
        return (
            self._interval(below, [self._inside(of.of_input).upper], entropy_x),
            self._interval([y_below.lower], [y_above.upper], entropy_y),
        )

    def _densities(self) -> tuple[Stack, Labels]:
        """q(t) and q(y | t), fitted and weighted."""
        # imported here, because plans import the settings above without these modules
        from infoplane.estimators.densities.fit import Fit
        from infoplane.estimators.densities.stack import fitted

        layer, settings = self.layer, self.settings
        known, chosen = self._rows_of(self.fitted), self._rows_of(self.chosen)
        places = torch.from_numpy(self.fitted)[:, None] * self.r + torch.arange(self.r)
        places = places.flatten().to(layer.centres.device)
        memory = settings.memory_mb * 10**6
        fit = Fit(layer, places, known.t, chosen.t, settings.seed, memory)
        return fitted(fit, self.labels, known.labels, chosen.labels, settings.densities)

    def _rows_of(self, inputs: np.ndarray) -> _Rows:
        """All samples of these inputs, input by input."""
        each = self.r * self.per_centre
        chosen = (torch.from_numpy(inputs)[:, None] * each + torch.arange(each)).flatten()
        chosen = chosen.to(self.labels.device)
        labels = self.labels[self.rows.place[chosen] // self.r]
        return _Rows(self.rows.t[chosen], self.sums.of_input[chosen], labels)

    def _by_input(self, terms: Tensor) -> np.ndarray:
        """For each input, the mean of its samples' terms: bits from nats."""
        means = terms.view(-1, self.r * self.per_centre).mean(1)
        return BIT * means.cpu().numpy()

    def _of_held(self, terms: Tensor) -> Mean:
        """The mean over the held-out inputs, in bits, of their samples' terms in nats."""
        return Mean.of(self._by_input(terms), self.held, self.n)

    def _of_all(self, terms: np.ndarray) -> Mean:
        return Mean.of(terms, np.arange(self.n), self.n)

    def _inside(self, given: Tensor, by_label: bool = False) -> Mean:
        """The mean over all inputs of log2 p(t | x) / p(t) or, by_label, of
        log2 p(t | y) / p(t), where p(t) is the mixture of all inputs.

        given : ln p(t | x), or ln p(t | y), of each sample
        An input also influences the mixtures: its share in E_t ln p(t) is the mean of
        p(t | x) / p(t).
        """
        of = self.sums
        terms = self._by_input(given - of.of_all)
        moved = of.share_of_label - of.share if by_label else -of.share
        influence = (terms + BIT * moved.cpu().numpy()) / self.n
        return Mean(float(terms.mean()), influence - influence.mean())

    def _given_label(self) -> Mean:
        """I(X;T|Y) of the measured inputs: the mean of log2 p(t | x) / p(t | y), where p(t | y)
        is the mixture of the inputs of a label."""
        terms = self._by_input(self.sums.of_input - self.sums.of_label)
        influence = (terms - BIT * self.sums.share_of_label.cpu().numpy()) / self.n
        return Mean(float(terms.mean()), influence - influence.mean())

    def _entropy_y(self) -> Mean:
        """H(Y) of the measured inputs, which is on average at most H(Y) of the population."""
        share = torch.bincount(self.labels)[self.labels].double() / self.n
        return self._of_all(-share.log2().cpu().numpy())

    def _over_noise(self, terms: Tensor) -> Mean:
        """The mean over all inputs, whose only error comes from the noise; each noise and its
        opposite count as one term."""
        pairs = BIT * terms.view(self.n, 2, -1).mean(1).cpu().numpy()
        n_pairs = pairs.shape[1]
        apart = (pairs - pairs.mean(1, keepdims=True)) * math.sqrt(n_pairs / (n_pairs - 1))
        return Mean(float(pairs.mean()), apart.ravel() / pairs.size)

    def _by_pairs(self) -> list[Limit]:
        """Lower limits from pairs of different inputs; none if the noise has several sizes."""
        if self.layer.sizes is not None:
            return []
        n, d = self.n, self.layer.d
        every = torch.arange(n, device=self.labels.device)
        constant = self.layer.constants(every[:1])[0]
        step = max(1, self.settings.memory_mb * 10**6 // (32 * n))
        found = torch.empty(2, n, dtype=torch.float64, device=every.device)
        for part, own in zip(every.split(step), found.split(step, dim=1), strict=True):
            logs = self.layer.around(self.layer.centres[part], every) + constant
            logs.scatter_(1, part[:, None], -math.inf)
            own[0], own[1] = (logs / 4).exp().sum(1), (logs / 2).exp().sum(1)
        near = found.cpu().numpy() / (n - 1)
        lost = (0.0, d / 2 * math.log2(math.e / 2))
        return [
            lambda error, of=of, less=less: (
                -math.log2(confidence.upper_of_pairs(of, error)) - less
            )
            for of, less in zip(near, lost, strict=True)
        ]

    def _interval(
        self, below: list[Limit], above: list[Limit], most: float = math.inf
    ) -> Information:
        """The interval between the best lower and the best upper limit, within 0 … `most`."""
        low = confidence.highest(below, self.error) if below else 0.0
        high = confidence.lowest(above, self.error)
        low, high = max(low, 0.0), min(max(high, 0.0), most)
        low = min(low, high)
        return Information(float(low + high) / 2, Interval(float(low), float(high), "proven"))


class _Rows(NamedTuple):
    """Samples of some inputs: t, ln p(t | x) including their own centre, and labels."""

    t: Tensor
    of_input: Tensor
    labels: Tensor
