"""The interface of probes: inputs X and labels Y of a measurement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from infoplane.datasets.contents import row_codes
from infoplane.information import entropy_of_counts
from infoplane.schedules.adaptive import AnySchedule
from infoplane.schedules.fixed import Logarithmic
from infoplane.settings import DeviceName, Settings

if TYPE_CHECKING:
    import torch

    from infoplane.datasets.source import Data, Shape
    from infoplane.networks.network import Link, Network
    from infoplane.stores.weights import WeightsStore


HowRead = Literal["flatten", "whole", "channels", "mean", "max"]


class ProbeSettings(Settings):
    """Settings of the measurement: its inputs, labels and epochs.

    needs : names of networks that the trainer must have
    """

    needs: ClassVar[tuple[str, ...]] = ()

    probe: str = "dataset"
    """The probe gives the inputs and labels that are measured: its name, or its import path,
    "module:Class"."""
    epochs: AnySchedule = Logarithmic(schedule="logarithmic", number=60)
    """These of the kept epochs are measured; the delta schedules choose them from the values
    measured so far."""
    network: str | None = None
    """This one of the trainer's networks is measured; null means the run's own."""
    y: Literal["label", "reconstruction"] = "label"
    """Y is the label of each input, or the reconstruction X̂ that the network makes of it at
    this epoch, so that the second axis is I(T;X̂)."""
    layers: list[str] | None = Field(default=None, min_length=1)
    """These layers are measured, by name or pattern (conv1, dense*); null means all after an
    activation, and the output."""
    reading: HowRead = "flatten"
    """This is how maps are read. flatten: as one list of numbers. whole: as that list with its
    shape (channels, height, width), and images X too, so that critics take them by convolutions
    and all other estimators as under flatten. channels: each channel by itself, as a layer
    named conv1[0], conv1[1], … mean, max: as one number for each channel, the mean or the
    largest over positions. Layers without maps are read as they are."""
    passes: Literal["evaluation", "training"] = "evaluation"
    """Layers are measured in passes of this mode. evaluation: no dropout, and batch norm by its
    running statistics. training: masks are drawn and batch norm goes by random batches, so that
    passes are draws."""
    batch_size: int = Field(default=256, ge=2)
    """A random batch has this many inputs, under `passes: training`."""
    draws: int = Field(default=1, ge=1)
    """Each input has this many draws, which are passes with random numbers of their own, in a
    network with noise or under `passes: training`."""
    noise_seed: int = Field(default=0, ge=0)
    """What is random in measurement is drawn with this seed; each network and epoch has numbers
    of its own."""
    device: DeviceName = "auto"
    """Measurements run on this device; auto takes CUDA if there is a GPU, else the CPU."""
    share_activations: Literal["auto", "always", "never"] = "auto"
    """`always` regenerates activations once, into a temporary store that all estimators of the
    run read; never has each estimator regenerate them. auto shares them if writing and reading
    should take less time than the passes that they replace."""

    @property
    def wanted_label(self) -> str | None:
        """The label of the data set that its key `label` names."""
        return None

    @property
    def wanted_link(self) -> Link | None:
        """The output (`Network.links`) that the measured network must have for the key
        `label`."""
        return None

    @property
    def tests(self) -> bool:
        """Whether only test inputs are measured."""
        return False

    def input_shape(self, network: Network, data: Shape) -> tuple[int, ...]:
        """The shape of one input of the measured network."""
        return network.input_shape

    def n_inputs(self, data: Shape) -> int:
        """The number of inputs that will be measured, for an estimate of memory and time."""
        return data.n


class Inputs(NamedTuple):
    """Inputs of a measurement, all equally likely.

    x : float32 (n, *shape)
    y : int64 (n,), classes without gaps; meaningless if `measure.y` is the reconstruction
    entropy_x, entropy_y : H(X) and H(Y) in bits
    whole : whether they are all values of X, with their labels
    unseen : whether they are draws from an infinite population, and none of them trained the
        network
    """

    x: torch.Tensor
    y: torch.Tensor
    entropy_x: float
    entropy_y: float
    whole: bool = False
    unseen: bool = False

    @classmethod
    def of(
        cls, x: np.ndarray, y: np.ndarray, whole: bool = False, unseen: bool = False
    ) -> Inputs:
        """Inputs from arrays x (n, *shape) and labels y (n,); equal rows of x are one value of
        X.

        Raises ValueError for fewer than two inputs, or if there is not one label for each.
        """
        import torch  # here: what only reads settings does without

        if len(x) < 2:
            raise ValueError(f"there are {len(x)} inputs; information needs at least two")
        if len(x) != len(y):
            raise ValueError(f"there are {len(x)} inputs and {len(y)} labels")
        # a class that no input has leaves no gap
        codes = np.unique(y, return_inverse=True)[1]
        return cls(
            torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)),
            torch.from_numpy(codes.astype(np.int64)),
            entropy_of_counts(np.bincount(row_codes(x))),
            entropy_of_counts(np.bincount(codes)),
            whole,
            unseen,
        )


class Probe(ABC):
    """Gives the inputs and labels of a measurement.

    network : one of the trainer's networks; None: the run's own
    fixed : whether `inputs` gives the same inputs for every seed and epoch. A probe that is not
        fixed gives equally many inputs each time, and they depend only on seed, epoch and
        weights, so that they can be made again
    """

    Settings: ClassVar[type[ProbeSettings]]
    fixed: bool = True

    def __init__(self, settings: ProbeSettings, data: Data):
        self.settings, self.data, self.network = settings, data, settings.network

    @abstractmethod
    def inputs(self, seed: int, epoch: int, weights: WeightsStore) -> Inputs:
        """The inputs on which the network of this seed is measured at this epoch.

        weights : of the run; `weights.read((epoch,), (seed,), network)` are those of a network
        """

    def information_xy(self, seed: int, epoch: int, weights: WeightsStore) -> float:
        """I(X;Y), in bits, of the population behind the inputs; NaN if unknown."""
        return float("nan")
