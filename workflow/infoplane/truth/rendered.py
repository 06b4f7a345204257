"""Numbers drawn as images: what two numbers share, their images share, and not a bit more.

A and B are standard normal with correlation ρ, so that I(A;B) = −½ log2(1 − ρ²). Each is shown
as it is, or as an image with one bright spot whose column is Φ(a), Φ the normal distribution
function. A number can be read from its image and the image drawn from the number, and
information does not change under maps that are one-to-one:
    I(image of A; image of B) = I(A;B).
The same holds where the row of each spot is random: the rows of both images are independent of
one another and of the numbers, and add nothing. The same task in one dimension and in side²
pixels tells what images cost an estimator (after Butakov et al. 2024, ICLR, section 5, who draw
Gaussians as images of spots and rectangles), and what it costs that images differ in what has
nothing to do with the question.
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
"""Share of the side that the spot keeps from either end of its line."""
RADIUS = 0.08
"""Standard deviation of the spot's brightness, as a share of the side."""


class RenderedSettings(Settings):
    """Numbers drawn as images."""

    family: Literal["rendered"] = "rendered"
    """Pairs of correlated normal numbers, as they are and drawn as images."""
    information: list[Annotated[float, Field(ge=0, le=20)]] = Field(
        default=[0, 0.5, 1, 2, 3], min_length=1
    )
    """True I(A;B) in bits."""
    shown: list[Literal["numbers", "images", "moved"]] = Field(
        default=["numbers", "images", "moved"], min_length=1
    )
    """numbers: A and B as they are; images: a bright spot in the middle row, at the column of
    each; moved: the same in a random row of each image."""
    side: int = Field(default=16, ge=8)
    """Height and width of an image in pixels."""


class Rendered(Family):
    """Numbers, and images of them."""

    Settings = RenderedSettings
    settings: RenderedSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """One task a true value and way to show it."""
        return [
            _task(shown, float(truth), self.settings.side)
            for truth in self.settings.information
            for shown in self.settings.shown
        ]


def image(values: np.ndarray, side: int, rows: np.ndarray | float = 0.5) -> np.ndarray:
    """(n, side²) images of the numbers (n,), brightness 0 to 1: a spot, the further to the
    right the larger the number. rows : (n,) or one, from 0 at the top to 1; 0.5: the middle"""
    across = _bump(ndtr(values), side)
    down = _bump(np.broadcast_to(rows, len(values)), side)
    return (down[:, :, None] * across[:, None]).reshape(len(values), -1).astype(np.float32)


def _bump(places: np.ndarray, side: int) -> np.ndarray:
    """(n, side) brightness along a line, of a spot at each place (n,) of [0, 1]."""
    centres = (MARGIN + (1 - 2 * MARGIN) * places) * (side - 1)
    return np.exp(-0.5 * ((np.arange(side) - centres[:, None]) / (RADIUS * side)) ** 2)


def _task(shown: str, truth: float, side: int) -> Task:
    # One name for the numbers of both: an image task is drawn of the very same numbers.
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
