"""Noise on the outputs of a network's hidden layers (Goldfeld et al. 2019, arXiv 1810.05728).

T = S + σZ, Z standard normal: S is the layer's output, computed from the noisy output of the
layer before. Multiplicative noise, T = S + σ|S|Z, has the distribution of S · N(1, σ²):
Gaussian dropout (Srivastava et al. 2014, JMLR 15, section 10), which keeps I(X;T) finite
(Adilova, Geiger & Fischer 2023, arXiv 2303.00596). In `Noise`, Z has the units of a layer along
its second axis and inputs along its last, (S, units, n), as hidden layers have (`mlp.affine`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from pydantic import Field, model_validator

from infoplane.networks.network import Draws, Misfit
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.networks.network import Weights


class Settings(BaseSettings):
    """Gaussian noise after hidden layers, in training and in measurement."""

    sigma: float = Field(gt=0)
    """Each unit has noise of this standard deviation σ: in units of activation, or of the
    layer's scale (`relative`), or of the number's own size (`multiplicative`)."""
    relative: bool = False
    """`true` makes σ a multiple of the layer's scale: the root mean square over its units of
    their standard deviations over training inputs, measured at the end of every epoch."""
    multiplicative: bool = False
    """`true` makes σ a share of each number's own size, T = S · N(1, σ²), which is Gaussian
    dropout. A number that is 0 has no noise."""
    layers: list[str] | None = Field(default=None, min_length=1)
    """These hidden layers have noise, by name; null means all of them."""

    @model_validator(mode="after")
    def _of_one_size(self):
        if self.relative and self.multiplicative:
            raise ValueError(
                "relative and multiplicative exclude one another: σ is a share of the layer's "
                "scale, or of each number's own size; leave out one of the two"
            )
        return self

    def among(self, hidden: Sequence[str]) -> tuple[str, ...]:
        """The hidden layers with noise; Misfit for an unknown name."""
        wanted = hidden if self.layers is None else self.layers
        for i, name in enumerate(wanted):
            if name not in hidden:
                text = f"must be one of {', '.join(hidden)}, not '{name}'"
                raise Misfit(("noise", "layers", i), text, of_shape=False)
        return tuple(name for name in hidden if name in wanted)


class Noise(Draws):
    """Standard normal numbers (S, units, n) by layer, and dropout's random numbers, if any."""

    def __init__(self, of: Mapping[str, Tensor], masks: Draws | None = None):
        self.of, self.masks = of, masks

    def rows(self, first: int, stop: int) -> Noise:
        part = {name: z[:, :, first:stop] for name, z in self.of.items()}
        return Noise(part, self.masks and self.masks.rows(first, stop))


def sigma(settings: Settings, weights: Weights, layer: str, outputs: Tensor) -> Tensor:
    """Standard deviation of a layer's noise: (S,), or for each of its outputs (S, …) with
    multiplicative noise."""
    if settings.multiplicative:
        return settings.sigma * outputs.abs()
    if settings.relative:
        return settings.sigma * weights[f"{layer}.scale"][:, 0].detach()
    like = weights["output.bias"]
    return like.new_full(like.shape[:1], settings.sigma)


def scale(outputs: Tensor) -> Tensor:
    """The layer's scale (S,), from its outputs before noise (S, units, n)."""
    return outputs.var(dim=2, correction=0).mean(dim=1).sqrt()


def draw(
    widths: Mapping[str, int],
    n: int,
    sources: Iterable[torch.Generator],
    device: torch.device | str,
) -> Noise:
    """Noise for layers of these widths and n inputs; each of the S sources gives one network's.

    The numbers are drawn on the CPU, so that they are the same on every device.
    """
    total = sum(widths.values())
    drawn = [torch.randn(total, n, generator=s, dtype=torch.float32) for s in sources]
    parts = torch.stack(drawn).to(device).split(list(widths.values()), dim=1)
    return Noise(dict(zip(widths, parts, strict=True)))
