"""Stores of prepared data sets: x (input, …), y (input), the indices `train` and `test`."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from infoplane.datasets.source import Data
from infoplane.stores.files import open_tree, reading, save_dataset
from infoplane.stores.recipes import CONTENTS, RECIPE


def write_data(data: Data, path: Path, recipe: str = "", contents: str = "") -> None:
    """Write a prepared data set as a store.

    recipe, contents : digests of all that it was made from, and of the user's files of that
    """
    axes = tuple(f"axis{i}" for i in range(1, data.x.ndim))
    dataset = xr.Dataset(
        {
            "x": (("input", *axes), data.x),
            "y": ("input", data.y),
            "train_indices": ("train", data.train),
            "test_indices": ("test", data.test),
        },
        attrs={
            "attributes": json.dumps(data.attributes),
            RECIPE: recipe,
            CONTENTS: contents,
            "units": "entropies in bit",
        },
    )
    save_dataset(dataset, path)


def read_data(path: Path) -> Data:
    """The prepared data set of a store."""
    dataset = open_tree(path).to_dataset()
    with reading(path):
        return Data(
            x=dataset["x"].values,
            y=dataset["y"].values.astype(np.int64),
            train=dataset["train_indices"].values,
            test=dataset["test_indices"].values,
            attributes=json.loads(dataset.attrs["attributes"]),
        )
