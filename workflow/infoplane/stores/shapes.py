"""The shape of a prepared data set, from the metadata of its store, for plans."""

from pathlib import Path

from infoplane.datasets.source import Shape
from infoplane.stores.archive import inside, reading, verify

DATA = "data set"
"""The kind of these stores."""
LABELS = "labels"
"""Attribute of a data set: the names of its labels; the first is the default."""
NAMES = "class_names"
"""Attribute of a label."""


def shape_of_store(store: Path) -> Shape:
    """The shape of a prepared data set.

    Raises StoreError if it is not prepared or damaged.
    """
    root = verify(store, DATA)
    with reading(store):
        heads = inside(root)
        n, *of_input = heads["x"]["shape"]
        (n_train,) = heads["train_indices"]["shape"]
        labels = root["attributes"][LABELS]
        n_actions = root["attributes"]["attributes"].get("n_actions", 0)
        classes = {name: len(heads[name]["attributes"][NAMES]) for name in labels}
    return Shape(n, tuple(of_input), classes, n_train, n_actions)
