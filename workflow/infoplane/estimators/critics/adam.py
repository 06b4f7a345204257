"""Adam on one tensor of weights, which may belong to many networks.

Source: Kingma & Ba 2015, ICLR, algorithm 1, reordered as at the end of section 2. torch's own
optimizer is as fast, but its first use imports a compiler, which takes each process 1.4
seconds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

DECAYS = (0.9, 0.999)
"""Decay rates of the running means of the slopes and of their squares."""

EPSILON = 1e-8
"""Added to the root of the mean square."""


class Adam:
    """The running moments of the slopes of a tensor of weights."""

    def __init__(self, values: Tensor):
        self.mean = torch.zeros_like(values)
        self.square = torch.zeros_like(values)
        self.n_steps = 0

    def step(self, values: Tensor, slopes: Tensor, rate: float) -> None:
        """Takes a step of `values` down the slopes, which have the same shape."""
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
        """Keeps only the moments of these rows of the weights."""
        self.mean, self.square = self.mean[chosen], self.square[chosen]
