"""A task: a distribution to draw samples from, whose information is known."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from infoplane.samples import Pair, Samples
from infoplane.settings import Settings
from infoplane.truth.laws import Law

KINDS = ("continuous", "labels", "inputs")
"""The kind of the second variable: continuous, a label, or the index of the input itself."""
Prepared = Mapping[str, np.ndarray]
"""The arrays of a family's `prepare`; empty if it has none."""


class Draw(NamedTuple):
    """Samples drawn from a task.

    pair : for estimators of two variables; None in a task for layers alone
    samples : for estimators of a layer's activations; None if there is no layer
    noisy : the same for estimators that need noise; None if there is no noise
    """

    pair: Pair | None = None
    samples: Samples | None = None
    noisy: Samples | None = None


@dataclass(frozen=True)
class Task:
    """One problem with a known answer.

    name : unique in its family
    kind : one of KINDS. "continuous": I(A;B) of two continuous variables; "labels": I(A;B), B a
        label; "inputs": I(X;T) of a layer T, X the index of the input
    d_a, d_b : dimensions of A and B; d_b is 0 if B is a label or an index
    truth : the information in bits
    draw : (n, seed) → Draw; equal arguments give equal numbers
    truth_error : standard error of the truth in bits; 0 for a closed form or a count
    largest_n : the most samples that can be drawn; None: no limit
    law : the law of the samples, if truths of other quantities follow from it (quantities.py)
    settings : for an estimator, by name, the settings with which it estimates this very
        quantity (a noise variance, a grid). An estimator of layers answers only tasks that name
        it
    """

    name: str
    kind: str
    d_a: int
    d_b: int
    truth: float
    draw: Callable[[int, int], Draw]
    truth_error: float = 0.0
    largest_n: int | None = None
    settings: Mapping[str, Mapping] = field(default_factory=dict)
    law: Law | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(
                f"{self.name}: kind must be one of {', '.join(KINDS)}, not {self.kind}"
            )

    @property
    def d(self) -> int:
        """Dimensions of the wider variable."""
        return max(self.d_a, self.d_b)


class Family(ABC):
    """A family of problems, with its settings."""

    Settings: ClassVar[type[Settings]]

    def __init__(self, settings: Settings | None = None, **chosen: Any):
        """settings : of the class `Settings`; or its keys, as Gaussians(dimensions=[1])."""
        self.settings = self.Settings(**chosen) if settings is None else settings

    def prepare(self) -> dict[str, np.ndarray]:
        """Arrays that `tasks` needs and that take time to make; for most families none."""
        return {}

    @abstractmethod
    def tasks(self, prepared: Prepared) -> list[Task]:
        """Every task, with its truth in bits and a function that draws samples."""


def generator(name: str, n: int, seed: int) -> np.random.Generator:
    """The random numbers of one draw; they depend only on the task's name, size and seed."""
    return np.random.default_rng([zlib.crc32(name.encode()), n, seed])


def rows(n: int, n_inputs: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of n rows out of n_inputs; no row is drawn twice before all were drawn once."""
    passes = -(-n // n_inputs)
    return np.concatenate([rng.permutation(n_inputs) for _ in range(passes)])[:n]
