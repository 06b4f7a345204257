"""Numbers of inputs, features and classes of a data set, before and after it is prepared."""

import json
import math
import zipfile
from pathlib import Path
from typing import NamedTuple

from numpy.lib import format as npy

from infoplane.datasets.options import DEFAULT_TRAINING_FRACTION

KNOWN = {
    "szt": ((4096, 12), 2, None),
    "digits": ((1797, 64), 10, None),
    "mnist": ((70_000, 784), 10, 60_000),
    "fashion_mnist": ((70_000, 784), 10, 60_000),
    "cifar10": ((60_000, 3072), 10, 50_000),
}
"""(inputs, features), classes and training inputs of the source's own split."""
MOST_CLASSES = 1000
"""Classes of a data set of which nothing but the array of inputs is known."""


class Shape(NamedTuple):
    """Inputs (n, *of_input), of which n_train train, in n_classes classes."""

    n: int
    of_input: tuple[int, ...]
    n_classes: int
    n_train: int

    @property
    def d(self) -> int:
        """Features of an input."""
        return math.prod(self.of_input)

    @property
    def n_test(self) -> int:
        """Inputs that do not train."""
        return self.n - self.n_train


def of_store(store: Path) -> Shape:
    """The shape of a prepared data set; reads the headers of its arrays alone.

    Raises FileNotFoundError where it has not been prepared.
    """
    n, *of_input = _header(store / "x")["shape"]
    (n_train,) = _header(store / "train_indices")["shape"]
    attributes = json.loads(_header(store)["attributes"]["attributes"])
    return Shape(n, tuple(of_input), attributes["n_classes"], n_train)


def of_settings(settings) -> Shape | None:
    """The shape that a source's settings will give; None where only the data can tell."""
    if settings.source in KNOWN:
        (n, d), n_classes, own_split = KNOWN[settings.source]
    elif settings.source == "arrays":
        found = _arrays(Path(settings.path))
        if found is None:
            return None
        (n, d), n_classes, own_split = found, MOST_CLASSES, None
    else:
        return None
    fraction = settings.training_fraction
    if fraction is None:
        fraction = own_split / n if own_split else DEFAULT_TRAINING_FRACTION
    n = min(n, settings.size or n)
    return Shape(n, (d,), n_classes, round(n * fraction))


def _header(array: Path) -> dict:
    return json.loads((array / "zarr.json").read_text())


def _arrays(path: Path) -> tuple[int, int] | None:
    """Inputs and features of x in an .npz, by its header."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("x.npy") as file:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            n, *of_input = read(file)[0]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None  # what is wrong with it the preparation says
    return n, math.prod(of_input)
