"""Sparse normals of 1 to 10 nats, for which peers published their estimates on 10⁴ samples.

`pairs` coordinates of A are each correlated with one of B, equally; the others are noise:
    I(A;B) = −(pairs/2) ln(1 − ρ²).
The publications (PUBLISHED) do not say which distribution was measured. The shapes here go from
the easiest to the hardest, and the published KSG lies between the last two.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from infoplane.samples import BIT, Pair
from infoplane.settings import Settings
from infoplane.truth.gaussians import correlated, paired
from infoplane.truth.laws import Normal
from infoplane.truth.task import Draw, Family, Prepared, Task, generator

NATS = tuple(range(1, 11))
PUBLISHED = {
    "ksg": (1.00, 1.95, 2.82, 3.55, 4.17, 4.73, 5.23, 5.66, 5.99, 6.21),
    "infonce": (0.98, 1.97, 2.94, 3.86, 4.70, 5.37, 5.81, 6.02, 6.09, 6.11),
}
"""Estimates in nats by peers' implementations on 10⁴ samples of 1 … 10 nats: KSG with its best
settings, InfoNCE with batches of 512 (and so at most ln 512 = 6.24)."""


class Shape(Settings):
    """Dimensions, and the number of correlated ones."""

    dimensions: int = Field(ge=1)
    """A and B have this many dimensions each."""
    pairs: int = Field(ge=1)
    """This many coordinates of A are each correlated with one of B."""

    @model_validator(mode="after")
    def _enough_dimensions(self):
        if self.pairs > self.dimensions:
            raise ValueError(
                f"{self.pairs} pairs need {self.pairs} dimensions, not {self.dimensions}"
            )
        return self


class HighInformationSettings(Settings):
    """Sparse normals of high information."""

    family: Literal["high_information"] = "high_information"
    """This family has sparse normals with the information for which peers published
    estimates."""
    shapes: list[Shape] = Field(
        default=[
            Shape(dimensions=1, pairs=1),
            Shape(dimensions=2, pairs=2),
            Shape(dimensions=3, pairs=3),
            Shape(dimensions=3, pairs=2),
        ],
        min_length=1,
    )
    """Each entry has the dimensions and the number of correlated pairs of a normal."""
    nats: list[Annotated[float, Field(ge=0, le=12)]] = Field(default=list(NATS), min_length=1)
    """The true I(A;B) has these values, in nats as in the publications."""


class HighInformation(Family):
    """Sparse normals of high information."""

    Settings = HighInformationSettings
    settings: HighInformationSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """One task for each shape and true value."""
        return [
            _task(shape, nats) for shape in self.settings.shapes for nats in self.settings.nats
        ]


def shape_name(shape: Shape) -> str:
    """ "3 × 3, 2 pairs"."""
    pairs = "1 pair" if shape.pairs == 1 else f"{shape.pairs} pairs"
    return f"{shape.dimensions} × {shape.dimensions}, {pairs}"


def _task(shape: Shape, nats: float) -> Task:
    name = f"{shape_name(shape)}, {nats:g} nat"
    d, truth = shape.dimensions, BIT * nats

    def draw(n: int, seed: int) -> Draw:
        rng = generator(f"high_information {name}", n, seed)
        a, b = correlated(n, shape.pairs, truth, rng)
        noise = rng.standard_normal((2, n, d - shape.pairs))
        return Draw(Pair.of(np.hstack([a, noise[0]]), np.hstack([b, noise[1]]), name))

    law = Normal(paired(d, shape.pairs, truth), d)
    return Task(name, "continuous", d, d, truth, draw, law=law)
