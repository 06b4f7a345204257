"""Weights + data + epochs → samples, layer by layer, in bounded memory.

Activations are regenerated and thrown away: for the field's networks a forward pass costs less
than reading its result back (docs/speed.md). If it costs more, a run's estimators may share one
store of activations; `Activations` reads both in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import NamedTuple

import torch

from infoplane import streams
from infoplane.machine import device_of
from infoplane.measurement.readings import Reader
from infoplane.networks.arrays import to_tensor
from infoplane.networks.description import rebuild
from infoplane.networks.dtypes import PLAIN
from infoplane.networks.network import OUTPUT, Draws, Network, Reading, broadcast
from infoplane.probes.probe import Inputs, Probe, ProbeSettings
from infoplane.samples import Samples
from infoplane.stores.activations import ActivationsStore, ActivationsWriter
from infoplane.stores.locks import writing
from infoplane.stores.weights import WeightsStore, measured_network

REUSED_BYTES = 64 * 10**6
"""Largest block on the CPU. A third of it is below the size (32 MB) from which the C library
maps every array anew; the system would then clear pages for as long as the pass takes."""


class Activations:
    """Every measured layer of every seed at every measured epoch, as batches of samples.

    Iteration gives lists of Samples of one layer, for a block of epochs and of the seeds that
    are not lost. `memory_mb` limits the activations in memory; on a CPU blocks are smaller, and
    it limits what `held` keeps.
    probe : gives the measured inputs and labels
    """

    def __init__(
        self,
        weights: WeightsStore,
        probe: Probe,
        memory_mb: int = 1024,
        shared: ActivationsStore | None = None,
    ):
        settings = probe.settings
        self.weights, self.probe, self.shared = weights, probe, shared
        self.name = measured_network(weights.networks, probe.network)
        self.network = rebuild(weights.networks[self.name])
        if settings.passes == "training":
            self.network = self.network.as_in_training(settings.batch_size)
        self.reader = reader_of(self.network, settings)
        self.layers = list(self.reader.names)
        self.seeds = [int(s) for s in weights.seeds if int(s) not in weights.lost]
        self.epochs = [int(e) for e in settings.epochs.select(weights.epochs)]
        self.device = device_of(settings.device)
        self.draws, self.noise_seed = settings.draws, settings.noise_seed
        self._latest: dict[tuple[int, int], Inputs] = {}
        # A run whose seeds are all lost still has a shape.
        seed, epoch = int([*self.seeds, *weights.seeds][0]), int(weights.epochs[-1])
        x = probe.inputs(seed, epoch, weights).x
        self.n_inputs = len(x)
        self.y_is_output = settings.y == "reconstruction"
        each = bytes_each(self.network, self.n_inputs * self.draws, settings)
        each += 0 if probe.fixed else x.nbytes
        self.memory, on_cpu = memory_mb * 10**6, self.device.type == "cpu"
        block = min(self.memory, REUSED_BYTES) if on_cpu else self.memory
        self.at_once = max(1, block // each)

    def inputs(self, epochs: Sequence[int], seeds: Sequence[int]) -> list[Inputs]:
        """The measured inputs at each of these epochs and seeds, seed by seed.

        Raises ValueError if the probe does not always give the same number of inputs.
        """
        where = [(seed, epoch) for seed in seeds for epoch in epochs]
        if self.probe.fixed:
            return [self.probe.inputs(*key, self.weights) for key in where[:1]] * len(where)
        # All layers of a block use the same inputs, one after the other.
        known = self._latest
        self._latest = {k: known.get(k) or self.probe.inputs(*k, self.weights) for k in where}
        for (seed, epoch), one in self._latest.items():
            if len(one.x) != self.n_inputs:
                raise ValueError(
                    f"probe {self.probe.settings.probe} gives {len(one.x)} inputs for seed "
                    f"{seed} at epoch {epoch}, and {self.n_inputs} elsewhere; it must always "
                    "give the same number"
                )
        return list(self._latest.values())

    def entropies(self, epochs: Sequence[int]) -> dict[tuple[int, int], tuple[float, float]]:
        """H(X) and H(Y), in bits, of the inputs of every seed at these epochs. H(Y) of a
        reconstruction is unknown."""
        return {
            (seed, epoch): (one.entropy_x, math.nan if self.y_is_output else one.entropy_y)
            for seed in self.seeds
            for epoch in epochs
            for one in self.inputs([epoch], [seed])
        }

    def information_xy(self, epochs: Sequence[int]) -> dict[tuple[int, int], float]:
        """I(X;Y), in bits, of the population behind the inputs of every seed at these epochs;
        NaN if unknown, as for a reconstruction."""
        probe = self.probe
        return {
            (seed, epoch): math.nan
            if self.y_is_output
            else probe.information_xy(seed, epoch, self.weights)
            for seed in self.seeds
            for epoch in epochs
        }

    def at(self, epochs: Sequence[int]) -> Activations:
        """The activations at these kept epochs, in order."""
        other = copy(self)
        other.epochs = list(epochs)
        return other

    def epoch_by_epoch(self) -> Activations:
        """The activations in batches of one epoch."""
        other = copy(self)
        other.at_once = min(self.at_once, max(1, len(self.seeds)))
        return other

    def held(self) -> Activations | list[list[Samples]]:
        """All batches in memory, on a CPU that has the room, for who needs them twice; else
        themselves, which are computed anew each time."""
        settings, n_rows = self.probe.settings, self.n_inputs * self.draws
        n_bytes = bytes_held(self.network, self.reader.widths, n_rows, settings)
        if not self.probe.fixed:
            n_bytes += self.inputs(self.epochs[:1], self.seeds[:1])[0].x.nbytes
        n_networks = len(self.seeds) * len(self.epochs)
        fits = n_networks * n_bytes + REUSED_BYTES <= self.memory
        return list(self) if fits and self.device.type == "cpu" else self

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.layers) * sum(1 for _ in self._blocks())

    def __iter__(self) -> Iterator[list[Samples]]:
        for epochs, seeds in self._blocks():
            where = [(seed, epoch) for seed in seeds for epoch in epochs]
            inputs = self.inputs(epochs, seeds)
            ys = [one.y for one in inputs]
            if self.y_is_output:
                ys = self._reconstructions(epochs, seeds)
            for layer, clean, noise in self.outputs(epochs, seeds, self.draws):
                yield [
                    samples_of(
                        inputs[i],
                        ys[i],
                        clean[i],
                        noise and noise.of(i),
                        self.reader,
                        layer,
                        *where[i],
                    )
                    for i in range(len(where))
                ]

    @property
    def random_network(self) -> str:
        """What makes layers random given X, in words; empty if nothing does."""
        if self.network.noise is not None:
            return "the noisy network"
        return "the network with its random draws" if self.network.draws else ""

    def save(self, path: Path, attributes: dict[str, str]) -> None:
        """Write all activations as a store."""
        with writing(path):
            writer = ActivationsWriter(
                path, self.reader.widths, self.seeds, self.epochs, self.n_inputs
            )
            for epochs, seeds in self._blocks():
                for layer, t, _ in self.outputs(epochs, seeds, self.draws):
                    shape = (len(seeds), len(epochs), *t.shape[1:])
                    writer.write(layer, seeds, epochs, t.reshape(shape).numpy(force=True))
            writer.finish(attributes)

    def _blocks(self) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        """Blocks of epochs and seeds that fit into memory; whole epochs if possible."""
        n_seeds = max(1, min(len(self.seeds), self.at_once))
        n_epochs = max(1, self.at_once // n_seeds)
        for first in range(0, len(self.epochs), n_epochs):
            for seed in range(0, len(self.seeds), n_seeds):
                yield self.epochs[first : first + n_epochs], self.seeds[seed : seed + n_seeds]

    def outputs(
        self, epochs: Sequence[int], seeds: Sequence[int], draws: int
    ) -> Iterator[tuple[str, torch.Tensor, LayerNoise | None]]:
        """For each layer its name, its outputs (n_seeds · n_epochs, n_inputs · draws, n_units)
        before its own noise, and that noise."""
        # As a decorator: a with statement would also cover the caller's code between yields.
        return torch.no_grad()(self._outputs)(epochs, seeds, draws)

    def _outputs(
        self, epochs: Sequence[int], seeds: Sequence[int], draws: int
    ) -> Iterator[tuple[str, torch.Tensor, LayerNoise | None]]:
        if self.shared is not None:
            for layer in self.layers:
                stored = torch.from_numpy(self.shared.read(layer, epochs, seeds))
                yield layer, stored.to(self.device).flatten(0, 1), None
            return
        yield from read_layers(self.reader, self._readings(epochs, seeds, draws))

    def _reconstructions(self, epochs: Sequence[int], seeds: Sequence[int]) -> torch.Tensor:
        """The output layer of each network (N, n_inputs, draws, units), from the same pass as
        the measured layers."""
        for name, reading in self._readings(epochs, seeds, self.draws):
            if name == OUTPUT:
                return reading.seen.flatten(2).unflatten(1, (self.n_inputs, self.draws))
        raise ValueError(f"the network has no layer '{OUTPUT}' that could be Y")

    def _readings(
        self, epochs: Sequence[int], seeds: Sequence[int], draws: int
    ) -> Iterator[tuple[str, Reading]]:
        """All layers of the networks of these epochs and seeds, in the network's own shapes."""
        network, n_rows = self.network, self.n_inputs * draws
        weights = {
            name: to_tensor(array, network.dtypes.get(name, PLAIN))
            .to(self.device)
            .flatten(0, 1)
            for name, array in self.weights.read(epochs, seeds, self.name).items()
        }
        inputs = [one.x for one in self.inputs(epochs, seeds)]
        # (n, …), shared by all, or (S, n, …)
        x = inputs[0] if self.probe.fixed else torch.stack(inputs)
        x = x.to(self.device).repeat_interleave(draws, dim=0 if self.probe.fixed else 1)
        yield from network.read(weights, x, self._random(epochs, seeds, n_rows))

    def _random(self, epochs, seeds, n: int) -> Draws | None:
        """The random numbers of n rows, which depend only on noise seed, seed and epoch; None
        for a network without random draws."""
        if not self.network.draws:
            return None
        keys = [(self.noise_seed, seed, epoch) for seed in seeds for epoch in epochs]
        return self.network.random(n, [streams.of_training(*key) for key in keys], self.device)


def read_layers(
    reader: Reader, readings: Iterable[tuple[str, Reading]]
) -> Iterator[tuple[str, torch.Tensor, LayerNoise | None]]:
    """The measured readings of a network's layers: for each its name, its outputs (N, n,
    n_units) before its own noise, and that noise."""
    wanted = len(reader.names)
    for name, whole in readings:
        for layer, reading in reader.read(name, whole):
            own = None
            if reading.noise is not None:
                own = LayerNoise(reading.sigma, reading.noise)
            yield layer, reading.t.contiguous(), own
            wanted -= 1
        if not wanted:
            return


def samples_of(
    inputs: Inputs, y, clean, noise, reader: Reader, layer: str, seed: int, epoch: int
) -> Samples:
    """Samples from outputs (n_inputs · n_draws, n_units) before noise.

    noise : (σ, σZ) or None; reader : the reader of the layer
    """
    sigma, added = noise or (None, None)
    by_draw = (len(inputs.x), -1, clean.shape[-1])
    if isinstance(sigma, torch.Tensor):
        sigma = sigma.view(by_draw)
    return Samples(
        (clean if added is None else clean + added).view(by_draw),
        y,
        inputs.x.flatten(1),
        sigma=sigma,
        centres=None if added is None else clean.view(by_draw),
        entropy_x=inputs.entropy_x,
        whole=inputs.whole,
        unseen=inputs.unseen,
        layer=layer,
        seed=seed,
        epoch=epoch,
        **shapes_of(reader, layer, inputs),
    ).checked()


def shapes_of(reader: Reader, layer: str, inputs: Inputs) -> dict[str, tuple[int, ...]]:
    """`shape` and `shape_x` of a layer's samples, for maps that are read whole."""
    of_input = reader.shape_of_input(tuple(inputs.x.shape[1:]))
    return {"shape": reader.shapes[layer], "shape_x": of_input}


def reader_of(network: Network, settings: ProbeSettings) -> Reader:
    """The layers of a network that these settings measure; ValueError for layers that the
    network does not have."""
    return Reader(network.layers, network.by_default, settings.layers, settings.reading)


def bytes_each(network: Network, n_rows: int, settings: ProbeSettings) -> int:
    """Bytes of one network's activations on n_rows rows: two neighbouring layers, one temporary
    array of the wider one, the noise of all layers with the generators' numbers, and the output
    if it is Y."""
    late = network.draws and not network.n_drawn  # drawn for one layer at a time
    widest = (5 if late else 3) * max(network.widths.values())
    output = network.layers[-1].units if settings.y == "reconstruction" else 0
    return 4 * n_rows * (widest + output + 2 * network.n_drawn)


def bytes_held(
    network: Network, widths: Mapping[str, int], n_rows: int, settings: ProbeSettings
) -> int:
    """Memory of one network's samples on so many rows, all layers: activations, of a noisy one
    centres and sizes of the noise beside them, and the output if it is Y."""
    output = network.layers[-1].units if settings.y == "reconstruction" else 0
    return 4 * n_rows * ((3 if network.draws else 1) * sum(widths.values()) + output)


class LayerNoise(NamedTuple):
    """σ and standard normal numbers z (N, n, n_units) of one layer of N networks.

    sigma : (N,), or (N, n, n_units) if each entry has its own
    """

    sigma: torch.Tensor
    z: torch.Tensor

    @property
    def added(self) -> torch.Tensor:
        """The noise (N, n, n_units) in units of activation."""
        return broadcast(self.sigma, self.z) * self.z

    def of(self, i: int) -> tuple[float | torch.Tensor, torch.Tensor]:
        """σ of the i-th network, a number or (n, n_units), and its noise (n, n_units)."""
        sigma = self.sigma[i]
        return (float(sigma) if sigma.ndim == 0 else sigma), sigma * self.z[i]
