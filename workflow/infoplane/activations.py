"""Weights + data + epochs → samples, layer by layer, in bounded memory.

Activations are regenerated and thrown away: for the networks of the field a forward pass costs
less than reading its result back (see the README's figures). Where it costs more, a run may
share one store of activations between its estimators; `Activations` reads either alike.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.datasets.contents import row_codes
from infoplane.datasets.source import Data
from infoplane.machine import DeviceName, device_of
from infoplane.networks.description import rebuild
from infoplane.samples import Samples, entropy_of_counts, label_codes
from infoplane.schedules import Logarithmic, Schedule
from infoplane.settings import Settings as BaseSettings
from infoplane.stores.activations import ActivationsStore, ActivationsWriter
from infoplane.stores.weights import WeightsStore


class Settings(BaseSettings):
    """What is measured: which inputs, which epochs."""

    inputs: Literal["train", "test", "all"] = "all"
    """Part of the data set on which information is measured."""
    subset: int | None = Field(default=None, ge=2)
    """Measure this many of those inputs, drawn once; null: all of them."""
    subset_seed: int = Field(default=0, ge=0)
    """Seed of the subset."""
    epochs: Schedule = Logarithmic(schedule="logarithmic", number=60)
    """Epochs to measure, out of the kept ones."""
    device: DeviceName = "auto"
    """auto: CUDA where there is a GPU, else the CPU."""
    share_activations: bool = False
    """Regenerate once into a temporary store that all estimators of the run read. Worth it
    only where a forward pass costs more than reading its result from disk."""


class Measured:
    """The inputs that are measured.

    x (n_inputs, …), y (n_inputs,) int64; entropy_x, entropy_y in bits, of these inputs
    """

    def __init__(self, data: Data, settings: Settings):
        rows = {
            "train": data.train,
            "test": data.test,
            "all": np.arange(len(data.x)),
        }[settings.inputs]
        if settings.subset is not None and settings.subset < len(rows):
            drawn = np.random.default_rng(settings.subset_seed)
            rows = np.sort(drawn.choice(rows, settings.subset, replace=False))
        if len(rows) < 2:
            raise ValueError(
                f"measure.inputs: {settings.inputs} leaves {len(rows)} inputs; information "
                "needs at least two"
            )
        self.x = torch.from_numpy(data.x[rows])
        self.y = label_codes(data.y[rows])  # a class that no measured input has leaves no gap
        self.entropy_x = entropy_of_counts(np.bincount(row_codes(data.x[rows])))
        self.entropy_y = entropy_of_counts(np.bincount(self.y))


class Activations:
    """Every measured layer of every seed at every measured epoch, as batches of samples.

    Iterating gives lists of Samples of one layer: a block of epochs, all seeds that did not
    fail. `memory_mb` bounds the activations that are held at once.
    """

    def __init__(
        self,
        weights: WeightsStore,
        measured: Measured,
        settings: Settings,
        memory_mb: int = 1024,
        shared: ActivationsStore | None = None,
    ):
        self.weights, self.measured, self.shared = weights, measured, shared
        self.network = rebuild(weights.attributes)
        self.layers = self.network.layers
        self.seeds = [int(s) for s in weights.seeds if int(s) not in weights.failed]
        self.epochs = [int(e) for e in settings.epochs.select(weights.epochs)]
        self.device = device_of(settings.device)
        # Two neighbouring layers and one temporary of the wider are alive at once.
        widest = max(self.network.widths.values())
        bytes_each = 4 * len(measured.x) * 3 * widest
        self.at_once = max(1, memory_mb * 10**6 // bytes_each)

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.layers) * sum(1 for _ in self._blocks())

    def __iter__(self) -> Iterator[list[Samples]]:
        for epochs, seeds in self._blocks():
            for layer, t in self._layers(epochs, seeds):
                where = [(seed, epoch) for seed in seeds for epoch in epochs]
                yield [
                    Samples(
                        t[i][:, None, :],
                        self.measured.y,
                        self.measured.x.flatten(1),
                        layer=layer,
                        seed=seed,
                        epoch=epoch,
                    ).checked()
                    for i, (seed, epoch) in enumerate(where)
                ]

    def save(self, path: Path, attributes: dict[str, str]) -> None:
        """Write all of it as a store of activations."""
        writer = ActivationsWriter(
            path, self.network.widths, self.seeds, self.epochs, len(self.measured.x)
        )
        for epochs, seeds in self._blocks():
            for layer, t in self._layers(epochs, seeds):
                shape = (len(seeds), len(epochs), *t.shape[1:])
                writer.write(layer, seeds, epochs, t.reshape(shape).numpy(force=True))
        writer.finish(attributes)

    def _blocks(self) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        """Blocks of epochs and seeds that fit into memory; whole epochs where they do."""
        n_seeds = max(1, min(len(self.seeds), self.at_once))
        n_epochs = max(1, self.at_once // n_seeds)
        for first in range(0, len(self.epochs), n_epochs):
            for seed in range(0, len(self.seeds), n_seeds):
                yield self.epochs[first : first + n_epochs], self.seeds[seed : seed + n_seeds]

    @torch.no_grad()  # as a decorator: a with statement would reach what is done between yields
    def _layers(self, epochs, seeds) -> Iterator[tuple[str, torch.Tensor]]:
        """Each layer's name and activations, (n_seeds · n_epochs, n_inputs, n_units)."""
        if self.shared is not None:
            for layer in self.layers:
                stored = torch.from_numpy(self.shared.read(layer, epochs, seeds))
                yield layer, stored.to(self.device).flatten(0, 1)
            return
        read = self.weights.read(epochs, seeds)
        stacked = {
            n: torch.from_numpy(w).to(self.device).flatten(0, 1) for n, w in read.items()
        }
        for layer, t in self.network.activations(stacked, self.measured.x.to(self.device)):
            yield layer, t.flatten(2).contiguous()
