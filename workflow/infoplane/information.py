"""What an estimator says: records in bits, the flags they can carry, entropy of counts.

Apart from the samples, so that what only reads results does not import torch.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

BIT = 1 / math.log(2)
"""Bits in a nat: values become bits once, where an estimator returns."""

FLAGS = {
    "saturated": "I(X;T) is within 2 % of the largest value the estimator can return here",
    "not_a_bound": "a difference of two bounds of the same side, itself neither bound",
    "not_converged": "the estimator stopped before it had converged",
    "outside_tested_regime": "the estimator was not shown to be accurate here",
    "training_failed": "the loss of this seed became NaN; it was not measured",
    "needs_x": "I(X;T) needs x, which was not given",
    "deterministic": "T is a function of X, so the true I(X;T) is H(X) or infinite; the value "
    "says how T lies in space",
    "violates_dpi": "more information than the layer before, beyond the estimator's error",
    "exploded": "the bound exploded while its critic was trained; the value is the best before",
    "not_stationary": "the weights still drifted during the window that was pooled",
    "needs_noise": "the layer has no noise of its own, which the estimator needs",
    "set_aside": "this seed ended below training.set_aside; it was not measured",
    "heavy_tails": "a few samples lie so far out that bins, kernels or distances of one scale "
    "do not tell the others apart",
    "above_entropy": "more information than H(X) or H(Y) of the measured inputs: impossible, "
    "unless the method estimates another quantity than information",
}
"""Every flag a result can carry, in the order of its bit in a store."""

SATURATION = 0.98
"""Share of the cap from which a value counts as saturated."""


ERROR = 0.1
"""Bits, or share of the truth where that is more, by which an accurate estimate may err."""


@dataclass(frozen=True)
class Information:
    """What an estimator says of one layer at one epoch of one seed. All values in bits.

    ixt, ity : I(X;T) and I(T;Y); may be negative, never clipped
    ixt_lower … ity_upper : bounds or intervals, NaN where the estimator has none
    stderr, ity_stderr : standard errors of ixt and ity, by Monte Carlo or over the samples;
        NaN where the estimator has none
    cap : the largest ixt this estimator could return on these samples
    flags : names out of FLAGS
    extra : further named quantities of this estimator, in bits
    """

    ixt: float
    ity: float
    ixt_lower: float = float("nan")
    ixt_upper: float = float("nan")
    ity_lower: float = float("nan")
    ity_upper: float = float("nan")
    stderr: float = float("nan")
    ity_stderr: float = float("nan")
    cap: float = float("nan")
    flags: tuple[str, ...] = ()
    extra: dict[str, float] = field(default_factory=dict)

    def with_flag(self, name: str) -> "Information":
        """Itself, flagged."""
        return _flagged(self, name)

    def with_saturation(self) -> "Information":
        """Itself, flagged where I(X;T) lies within 2 % of the cap."""
        return self.with_flag("saturated") if _saturated(self.ixt, self.cap) else self


@dataclass(frozen=True)
class MutualInformation:
    """What an estimator says of two variables. All values in bits.

    value : I(A;B); may be negative, never clipped
    lower, upper : bounds or an interval, NaN where the estimator has none
    stderr : standard error of the value, NaN where the estimator has none
    cap : the largest value this estimator could return on these samples
    flags : names out of FLAGS
    extra : further named quantities of this estimator, in bits
    """

    value: float
    lower: float = float("nan")
    upper: float = float("nan")
    stderr: float = float("nan")
    cap: float = float("nan")
    flags: tuple[str, ...] = ()
    extra: dict[str, float] = field(default_factory=dict)

    def with_flag(self, name: str) -> "MutualInformation":
        """Itself, flagged."""
        return _flagged(self, name)

    def with_saturation(self) -> "MutualInformation":
        """Itself, flagged where the value lies within 2 % of the cap."""
        return self.with_flag("saturated") if _saturated(self.value, self.cap) else self


def _flagged(record, name: str):
    return record if name in record.flags else replace(record, flags=(*record.flags, name))


def _saturated(value: float, cap: float) -> bool:
    return cap > 0 and value >= SATURATION * cap


def entropy_of_counts(counts) -> float:
    """Plug-in entropy in bits of the distribution with these counts."""
    p = np.asarray(counts, dtype=np.float64)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log2(p)).sum()) + 0.0  # + 0.0 turns −0.0 into 0.0
