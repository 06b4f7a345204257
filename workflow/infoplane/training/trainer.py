"""What a trainer is to the rest of infoplane: it yields weights and metrics, epoch by epoch."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Epoch:
    """One epoch of all seeds of a block.

    weights : (n_seeds, *shape) by parameter name
    metrics : (n_seeds,) or (n_seeds, n_layers) by name, the same names at every epoch
    """

    number: int
    weights: Arrays
    metrics: Arrays


class Trainer(ABC):
    """Trains a block of seeds.

    parameters : shape of one network's array by name
    layers : names of the last axis of metrics (n_seeds, n_layers)
    failed : epoch at which a seed's loss became NaN, by seed
    set_aside : what a seed ended with, of those that did not learn by the trainer's settings
    """

    parameters: dict[str, tuple[int, ...]]
    layers: tuple[str, ...]
    failed: dict[int, int]
    set_aside: Mapping[int, float] = MappingProxyType({})

    @abstractmethod
    def epochs(self) -> Iterator[Epoch]:
        """Epoch 0 (before training) to the last, or from the one after a restored state on."""

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """All that is needed to go on from the latest epoch with the same bits."""

    @abstractmethod
    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` gave."""
