"""What a trainer is to the rest of infoplane: it makes weights and metrics, epoch by epoch."""

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
    """What every trainer is told, and what its settings say before it begins.

    last_is : the key that decides the last epoch
    where : keys that say where files are, which count by what they hold
    shaping : keys that decide, with the run's network and data, what networks there are
    together : seeds of a job, where a run does not say how many
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
    """The weights of these epochs are kept, and always those of the first and the last."""
    device: DeviceName = "auto"
    """Training runs here; auto takes CUDA where there is a GPU, else the CPU."""

    @property
    def numbers(self) -> Sequence[int]:
        """Numbers of the epochs, in order."""
        raise NotImplementedError

    @property
    def n_kept(self) -> int:
        """Most epochs whose weights are kept."""
        return self.keep.most(len(self.numbers))

    @property
    def networks(self) -> Sequence[Settings]:
        """Settings of the networks that it trains beside the run's own."""
        return ()

    @property
    def wanted_label(self) -> str | None:
        """The label of the data set that its key `label` names."""
        return None

    @property
    def watched(self) -> Mapping[tuple[str, ...], str]:
        """Metrics that its rules name, by the keys that do."""
        return {}

    def gpus(self, network: Network) -> int:
        """GPUs that a job asks for to train a run's network: 0 or 1."""
        return int(self.device != "cpu")

    def contents(self, seeds: Iterable[int]) -> list[Path]:
        """Files of the user's own of these seeds, in order."""
        return []


class Metric(NamedTuple):
    """A number that a trainer gives of every seed and epoch.

    label : what a figure writes beside it, with its unit; those of one label share a panel
    better : which way is better, where one is
    by_layer : whether it is a number a layer
    """

    name: str
    label: str
    better: Literal["higher", "lower"] | None = None
    by_layer: bool = False


class Growing(NamedTuple):
    """Rows of a state that only come on, as games in a buffer: a checkpoint writes new ones.

    first : how many rows there have been before these, which are not needed any more
    rows : (n, …), those that are
    """

    first: int
    rows: np.ndarray


class Lost(NamedTuple):
    """Why a seed is not measured: its training failed, or it is set aside by a rule."""

    reason: str
    set_aside: bool = False


class Trainer(ABC):
    """Trains a block of seeds, or takes up what others have trained.

    networks : by name; most trainers have the run's own alone, "network"
    metrics : what `advance` gives; figures, report and rules take names from here
    seeds : of the block
    epochs : numbers of the epochs, in order: 0 … n, or those of the files taken up
    keep : which of them have their weights kept; the first and the last always have
    lost : seeds that are not to be measured, so far
    remarks : what is to be said of seeds that are measured all the same, so far
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
        """Its networks by name, the run's own among them, before any data are read.

        network : settings of the run's own. Unless a trainer says otherwise, that is the only
        one, and it gives as many numbers for an input as the first label has classes.
        Raises Misfit where a network cannot be for such data.
        """
        return {NETWORK: build(network, data.of_input, data.n_classes())}

    @classmethod
    def cost(
        cls, settings: Any, network: Network, data: Shape, n_seeds: int, threads: int = 1
    ) -> Cost:
        """Memory and time of a block of seeds, before it is trained: roughly, as its job asks
        for more where that was not enough."""
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
        """Whether no seed goes on, although epochs are left."""
        return False

    @abstractmethod
    def advance(self, epoch: int) -> Arrays:
        """Go on to this epoch, the next one; its metrics, (n_seeds,) or (n_seeds, n_layers),
        NaN where there is no number.

        Raises FloatingPointError where no seed is left that could go on.
        """

    @abstractmethod
    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        """Parameters and buffers (n_seeds, *shape) as they are now, by network and name; as
        `networks.arrays.to_array` gives them."""

    @abstractmethod
    def state(self) -> State:
        """All that is needed to go on from the latest epoch with the same bits."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Take up a state that `state` gave."""
