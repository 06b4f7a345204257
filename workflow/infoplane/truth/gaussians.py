"""Correlated Gaussians in one to fifty dimensions, from independent to almost equal.

A and B have d coordinates each. A_i and B_i are standard normal with the same correlation ρ for
every i, and nothing else is correlated:
    I(A;B) = −(d/2) log2(1 − ρ²).
"""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.laws import Normal
from infoplane.truth.task import Draw, Family, Prepared, Task, generator


class GaussiansSettings(Settings):
    """Correlated Gaussians."""

    family: Literal["gaussians"] = "gaussians"
    """This family has Gaussians with equal correlation in all dimensions."""
    dimensions: list[Annotated[int, Field(ge=1)]] = Field(
        default=[1, 2, 3, 5, 10, 20, 50], min_length=1
    )
    """A and B have these numbers of dimensions each."""
    information: list[Annotated[float, Field(ge=0, le=20)]] = Field(
        default=[0, 0.5, 1, 2, 3, 5, 8], min_length=1
    )
    """The true I(A;B) has these values, in bits."""


class Gaussians(Family):
    """Correlated Gaussians."""

    Settings = GaussiansSettings
    settings: GaussiansSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """One task for each dimension and true value."""
        return [
            _task(d, float(truth))
            for d in self.settings.dimensions
            for truth in self.settings.information
        ]


def correlation(d: int, truth: float) -> tuple[float, float]:
    """ρ ≥ 0 and √(1 − ρ²) for which d pairs share `truth` bits."""
    rest = 2 ** (-truth / d)
    return math.sqrt((1 - rest) * (1 + rest)), rest


def correlated(n: int, d: int, truth: float, rng: np.random.Generator):
    """n draws of A and of B, (n, d) each; every coordinate of A is correlated with that of
    B."""
    rho, rest = correlation(d, truth)
    a = rng.standard_normal((n, d))
    return a, rho * a + rest * rng.standard_normal((n, d))


def paired(d: int, pairs: int, truth: float) -> np.ndarray:
    """Covariance (2d, 2d) of A and B with d coordinates each; the first `pairs` of both are
    correlated in pairs and share `truth` bits."""
    covariance = np.eye(2 * d)
    at = np.arange(pairs)
    covariance[at, d + at] = covariance[d + at, at] = correlation(pairs, truth)[0]
    return covariance


def _task(d: int, truth: float) -> Task:
    name = f"{d}-d, {truth:g} bit"

    def draw(n: int, seed: int) -> Draw:
        a, b = correlated(n, d, truth, generator(f"gaussians {name}", n, seed))
        return Draw(Pair.of(a, b, name))

    law = Normal(paired(d, d, truth), d)
    return Task(name, "continuous", d, d, truth, draw, law=law)
