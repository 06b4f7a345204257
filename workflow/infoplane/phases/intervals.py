"""Means over networks with Student's interval."""

from typing import NamedTuple

import numpy as np
import scipy

CONFIDENCE = 0.95
"""Share of experiments whose interval holds the true mean."""
RESOLUTION = 1e-3
"""Differences up to this many bits count as rounding errors."""


class Estimate(NamedTuple):
    """A mean over networks, and the interval of the true mean.

    lower, upper : NaN for fewer than 2 values; n : number of networks
    """

    mean: float
    lower: float
    upper: float
    n: int

    @property
    def is_positive(self) -> bool | None:
        """Whether the interval lies above zero; None if there is no interval."""
        return None if np.isnan(self.lower) else bool(self.lower > RESOLUTION)


def mean_of(values: np.ndarray, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of independent values and mean ± t · sd / √n, in their unit.

    values : (n,), NaN left out; t : Student's, with n − 1 degrees of freedom
    """
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    n = len(values)
    if n < 2:
        return Estimate(float(values[0]) if n else np.nan, np.nan, np.nan, n)
    mean = float(values.mean())
    half = float(half_widths(values, confidence))
    return Estimate(mean, mean - half, mean + half, n)


def half_widths(values: np.ndarray, confidence: float) -> np.ndarray:
    """Half the widths of the intervals of means over the first axis.

    values : (n, ...), n ≥ 2, all finite
    """
    n = len(values)
    quantile = scipy.special.stdtrit(n - 1, (1 + confidence) / 2)
    return quantile * values.std(axis=0, ddof=1) / np.sqrt(n)
