"""Kernel density bounds on I(X;T) and I(T;Y): the activations plus Gaussian noise.

Source: Kolchinsky & Tracey 2017, Entropy 19, 361; used on information planes by Saxe et al.
2018 (ICLR). T is a mixture of Gaussians of variance σ² centred on the activations. With
    h(T) = −mean_i ln mean_j exp(−‖t_i − t_j‖² / 2σ²) + (d/2)(ln 2πσ² + 1)
as the upper bound on its entropy, and with 8σ² in place of 2σ² in the kernel as the lower one,
    I(X;T) = h(T) − mean_n h(T | X = x_n)      I(T;Y) = h(T) − Σ_y p(y) h(T | Y = y)
In a plain network T given x is one Gaussian and h(T | X) = (d/2)(ln 2πσ² + 1) exactly.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.estimators.by_layer import ByLayer
from infoplane.estimators.interface import LayerEstimator, PairEstimator
from infoplane.estimators.kernels import tails
from infoplane.estimators.kernels.pairwise import (
    SMALLEST_VARIANCE,
    Bounds,
    group_entropies,
    mixture_entropies,
)
from infoplane.information import NO_INTERVAL, Interval, Quantity
from infoplane.samples import BIT, SATURATION, Information, LayerInformation, Pair, Samples
from infoplane.settings import Settings

NOTHING = Interval(0.0, 0.0, "proven")
"""The interval of a layer that never varies."""
Variance = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class KDESettings(Settings):
    """Settings of the kernel density bounds."""

    estimator: Literal["kde"] = "kde"
    """`kde` bounds the information of the layer plus Gaussian noise (Kolchinsky & Tracey
    2017)."""
    noise_variance: Variance | ByLayer[Variance] = 0.1
    """Each unit has noise of this variance σ², in squared units of the activations or in the
    unit that `noise` sets. A mapping gives each layer its own by its name or a pattern: {conv1:
    1.0, "dense*": 0.1}."""
    noise: Literal["absolute", "relative"] = "absolute"
    """`absolute` takes noise_variance unchanged; relative takes it as a share of the layer's
    mean variance over its units."""
    bound: Literal["upper", "lower"] = "upper"
    """The values of I(X;T) and I(T;Y) use this bound of the entropies."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting the samples and
    copies of pairs of continuous variables and of activations in float64."""


class KDE(LayerEstimator, PairEstimator):
    """Kernel density bounds."""

    Settings = KDESettings
    settings: KDESettings
    chosen_by = frozenset({"noise_variance", "noise"})
    by_layer = ("noise_variance",)
    changes = (
        "less noise gives more bits, up to log2 of the number of inputs; bound: lower "
        "gives smaller values"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rescale", "monotone")

    def quantity(self, of: str) -> Quantity:
        """I(X; T + N(0, σ²)), with the variance."""
        chosen, after = self.settings.noise_variance, ""
        if not isinstance(chosen, float):
            of_layers = [f"{_number(value)} in {name}" for name, value in chosen.items()]
            after = f", σ² = {', '.join(of_layers)}"
        noisy = self._noisy("T")
        words = {"ixt": f"I(X; {noisy})", "ity": f"I({noisy}; Y)"}[of]
        symbol = {"ixt": r"I(X;T+\mathcal{N})", "ity": r"I(T+\mathcal{N};Y)"}[of]
        return Quantity(words + after, symbol)

    def words_of_pair(self, labelled: bool) -> str:
        """I(A + N(0, σ²); B + N(0, σ²)); a label has no noise."""
        return f"I({self._noisy('A')}; {'B' if labelled else self._noisy('B')})"

    def _noisy(self, variable: str) -> str:
        chosen = self.settings.noise_variance
        size = _number(chosen) if isinstance(chosen, float) else "σ²"
        size += f" Var {variable}" if self.settings.noise == "relative" else ""
        return f"{variable} + N(0, {size})"

    def estimate(self, samples: Samples) -> LayerInformation:
        """I(X;T) and I(T;Y) by pairwise-distance bounds.

        samples.t : (n_inputs, n_draws, n_units), samples.y : (n_inputs,)
        Returns LayerInformation in bits:
            value : the difference of entropies of the side that `bound` names, as in the
                papers' plots. With one draw, I(X;T) is that bound itself, because h(T | X) is
                exact. With more draws it is a difference of two bounds of the same side, which
                is not a bound, and is flagged 'not_a_bound'; I(T;Y) always is.
            interval : proven, differences of bounds of opposite sides, for the measured inputs
            cap : of I(X;T), log2 n_inputs; every kernel sum is at least its own input's share.
            extra : entropy_given_x, h(T|X) less the entropy of the noise; 0 with one draw
            flags : 'heavy_tails' (tails.py) if `relative` noise takes its variance from
                outliers
        A layer that never varies has no information, even if its relative noise is zero. All
        results concern the measured inputs, equally likely, and not a population behind them.
        If kernels hardly overlap, every input differs from every other, and both informations
        are as large as possible ('saturated'). Values are within 1e-4 bit of the formulas
        (above 1 bit, within 1e-4 of the value), for any precision, offset and scale of the
        activations.
        """
        t = samples.t
        rows = t.reshape(-1, samples.n_units)
        variance = _variance(rows, self.settings)
        cap = math.log2(samples.n_inputs)
        if variance < SMALLEST_VARIANCE:
            nothing = Information(0.0, NOTHING)
            return LayerInformation(
                replace(nothing, cap=cap), nothing, {"entropy_given_x": 0.0}
            )
        memory = self.settings.memory_mb * 10**6
        classes = np.repeat(samples.y.numpy(), samples.n_draws)
        whole, given_y = mixture_entropies(rows, classes, variance, memory)
        given_x = group_entropies(t, variance, memory)
        heavy = _heavy_tails([rows] if self.settings.noise == "relative" else [])
        ixt, ity = (self._difference(whole, given, heavy) for given in (given_x, given_y))
        ixt = replace(ixt, cap=cap)
        return LayerInformation(
            ixt.with_flag("not_a_bound") if samples.n_draws > 1 else ixt,
            ity.with_flag("not_a_bound"),
            {"entropy_given_x": BIT * given_x.of(self.settings.bound)},
        )

    def between(self, pair: Pair) -> Information:
        """I(A + noise; B + noise) or, with labels, I(A + noise; B), by the same bounds.

        With continuous b the noise is on both, h(A) + h(B) − h(A, B); `relative` takes the
        variance of each. Returns Information in bits: `value` uses entropies of the side that
        `bound` names and is not a bound. interval: none, because pairs are a sample. extra:
        low_of_samples and high_of_samples bound the information of the n given pairs, equally
        likely, with noise. The information of their distribution may lie below both, and
        farther below the fewer kernels overlap (many dimensions, little noise or heavy tails).
        cap: log2 n.
        flags : 'saturated' if kernels overlap so little that each sample differs from every
            other, within 2 % of log2 n bits; 'heavy_tails' if few kernels overlap for some
            samples and nearly all for the others (tails.py)
        A variable that never varies has no information.
        """
        cap, memory = math.log2(pair.n), self.settings.memory_mb * 10**6
        variables = [pair.a] if pair.is_labelled else [pair.a, pair.b]
        variances = [_variance(rows, self.settings) for rows in variables]
        if min(variances) < SMALLEST_VARIANCE:
            return _of_samples(Information(0.0, NOTHING, cap=cap))
        # each divided by its noise: the joint noise then has variance 1
        scaled = [rows / math.sqrt(v) for rows, v in zip(variables, variances, strict=True)]
        if pair.is_labelled:
            sides, joint = mixture_entropies(scaled[0], pair.b.numpy(), 1.0, memory)
        else:
            joint = mixture_entropies(torch.cat(scaled, dim=1), _one_class(pair), 1.0, memory)[
                0
            ]
            a, b = (mixture_entropies(r, _one_class(pair), 1.0, memory)[0] for r in scaled)
            sides = Bounds(a.lower + b.lower, a.upper + b.upper)
        # A + noise alone already identifies the sample
        alone = pair.is_labelled and BIT * sides.upper >= SATURATION * cap
        saturated = ("saturated",) if alone else ()
        flags = ("not_a_bound", *saturated, *_heavy_tails(variables))
        return _of_samples(replace(self._difference(sides, joint, flags), cap=cap))

    def _difference(self, whole: Bounds, given: Bounds, flags: tuple[str, ...]) -> Information:
        """whole − given, in bits: the value by the side that the settings name, and bounds."""
        side = self.settings.bound
        low, high = whole.lower - given.upper, whole.upper - given.lower
        return Information(
            BIT * (whole.of(side) - given.of(side)),
            Interval(BIT * low, BIT * high, "proven"),
            flags=flags,
        )


def _of_samples(record: Information) -> Information:
    """The record for pairs: its bounds are proven only for these pairs, so they move to
    `extra`."""
    low, high, _ = record.interval
    extra = {"low_of_samples": low, "high_of_samples": high}
    return replace(record, interval=NO_INTERVAL, extra=extra).without_interval("sample")


def _heavy_tails(variables: list[torch.Tensor]) -> tuple[str, ...]:
    return ("heavy_tails",) if any(map(tails.heavy_radii, variables)) else ()


def _number(value: float) -> str:
    """The number in words of a quantity: 0.001 is 10⁻³."""
    power = round(math.log10(value))
    if abs(power) > 2 and math.isclose(value, 10.0**power):
        return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{value:g}"


def _one_class(pair: Pair) -> np.ndarray:
    return np.zeros(pair.n, dtype=np.int64)


def _variance(rows: torch.Tensor, settings: KDESettings) -> float:
    """σ² in squared units of the activations."""
    if settings.noise == "absolute":
        return settings.noise_variance
    step = max(1, 2**21 // rows.shape[1])
    origin = rows[0].to(torch.float64)  # an equal row is then exactly 0, and so its variance
    total = torch.zeros_like(origin)
    squares = torch.zeros_like(origin)
    for part in rows.split(step):
        shifted = part.to(torch.float64) - origin
        total += shifted.sum(dim=0)
        squares += shifted.square().sum(dim=0)
    variance = (squares - total.square() / len(rows)).mean() / len(rows)
    return settings.noise_variance * max(float(variance), 0.0)
