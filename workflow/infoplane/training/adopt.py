"""Existing checkpoints in place of a training.

The files are read and never written. If names and headers show that they do not fit, the
message comes before any job (`Settings.series`, `unfit`); otherwise the job that reads them
gives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.costs import Cost
from infoplane.datasets.source import Data, Shape
from infoplane.networks.arrays import to_array
from infoplane.networks.dtypes import PLAIN
from infoplane.networks.network import Network
from infoplane.schedules.fixed import All
from infoplane.settings import DeviceName
from infoplane.stores import series
from infoplane.stores.series import Array, Files, SeriesError
from infoplane.training.cost import of_training
from infoplane.training.trainer import Arrays, Lost, Trainer, TrainerSettings

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TrainerSettings):
    """Checkpoints of the user; nothing is trained."""

    last_is: ClassVar[str] = "the last of training.files"
    where: ClassVar[tuple[str, ...]] = ("files",)
    keep: ClassVar[All] = All()
    device: ClassVar[DeviceName] = "cpu"

    trainer: Literal["adopt"]
    """`adopt` reads existing checkpoints and trains nothing."""
    files: str = Field(min_length=1)
    """These are the files, one for each epoch: `runs/{seed}/epoch-{epoch}.pt` or .safetensors,
    each a state_dict; without {seed} all have seed 0. Recordings of `infoplane.Recorder` have
    no {epoch}: `recordings/{seed}.zarr.zip`, or `recordings/{seed}` if they are not finished.
    Paths start from the working directory."""
    key: str | None = None
    """A larger dict holds the state_dict under this key, such as `state_dict` in Lightning's
    files; null means that the file is the state_dict."""
    prefixes: list[str] = Field(default=["module.", "_orig_mod."])
    """These prefixes of names are removed if the network has no such name."""
    gaps: bool = False
    """`true` allows missing epochs in a series that is regular otherwise."""

    @cached_property
    def series(self) -> Files:
        """Files by seed and epoch; all seeds have the same epochs.

        Raises SeriesError if there are none, or if they are not a series.
        """
        found = series.files_of(self.files)
        if not self.gaps and (missing := series.gap(list(next(iter(found.values()))))):
            raise SeriesError(f"{self.files}: {missing}; training.gaps: true accepts this")
        return found

    @property
    def seeds(self) -> list[int]:
        """Seeds of the files."""
        return list(self.series)

    @property
    def numbers(self) -> list[int]:
        """Numbers of the epochs, in order."""
        return list(next(iter(self.series.values())))

    def contents(self, seeds: Iterable[int]) -> list[Path]:
        paths = [path for seed in seeds for path in self.series.get(seed, {}).values()]
        return list(dict.fromkeys(paths))


class Adopt(Trainer):
    """Checkpoints of a block of seeds, with a Recorder's metrics, if any."""

    Settings = Settings

    def __init__(self, settings: Settings, network: Network, data: Data, seeds: Sequence[int]):
        self.settings, self.network, self.seeds = settings, network, list(seeds)
        self.networks = {"network": network}
        self.epochs = settings.numbers
        self.lost: dict[int, Lost] = {}
        if lacking := [seed for seed in self.seeds if seed not in settings.series]:
            raise SeriesError(f"{settings.files}: there are no files of seed {lacking[0]}")
        self.metrics = series.declared(
            self._recorded(seed, epoch) for seed in self.seeds for epoch in self.epochs
        )
        self._latest: dict[str, np.ndarray] = {}

    @classmethod
    def cost(
        cls, settings: Settings, network: Network, data: Shape, n_seeds: int, threads: int = 1
    ) -> Cost:
        """The cost of reading and writing all weights; nothing is trained."""
        return of_training(network, data, n_seeds, 0, 2 * settings.n_kept)

    def advance(self, epoch: int) -> Arrays:
        paths = [self.settings.series[seed][epoch] for seed in self.seeds]
        loaded = [_of_network(self.settings, self.network, path, epoch) for path in paths]
        names = self.network.arrays
        self._latest = {n: np.stack([to_array(one[n]) for one in loaded]) for n in names}
        found = [self._recorded(seed, epoch) for seed in self.seeds]
        return {
            m.name: np.array([of.get(m.name, np.nan) for of in found], np.float32)
            for m in self.metrics
        }

    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        return {"network": dict(self._latest)}

    def state(self) -> dict[str, np.ndarray]:
        return {}  # check that the files still exist

    def restore(self, state: Arrays) -> None:
        pass

    def _recorded(self, seed: int, epoch: int) -> Mapping[str, float]:
        """Metrics that were recorded with the weights."""
        about = series.recorded(self.settings.series[seed][epoch], epoch)
        return {} if about is None else about["metrics"]


def unfit(settings: Settings, network: Network, seeds: Sequence[int]) -> str:
    """The mismatch between the files' headers and the network; empty if all fit."""
    for seed in seeds:
        for path in dict.fromkeys(settings.series[seed].values()):
            try:
                _named(settings, network, series.header(path, settings.key), path)
            except SeriesError as error:
                return str(error)
    return ""


def _of_network(
    settings: Settings, network: Network, path: Path, epoch: int
) -> dict[str, Tensor]:
    """Arrays of a file at an epoch, with the network's names and types.

    Raises SeriesError if they do not fit or hold a NaN.
    """
    read = series.load(path, settings.key, epoch)
    headers = {n: Array(tuple(a.shape), _kind(a)) for n, a in read.items()}
    found: dict[str, Tensor] = {}
    for raw, name in _named(settings, network, headers, path).items():
        array = read[raw].to(getattr(torch, network.dtypes.get(name, PLAIN)))
        if name in found and not torch.equal(found[name], array):
            raise SeriesError(f"{path}: {raw} and {name} are one array, and differ")
        if array.is_floating_point() and not bool(array.isfinite().all()):
            what = "NaN" if bool(array.isnan().any()) else "infinite"
            place = "buffer" if name in network.buffers else "parameter"
            raise SeriesError(f"{path}: {place} {name} is {what}")
        found[name] = array
    return found


def _named(
    settings: Settings, network: Network, arrays: Mapping[str, Array], path: Path
) -> dict[str, str]:
    """The network's name of each of a file's arrays."""
    expected = {
        name: Array(tuple(shape), network.dtypes.get(name, PLAIN))
        for name, shape in network.arrays.items()
    }
    known = {**expected, **network.aliases}
    own: dict[str, str] = {}
    for raw in arrays:
        name = series.stripped(raw, known, settings.prefixes)
        if name in own:
            raise SeriesError(f"{path}: {own[name]} and {raw} are both {name} of the network")
        own[name] = raw
    wrong = series.mismatch(
        {name: arrays[raw] for name, raw in own.items()}, expected, network.aliases
    )
    if wrong:
        raise SeriesError(f"{path}: {wrong}")
    return {raw: network.aliases.get(name, name) for name, raw in own.items()}


def _kind(array: Tensor) -> str:
    return str(array.dtype).removeprefix("torch.")
