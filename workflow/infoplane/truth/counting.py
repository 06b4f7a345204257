"""Layers with few values on a whole population: truth by counting rows.

X is one of N equally likely inputs. T is a function of X with finitely many values, so the
counts of its rows give
    I(X;T) = H(T)        I(T;Y) = H(T) + H(Y) − H(T, Y).
With all N inputs this is exact; with fewer it is an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from infoplane.networks.network import Network, Weights
from infoplane.samples import Pair, Samples, entropy_of_counts
from infoplane.truth import maps
from infoplane.truth.maps import How
from infoplane.truth.points import of_patterns
from infoplane.truth.task import Draw, Prepared, Task, generator, rows
from infoplane.truth.trained import name_of


@dataclass(frozen=True)
class CountedLayer:
    """T on all N inputs.

    name : unique on the page; the draws depend on it
    t : (N, d), equal values have equal rows; x : (N, d_x); labels : int64 (N,) by name
    shape, shape_x : (channels, height, width) of rows that are maps, else ()
    settings : for an estimator, by name, the settings with which it counts this layer
    """

    name: str
    t: np.ndarray
    x: np.ndarray
    labels: Mapping[str, np.ndarray]
    shape: tuple[int, ...] = ()
    shape_x: tuple[int, ...] = ()
    settings: Mapping[str, Mapping] = field(default_factory=lambda: {"exact": {}})

    def tasks(self, prefix: str = "") -> list[Task]:
        """T with X, T with each label, and the layer itself. `prefix` precedes the name in the
        key of the random numbers."""
        d, d_x, largest = self.t.shape[1], self.x.shape[1], len(self.t)
        found = []
        for label, y in self.labels.items():
            ixt, ity = counted(self.t, y)
            law = of_patterns(self.t, y)
            kinds = {"labels": (label, 0, ity, self.settings, None, law)}
            if not found:  # tasks that do not depend on the label, once
                kinds |= {
                    "continuous": ("X", d_x, ixt, {}, None, of_patterns(self.t, self.x)),
                    "inputs": ("index of X", 0, ixt, self.settings, largest, None),
                }
            found += [
                Task(
                    f"{self.name}, {of}",
                    kind,
                    d,
                    d_b,
                    truth,
                    self._drawing(kind, y, f"{prefix}{self.name} {kind}"),
                    largest_n=most,
                    settings=settings,
                    law=law,
                )
                for kind, (of, d_b, truth, settings, most, law) in kinds.items()
            ]
        return found

    def _drawing(self, kind: str, y: np.ndarray, key: str):
        def draw(n: int, seed: int) -> Draw:
            taken = rows(n, len(self.t), generator(key, n, seed))
            t, whole = self.t[taken], n == len(self.t)
            where = {"layer": self.name, "shape": self.shape, "whole": whole}
            layer = Samples.of(t, y[taken], **where) if n <= len(self.t) else None
            if kind == "inputs":
                return Draw(samples=layer)
            if kind == "labels":
                return Draw(Pair.of(t, y[taken], self.name, (self.shape, ())), layer)
            shapes = self.shape, self.shape_x
            return Draw(Pair.of(t, self.x[taken], self.name, shapes), layer)

        return draw


def counted(cells: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """I(X;T) and I(T;Y) in bits by counting rows; each row is a different X, equally likely."""

    def entropy(rows: np.ndarray) -> float:
        return entropy_of_counts(np.unique(rows, axis=0, return_counts=True)[1])

    h_t = entropy(cells)
    return h_t, h_t + entropy(y[:, None]) - entropy(np.column_stack([cells, y]))


@dataclass(frozen=True)
class CountedMaps:
    """Layers of a quantised network of tanh units on all inputs of a population.

    x : (N, d_x); labels : int64 (N,) by name; shape_x : (channels, height, width) of an input
    bits : b; an activation has one of 2^b values on [−1, 1], both ends included
    """

    x: np.ndarray
    labels: Mapping[str, np.ndarray]
    shape_x: tuple[int, ...]
    bits: int

    def tasks(
        self,
        prepared: Prepared,
        layers: Sequence[str],
        epochs: Sequence[int],
        readings: Sequence[How],
    ) -> list[Task]:
        """The tasks of each layer and epoch, prepared under `name_of`, with each of the
        readings; a layer of units has one reading."""
        return [
            task
            for layer in layers
            for epoch in sorted(epochs)
            for task in self._tasks_of(
                name_of(layer, epoch), prepared[name_of(layer, epoch)], readings
            )
        ]

    def _tasks_of(self, name: str, codes: np.ndarray, readings: Sequence[How]) -> list[Task]:
        shape, tasks = codes.shape[1:], []
        for how in readings if len(shape) == 3 else ["whole"]:
            rows, shape_read = maps.read(codes, how)
            n_summed = math.prod(shape[1:]) if how == "mean" else 1
            t = rows / n_summed * 2 / (2**self.bits - 1) - 1
            settings = {"exact": {}}
            if how != "mean":
                settings["binned"] = {
                    "n_bins": 2**self.bits,
                    "range": "fixed",
                    "low": -1.0,
                    "high": 1.0,
                }
            title = f"{name}, {maps.words(shape, how)}, {self.bits} bit"
            layer = CountedLayer(
                title, t, self.x, self.labels, shape_read, self.shape_x, settings
            )
            tasks += layer.tasks("counted ")
        return tasks


def codes_of(
    network: Network, weights: Weights, x: torch.Tensor, layers: Sequence[str], epoch: int
) -> dict[str, np.ndarray]:
    """The number 0 … 2^b − 1 of every activation's value, int64 (N, *shape of the layer), by
    `name_of` the layer at this epoch. The network is quantised, and its layers are tanh."""
    steps = 2**network.bits - 1
    with torch.no_grad():
        return {
            name_of(name, epoch): torch.round((reading.t[0] + 1) / 2 * steps).long().numpy()
            for name, reading in network.read(weights, x)
            if name in layers
        }
