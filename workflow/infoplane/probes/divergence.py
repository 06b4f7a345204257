"""The Jensen-Shannon divergence of two known densities, by Monte Carlo."""

from typing import NamedTuple

import numpy as np


class Divergence(NamedTuple):
    """A divergence in bits, with the standard error of its estimate."""

    value: float
    stderr: float


NOT_KNOWN = Divergence(float("nan"), float("nan"))


def jensen_shannon(at_p: np.ndarray, at_q: np.ndarray) -> Divergence:
    """½ KL(p ‖ m) + ½ KL(q ‖ m) with m = (p + q) / 2. This is I(X;Y) if Y is a fair coin that
    decides from which of the two X is drawn.

    at_p, at_q : log p(x) − log q(x) in nats at draws x of p, and at draws of q, (n,) each
    """
    # log₂ of p/m and of q/m, without overflow if one of the densities is almost 0
    parts = (1 - np.logaddexp(0, -at_p) / np.log(2), 1 - np.logaddexp(0, at_q) / np.log(2))
    value = sum(part.mean() for part in parts) / 2
    variance = sum(part.var(ddof=1) / len(part) for part in parts) / 4
    return Divergence(float(value), float(np.sqrt(variance)))
