"""Stores of prepared data sets: x (input, …), each label by its name (input), and the indices
`train_indices` and `test_indices`."""

from pathlib import Path

import numpy as np
import xarray as xr

from infoplane.datasets.source import Data, Label
from infoplane.stores.archive import reading
from infoplane.stores.files import open_tree, save_dataset
from infoplane.stores.recipes import CONTENTS, RECIPE
from infoplane.stores.shapes import DATA, LABELS, NAMES


def write_data(data: Data, path: Path, recipe: str = "", contents: str = "") -> None:
    """Write a prepared data set as a store. It keeps I(X;Y), but not the probabilities of
    labels behind it.

    recipe, contents : digests of all that made it, and of the user's files among that
    """
    axes = tuple(f"axis{i}" for i in range(1, data.x.ndim))
    labels = {
        name: ("input", label.codes, {NAMES: list(label.class_names)})
        for name, label in data.labels.items()
    }
    dataset = xr.Dataset(
        {
            "x": (("input", *axes), data.x),
            **labels,
            "train_indices": ("train", data.train),
            "test_indices": ("test", data.test),
        },
        attrs={
            "attributes": data.attributes,
            LABELS: list(data.labels),
            RECIPE: recipe,
            CONTENTS: contents,
            "units": "entropies in bit",
        },
    )
    save_dataset(dataset, path, DATA)


def read_data(path: Path) -> Data:
    """The prepared data set of a store."""
    dataset = open_tree(path, DATA).to_dataset()
    with reading(path):
        labels = {
            name: Label(
                dataset[name].values.astype(np.int64), tuple(dataset[name].attrs[NAMES])
            )
            for name in dataset.attrs[LABELS]
        }
        return Data(
            x=dataset["x"].values,
            labels=labels,
            train=dataset["train_indices"].values,
            test=dataset["test_indices"].values,
            attributes=dataset.attrs["attributes"],
        )
