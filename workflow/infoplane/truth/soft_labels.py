"""Labels that a random network draws: B is not a function of A, and no class is normal.

A is standard normal, and B has the probabilities
    p(b | a) = softmax(sharpness · W tanh(V a))_b,
with random V (hidden, d) and W (classes, hidden), scaled so that every logit has a variance of
about sharpness². Then
    I(A;B) = H(E p(· | A)) − E H(p(· | A))
is a Monte Carlo mean.
"""

from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import entr, softmax

from infoplane.information import BIT
from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.task import Draw, Family, Prepared, Task, generator

DRAWS = 200_000
"""Draws of the Monte Carlo mean, for a standard error of at most 0.002 bit."""
HIDDEN = 16
"""Hidden units of the network that draws labels."""


class SoftLabelsSettings(Settings):
    """Labels that a random network draws."""

    family: Literal["soft_labels"] = "soft_labels"
    """This family has labels that a random network draws, given normal inputs."""
    dimensions: list[Annotated[int, Field(ge=1)]] = Field(default=[1, 3, 10, 30], min_length=1)
    """A has these numbers of dimensions."""
    classes: list[Annotated[int, Field(ge=2, le=64)]] = Field(default=[2, 10], min_length=1)
    """The label has these numbers of values."""
    sharpness: list[Annotated[float, Field(ge=0)]] = Field(default=[1, 3, 10], min_length=1)
    """A logit has about these standard deviations; with 0, A and B are independent."""
    seed: int = Field(default=0, ge=0)
    """The weights are drawn with this seed."""


class SoftLabels(Family):
    """Labels that a random network draws."""

    Settings = SoftLabelsSettings
    settings: SoftLabelsSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """Truths (2,) by network: I(A;B) and its standard error, in bits."""
        return {one.name: np.array(one.information()) for one in self.networks()}

    def tasks(self, prepared: Prepared) -> list[Task]:
        """One task for each network."""
        return [_task(one, *prepared[one.name].tolist()) for one in self.networks()]

    def networks(self) -> "list[LabelNetwork]":
        """Every network that draws labels."""
        chosen = self.settings
        return [
            _network(d, classes, sharpness, chosen.seed)
            for d in chosen.dimensions
            for classes in chosen.classes
            for sharpness in chosen.sharpness
        ]


class LabelNetwork(NamedTuple):
    """A network that draws labels. first : V (hidden, d); second : W (classes, hidden)"""

    name: str
    first: np.ndarray
    second: np.ndarray

    def probabilities(self, a: np.ndarray) -> np.ndarray:
        """p(b | a), (n, classes), for rows a (n, d)."""
        return softmax(np.tanh(a @ self.first.T) @ self.second.T, axis=1)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n draws of A (n, d) and of B (n,)."""
        a = rng.standard_normal((n, self.first.shape[1]))
        below = self.probabilities(a).cumsum(axis=1)[:, :-1]
        return a, (rng.random((n, 1)) > below).sum(axis=1)

    def information(self) -> tuple[float, float]:
        """I(A;B) and its standard error, in bits."""
        rng = generator(f"truth of {self.name}", DRAWS, 0)
        p = self.probabilities(rng.standard_normal((DRAWS, self.first.shape[1])))
        mean = p.mean(axis=0)
        terms = BIT * (entr(p).sum(axis=1) + p @ np.log(mean))  # minus log-ratios, on average
        return float(-terms.mean()), float(terms.std() / np.sqrt(DRAWS))


def _network(d: int, classes: int, sharpness: float, seed: int) -> LabelNetwork:
    name = f"{classes} classes, {d}-d, sharpness {sharpness:g}, seed {seed}"
    rng = generator(name, d, seed)
    first = 2 * rng.standard_normal((HIDDEN, d)) / np.sqrt(d)
    second = sharpness * rng.standard_normal((classes, HIDDEN)) / np.sqrt(HIDDEN / 2)
    return LabelNetwork(name, first, second)


def _task(network: LabelNetwork, truth: float, error: float) -> Task:
    def draw(n: int, seed: int) -> Draw:
        rng = generator(f"soft labels {network.name}", n, seed)
        a, b = network.draw(n, rng)
        return Draw(Pair.of(a, b, network.name))

    return Task(network.name, "labels", network.first.shape[1], 0, truth, draw, error)
