"""Adam on one tensor of weights, as many networks as it may hold.

Source: Kingma & Ba 2015, ICLR, algorithm 1 with the rewriting at the end of section 2. torch's
own optimizer is as fast, but its first use imports a compiler: 1.4 seconds a process.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

DECAYS = (0.9, 0.999)
"""Of the means of slopes and of their squares."""

EPSILON = 1e-8
"""Added to the root of the mean square."""


class Adam:
    """Moments of the slopes of a tensor of weights."""

    def __init__(self, values: Tensor):
        self.mean = torch.zeros_like(values)
        self.square = torch.zeros_like(values)
        self.n_steps = 0

    def step(self, values: Tensor, slopes: Tensor, rate: float) -> None:
        """Moves `values` down the slopes, of the same shape."""
        self.n_steps += 1
        of_mean, of_square = DECAYS
        self.mean.lerp_(slopes, 1 - of_mean)
        self.square.mul_(of_square).addcmul_(slopes, slopes, value=1 - of_square)
        correction = math.sqrt(1 - of_square**self.n_steps)
        spread = self.square.sqrt().add_(EPSILON * correction)
        values.addcdiv_(
            self.mean, spread, value=-rate * correction / (1 - of_mean**self.n_steps)
        )

    def keep(self, chosen: Tensor) -> None:
        """Goes on with these rows of the weights alone."""
        self.mean, self.square = self.mean[chosen], self.square[chosen]
