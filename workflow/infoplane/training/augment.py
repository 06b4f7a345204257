"""Images as they are shown in training: cut out anew and mirrored, drawn by seed and epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from pydantic import Field, model_validator

from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Settings(BaseSettings):
    """Changes of the training images, drawn anew in every epoch; measured images have none."""

    crop: int = Field(default=0, ge=0)
    """Each side of an image gets this many zeros, and a part of the image's own size is cut out
    at random."""
    flip: bool = False
    """`true` mirrors every second image, drawn at random, left to right."""

    @model_validator(mode="after")
    def _something(self):
        if not self.crop and not self.flip:
            raise ValueError("give crop ≥ 1, flip: true, or both; or leave augment out")
        return self


class Drawn(NamedTuple):
    """What is done to the images of an epoch, in the order in which they are shown.

    shift : (S, n, 2) first row and column that is cut; flip : (S, n)
    """

    shift: Tensor
    flip: Tensor

    def rows(self, first: int, stop: int) -> Drawn:
        """Those of a mini-batch."""
        return Drawn(self.shift[:, first:stop], self.flip[:, first:stop])


def draw(settings: Settings, n: int, sources: Sequence[torch.Generator], device) -> Drawn:
    """For n images of S networks, one from each source."""
    shift, flip = [], []
    for source in sources:
        shift.append(torch.randint(2 * settings.crop + 1, (n, 2), generator=source))
        flip.append((torch.rand(n, generator=source) < 0.5) & settings.flip)
    return Drawn(torch.stack(shift).to(device), torch.stack(flip).to(device))


def augmented(x: Tensor, settings: Settings, drawn: Drawn) -> Tensor:
    """Images x (S, n, channels, height, width), changed."""
    height, width = x.shape[3:]
    x = torch.nn.functional.pad(x, [settings.crop] * 4)
    rows = drawn.shift[..., :1] + torch.arange(height, device=x.device)  # (S, n, height)
    columns = torch.arange(width, device=x.device).expand(*drawn.flip.shape, width)
    columns = torch.where(drawn.flip[..., None], columns.flip(-1), columns)
    columns = drawn.shift[..., 1:] + columns
    x = x.take_along_dim(rows[:, :, None, :, None], dim=3)
    return x.take_along_dim(columns[:, :, None, None, :], dim=4)
