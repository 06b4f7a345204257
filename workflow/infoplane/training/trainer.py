"""The interface of trainers: weights and metrics, epoch by epoch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from infoplane.costs import Cost
from infoplane.networks.description import build
from infoplane.schedules.fixed import All, Schedule
from infoplane.settings import DeviceName, Settings
from infoplane.training.cost import of_training

if TYPE_CHECKING:
    from infoplane.datasets.source import Shape
    from infoplane.networks.network import Network

Arrays = Mapping[str, np.ndarray]
State = Mapping[str, "np.ndarray | Growing"]
NETWORK = "network"
"""Name of the run's own network among those of a trainer."""


class TrainerSettings(Settings):
    """Common settings of trainers, and the properties that they decide before training.

    last_is : the key that decides the last epoch
    where : keys with paths of files, which count by their content
    shaping : keys that decide the networks, together with the run's network and data
    together : seeds per job, if a run does not set it
    gradients : whether gradient_mean, gradient_std and weight_norm are among its metrics
    """

    last_is: ClassVar[str] = "training.epochs"
    where: ClassVar[tuple[str, ...]] = ()
    shaping: ClassVar[tuple[str, ...]] = ()
    together: ClassVar[int] = 10
    gradients: ClassVar[bool] = False

    trainer: str
    """The trainer has this name, or this import path, "module:Class"."""
    keep: Schedule = All()
    """The weights of these epochs are kept, and always those of the first and the last
    epoch."""
    device: DeviceName = "auto"
    """Training runs on this device; auto takes CUDA if there is a GPU, else the CPU."""

    @property
    def numbers(self) -> Sequence[int]:
        """Numbers of the epochs, in order."""
        raise NotImplementedError

    @property
    def n_kept(self) -> int:
        """The largest number of epochs whose weights are kept."""
        return self.keep.most(len(self.numbers))

    @property
    def networks(self) -> Sequence[Settings]:
        """Settings of the networks that it trains in addition to the run's own network."""
        return ()

    @property
    def wanted_label(self) -> str | None:
        """The label of the data set that its key `label` names."""
        return None

    @property
    def watched(self) -> Mapping[tuple[str, ...], str]:
        """Metrics that its rules name, by their keys."""
        return {}

    def gpus(self, network: Network) -> int:
        """GPUs that a training job of a run's network asks for: 0 or 1."""
        return int(self.device != "cpu")

    def contents(self, seeds: Iterable[int]) -> list[Path]:
        """The user's files of these seeds, in order."""
        return []


class Metric(NamedTuple):
    """A number that a trainer gives for every seed and epoch.

    label : its label in figures, with its unit; metrics with one label share a panel
    better : the better direction, if there is one
    by_layer : whether it is one number per layer
    """

    name: str
    label: str
    better: Literal["higher", "lower"] | None = None
    by_layer: bool = False


class Growing(NamedTuple):
    """Rows of a state that only grow, such as games in a buffer: a checkpoint writes the new
    ones.

    first : the number of earlier rows, which are not needed any more
    rows : (n, …), the present rows
    """

    first: int
    rows: np.ndarray


class Lost(NamedTuple):
    """Why a seed is not measured: its training failed, or a rule set it aside."""

    reason: str
    set_aside: bool = False


class Trainer(ABC):
    """Trains a block of seeds, or reads networks that were trained elsewhere.

    networks : by name; most trainers have only the run's own, "network"
    metrics : of `advance`; figures, report and rules take names from here
    seeds : of the block
    epochs : numbers of the epochs, in order: 0 … n, or those of the adopted files
    keep : the epochs whose weights are kept; they always include the first and the last
    lost : seeds that will not be measured, so far
    remarks : on seeds that are still measured, so far
    """

    Settings: ClassVar[type[TrainerSettings]]
    networks: Mapping[str, Network]
    metrics: tuple[Metric, ...]
    seeds: Sequence[int]
    epochs: Sequence[int]
    keep: Schedule = All()
    lost: Mapping[int, Lost]
    remarks: Mapping[int, str] = MappingProxyType({})

    @classmethod
    def networks_of(
        cls, settings: Any, network: Settings, data: Shape
    ) -> Mapping[str, Network]:
        """Its networks by name, with the run's own, before any data are read.

        network : settings of the run's own. Unless a trainer overrides this, it is the only
            network, and its output size is the number of classes of the first label.
        Raises Misfit if a network does not fit such data.
        """
        return {NETWORK: build(network, data.of_input, data.n_classes())}

    @classmethod
    def cost(
        cls, settings: Any, network: Network, data: Shape, n_seeds: int, threads: int = 1
    ) -> Cost:
        """Memory and time of a block of seeds before it is trained. A rough value is enough,
        because a killed job asks for more."""
        last = len(settings.numbers) - 1
        return of_training(network, data, n_seeds, last, settings.n_kept, threads=threads)

    @property
    def layers(self) -> list[str]:
        """Names on the last axis of metrics by layer; of several networks, network/layer."""
        alone = len(self.networks) == 1
        return [
            layer.name if alone else f"{name}/{layer.name}"
            for name, network in self.networks.items()
            for layer in network.layers
        ]

    @property
    def over(self) -> bool:
        """Whether no seed continues, although epochs are left."""
        return False

    @abstractmethod
    def advance(self, epoch: int) -> Arrays:
        """Advance to this epoch, the next one; its metrics, (n_seeds,) or (n_seeds, n_layers),
        NaN if there is no number.

        Raises FloatingPointError if no seed can continue.
        """

    @abstractmethod
    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        """The present parameters and buffers (n_seeds, *shape), by network and name, from
        `networks.arrays.to_array`."""

    @abstractmethod
    def state(self) -> State:
        """All state that is needed to continue from the latest epoch with the same bits."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Restore a state from `state`."""
