"""Which layers are measured, and how maps are read.

A layer of maps, (channels, height, width), is more than an estimator takes at once. It is read
as one list of numbers, which may keep its shape for estimators that take maps, or each channel
by itself as a layer of its own (conv1[0], conv1[1], …), or as one number a channel: the mean or
the largest over positions. A flat layer is read as it is, whatever the reading.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

import torch

from infoplane.networks.network import INPUT, Layer, Reading, Shape
from infoplane.probes.probe import HowRead
from infoplane.table import nearest

IN_WORDS = {
    "flatten": "maps flattened",
    "whole": "maps whole, with their shape for estimators that take maps",
    "channels": "each channel of a map by itself",
    "mean": "maps as their channels' means over positions",
    "max": "maps as their channels' largest values over positions",
}

AS_ONE = ("flatten", "whole")
"""Readings that leave nothing of a map out."""


class Reader:
    """The layers of a network that are measured.

    layers : as they are read, each flat, in the network's order; `after` holds those of them,
        or the input, that a layer is computed from alone
    names : of these layers; widths : numbers of each by name
    of : the network's own layer that a name is read of
    shapes : (channels, height, width) of what is read whole, by name; () of all else
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        by_default: Iterable[str],
        chosen: Sequence[str] | None,
        how: HowRead,
    ):
        """chosen : names or patterns of layers; ValueError says which of them match nothing"""
        self.how = how
        self.parts = {layer.name: _parts(layer, how) for layer in layers}
        self.axes = {layer.name: len(layer.shape) for layer in layers}
        wanted = set(by_default) if chosen is None else _matching(self.parts, chosen)
        whole = {la.name for la in layers if len(la.shape) == 1 or how in AS_ONE}
        edges: dict[str, tuple[str, ...]] = {}
        measured = []
        for layer in layers:
            edges[layer.name] = _edges(layer, edges, whole & wanted)
            measured += [
                Layer(name, shape, edges[layer.name])
                for name, shape in self.parts[layer.name].items()
                if wanted & {layer.name, name}
            ]
        self.layers = tuple(measured)
        self.names = tuple(layer.name for layer in measured)
        self.widths = {layer.name: layer.units for layer in measured}
        keeps = {
            la.name: la.shape if how == "whole" and len(la.shape) > 1 else () for la in layers
        }
        self.shapes = {name: keeps.get(name, ()) for name in self.names}
        self.of = {name: whole for whole, parts in self.parts.items() for name in parts}

    def shape_of_input(self, shape: Shape) -> Shape:
        """Of an input of this shape as it is read: () unless it is a map, read whole."""
        return shape if self.how == "whole" and len(shape) > 1 else ()

    @property
    def in_words(self) -> str:
        """How the maps among the measured layers are read; empty where there are none."""
        maps = any(self.axes[self.of[name]] > 1 for name in self.names)
        return IN_WORDS[self.how] if maps else ""

    def read(self, name: str, reading: Reading) -> Iterator[tuple[str, Reading]]:
        """What is measured of one of the network's layers: its name, and t (S, n, units).

        The largest of noisy numbers has no noise that could be told apart from it: its
        `sigma` is None.
        """
        parts = self.parts[name]
        if not set(parts) & set(self.names):
            return
        if reading.t.ndim == 3 or self.how in AS_ONE:
            yield name, _each(reading, lambda values: values.flatten(2))
        elif self.how == "channels":
            for i, part in enumerate(parts):
                if part in self.names:
                    yield part, _each(reading, lambda values, i=i: values[:, :, i].flatten(2))
        elif self.how == "max":
            yield name, Reading(reading.seen.flatten(3).amax(3))
        else:
            yield name, _mean(reading)


def _each(reading: Reading, taken) -> Reading:
    """A reading of some of its numbers, `taken` of arrays of the shape of t."""
    t, sigma, noise = reading
    if noise is None:
        return Reading(taken(t))
    return Reading(taken(t), sigma if sigma.ndim == 1 else taken(sigma), taken(noise))


def _mean(reading: Reading) -> Reading:
    """The mean of each channel over positions."""
    t = reading.t.flatten(3).mean(3)
    if reading.noise is None:
        return Reading(t)
    noise = reading.noise.flatten(3)
    root = math.sqrt(noise.shape[3])
    if reading.sigma.ndim == 1:
        # The mean of m numbers of noise has a deviation of σ / √m.
        return Reading(t, reading.sigma / root, noise.mean(3) * root)
    sigmas = reading.sigma.flatten(3)
    size = sigmas.square().sum(3).sqrt()  # m times the deviation
    added = (sigmas * noise).sum(3)
    standard = torch.where(size > 0, added / size.clamp(min=1e-30), 0.0)
    return Reading(t, size / noise.shape[3], standard)


def _parts(layer: Layer, how: HowRead) -> dict[str, tuple[int]]:
    """Names of what is read of a layer, with the number of its units."""
    channels, *sides = layer.shape
    if not sides:
        return {layer.name: layer.shape}
    if how == "channels":
        return {f"{layer.name}[{i}]": (math.prod(sides),) for i in range(channels)}
    return {layer.name: (layer.units if how in AS_ONE else channels,)}


def _edges(layer: Layer, edges: dict, whole: set[str]) -> tuple[str, ...]:
    """What is measured in full, or the input, that a layer is computed from alone: in place of
    a layer that is not, what that one is computed from."""
    found: list[str] = []
    for before in layer.after:
        known = (before,) if before == INPUT or before in whole else edges[before]
        if not known:
            return ()
        found += known
    return tuple(dict.fromkeys(found))


def _matching(parts: dict[str, dict], chosen: Sequence[str]) -> set[str]:
    """Layers, or parts of layers, that any of the names or patterns matches."""
    found: set[str] = set()
    known = [*parts, *(name for inner in parts.values() for name in inner if name not in parts)]
    for pattern in chosen:
        own = {name for name in known if name == pattern}
        own |= {name for name in parts if fnmatchcase(name, pattern)}
        if not own:
            raise ValueError(
                f"'{pattern}' matches no layer.{nearest(pattern, known)} "
                f"Layers: {', '.join(parts)}"
            )
        found |= own
    return found
