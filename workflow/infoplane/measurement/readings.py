"""The measured layers, and how maps are read.

Most estimators do not take a layer of maps, (channels, height, width). A map can be read as one
list of values (`flatten`; `whole` keeps the shape for estimators that take maps), as a layer
for each channel (`channels`: conv1[0], conv1[1], …), or as one value per channel, the `mean` or
the `max` over positions. A flat layer is read without change.
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
"""Readings that keep all of a map."""


class Reader:
    """The layers of a network that are measured.

    layers : as read, each flat, in the network's order; `after` holds the measured layers, or
        the input, that alone determine a layer
    names : of these layers; widths : number of units of each, by name
    of : by name, the network's layer that is read
    shapes : by name, (channels, height, width) of layers that are read whole, else ()
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        by_default: Iterable[str],
        chosen: Sequence[str] | None,
        how: HowRead,
    ):
        """chosen : names or patterns of layers; a ValueError names those without a match"""
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
        """The shape in which an input is read: () unless it is a map that is read whole."""
        return shape if self.how == "whole" and len(shape) > 1 else ()

    @property
    def in_words(self) -> str:
        """How the maps among the measured layers are read; empty if there are none."""
        maps = any(self.axes[self.of[name]] > 1 for name in self.names)
        return IN_WORDS[self.how] if maps else ""

    def read(self, name: str, reading: Reading) -> Iterator[tuple[str, Reading]]:
        """The measured readings of one of the network's layers: names, and t (S, n, units).

        The maximum of noisy values has no separable noise: its `sigma` is None.
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
    """A reading of some of the values, which `taken` selects from arrays of t's shape."""
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
        # The mean of m noise values has the standard deviation σ / √m.
        return Reading(t, reading.sigma / root, noise.mean(3) * root)
    sigmas = reading.sigma.flatten(3)
    size = sigmas.square().sum(3).sqrt()  # m times the standard deviation
    added = (sigmas * noise).sum(3)
    standard = torch.where(size > 0, added / size.clamp(min=1e-30), 0.0)
    return Reading(t, size / noise.shape[3], standard)


def _parts(layer: Layer, how: HowRead) -> dict[str, tuple[int]]:
    """Names of a layer's readings, with the number of units."""
    channels, *sides = layer.shape
    if not sides:
        return {layer.name: layer.shape}
    if how == "channels":
        return {f"{layer.name}[{i}]": (math.prod(sides),) for i in range(channels)}
    return {layer.name: (layer.units if how in AS_ONE else channels,)}


def _edges(layer: Layer, edges: dict, whole: set[str]) -> tuple[str, ...]:
    """The fully measured layers, or the input, that alone determine a layer; a layer that is
    not measured is replaced by those that determine it."""
    found: list[str] = []
    for before in layer.after:
        known = (before,) if before == INPUT or before in whole else edges[before]
        if not known:
            return ()
        found += known
    return tuple(dict.fromkeys(found))


def _matching(parts: dict[str, dict], chosen: Sequence[str]) -> set[str]:
    """Layers, or parts of layers, that match a name or pattern."""
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
