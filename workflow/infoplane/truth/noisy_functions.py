"""Random functions under noise: B is a nonlinear function of A plus Gaussian noise.

A is standard normal in d dimensions, and
    B = W tanh(V A) + σ N(0, I),
with random V (hidden, d) and W (d_b, hidden), scaled so that each coordinate of W tanh(V A) has
a variance of about 1. The density of B is a mean over A, so
    I(A;B) = −E log2 E_A N(B; W tanh(V A), σ²) − d_b/2 · log2(2πe σ²)
is a Monte Carlo mean: the inner mean over CENTRES draws of A, the outer over DRAWS of B.
"""

from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import logsumexp

from infoplane.information import BIT
from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.task import Draw, Family, Prepared, Task, generator

CENTRES, DRAWS = 40_000, 8_000
"""Draws of A and of B in the Monte Carlo mean. Its standard error is 0.007 to 0.02 bit for
the default functions. With 3 dimensions of B and σ = 0.2 the inner mean raises it by 0.005
bit."""
AT_ONCE = 200
"""Draws of B whose densities are computed together."""
HIDDEN = 16
"""Hidden units of the function."""


class NoisyFunctionsSettings(Settings):
    """Random functions under noise."""

    family: Literal["noisy_functions"] = "noisy_functions"
    """Random nonlinear functions of normal inputs, under Gaussian noise."""
    dimensions: list[Annotated[int, Field(ge=1)]] = Field(default=[1, 3, 10], min_length=1)
    """Dimensions of A."""
    outputs: list[Annotated[int, Field(ge=1, le=3)]] = Field(default=[1, 3], min_length=1)
    """Dimensions of B."""
    sigmas: list[Annotated[float, Field(ge=0.1)]] = Field(default=[0.2, 1.0], min_length=1)
    """Standard deviations of the noise, in units of about one standard deviation of the
    function."""
    sharpness: list[Annotated[float, Field(gt=0)]] = Field(default=[1, 4], min_length=1)
    """Standard deviations of the inputs of the hidden units: a small one makes the function
    nearly linear."""
    seed: int = Field(default=0, ge=0)
    """Seed of the weights."""


class NoisyFunctions(Family):
    """Random functions under noise."""

    Settings = NoisyFunctionsSettings
    settings: NoisyFunctionsSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """Truths (2,) by function: I(A;B) and its standard error, in bits."""
        return {one.name: np.array(one.information()) for one in self.functions()}

    def tasks(self, prepared: Prepared) -> list[Task]:
        """One task for each function."""
        return [_task(one, *prepared[one.name].tolist()) for one in self.functions()]

    def functions(self) -> "list[NoisyFunction]":
        """Every function with its noise."""
        chosen = self.settings
        return [
            _function(d, outputs, sigma, sharpness, chosen.seed)
            for d in chosen.dimensions
            for outputs in chosen.outputs
            for sigma in chosen.sigmas
            for sharpness in chosen.sharpness
        ]


class NoisyFunction(NamedTuple):
    """first : V (hidden, d); second : W (d_b, hidden); sigma : of the noise"""

    name: str
    first: np.ndarray
    second: np.ndarray
    sigma: float

    def clean(self, a: np.ndarray) -> np.ndarray:
        """W tanh(V a), (n, d_b), of rows a (n, d)."""
        return np.tanh(a @ self.first.T) @ self.second.T

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n draws of A (n, d) and of B (n, d_b)."""
        a = rng.standard_normal((n, self.first.shape[1]))
        return a, self.clean(a) + self.sigma * rng.standard_normal((n, len(self.second)))

    def information(self) -> tuple[float, float]:
        """I(A;B) and its standard error, in bits."""
        rng = generator(f"truth of {self.name}", DRAWS, 0)
        centres = self.clean(rng.standard_normal((CENTRES, self.first.shape[1])))
        _, b = self.draw(DRAWS, rng)
        blocks = np.split(b, DRAWS // AT_ONCE)
        # N(b; c, σ²) less its constant, which the entropy of the noise has too
        terms = np.concatenate([self._log_density(block, centres) for block in blocks])
        of_noise = len(self.second) / 2 * BIT
        bits = -BIT * terms
        return float(bits.mean() - of_noise), float(bits.std() / np.sqrt(DRAWS))

    def _log_density(self, b: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """ln E exp(−‖b − c‖² / 2σ²) of rows b over the centres c."""
        squares = (b**2).sum(1)[:, None] - 2 * b @ centres.T + (centres**2).sum(1)
        return logsumexp(-squares / (2 * self.sigma**2), axis=1) - np.log(len(centres))


def _function(d: int, outputs: int, sigma: float, sharpness: float, seed: int) -> NoisyFunction:
    name = f"{d}-d to {outputs}-d, σ = {sigma:g}, sharpness {sharpness:g}, seed {seed}"
    rng = generator(name, d, seed)
    first = sharpness * rng.standard_normal((HIDDEN, d)) / np.sqrt(d)
    second = rng.standard_normal((outputs, HIDDEN))
    hidden = np.tanh(rng.standard_normal((4096, d)) @ first.T) @ second.T
    return NoisyFunction(name, first, second / hidden.std(axis=0)[:, None], sigma)


def _task(function: NoisyFunction, truth: float, error: float) -> Task:
    d, d_b = function.first.shape[1], len(function.second)

    def draw(n: int, seed: int) -> Draw:
        rng = generator(f"noisy functions {function.name}", n, seed)
        return Draw(Pair.of(*function.draw(n, rng), function.name))

    return Task(function.name, "continuous", d, d_b, truth, draw, error)
