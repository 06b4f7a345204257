"""Training inputs of a denoising autoencoder: with noise, or with numbers left out, at random
by seed and epoch (Vincent et al. 2010). The network learns to reconstruct the unchanged inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from infoplane.networks.functions import Keyed
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor


class Settings(BaseSettings):
    """Random changes of training inputs, new in every epoch; measured inputs have none."""

    sigma: float = Field(default=0, ge=0)
    """Every number of an input gets Gaussian noise of this standard deviation, in its units."""
    masked: float = Field(default=0, ge=0, lt=1)
    """This share of an input's numbers is set to 0."""

    @model_validator(mode="after")
    def _something(self):
        if not self.sigma and not self.masked:
            raise ValueError("give sigma > 0, masked > 0, or both; or leave denoise out")
        return self


def corrupted(x: Tensor, settings: Settings, drawn: Keyed) -> Tensor:
    """The changed inputs x (S, n, *shape). drawn : random numbers of these rows"""
    shape = x.shape[2:]
    if settings.sigma:
        x = x + settings.sigma * drawn.normal("input", shape)
    if settings.masked:
        x = x * (drawn.kept("input", shape, settings.masked) > 0)
    return x
