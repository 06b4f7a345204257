"""Weights + data + epochs → samples, layer by layer, in bounded memory.

Activations are regenerated and thrown away: for the networks of the field a forward pass costs
less than reading its result back (see the README's figures). Where it costs more, a run may
share one store of activations between its estimators; `Activations` reads either alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field

from infoplane.datasets.contents import row_codes
from infoplane.datasets.source import Data
from infoplane.machine import DeviceName, device_of
from infoplane.networks import noise as noises
from infoplane.networks.arrays import to_tensor
from infoplane.networks.description import rebuild
from infoplane.networks.dtypes import PLAIN
from infoplane.networks.network import Draws, Network
from infoplane.samples import Samples, entropy_of_counts, label_codes
from infoplane.schedules.adaptive import AnySchedule
from infoplane.schedules.fixed import Logarithmic
from infoplane.settings import Settings as BaseSettings
from infoplane.stores.activations import ActivationsStore, ActivationsWriter
from infoplane.stores.locks import writing
from infoplane.stores.weights import WeightsStore, measured_network


class Settings(BaseSettings):
    """What is measured: which inputs, which epochs."""

    inputs: Literal["train", "test", "all"] = "all"
    """Part of the data set on which information is measured."""
    subset: int | None = Field(default=None, ge=2)
    """Measure this many of those inputs, drawn once; null: all of them."""
    subset_seed: int = Field(default=0, ge=0)
    """Seed of the subset."""
    epochs: AnySchedule = Logarithmic(schedule="logarithmic", number=60)
    """Epochs to measure, out of the kept ones; the delta schedules choose them by what they
    measure."""
    draws: int = Field(default=1, ge=1)
    """Draws of each input in a network with noise: so many passes with noise of their own."""
    noise_seed: int = Field(default=0, ge=0)
    """Seed of the noise in measurement; each network and epoch has noise of its own."""
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

    Iterating gives lists of Samples of one layer: a block of epochs, all seeds that are not
    lost. `memory_mb` bounds the activations that are held at once.
    network : name of the one that is measured; None: the only one
    """

    def __init__(
        self,
        weights: WeightsStore,
        measured: Measured,
        settings: Settings,
        memory_mb: int = 1024,
        shared: ActivationsStore | None = None,
        network: str | None = None,
    ):
        self.weights, self.measured, self.shared = weights, measured, shared
        self.name = measured_network(weights.networks, network)
        self.network = rebuild(weights.networks[self.name])
        self.layers = [layer.name for layer in self.network.layers]
        self.seeds = [int(s) for s in weights.seeds if int(s) not in weights.lost]
        self.epochs = [int(e) for e in settings.epochs.select(weights.epochs)]
        self.device = device_of(settings.device)
        self.draws, self.noise_seed = settings.draws, settings.noise_seed
        each = bytes_each(self.network, len(measured.x) * self.draws)
        self.at_once = max(1, memory_mb * 10**6 // each)

    def at(self, epochs: Sequence[int]) -> Activations:
        """The same at these kept epochs, in order."""
        other = copy(self)
        other.epochs = list(epochs)
        return other

    def epoch_by_epoch(self) -> Activations:
        """The same in batches of one epoch."""
        other = copy(self)
        other.at_once = min(self.at_once, max(1, len(self.seeds)))
        return other

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.layers) * sum(1 for _ in self._blocks())

    def __iter__(self) -> Iterator[list[Samples]]:
        for epochs, seeds in self._blocks():
            where = [(seed, epoch) for seed in seeds for epoch in epochs]
            for layer, clean, noise in self.outputs(epochs, seeds, self.draws):
                yield [
                    self._samples(clean[i], noise and noise.of(i), layer, *where[i])
                    for i in range(len(where))
                ]

    def _samples(self, clean, noise, layer: str, seed: int, epoch: int) -> Samples:
        """Samples of outputs (n_inputs · n_draws, n_units) before noise, with (σ, σZ)."""
        sigma, added = noise or (None, None)
        by_draw = (len(self.measured.x), -1, clean.shape[-1])
        return Samples(
            (clean if added is None else clean + added).view(by_draw),
            self.measured.y,
            self.measured.x.flatten(1),
            layer=layer,
            seed=seed,
            epoch=epoch,
            sigma=sigma,
            centres=None if added is None else clean.view(by_draw),
            entropy_x=self.measured.entropy_x,
        ).checked()

    def save(self, path: Path, attributes: dict[str, str]) -> None:
        """Write all of it as a store of activations."""
        with writing(path):
            writer = ActivationsWriter(
                path, self.network.widths, self.seeds, self.epochs, len(self.measured.x)
            )
            for epochs, seeds in self._blocks():
                for layer, t, _ in self.outputs(epochs, seeds, self.draws):
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

    def outputs(
        self, epochs: Sequence[int], seeds: Sequence[int], draws: int
    ) -> Iterator[tuple[str, torch.Tensor, LayerNoise | None]]:
        """Each layer's name, its outputs (n_seeds · n_epochs, n_inputs · draws, n_units)
        before its own noise, and that noise."""
        # Around the function: a with statement would reach what is done between its yields.
        return torch.no_grad()(self._outputs)(epochs, seeds, draws)

    def _outputs(
        self, epochs: Sequence[int], seeds: Sequence[int], draws: int
    ) -> Iterator[tuple[str, torch.Tensor, LayerNoise | None]]:
        if self.shared is not None:
            for layer in self.layers:
                stored = torch.from_numpy(self.shared.read(layer, epochs, seeds))
                yield layer, stored.to(self.device).flatten(0, 1), None
            return
        network, n_rows = self.network, len(self.measured.x) * draws
        weights = {
            name: to_tensor(array, network.dtypes.get(name, PLAIN))
            .to(self.device)
            .flatten(0, 1)
            for name, array in self.weights.read(epochs, seeds, self.name).items()
        }
        x = self.measured.x.to(self.device).repeat_interleave(draws, dim=0)
        for layer, reading in network.read(weights, x, self._random(epochs, seeds, n_rows)):
            own = None
            if reading.noise is not None:
                own = LayerNoise(reading.sigma, reading.noise.flatten(2))
            yield layer, reading.t.flatten(2).contiguous(), own

    def _random(self, epochs, seeds, n: int) -> Draws | None:
        """What n rows draw, by noise seed, seed and epoch alone; None for most networks."""
        if not self.network.draws:
            return None
        keys = [(self.noise_seed, seed, epoch) for seed in seeds for epoch in epochs]
        return self.network.random(n, [noises.source(*key) for key in keys], self.device)


def bytes_each(network: Network, n_rows: int) -> int:
    """Memory of one network's activations on so many rows: two neighbouring layers and one
    temporary of the wider are alive at once, and the noise of all layers, with the generators'
    numbers beside it."""
    return 4 * n_rows * (3 * max(network.widths.values()) + 2 * network.n_drawn)


class LayerNoise(NamedTuple):
    """σ (N,) and standard normal numbers (N, n, n_units) of one layer of N networks."""

    sigma: torch.Tensor
    z: torch.Tensor

    def of(self, i: int) -> tuple[float, torch.Tensor]:
        """σ of the i-th network, and its noise (n, n_units) in units of activation."""
        return float(self.sigma[i]), self.sigma[i] * self.z[i]
