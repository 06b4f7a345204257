"""One-to-one maps of samples (n, d), by coordinate or jointly; none of them changes I(A;B).

They are from the Beyond Normal benchmark: Czyż, Grabowski, Vogt, Beerenwinkel, Marx 2023,
"Beyond Normal: On the Evaluation of Mutual Information Estimators", section 3 and appendix.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

Map = Callable[[np.ndarray], np.ndarray]


def identity(x: np.ndarray) -> np.ndarray:
    return x


def normal_cdf(x: np.ndarray) -> np.ndarray:
    """Φ(x): standard normal margins become uniform."""
    return ndtr(x)


def half_cube(x: np.ndarray) -> np.ndarray:
    """sign(x) |x|^(3/2): longer tails."""
    return x * np.sqrt(np.abs(x))


def asinh(x: np.ndarray) -> np.ndarray:
    """asinh(x): shorter tails."""
    return np.arcsinh(x)


def wiggly_a(x: np.ndarray) -> np.ndarray:
    """x plus waves; the result is increasing, with a slope of at least 0.16."""
    return x + 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1) + 0.03 * np.sin(3.3 * x - 2.5)


def wiggly_b(x: np.ndarray) -> np.ndarray:
    """x plus other waves; the slope is at least 0.53."""
    waves = -0.4 * np.sin(0.4 * x) + 0.17 * np.sin(1.3 * x + 3.5)
    return x + waves + 0.02 * np.sin(4.3 * x - 2.5)


def bimodal(weight: float, low: float, high: float) -> Map:
    """Uniform margins become mixtures weight · N(low, 1) + (1 − weight) · N(high, 1).

    The map is the inverse of the mixture's distribution function, by bisection to 1e-12.
    """

    def mixture(x: np.ndarray) -> np.ndarray:
        return weight * ndtr(x - low) + (1 - weight) * ndtr(x - high)

    def quantile(u: np.ndarray) -> np.ndarray:
        below = np.full_like(u, min(low, high) - 40.0)
        above = np.full_like(u, max(low, high) + 40.0)
        for _ in range(60):
            middle = (below + above) / 2
            less = mixture(middle) < u
            below, above = np.where(less, middle, below), np.where(less, above, middle)
        return (below + above) / 2

    return quantile


def swiss_roll(u: np.ndarray) -> np.ndarray:
    """Points of [0, 1], (n, 1), rolled up in the plane, (n, 2)."""
    angle = 1.5 * np.pi * (1 + 2 * u[:, 0])
    return np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 21


def spiral(first: int, second: int, speed: float) -> Map:
    """Rotates the plane of two coordinates by speed · ‖x‖²; one-to-one, as ‖x‖ is unchanged."""

    def turn(x: np.ndarray) -> np.ndarray:
        angle = speed * np.square(x).sum(axis=1)
        turned = x.copy()
        turned[:, first] = np.cos(angle) * x[:, first] - np.sin(angle) * x[:, second]
        turned[:, second] = np.sin(angle) * x[:, first] + np.cos(angle) * x[:, second]
        return turned

    return turn
