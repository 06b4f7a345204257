"""Numbers of inputs, features and classes of a data set, before and after it is prepared."""

import gzip
import json
import math
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from numpy.lib import format as npy
from PIL import Image

from infoplane.datasets import idx_images, images
from infoplane.datasets.idx_images import TEST, TRAIN
from infoplane.datasets.options import DEFAULT_TRAINING_FRACTION
from infoplane.datasets.places import candidates, first_existing, folders

KNOWN = {
    "szt": (4096, (12,), 2, None),
    "digits": (1797, (1, 8, 8), 10, None),
    "mnist": (70_000, (1, 28, 28), 10, 60_000),
    "fashion_mnist": (70_000, (1, 28, 28), 10, 60_000),
    "cifar10": (60_000, (3, 32, 32), 10, 50_000),
}
"""Inputs, shape of one, classes and training inputs of the source's own split."""
ASSUMED = KNOWN["mnist"]
"""Of data that are not there yet."""
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


def of_settings(settings, places: Iterable[str | Path] | None = None) -> Shape:
    """The shape that a source's settings will give, from headers of files where it has any.

    places : as `datasets.prepare` takes them
    Where the files are not there, or are not what they should be, ASSUMED: what is wrong the
    preparation says.
    """
    try:
        found = _unsplit(settings, folders(places))
    except (OSError, LookupError, ValueError, zipfile.BadZipFile):
        found = None
    n, of_input, n_classes, n_train = found or ASSUMED
    fraction = settings.training_fraction
    if fraction is None:
        fraction = n_train / n if n_train else DEFAULT_TRAINING_FRACTION
    n = min(n, settings.size or n)
    of_input = (math.prod(of_input),) if settings.flatten else of_input
    return Shape(n, of_input, n_classes, round(n * fraction))


def _unsplit(settings, places: Sequence[Path]):
    """Inputs, shape of one, classes, and training inputs of the source's own split or None."""
    if settings.source in KNOWN:
        return KNOWN[settings.source]
    if settings.source == "notmnist":
        return _notmnist(places)
    path = first_existing(candidates(settings.path, places))
    if path is None:
        return None
    return _images(settings, path) if settings.source == "images" else _arrays(path)


def _notmnist(places: Sequence[Path]):
    within = [place / "notMNIST" / "raw" for place in places]
    paths = [idx_images.find(images, within) for images, _ in (TRAIN, TEST)]
    n_of = [_n_of_idx(path) if path else 0 for path in paths]
    if not any(n_of):
        return None
    return sum(n_of), (1, 28, 28), 10, n_of[0] if all(n_of) else None


def _n_of_idx(path: Path) -> int:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return int.from_bytes(file.read(8)[4:], "big")


def _images(settings, folder: Path):
    parts = images.parts_of(folder)
    found = [[images.images_of(inner) for inner in part.classes] for part in parts]
    n_of = [sum(map(len, classes)) for classes in found]
    with Image.open(found[0][0][0]) as image:  # reads its header
        width, height = image.size
    size = settings.image_size
    of_input = (1 if settings.grayscale else 3, size or height, size or width)
    return sum(n_of), of_input, len(found[0]), n_of[0] if len(n_of) == 2 else None


def _arrays(path: Path):
    with zipfile.ZipFile(path) as archive, archive.open("x.npy") as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        n, *of_input = read(file)[0]
    return n, tuple(of_input), min(n, MOST_CLASSES), None


def _header(array: Path) -> dict:
    return json.loads((array / "zarr.json").read_text(encoding="utf-8"))
