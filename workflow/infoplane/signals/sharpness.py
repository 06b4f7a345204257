"""What the signals of sharpness share: settings, directions, and losses near a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from pydantic import Field

from infoplane import streams
from infoplane.settings import Settings
from infoplane.signals.interface import NotMeasurable
from infoplane.signals.trained import Trained, norm

Arrays: TypeAlias = "Mapping[str, torch.Tensor]"
DIRECTIONS = 0x73686172
"""Part of the directions' seed, so that they do not depend on the order of inputs."""
LEAST, MOST = 1e-6, 1e3
"""The deviation is searched between these."""
ACCURACY = 0.01
"""Relative error of the deviation."""
GUESS, BESIDE, SMALL = 0.02, 0.05, 1e-3
"""GUESS is the first deviation to try. BESIDE: each further one goes this much beyond the
expected crossing, in its logarithm. SMALL: rises below this share of `rise` count as this
share, and rises above its inverse as the inverse."""


class SharpnessSettings(Settings):
    """Settings of all signals of sharpness."""

    inputs: int = Field(default=256, ge=2)
    """The losses of this many training inputs are compared, drawn at random, or all if there
    are fewer."""
    seed: int = Field(default=0, ge=0)
    """The inputs and directions are drawn with this seed."""


class RandomSettings(SharpnessSettings):
    """Settings of signals of sharpness in random directions."""

    rise: float = Field(default=0.1, gt=0)
    """The loss must rise by this many nats on average over directions."""
    draws: int = Field(default=4, ge=1)
    """The loss is averaged over this many random directions."""


def random_sharpness(trained: Trained, settings: RandomSettings, scales: Arrays) -> float:
    """1/σ², where noise of deviation σ · scales on the parameters raises the loss by `rise`, on
    average over `draws` directions that are the same at every σ.

    scales : (1, *shape) by parameter
    Raises NotMeasurable if no σ between LEAST and MOST does that.
    """
    from scipy.optimize import brentq  # here: code that only reads settings does without it

    x, y = trained.some(settings.inputs, settings.seed)
    source = streams.of_training(settings.seed, DIRECTIONS)
    directions = [
        {
            name: scale * torch.randn(scale.shape, generator=source).to(scale)
            for name, scale in scales.items()
        }
        for _ in range(settings.draws)
    ]
    found: dict[float, float] = {}
    with torch.no_grad():
        here = float(trained.loss(trained.weights, x, y))

        def beyond(log_sigma: float) -> float:
            """ln of the rise at this ln σ, minus ln of the requested rise."""
            if log_sigma not in found:
                sigma = math.exp(log_sigma)
                losses = [
                    float(trained.loss(moved(trained, d, sigma), x, y)) for d in directions
                ]
                rise = (sum(losses) / len(losses) - here) / settings.rise
                rise = rise if math.isfinite(rise) else 1 / SMALL
                found[log_sigma] = math.log(min(max(rise, SMALL), 1 / SMALL))
            return found[log_sigma]

        low, high = _around(beyond)
        return math.exp(-2 * brentq(beyond, low, high, xtol=ACCURACY))


def _around(beyond: Callable[[float], float]) -> tuple[float, float]:
    """ln σ on both sides of the crossing: the first guess, then steps that assume that the loss
    rises as σ², and go a little further."""
    guess, low, high = math.log(GUESS), None, None
    while low is None or high is None:
        value = beyond(guess)
        if value <= 0:
            low = guess
        else:
            high = guess
        guess -= value / 2 + math.copysign(BESIDE, value)
        if not math.log(LEAST) <= guess <= math.log(MOST):
            raise NotMeasurable(
                f"no noise of deviation {LEAST:g} to {MOST:g} raises the loss by `rise`"
            )
    return low, high


def steepest_sharpness(
    trained: Trained, settings: SharpnessSettings, radius: float, scales: Arrays | None
) -> float:
    """L(w + ε) − L(w) at ε = ρ s² g / ‖s g‖, with g the gradient and s the scales, or 1. There
    a linear loss is largest under ‖ε / s‖ ≤ ρ.

    Raises NotMeasurable if the gradient is 0.
    """
    x, y = trained.some(settings.inputs, settings.seed)
    key = ("gradient", settings.inputs, settings.seed)
    gradient = trained.remember(key, lambda: trained.gradient(x, y))
    scaled = gradient
    if scales is not None:
        scaled = {name: g * scales[name] for name, g in gradient.items()}
    length = norm(scaled.values())
    if not length:
        raise NotMeasurable("the gradient is 0")
    if scales is not None:
        scaled = {name: g * scales[name] for name, g in scaled.items()}
    with torch.no_grad():
        here = trained.loss(trained.weights, x, y)
        there = trained.loss(moved(trained, scaled, radius / length), x, y)
    return float(there) - float(here)


def magnitudes(trained: Trained) -> dict[str, torch.Tensor]:
    """|w| of each parameter."""
    return {name: array.abs() for name, array in trained.parameters.items()}


def ones(trained: Trained) -> dict[str, torch.Tensor]:
    """1 for each parameter."""
    return {name: torch.ones_like(array) for name, array in trained.parameters.items()}


def moved(trained: Trained, direction: Arrays, by: float) -> dict[str, torch.Tensor]:
    """Weights moved in a direction; `by` : how far"""
    arrays = trained.weights
    new = {name: torch.add(arrays[name], d, alpha=by) for name, d in direction.items()}
    return {**arrays, **new}
