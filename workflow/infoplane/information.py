"""The results of estimators: records in bits, their flags, and the entropy of counts.

This module is separate from the samples, so that code that only reads results does not import
torch.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

BIT = 1 / math.log(2)
"""Bits in a nat. An estimator converts once, when it returns its result."""

FLAGS = {
    "saturated": "the value is within 2 % of the largest that the estimator can return here",
    "not_a_bound": "a difference of two bounds of the same side, which is not a bound",
    "not_converged": "the estimator stopped before it had converged",
    "degenerate": "samples coincide or lie on a line, so that no density is finite: the "
    "value says little",
    "training_failed": "the loss of this seed became NaN; it was not measured",
    "needs_x": "I(X;T) needs x, which was not given",
    "deterministic": "T is a function of X, so the true I(X;T) is H(X) or infinite; the value "
    "describes the geometry of T",
    "violates_dpi": "more information than the layer before, beyond the estimator's error",
    "exploded": "the bound exploded while its critic was trained; the value is the best before",
    "not_stationary": "the weights still drifted during the pooled window",
    "needs_noise": "the layer has no noise of its own, which the estimator needs",
    "set_aside": "this seed ended below training.set_aside; it was not measured",
    "heavy_tails": "a few samples are so far away that bins, kernels or distances of one scale "
    "do not resolve the others",
    "above_entropy": "more information than H(X) or H(Y) of the measured inputs: impossible, "
    "unless the method estimates a quantity other than information",
    "cut": "ratios above the estimator's upper_cut were cut to it: the value is too low",
}
"""Every flag a result can carry, in the order of its bit in a store."""

SATURATION = 0.98
"""A value at or above this share of its cap counts as saturated."""


ERROR = 0.1
"""An accurate estimate has an error of at most this many bits, or of this share of the truth if
that is more."""


def tolerance(truth):
    """The largest error, in bits, of an accurate estimate of this truth, or of each of these
    truths."""
    return np.maximum(ERROR, ERROR * np.abs(truth))


KINDS = ("none", "exact", "proven", "calibrated")
"""Kinds of intervals, in the order of their numbers in a store:

    none        there is no interval
    exact       a count of all inputs: both ends are the value
    proven      a theorem says that the quantity lies inside; with a confidence of 95 % if the
                measured inputs are a sample or the estimator uses Monte Carlo
    calibrated  similar estimates had errors of this size on problems with known answers
"""
WEAKEST = ("none", "calibrated", "proven", "exact")
"""The same, from the weakest guarantee to the strongest."""

OUTSIDE = "outside of what was tested"
WHY_NONE = {
    "": "no reason was kept",
    "no_value": "there is no value",
    "infinite": "T is a function of X, so that the true value is H(X) or infinite",
    "sample": "the measured inputs, or their draws, are only a sample",
    "corrected": "a corrected value is not a count",
    "components": "the mixture has fewer components than there are inputs",
    "not_tested": "no problem of the calibration page shows how large its error is",
    "not_calibrated": "its calibrated intervals failed their test",
    "settings": f"{OUTSIDE} (settings)",
    "alone": f"{OUTSIDE} (I(X;T) of activations without X)",
    "draws": f"{OUTSIDE} (several draws of an input)",
    "maps": f"{OUTSIDE} (channels × pixels)",
    "samples": f"{OUTSIDE} (number of samples)",
    "dimensions": f"{OUTSIDE} (dimensions)",
    "below": f"{OUTSIDE} (a value below all that were tested)",
    "above": f"{OUTSIDE} (a value above all that were tested)",
    "constant": f"{OUTSIDE} (a variable that is constant, or takes few values)",
    "entropy": f"{OUTSIDE} (H(Y) above all that were tested)",
}
"""Why there is no interval, in the order of the reasons' numbers in a store."""


def why_none_in_words(reason: str, by_how_much: str = "") -> str:
    """Why there is no interval (a name out of WHY_NONE), in words.

    by_how_much : how far an estimator's calibrated intervals were from passing their test
    """
    failed = reason == "not_calibrated" and by_how_much
    return f"{WHY_NONE[reason]} ({by_how_much})" if failed else WHY_NONE[reason]


COORDINATES = {
    "rescale": "unit rescalings",
    "rotate": "rotations",
    "monotone": "monotone functions of units",
    "permute": "permutations",
}
"""Maps of a layer to other coordinates, which change no information (invariance/maps.py), in
words."""


class Interval(NamedTuple):
    """Where an estimator's own quantity lies, in bits.

    low, high : −inf or inf if a side is unknown; both NaN without an interval
    kind : of KINDS
    """

    low: float
    high: float
    kind: str

    def within(self, most: float) -> "Interval":
        """The interval, cut to 0 … `most` bits if it is proven or exact, because no information
        is outside this range."""
        if self.kind not in ("exact", "proven"):
            return self
        low, high = (min(max(0.0, end), most) for end in self[:2])
        return self._replace(low=low, high=high)


NO_INTERVAL = Interval(float("nan"), float("nan"), "none")
"""The interval of an estimator without a theorem; a session replaces it by a calibrated one or
gives the reason why there is none."""


class Quantity(NamedTuple):
    """The quantity that an estimator measures.

    words : the quantity with the settings that choose it: "I(X; bins of T), 30 bins"
    symbol : the short form, mathematical text for an axis: "I(X;\\mathrm{Bin}(T))"
    """

    words: str
    symbol: str


@dataclass(frozen=True)
class Information:
    """An estimator's result for one information: I(X;T), I(T;Y) or I(A;B). All values in bits.

    value : may be negative, never clipped
    interval : where the estimator's quantity lies, and how that is known
    stderr : standard error of the value, by Monte Carlo or over the samples; NaN if the
        estimator has none
    cap : the largest value that this estimator could return on these samples; NaN if unknown
    flags : names in FLAGS
    extra : further named quantities
    curve : (step, bound) of each evaluation during the training behind the value; empty without
        training, or if curves are not kept
    why_none : of WHY_NONE, if there is no interval
    quantity : the quantity of the value, in words, with the settings that choose it
    changes : what would change the value: settings, samples, and maps of the layer. `estimate`
        and `mutual_information` give these two; stores have them as attributes.

    Printed, a record gives all of this in a few lines.
    """

    value: float
    interval: Interval = NO_INTERVAL
    stderr: float = float("nan")
    cap: float = float("nan")
    flags: tuple[str, ...] = ()
    extra: Mapping[str, float] = field(default_factory=dict)
    curve: tuple[tuple[int, float], ...] = ()
    why_none: str = ""
    quantity: str = field(default="", compare=False)
    changes: str = field(default="", compare=False)

    def __str__(self) -> str:
        low, high, kind = self.interval
        lines = [f"{self.value:.4g} bits" + (f": {self.quantity}" if self.quantity else "")]
        if kind == "none":
            lines.append(f"no interval: {WHY_NONE[self.why_none]}")
        else:
            lines.append(f"{kind} interval: {low:.4g} to {high:.4g} bits")
        if not math.isnan(self.stderr):
            lines.append(f"standard error: {self.stderr:.2g} bits")
        if not math.isnan(self.cap):
            lines.append(f"largest possible value: {self.cap:.4g} bits")
        lines += [f"{name}: {FLAGS[name]}" for name in self.flags]
        lines += [f"what would change it: {self.changes}"] if self.changes else []
        return "\n".join(lines)

    @property
    def numbers(self) -> dict[str, float]:
        """All values of NUMBERS."""
        low, high, _ = self.interval
        found = (self.value, low, high, self.stderr, self.cap)
        return dict(zip(NUMBERS, found, strict=True))

    def but(self, **changed) -> "Information":
        """The record with other values of these fields. It takes 0.5 µs, dataclasses.replace
        1.7 µs; counting a small layer takes about 15 µs."""
        found = object.__new__(Information)
        found.__dict__.update(self.__dict__, **changed)
        return found

    def exactly(self) -> "Information":
        """The record as an exact count of all inputs."""
        return self.but(interval=Interval(self.value, self.value, "exact"), why_none="")

    def without_interval(self, why: str) -> "Information":
        """The record with the reason (of WHY_NONE) why it has no interval, if it has none and
        no reason is known yet."""
        if self.interval.kind != "none" or self.why_none:
            return self
        return self.but(why_none=why)

    def with_flag(self, name: str) -> "Information":
        """The record with one more flag."""
        return self if name in self.flags else self.but(flags=(*self.flags, name))

    def with_saturation(self) -> "Information":
        """The record, flagged if the value lies within 2 % of the cap."""
        near = self.cap > 0 and self.value >= SATURATION * self.cap
        return self.with_flag("saturated") if near else self


NOT_KNOWN = Information(float("nan"))
NUMBERS = ("value", "interval_low", "interval_high", "stderr", "cap")
"""The numbers of an information. In stores and tables, I(X;T) is `ixt`, the lower end of its
interval is `ixt_interval_low`, its flags are `ixt_flags`, and so on (`column`)."""
QUANTITIES = ("ixt", "ity")
PAIRS = {"ixt": "I(X;T)", "ity": "I(T;Y)"}
OF_IXT = ("saturated", "not_a_bound")
"""Flags that a point of the plane takes only from I(X;T): I(T;Y) has another cap, which no
figure draws, and is rarely a bound."""


class LayerInformation(NamedTuple):
    """An estimator's result for one layer at one epoch of one seed.

    extra : further quantities of the layer by name: an entropy, measures of clusters
    """

    ixt: Information
    ity: Information
    extra: Mapping[str, float] = MappingProxyType({})

    def __str__(self) -> str:
        both = (f"{PAIRS[of]}\n{getattr(self, of)}" for of in QUANTITIES)
        return "\n\n".join(both)

    def stated(self, said: Mapping[str, str]) -> "LayerInformation":
        """The record with `quantity` and `changes` of both, from Estimator.statements."""
        ixt, ity = (
            getattr(self, of).but(
                quantity=said[f"quantity_{of}"], changes=said[f"changes_{of}"]
            )
            for of in QUANTITIES
        )
        return LayerInformation(ixt, ity, self.extra)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of both, as a point of the plane shows them."""
        own = {*self.ixt.flags, *(set(self.ity.flags) - set(OF_IXT))}
        return tuple(name for name in FLAGS if name in own)

    def with_flag(self, name: str) -> "LayerInformation":
        """The record with both informations flagged."""
        return LayerInformation(self.ixt.with_flag(name), self.ity.with_flag(name), self.extra)

    def without_intervals(self, why: str) -> "LayerInformation":
        """The record, with the reason in each information that has no interval."""
        ixt, ity = self.ixt.without_interval(why), self.ity.without_interval(why)
        same = ixt is self.ixt and ity is self.ity
        return self if same else LayerInformation(ixt, ity, self.extra)

    def exactly(self) -> "LayerInformation":
        """The record with both informations as exact counts of all inputs."""
        return LayerInformation(self.ixt.exactly(), self.ity.exactly(), self.extra)

    def with_saturation(self) -> "LayerInformation":
        """The record; each information within 2 % of its cap is flagged."""
        both = self.ixt.with_saturation(), self.ity.with_saturation()
        return LayerInformation(*both, self.extra)

    def extras(self) -> dict[str, float]:
        """All further quantities, by the names of their columns."""
        parts = {"ixt_": self.ixt.extra, "ity_": self.ity.extra, "": self.extra}
        return {f"{of}{name}": v for of, part in parts.items() for name, v in part.items()}


def column(quantity: str, number: str) -> str:
    """The column of a number of an information: `ixt`, `ixt_interval_low`, …"""
    return quantity if number == "value" else f"{quantity}_{number}"


def entropy_of_counts(counts) -> float:
    """Plug-in entropy, in bits, of the distribution with these counts."""
    p = np.asarray(counts, dtype=np.float64)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log2(p)).sum()) + 0.0  # + 0.0 turns −0.0 into 0.0
