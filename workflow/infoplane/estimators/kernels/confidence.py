"""Confidence limits of means over inputs, and of sums and differences of such means.

A statistic is kept with what each input moves it by, its influence (Hampel 1974): of a mean
over the inputs of a part, the deviation of their terms, divided by their number. Influences add
where statistics do, so that what two have in common cancels.

With s² the sum of the squared influences and g s³ that of their cubes, the limit on a side is
    value ± s · (t + max(0, ±g) (2t² + 1) / 6),
t the quantile of Student's distribution. The second term is the first one of the expansion of a
studentised mean by its skewness (Johnson 1978, J. Am. Stat. Assoc. 73, 536; Hall 1992); it is
used where it widens the interval alone. What is assumed is that the inputs are independent and
that the mean of so many terms is nearly normal: no bound of the terms is known, and none is
used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Mean(NamedTuple):
    """value : what was measured; influence (n_inputs,) : what each input moves it by, which
    together sum to 0"""

    value: float
    influence: np.ndarray

    @classmethod
    def of(cls, terms: np.ndarray, inputs: np.ndarray, n_inputs: int) -> Mean:
        """The mean of one term of each of these inputs out of n_inputs."""
        influence = np.zeros(n_inputs)
        influence[inputs] = (terms - terms.mean()) / len(terms)
        return cls(float(terms.mean()), influence)

    def __add__(self, other: Mean) -> Mean:
        return Mean(self.value + other.value, self.influence + other.influence)

    def __neg__(self) -> Mean:
        return Mean(-self.value, -self.influence)

    def __sub__(self, other: Mean) -> Mean:
        return self + (-other)

    @property
    def stderr(self) -> float:
        return float(np.sqrt(np.square(self.influence).sum()))

    def upper(self, error: float) -> float:
        """What the expectation exceeds with this probability at most."""
        from scipy.special import stdtrit  # not for plans, which import this file

        n, stderr = np.count_nonzero(self.influence), self.stderr
        if stderr == 0:
            return self.value
        t = stdtrit(n - 1, 1 - error)
        skewness = ((self.influence / stderr) ** 3).sum()
        return self.value + stderr * (t + max(0.0, skewness) * (2 * t * t + 1) / 6)

    def lower(self, error: float) -> float:
        """What the expectation falls below with this probability at most."""
        return -(-self).upper(error)


Limit = Callable[[float], float]
"""Of a probability with which it may fail, the limit: `mean.lower`, `mean.upper`."""


def highest(limits: Sequence[Limit], error: float) -> float:
    """The best of several lower limits, which hold together but for this probability."""
    return max(limit(error / len(limits)) for limit in limits)


def lowest(limits: Sequence[Limit], error: float) -> float:
    """The best of several upper limits."""
    return min(limit(error / len(limits)) for limit in limits)


def upper_of_pairs(near: np.ndarray, error: float) -> float:
    """What the expectation of a kernel of two inputs exceeds with this probability at most.

    near (n_inputs,) : of each input the mean over all others of a kernel between 0 and 1.
    Beside the limit of this mean stands what may not have been seen: a share q of the inputs
    that are all alike, of which none is among n with the probability e^−nq, adds q².
    """
    n, mean = len(near), float(near.mean())
    # each pair has two inputs, and so an input moves the mean by twice its own share
    seen = Mean(mean, 2 * (near - mean) / n).upper(error / 2)
    return seen + (math.log(2 / error) / n) ** 2
