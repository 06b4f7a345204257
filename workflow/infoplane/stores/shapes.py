"""The shape of a prepared data set, from the heads of its store: plans are made from it."""

import json
from pathlib import Path

from infoplane.datasets.source import Shape

LABELS = "labels"
"""Attribute of a data set: the names of its labels, the first is meant where none is named."""
NAMES = "class_names"
"""Attribute of a label."""


def shape_of_store(store: Path) -> Shape:
    """The shape of a prepared data set.

    Raises FileNotFoundError where it has not been prepared.
    """
    n, *of_input = _head(store / "x")["shape"]
    (n_train,) = _head(store / "train_indices")["shape"]
    labels = _head(store)["attributes"][LABELS]
    classes = {name: len(_head(store / name)["attributes"][NAMES]) for name in labels}
    return Shape(n, tuple(of_input), classes, n_train)


def _head(array: Path) -> dict:
    return json.loads((array / "zarr.json").read_text(encoding="utf-8"))
