"""Numbers drawn as images: two images share exactly as much information as their numbers.

A and B are standard normal with correlation ρ, so that I(A;B) = −½ log2(1 − ρ²). Each is shown
as it is, or as an image with one bright spot whose column is Φ(a), Φ the normal distribution
function. A number can be read from its image and the image drawn from the number, and
information does not change under one-to-one maps:
    I(image of A; image of B) = I(A;B).
This is also true if the row of each spot is random: the rows of both images are independent of
each other and of the numbers, and add nothing. The same task in one dimension and in side²
pixels shows what images cost an estimator (after Butakov et al. 2024, ICLR, section 5, who draw
Gaussians as images of spots and rectangles); random rows show the cost of irrelevant variation.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.special import ndtr

from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.gaussians import correlated
from infoplane.truth.task import Draw, Family, Prepared, Task, generator

MARGIN = 0.2
"""The spot keeps this share of the side from either end of its row."""
RADIUS = 0.08
"""Standard deviation of the spot's brightness, as a share of the side."""


class RenderedSettings(Settings):
    """Numbers drawn as images."""

    family: Literal["rendered"] = "rendered"
    """This family has pairs of correlated normal numbers, as they are and drawn as images."""
    information: list[Annotated[float, Field(ge=0, le=20)]] = Field(
        default=[0, 0.5, 1, 2, 3], min_length=1
    )
    """The true I(A;B) has these values, in bits."""
    shown: list[Literal["numbers", "images", "moved"]] = Field(
        default=["numbers", "images", "moved"], min_length=1
    )
    """A and B are shown in these ways: numbers takes them as they are, images draws a bright
    spot in the middle row, at the column of the number, and moved the same in a random row."""
    side: int = Field(default=16, ge=8)
    """An image has this height and width in pixels."""


class Rendered(Family):
    """Numbers, and images of them."""

    Settings = RenderedSettings
    settings: RenderedSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """One task for each true value and way to show it."""
        return [
            _task(shown, float(truth), self.settings.side)
            for truth in self.settings.information
            for shown in self.settings.shown
        ]


def image(values: np.ndarray, side: int, rows: np.ndarray | float = 0.5) -> np.ndarray:
    """Images (n, side²) of the numbers (n,), with brightness 0 to 1: a spot that is further to
    the right for larger numbers. rows : (n,) or one number, 0 at the top to 1 at the bottom"""
    across = _bump(ndtr(values), side)
    down = _bump(np.broadcast_to(rows, len(values)), side)
    return (down[:, :, None] * across[:, None]).reshape(len(values), -1).astype(np.float32)


def _bump(places: np.ndarray, side: int) -> np.ndarray:
    """Brightness (n, side) along a line with a spot at each place (n,) in [0, 1]."""
    centres = (MARGIN + (1 - 2 * MARGIN) * places) * (side - 1)
    return np.exp(-0.5 * ((np.arange(side) - centres[:, None]) / (RADIUS * side)) ** 2)


def _task(shown: str, truth: float, side: int) -> Task:
    # One name for both, so that an image task is drawn from the very same numbers.
    name, d = f"{truth:g} bit", 1 if shown == "numbers" else side**2

    def draw(n: int, seed: int) -> Draw:
        rng = generator(f"rendered {name}", n, seed)
        a, b = correlated(n, 1, truth, rng)
        if shown == "numbers":
            return Draw(Pair.of(a, b, f"{name}, numbers"))
        rows = rng.random((2, n)) if shown == "moved" else (0.5, 0.5)
        images = (image(v[:, 0], side, r) for v, r in zip((a, b), rows, strict=True))
        shapes = ((1, side, side), (1, side, side))
        return Draw(Pair.of(*images, f"{name}, {shown}", shapes))

    return Task(f"{name}, {shown}", "continuous", d, d, truth, draw)
