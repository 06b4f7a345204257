"""Noise on the outputs of a network's hidden layers (Goldfeld et al. 2019, arXiv 1810.05728).

T = S + σZ, Z standard normal: S is the layer's output, computed from the noisy output of the
layer before. Z has the units of a layer along its second axis and inputs along its last,
(S, units, n), as hidden layers have (`mlp.affine`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import torch
from pydantic import Field

from infoplane.networks.network import Draws
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.networks.network import Weights


class Settings(BaseSettings):
    """Gaussian noise after every hidden layer, on in training and in measurement."""

    sigma: float = Field(gt=0)
    """Standard deviation σ on every unit: in units of activation, or of the layer's scale."""
    relative: bool = False
    """σ is a multiple of the layer's scale: the root mean square over its units of their
    standard deviations over training inputs, measured at the end of every epoch."""


class Noise(Draws):
    """Standard normal numbers (S, units, n) by layer, and what dropout draws, if anything."""

    def __init__(self, of: Mapping[str, Tensor], masks: Draws | None = None):
        self.of, self.masks = of, masks

    def rows(self, first: int, stop: int) -> Noise:
        part = {name: z[:, :, first:stop] for name, z in self.of.items()}
        return Noise(part, self.masks and self.masks.rows(first, stop))


def sigma(settings: Settings, weights: Weights, layer: str) -> Tensor:
    """Standard deviation of a layer's noise, (S,)."""
    if settings.relative:
        return settings.sigma * weights[f"{layer}.scale"][:, 0].detach()
    like = weights["output.bias"]
    return like.new_full(like.shape[:1], settings.sigma)


def scale(outputs: Tensor) -> Tensor:
    """The layer's scale (S,), of its outputs before noise (S, units, n)."""
    return outputs.var(dim=2, correction=0).mean(dim=1).sqrt()


def draw(
    widths: Mapping[str, int],
    n: int,
    sources: Iterable[torch.Generator],
    device: torch.device | str,
) -> Noise:
    """Noise of layers of these widths for n inputs, one of the S from each source.

    The numbers are drawn on the CPU, so that they are the same on every device.
    """
    total = sum(widths.values())
    drawn = [torch.randn(total, n, generator=s, dtype=torch.float32) for s in sources]
    parts = torch.stack(drawn).to(device).split(list(widths.values()), dim=1)
    return Noise(dict(zip(widths, parts, strict=True)))
