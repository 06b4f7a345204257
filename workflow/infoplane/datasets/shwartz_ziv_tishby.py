"""The data set of Shwartz-Ziv & Tishby 2017 (arXiv:1703.00810), from first principles.

All 4096 patterns x ∈ {0,1}¹²; bit i lies on vertex vᵢ of the icosahedron. f(x) = Σᵢ xᵢ + ‖Σᵢ xᵢ
vᵢ‖ is invariant under the icosahedron's rotations and reflections. The label is 1 if f(x) > θ,
or is drawn from p(y=1 | x) = 1 / (1 + exp(−γ (f(x) − θ))).
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import scipy  # its parts are imported where they are used: a plan does without them
from pydantic import Field, model_validator

from infoplane.datasets.contents import information_of
from infoplane.datasets.options import generator
from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings

GOLDEN = (1 + 5**0.5) / 2
VERTICES = np.array(
    [
        (0, 1, GOLDEN),
        (1, GOLDEN, 0),
        (0, 1, -GOLDEN),
        (-1, GOLDEN, 0),
        (GOLDEN, 0, -1),
        (0, -1, GOLDEN),
        (1, -GOLDEN, 0),
        (-1, -GOLDEN, 0),
        (-GOLDEN, 0, -1),
        (0, -1, -GOLDEN),
        (-GOLDEN, 0, 1),
        (GOLDEN, 0, 1),
    ]
) / np.sqrt(1 + GOLDEN**2)
"""(12, 3) unit vectors, in the order of the published file's bits."""

THRESHOLD = 7.63
"""θ: any value in (7.5628, 7.7013) gives the published labels. For stochastic labels, this one
gives the information that the field quotes (γ = 40: 0.980 bit, γ = 60: 0.993 bit)."""

STEEPEST = 1e6
"""The γ beyond which labels count as deterministic."""


class Settings(SourceSettings):
    """The 4096 patterns of Shwartz-Ziv & Tishby 2017; needs no files."""

    source: Literal["szt"]
    """`szt` is the 4,096 patterns of 12 bits of Shwartz-Ziv & Tishby 2017, with a label that is
    symmetric under rotations."""

    labels: Literal["deterministic", "stochastic"] = "deterministic"
    """`deterministic` gives the published labels; stochastic draws them from p(y=1|x) =
    1/(1+exp(−γ(f(x)−θ)))."""

    gamma: float | None = Field(default=None, gt=0, le=STEEPEST)
    """Stochastic labels have this steepness γ; give either this or `information`."""

    information: float | None = Field(default=None, gt=0)
    """Stochastic labels have this I(X;Y) in bits over all patterns, for which γ is solved."""

    threshold: float = Field(default=THRESHOLD, gt=7.5628, lt=7.7013)
    """This is θ of the labels: all allowed values give the published labels, and stochastic
    ones depend on it."""

    @model_validator(mode="after")
    def _one_steepness(self):
        given = [name for name in ("gamma", "information") if getattr(self, name) is not None]
        if self.labels == "deterministic" and given:
            raise ValueError(f"{given[0]} needs labels: stochastic")
        if self.labels == "stochastic" and len(given) != 1:
            raise ValueError(
                "stochastic labels need either gamma or information, "
                + ("not both" if given else "and neither is given")
            )
        if self.information is not None:
            gamma_of(self.information, self.threshold)
        return self


class SZT(Source):
    """The 4096 patterns, float32, and their labels."""

    Settings = Settings

    def load(self, places: Sequence[Path]) -> Raw:
        x, y = szt()
        probabilities, notes = None, ()
        if self.settings.labels == "stochastic":
            threshold = self.settings.threshold
            gamma = self.settings.gamma or gamma_of(
                self.settings.information, self.settings.threshold
            )
            probabilities = label_probabilities(gamma, self.settings.threshold)
            y = (
                generator(self.settings.seed, "stochastic_labels").random(len(x))
                < probabilities[:, 1]
            )
            notes = (f"labels drawn with gamma = {gamma:.6g}, threshold = {threshold:.6g}",)
        return Raw(
            x.astype(np.float32),
            {"y": Label(y.astype(np.int64), ("0", "1"), probabilities)},
            notes=notes,
            whole=True,
        )

    def shape(self, places: Sequence[Path]) -> Shape:
        """The shape from its definition."""
        return Shape(4096, (12,), {"y": 2})


def szt() -> tuple[np.ndarray, np.ndarray]:
    """x uint8 (4096, 12) and the published labels y uint8 (4096,), 2118 of them ones."""
    return patterns(), (invariant() > THRESHOLD).astype(np.uint8)


def patterns() -> np.ndarray:
    """uint8 (4096, 12): row r is the 12-bit number r, most significant bit first."""
    return ((np.arange(4096)[:, None] >> np.arange(11, -1, -1)) & 1).astype(np.uint8)


@cache
def invariant() -> np.ndarray:
    """f(x), float64 (4096,), equal on each of the 64 orbits to within rounding."""
    x = patterns().astype(np.float64)
    f = x.sum(axis=1) + np.linalg.norm(x @ VERTICES, axis=1)
    f.setflags(write=False)  # the result is cached
    return f


def label_probabilities(gamma: float, threshold: float = THRESHOLD) -> np.ndarray:
    """(4096, 2) p(y=0 | x) and p(y=1 | x)."""
    steps = gamma * (invariant() - threshold)
    return np.stack([scipy.special.expit(-steps), scipy.special.expit(steps)], axis=1)


@cache
def gamma_of(information: float, threshold: float = THRESHOLD) -> float:
    """The γ whose labels have this I(X;Y), in bits.

    Raises ValueError if there is none.
    """

    def excess(log_gamma: float) -> float:
        return information_of(label_probabilities(np.exp(log_gamma), threshold)) - information

    largest = excess(np.log(STEEPEST)) + information
    if not 0 < information < largest:
        raise ValueError(
            f"information is {information} bit, out of reach of stochastic labels with "
            f"threshold {threshold}; allowed is between 0 and {largest:.5f} bit"
        )
    root = scipy.optimize.brentq(excess, np.log(1e-6), np.log(STEEPEST), xtol=1e-12)
    return float(np.exp(root))
