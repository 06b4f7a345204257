"""What a probe is to the rest of infoplane: inputs X and labels Y of a measurement."""

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
    """What is measured, and at which epochs.

    needs : names of networks that the trainer has to have
    """

    needs: ClassVar[tuple[str, ...]] = ()

    probe: str = "dataset"
    """The probe gives the inputs and labels that are measured: its name, or its import path,
    "module:Class"."""
    epochs: AnySchedule = Logarithmic(schedule="logarithmic", number=60)
    """These of the kept epochs are measured; the delta schedules choose them by what they
    measure."""
    network: str | None = None
    """This one of the trainer's networks is measured; null means the run's own."""
    y: Literal["label", "reconstruction"] = "label"
    """Y is the label of each input, or the reconstruction X̂ that the network gives back of it
    at this epoch, so that the second axis is I(T;X̂)."""
    layers: list[str] | None = Field(default=None, min_length=1)
    """These layers are measured, by name or pattern (conv1, dense*); null means all after an
    activation, and the output."""
    reading: HowRead = "flatten"
    """Maps are read so. flatten: as one list of numbers. whole: as that list with its shape
    (channels, height, width), and images X too, so that critics take them by convolutions and
    all other estimators as under flatten. channels: each channel by itself, as a layer named
    conv1[0], conv1[1], … mean, max: as one number for each channel, the mean or the largest
    over positions. Layers without maps are read as they are."""
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
    """Measurements run here; auto takes CUDA where there is a GPU, else the CPU."""
    share_activations: Literal["auto", "always", "never"] = "auto"
    """`always` regenerates activations once, into a temporary store that all estimators of the
    run read; never has each estimator regenerate them. auto shares where writing and reading
    are expected to take less time than the passes that they replace."""

    @property
    def wanted_label(self) -> str | None:
        """The label of the data set that its key `label` names."""
        return None

    @property
    def wanted_link(self) -> Link | None:
        """What the measured network has to give (`Network.links`) for its key `label`."""
        return None

    @property
    def tests(self) -> bool:
        """Whether test inputs alone are measured."""
        return False

    def input_shape(self, network: Network, data: Shape) -> tuple[int, ...]:
        """Of one input for the network that is measured."""
        return network.input_shape

    def n_inputs(self, data: Shape) -> int:
        """How many inputs will be measured, for an estimate of memory and time."""
        return data.n


class Inputs(NamedTuple):
    """Inputs of a measurement, every one as likely as any other.

    x : float32 (n, *shape)
    y : int64 (n,), classes without gaps; of no meaning where `measure.y` is the reconstruction
    entropy_x, entropy_y : H(X) and H(Y) in bits
    whole : whether they are all that X can be, with the labels that these have
    unseen : whether they are draws from a population that is not finite, of which none trained
        the network
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
        """Of arrays x (n, *shape) and labels y (n,); equal rows of x are one value of X.

        Raises ValueError where there are fewer than two inputs, or not a label for each.
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
    """Gives what a network is measured on.

    network : which of the trainer's networks; None: the run's own
    fixed : whether `inputs` gives the same for every seed and epoch. One that is not gives as
        many inputs each time, and by seed, epoch and weights alone: they may be asked for anew
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
        """I(X;Y) in bits of what the inputs are drawn from; NaN where it is not known."""
        return float("nan")
