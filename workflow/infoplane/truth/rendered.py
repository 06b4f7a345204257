"""Numbers drawn as images: what two numbers share, their images share, and not a bit more.

A and B are standard normal with correlation ρ, so that I(A;B) = −½ log2(1 − ρ²). Each is shown
as it is, or as an image with one bright spot whose place along a line is Φ(a), Φ the normal
distribution function. A number can be read from its image and the image drawn from the number,
and information does not change under maps that are one-to-one:
    I(image of A; image of B) = I(A;B).
The same task in one dimension and in side² pixels tells what images cost an estimator (after
Butakov et al. 2024, ICLR, section 5, who draw Gaussians as images of spots and rectangles).
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
    shown: list[Literal["numbers", "images"]] = Field(
        default=["numbers", "images"], min_length=1
    )
    """numbers: A and B as they are; images: a bright spot at the place of each."""
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


def image(values: np.ndarray, side: int) -> np.ndarray:
    """(n, side²) images of the numbers (n,), brightness 0 to 1: a spot in the middle row, the
    further to the right the larger the number."""
    pixels = np.arange(side)
    place = (MARGIN + (1 - 2 * MARGIN) * ndtr(values)) * (side - 1)
    across = np.exp(-0.5 * ((pixels - place[:, None]) / (RADIUS * side)) ** 2)
    down = np.exp(-0.5 * ((pixels - (side - 1) / 2) / (RADIUS * side)) ** 2)
    return (down[:, None] * across[:, None]).reshape(len(values), -1).astype(np.float32)


def _task(shown: str, truth: float, side: int) -> Task:
    # One name for the numbers of both: an image task is drawn of the very same numbers.
    name, d = f"{truth:g} bit", 1 if shown == "numbers" else side**2

    def draw(n: int, seed: int) -> Draw:
        a, b = correlated(n, 1, truth, generator(f"rendered {name}", n, seed))
        if shown == "numbers":
            return Draw(Pair.of(a, b, f"{name}, numbers"))
        shapes = ((1, side, side), (1, side, side))
        images = (image(values[:, 0], side) for values in (a, b))
        return Draw(Pair.of(*images, f"{name}, images", shapes))

    return Task(f"{name}, {shown}", "continuous", d, d, truth, draw)
