"""Layers of a trained network whose activations are quantised: truth by counting.

Each hidden activation is replaced by the middle of one of 2^b cells on [−1, 1] before it enters
the next layer. X is uniform over the 4,096 SZT patterns. T is a function of X with finitely
many values, so its rows are counted (counting.py); binning on the same cells counts them too.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from infoplane.settings import Settings
from infoplane.truth import trained
from infoplane.truth.counting import CountedLayer
from infoplane.truth.task import Family, Prepared, Task


class QuantisedSettings(Settings):
    """Quantised layers of the SZT net."""

    family: Literal["quantised"] = "quantised"
    """This family has quantised layers of the SZT net."""
    network: trained.Training = trained.Training()
    """These settings choose the network, its layers and epochs."""
    bits: list[Annotated[int, Field(ge=1, le=16)]] = Field(default=[2, 4, 8], min_length=1)
    """An activation has 2^b values, for each of these numbers b."""


class Quantised(Family):
    """Quantised layers of the SZT net."""

    Settings = QuantisedSettings
    settings: QuantisedSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """Cell numbers, int64 (4096, d), by layer, epoch and bits."""
        x, _ = trained.patterns()
        layers = trained.chosen_layers(self.settings.network)
        arrays = {}
        for epoch, weights in trained.networks(self.settings.network):
            for bits in self.settings.bits:
                h, cells = x, []
                for weight, bias in weights:
                    cell = cells_of(np.tanh(h @ weight + bias), bits)
                    cells.append(cell)
                    h = middles(cell, bits)
                for layer, position in layers.items():
                    arrays[_name(layer, epoch, bits)] = cells[position]
        return arrays

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Three tasks for each layer, epoch and number of bits: T with X, T with Y, and the
        layer itself."""
        tasks = []
        for layer in trained.chosen_layers(self.settings.network):
            for epoch in sorted(self.settings.network.epochs):
                for bits in self.settings.bits:
                    name = _name(layer, epoch, bits)
                    tasks += _tasks(name, prepared[name], bits)
        return tasks


def cells_of(t: np.ndarray, bits: int) -> np.ndarray:
    """The number 0 … 2^b − 1 of the cell of [−1, 1] that contains each activation."""
    cells = np.floor((t + 1) / 2 * 2**bits).astype(np.int64)
    return np.clip(cells, 0, 2**bits - 1)


def middles(cells: np.ndarray, bits: int) -> np.ndarray:
    """The middle of each cell, in units of activation."""
    return (cells + 0.5) * 2 / 2**bits - 1


def _name(layer: str, epoch: int, bits: int) -> str:
    return f"{trained.name_of(layer, epoch)}, {bits} bit"


def _tasks(name: str, cells: np.ndarray, bits: int) -> list[Task]:
    x, y = trained.patterns()
    grid = {"n_bins": 2**bits, "range": "fixed", "low": -1.0, "high": 1.0}
    own = {"binned": grid, "exact": {}}
    layer = CountedLayer(name, middles(cells, bits), x, {"Y": y}, settings=own)
    return layer.tasks("quantised ")
