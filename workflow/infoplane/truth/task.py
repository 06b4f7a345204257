"""A task: samples can be drawn from it, and their information is known."""

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
"""What the second variable is: continuous, a label, or the index of the input itself."""
Prepared = Mapping[str, np.ndarray]
"""What a family's `prepare` left in a file; empty where it has none."""


class Draw(NamedTuple):
    """What is drawn from a task.

    pair : what an estimator of two variables gets; None in a task for layers alone
    samples : what an estimator of a layer's activations gets; None where there is no layer
    noisy : what one that needs noise gets instead; None where there is none
    """

    pair: Pair | None = None
    samples: Samples | None = None
    noisy: Samples | None = None


@dataclass(frozen=True)
class Task:
    """One problem with a known answer.

    name : unique in its family
    kind : of KINDS. "continuous", I(A;B) of two continuous variables; "labels", I(A;B)
        with B a label; "inputs", I(X;T) of a layer T with X the index of the input
    d_a, d_b : dimensions of A and B; d_b is 0 where B is a label or an index
    truth : bits
    draw : (n, seed) → Draw; the same numbers for the same arguments
    truth_error : standard error of the truth in bits, 0 where it is closed or counted
    largest_n : most samples that can be drawn, None where there is no end
    law : of samples, where the truth of other quantities follows from it (quantities.py)
    settings : by an estimator's name, settings with which it estimates this very quantity (a
        noise variance, a grid). An estimator of layers runs on the tasks that name it
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
            raise ValueError(f"{self.name}: kind is one of {', '.join(KINDS)}, not {self.kind}")

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
        """What `tasks` takes from a file because it costs time: nothing, of most."""
        return {}

    @abstractmethod
    def tasks(self, prepared: Prepared) -> list[Task]:
        """Every task, with its truth in bits and a function that draws samples."""


def generator(name: str, n: int, seed: int) -> np.random.Generator:
    """Random numbers of one draw, by the task's name, its size and its seed alone."""
    return np.random.default_rng([zlib.crc32(name.encode()), n, seed])


def rows(n: int, n_inputs: int, rng: np.random.Generator) -> np.ndarray:
    """n of n_inputs rows: none twice before all were taken, as a data set is measured."""
    passes = -(-n // n_inputs)
    return np.concatenate([rng.permutation(n_inputs) for _ in range(passes)])[:n]
