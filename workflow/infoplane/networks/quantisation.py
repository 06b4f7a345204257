"""Quantised weights and activations, in training and in measurement (Lorenzen, Igel & Nielsen
2022, ICLR; the training is that of Jacob et al. 2018, CVPR, sections 2 and 3).

b bits are 2^b equally spaced values from the lower to the upper end of a range, both included.
A number becomes the nearest of them; its gradient passes unchanged (Bengio et al. 2013, arXiv
1308.3432). Numbers beyond a measured range are clipped and have no gradient. Equal codes have
equal bits, so that counting equal rows of activations counts codes. (This rules out x +
(grid(x) − x).detach(), whose sum rounds. torch's own fake quantisation gives the same numbers
and takes two to four times as long on these small stacked arrays.)
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from pydantic import Field, model_validator

from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor

RANGES = {"tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
"""Ranges of bounded activation functions; the ranges of others are measured."""
PLAIN = 32
"""The bits of a float32, which mean no quantisation."""


class Settings(BaseSettings):
    """Quantised hidden activations and weights, in training and in measurement."""

    bits: int = Field(ge=1, le=32)
    """An activation, and a weight, can have 2^b values for b from 1 to 16; 32 leaves float32
    unchanged. The values lie on [−1, 1] for tanh and softsign, on [0, 1] for sigmoid, and for
    other functions between the smallest (at most 0) and the largest output on training inputs,
    measured after every epoch. The measured output has them on [0, 1]; inputs and biases stay
    unchanged."""
    weights: bool = True
    """`true` quantises weights too, on [−m, m], where m is the largest absolute weight of the
    matrix."""

    @model_validator(mode="after")
    def _possible(self):
        if 16 < self.bits < PLAIN:
            raise ValueError(f"bits is 1 to 16, or 32 for none, not {self.bits}")
        return self


def on_grid(values: Tensor, low: Tensor | float, high: Tensor | float, bits: int) -> Tensor:
    """The nearest of 2^b values from low to high, with the gradient of clipping to that range.

    low, high : numbers, or (S, 1, …) for values (S, …)
    """
    return _grid().apply(values, low, high, 2**bits - 1, isinstance(low, torch.Tensor))


def weights_on_grid(weights: Tensor, bits: int) -> Tensor:
    """Arrays (S, …), each on the symmetric grid up to its own largest |weight|."""
    largest = weights.detach().abs().amax(dim=tuple(range(1, weights.ndim)), keepdim=True)
    return _grid().apply(weights, -largest, largest, 2**bits - 1, False)


def range_of(outputs: Tensor) -> Tensor:
    """The range (S, 2) of a layer's outputs (S, units, n), which includes 0."""
    low, high = torch.aminmax(outputs.detach().flatten(1), dim=1)
    return torch.stack([low.clamp(max=0), high.clamp(min=0)], dim=1)


@cache
def _grid():
    """Made at its first use: its base class is torch's, and settings do not need torch."""

    class Grid(torch.autograd.Function):
        """Rounds forwards; backwards, it passes gradients within the range."""

        @staticmethod
        def forward(ctx, values, low, high, n_steps, clips):
            step = (high - low) / n_steps
            if isinstance(step, torch.Tensor):  # a layer of zeros has a grid too, of zeros
                step = step.clamp(min=1e-30)
            ctx.clips = clips  # if numbers can lie beyond the range
            if clips:
                ctx.save_for_backward((values >= low) & (values <= high))
            codes = (values - low).div_(step).round_().clamp_(0, n_steps)
            return codes.mul_(step).add_(low)

        @staticmethod
        def backward(ctx, gradient):
            if ctx.clips:
                gradient = gradient * ctx.saved_tensors[0]
            return gradient, None, None, None, None

    return Grid
