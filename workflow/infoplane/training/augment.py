"""Training images, cropped and mirrored at random by seed and epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from pydantic import Field, model_validator

from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Settings(BaseSettings):
    """Random changes of the training images, new in every epoch; measured images have none."""

    crop: int = Field(default=0, ge=0)
    """Each side of an image gets this many zeros; then a random part of the image's own size is
    cut out."""
    flip: bool = False
    """`true` mirrors each image left to right with probability ½."""

    @model_validator(mode="after")
    def _something(self):
        if not self.crop and not self.flip:
            raise ValueError("give crop ≥ 1, flip: true, or both; or leave augment out")
        return self


class Drawn(NamedTuple):
    """The changes of an epoch's images, in training order.

    shift : (S, n, 2) first row and column that is cut; flip : (S, n)
    """

    shift: Tensor
    flip: Tensor

    def rows(self, first: int, stop: int) -> Drawn:
        """The changes of a mini-batch."""
        return Drawn(self.shift[:, first:stop], self.flip[:, first:stop])


def draw(settings: Settings, n: int, sources: Sequence[torch.Generator], device) -> Drawn:
    """Changes for n images of S networks; each source gives one network's."""
    shift, flip = [], []
    for source in sources:
        shift.append(torch.randint(2 * settings.crop + 1, (n, 2), generator=source))
        flip.append((torch.rand(n, generator=source) < 0.5) & settings.flip)
    return Drawn(torch.stack(shift).to(device), torch.stack(flip).to(device))


def augmented(x: Tensor, settings: Settings, drawn: Drawn) -> Tensor:
    """The changed images x (S, n, channels, height, width)."""
    height, width = x.shape[3:]
    x = torch.nn.functional.pad(x, [settings.crop] * 4)
    rows = drawn.shift[..., :1] + torch.arange(height, device=x.device)  # (S, n, height)
    columns = torch.arange(width, device=x.device).expand(*drawn.flip.shape, width)
    columns = torch.where(drawn.flip[..., None], columns.flip(-1), columns)
    columns = drawn.shift[..., 1:] + columns
    x = x.take_along_dim(rows[:, :, None, :, None], dim=3)
    return x.take_along_dim(columns[:, :, None, None, :], dim=4)
