"""Temporary stores of activations for several estimators: (seed, epoch, input, unit)."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from infoplane.stores.archive import KIND, partial_of, reading
from infoplane.stores.files import (
    WHOLE,
    add_dataset,
    compressors,
    open_tree,
    publish,
    written_whole,
)

ACTIVATIONS = "activations"
"""The kind of these stores."""


class ActivationsWriter:
    """Writes a store of activations block by block.

    widths : number of units of each layer, in order
    """

    def __init__(
        self,
        path: Path,
        widths: Mapping[str, int],
        seeds: Sequence[int],
        epochs: Sequence[int],
        n_inputs: int,
    ):
        self.path, self.partial = path, partial_of(path)
        self.seeds, self.epochs = list(seeds), list(epochs)
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        group = zarr.open_group(self.partial, mode="w")
        for layer, width in widths.items():
            group.create_array(
                layer,
                shape=(len(self.seeds), len(self.epochs), n_inputs, width),
                dtype="float32",
                chunks=(1, 1, n_inputs, width),
                compressors=compressors(),
                config=WHOLE,
                dimension_names=("seed", "epoch", "input", f"{layer}.unit"),
            )

    def write(
        self, layer: str, seeds: Sequence[int], epochs: Sequence[int], values: np.ndarray
    ) -> None:
        """Write one block, values (n_seeds, n_epochs, n_inputs, n_units)."""
        array = zarr.open_group(self.partial, mode="r+")[layer]
        first, start = self.seeds.index(seeds[0]), self.epochs.index(epochs[0])
        with written_whole():
            array[first : first + len(seeds), start : start + len(epochs)] = values

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Name the axes and move the store into its place."""
        axes = {"seed": self.seeds, "epoch": self.epochs}
        about = {**attributes, KIND: ACTIVATIONS}
        add_dataset(xr.Dataset(coords=axes, attrs=about), self.partial)
        publish(self.partial, self.path)


class ActivationsStore:
    """A finished store of activations, opened for reading."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self._data = open_tree(self.path, ACTIVATIONS).to_dataset()

    def read(self, layer: str, epochs: Sequence[int], seeds: Sequence[int]) -> np.ndarray:
        """One layer, (n_seeds, n_epochs, n_inputs, n_units)."""
        with reading(self.path):
            return self._data[layer].sel(seed=list(seeds), epoch=list(epochs)).values
