"""Labels and continuous variables: Gaussian classes in 1 to 50 dimensions.

2^m equally likely classes are at the corners of a cube with edge δ in m of the d dimensions,
A = corner + N(0, 1) in every dimension. The m bits that name the corner pass independent
channels, each a ±δ/2 signal in unit noise, so
    I(A;B) = m · (1 − E_z log2(1 + exp(−δ(δ/2 + z)))),  z ~ N(0, 1),
for every d. The edge is chosen to give the wanted information.
"""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator
from scipy.integrate import quad
from scipy.optimize import brentq

from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.laws import Corners
from infoplane.truth.task import Draw, Family, Prepared, Task, generator


class MixturesSettings(Settings):
    """Gaussian classes on the corners of a cube."""

    family: Literal["mixtures"] = "mixtures"
    """This family has Gaussian classes at the corners of a cube in a few of the dimensions."""
    dimensions: list[Annotated[int, Field(ge=1)]] = Field(
        default=[1, 2, 3, 5, 10, 20, 50], min_length=1
    )
    """A has these numbers of dimensions; tasks with more bits than dimensions are left out."""
    label_bits: list[Annotated[int, Field(ge=1, le=6)]] = Field(default=[1, 3], min_length=1)
    """For each number m there are 2^m classes."""
    shares: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        default=[0, 0.25, 0.5, 0.75, 0.95], min_length=1
    )
    """The true I(A;B) is each of these shares of H(B) = m bits."""

    @model_validator(mode="after")
    def _some_room(self):
        if min(self.label_bits) > max(self.dimensions):
            raise ValueError("label_bits: at least one must be ≤ a number of dimensions")
        return self


class Mixtures(Family):
    """Gaussian classes on the corners of a cube."""

    Settings = MixturesSettings
    settings: MixturesSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """One task for each dimension, number of bits that is not larger, and share."""
        return [
            _task(d, bits, share)
            for d in self.settings.dimensions
            for bits in self.settings.label_bits
            for share in self.settings.shares
            if bits <= d
        ]


def information_of_bit(edge: float) -> float:
    """Bits that ±edge/2 carries through unit noise."""
    if edge == 0:
        return 0.0

    def lost(z: float) -> float:
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return density * float(np.logaddexp(0, -edge * (edge / 2 + z)))

    # The integrand has a bend where the exponent changes its sign.
    nats, _ = quad(lost, -12, 12, points=[max(-edge / 2, -11.9)], epsabs=1e-11, limit=200)
    return 1 - nats / math.log(2)


def edge_of(share: float) -> float:
    """The edge for which ±edge/2 carries this share of a bit through unit noise."""
    if share == 0:
        return 0.0
    return brentq(lambda edge: information_of_bit(edge) - share, 0, 20, xtol=1e-10)


def _task(d: int, bits: int, share: float) -> Task:
    truth = bits * share
    name = f"{2**bits} classes, {d}-d, {truth:g} bit"
    edge = edge_of(share)

    def draw(n: int, seed: int) -> Draw:
        rng = generator(f"mixtures {name}", n, seed)
        corner = rng.integers(0, 2, (n, bits))
        a = rng.standard_normal((n, d))
        a[:, :bits] += edge * (corner - 0.5)
        return Draw(Pair.of(a, corner @ (1 << np.arange(bits)), name))

    law = Corners(edge, bits, d, information_of_bit)
    return Task(name, "labels", d, 0, truth, draw, law=law)
