"""Confidence limits of means over inputs, and of sums and differences of such means.

A statistic is kept with the influence of each input on it (Hampel 1974). For a mean over some
inputs, the influence of an input is the deviation of its term from the mean, divided by their
number. Influences of a sum of statistics add up, so that common parts of a difference cancel.

With s² the sum of the squared influences and g s³ the sum of their cubes, the limit on a side
is
    value ± s · (t + max(0, ±g) (2t² + 1) / 6),
where t is the quantile of the Student distribution. The second term is the first term of the
expansion of a studentised mean in its skewness (Johnson 1978, J. Am. Stat. Assoc. 73, 536; Hall
1992); it is used only if it widens the interval. The limits assume that the inputs are
independent and that the mean of so many terms is nearly normal. They use no bound on the terms,
because none is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Mean(NamedTuple):
    """A mean with its influences.

    value : the measured mean; influence : (n_inputs,), that of each input; they sum to 0
    """

    value: float
    influence: np.ndarray

    @classmethod
    def of(cls, terms: np.ndarray, inputs: np.ndarray, n_inputs: int) -> Mean:
        """The mean of terms, one for each of the chosen `inputs` out of n_inputs."""
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
        """The upper limit, which the expectation exceeds with at most this probability."""
        from scipy.special import stdtrit  # not for plans, which import this file

        n, stderr = np.count_nonzero(self.influence), self.stderr
        if stderr == 0:
            return self.value
        t = stdtrit(n - 1, 1 - error)
        skewness = ((self.influence / stderr) ** 3).sum()
        return self.value + stderr * (t + max(0.0, skewness) * (2 * t * t + 1) / 6)

    def lower(self, error: float) -> float:
        """The lower limit: the expectation is below it with at most this probability."""
        return -(-self).upper(error)


Limit = Callable[[float], float]
"""A limit as a function of the probability with which it may fail: mean.lower, mean.upper."""


def highest(limits: Sequence[Limit], error: float) -> float:
    """The best of several lower limits; with at least 1 − error, all of them are valid."""
    return max(limit(error / len(limits)) for limit in limits)


def lowest(limits: Sequence[Limit], error: float) -> float:
    """The best of several upper limits; with at least 1 − error, all of them are valid."""
    return min(limit(error / len(limits)) for limit in limits)


def upper_of_pairs(near: np.ndarray, error: float) -> float:
    """An upper limit of the expectation of a kernel of two inputs, which the expectation
    exceeds with at most this probability.

    near : (n_inputs,), for each input the mean of a kernel between 0 and 1 over all others
    The limit of this mean is increased for inputs that may be missing: if a share q of the
    population consists of equal inputs, none of them is among n inputs with the probability
    e^−nq, and the share adds q².
    """
    n, mean = len(near), float(near.mean())
    # each pair has two inputs, so an input moves the mean by twice its own share
    seen = Mean(mean, 2 * (near - mean) / n).upper(error / 2)
    return seen + (math.log(2 / error) / n) ** 2
