"""What an estimator says: one record in bits, the flags it can carry, entropy of counts.

Apart from the samples, so that what only reads results does not import torch.
"""

from dataclasses import dataclass, field, replace

import numpy as np

FLAGS = {
    "saturated": "I(X;T) is within 2 % of the largest value the estimator can return here",
    "not_a_bound": "a difference of two bounds of the same side, itself neither bound",
    "not_converged": "the estimator stopped before it had converged",
    "outside_tested_regime": "the estimator was not shown to be accurate here",
    "training_failed": "the loss of this seed became NaN; it was not measured",
}
"""Every flag a result can carry, in the order of its bit in a store."""

SATURATION = 0.98
"""Share of the cap from which a value counts as saturated."""


@dataclass(frozen=True)
class Information:
    """What an estimator says of one layer at one epoch of one seed. All values in bits.

    ixt, ity : I(X;T) and I(T;Y); may be negative, never clipped
    ixt_lower … ity_upper : bounds or intervals, NaN where the estimator has none
    stderr : Monte Carlo standard error of ixt, NaN where nothing was drawn at random
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
    cap: float = float("nan")
    flags: tuple[str, ...] = ()
    extra: dict[str, float] = field(default_factory=dict)

    def with_saturation(self) -> "Information":
        """Itself, flagged where I(X;T) lies within 2 % of the cap."""
        if self.cap > 0 and self.ixt >= SATURATION * self.cap and "saturated" not in self.flags:
            return replace(self, flags=(*self.flags, "saturated"))
        return self


def entropy_of_counts(counts) -> float:
    """Plug-in entropy in bits of the distribution with these counts."""
    p = np.asarray(counts, dtype=np.float64)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log2(p)).sum()) + 0.0  # + 0.0 turns −0.0 into 0.0
