"""Mixtures of normals: the dependence of A and B is not described by correlations.

A component has centres m and m' for A and for B, drawn from N(0, separation² I), and
    A = m + U,    B = m' + V,    (U_i, V_i) standard normal with correlation ± ρ,
a sign for each coordinate. All components are equally likely, so the densities p(a, b), p(a)
and p(b) are known, and
    I(A;B) = E log2 p(a, b) / (p(a) p(b))
is a Monte Carlo mean. A bend maps each variable by x ↦ x + bend · W tanh(W x) / ‖W‖², which is
one-to-one for 0 ≤ bend < 1 and does not change I(A;B).
"""

from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import logsumexp

from infoplane.information import BIT
from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.task import Draw, Family, Prepared, Task, generator

DRAWS = 200_000
"""Draws of the Monte Carlo mean: a standard error of 0.002 to 0.008 bit for the default
mixtures."""
AT_ONCE = 20_000
"""The densities of this many draws are computed together."""


class JointMixturesSettings(Settings):
    """Mixtures of normals over A and B."""

    family: Literal["joint_mixtures"] = "joint_mixtures"
    """This family has mixtures of normals over A and B, bent or not."""
    dimensions: list[Annotated[int, Field(ge=1)]] = Field(default=[1, 2, 5, 10], min_length=1)
    """A and B have these numbers of dimensions each."""
    components: list[Annotated[int, Field(ge=1)]] = Field(default=[2, 4], min_length=1)
    """A mixture has these numbers of normals."""
    separations: list[Annotated[float, Field(ge=0)]] = Field(default=[1, 4], min_length=1)
    """The centres have these standard deviations, in units of that of a component."""
    bends: list[Annotated[float, Field(ge=0, lt=1)]] = Field(default=[0, 0.9], min_length=1)
    """Both variables are bent by these amounts; 0 does not change them."""
    correlation: float = Field(default=0.8, gt=0, lt=1)
    """In one component, a coordinate of A has this correlation, ± ρ, with the same coordinate
    of B."""
    seed: int = Field(default=0, ge=0)
    """Centres, signs and bends are drawn with this seed."""


class JointMixtures(Family):
    """Mixtures of normals over A and B."""

    Settings = JointMixturesSettings
    settings: JointMixturesSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """Truths (2,) by mixture: I(A;B) and its standard error, in bits."""
        return {mixture.name: np.array(mixture.information()) for mixture in self.mixtures()}

    def tasks(self, prepared: Prepared) -> list[Task]:
        """One task for each mixture and bend."""
        return [
            _task(mixture, bend, *prepared[mixture.name].tolist())
            for mixture in self.mixtures()
            for bend in self.settings.bends
        ]

    def mixtures(self) -> "list[Mixture]":
        """Every mixture."""
        chosen = self.settings
        return [
            _mixture(d, components, separation, chosen.correlation, chosen.seed)
            for d in chosen.dimensions
            for components in chosen.components
            for separation in chosen.separations
        ]


class Mixture(NamedTuple):
    """A mixture of k normals in d + d dimensions.

    centres : (k, 2, d), of A and of B
    rho : (k, d), correlations of each coordinate of A with the same coordinate of B
    """

    name: str
    centres: np.ndarray
    rho: np.ndarray

    @property
    def d(self) -> int:
        """Dimensions of A and of B each."""
        return self.rho.shape[1]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n draws of A and of B, (n, d) each."""
        chosen = rng.integers(0, len(self.rho), n)
        rho, centres = self.rho[chosen], self.centres[chosen]
        u, v = rng.standard_normal((2, n, self.d))
        return centres[:, 0] + u, centres[:, 1] + rho * u + np.sqrt(1 - rho**2) * v

    def log_ratio(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """log2 p(a, b) / (p(a) p(b)), (n,), for rows (n, d) of A and of B."""
        u = a[:, None] - self.centres[:, 0]  # (n, k, d)
        v = b[:, None] - self.centres[:, 1]
        within = 1 - self.rho**2
        both = -(u**2 - 2 * self.rho * u * v + v**2) / (2 * within) - np.log(within) / 2
        densities = (x.sum(axis=2) for x in (both, -(u**2) / 2, -(v**2) / 2))
        of_both, of_a, of_b = (logsumexp(x, axis=1) for x in densities)
        return BIT * (of_both - of_a - of_b + np.log(len(self.rho)))

    def information(self) -> tuple[float, float]:
        """I(A;B) and its standard error, in bits."""
        rng = generator(f"truth of {self.name}", DRAWS, 0)
        parts = [self.log_ratio(*self.draw(AT_ONCE, rng)) for _ in range(DRAWS // AT_ONCE)]
        terms = np.concatenate(parts)
        return float(terms.mean()), float(terms.std() / np.sqrt(len(terms)))


def bent(x: np.ndarray, bend: float, weights: np.ndarray) -> np.ndarray:
    """x + bend · W tanh(W x) / ‖W‖² for rows x (n, d); weights : W (d, d), symmetric."""
    size = np.linalg.norm(weights, 2)
    return x + bend * np.tanh(x @ weights) @ weights / size**2


def _mixture(d: int, components: int, separation: float, rho: float, seed: int) -> Mixture:
    name = f"{components} normals, {d}-d, {separation:g} apart, seed {seed}"
    rng = generator(f"{name}, correlation {rho:g}", d, seed)
    centres = separation * rng.standard_normal((components, 2, d))
    return Mixture(name, centres, rho * rng.choice([-1.0, 1.0], (components, d)))


def _task(mixture: Mixture, bend: float, truth: float, error: float) -> Task:
    name = f"{mixture.name}, bent by {bend:g}" if bend else mixture.name
    d = mixture.d
    roots = generator(f"bends of {mixture.name}", d, 0).standard_normal((2, d, d))
    bends = 3 * (roots + roots.transpose(0, 2, 1))

    def draw(n: int, seed: int) -> Draw:
        both = mixture.draw(n, generator(f"joint mixtures {name}", n, seed))
        a, b = (bent(x, bend, w) for x, w in zip(both, bends, strict=True))
        return Draw(Pair.of(a, b, name))

    return Task(name, "continuous", d, d, truth, draw, error)
