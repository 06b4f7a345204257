"""A user's arrays: one .npz with x and labels, and with train and test if it has its own
split."""

import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy

from infoplane.datasets.places import candidates, first_existing, missing
from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings
from infoplane.samples import label_codes

KEYS = ("x", "y", "train", "test")
DAMAGED = (ValueError, zipfile.BadZipFile, zlib.error, EOFError, OSError)
MOST_CLASSES = 1000
"""Number of classes of a label if only its length is known."""


class Settings(SourceSettings):
    """Arrays as written by numpy.savez(path, x=…, y=…) or savez_compressed."""

    source: Literal["arrays"]
    """`arrays` reads one .npz: x of any shape (n_inputs, …), y (n_inputs,) of integers or
    strings, and optionally train and test, the indices of its own split. Other arrays
    (n_inputs,) of integers or strings are further labels under their names."""

    path: Path
    """The .npz has this path: absolute, or relative to the working directory or to a data
    folder."""


class Arrays(Source):
    """x (n_inputs, *shape) in its own type; labels as positions among their sorted distinct
    values, y first."""

    Settings = Settings
    where = ("path",)

    def load(self, places: Sequence[Path]) -> Raw:
        """Raises MissingData if the file is absent, and ValueError with its name if it does not
        hold such arrays.
        """
        path = self._path(places)
        arrays, left = _read(path)
        try:
            return _raw(arrays, left)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def files(self, places: Sequence[Path]) -> list[Path]:
        """The .npz, if it exists."""
        path = first_existing(candidates(self.settings.path, places))
        return [path] if path else []

    def shape(self, places: Sequence[Path]) -> Shape:
        """From the headers of the arrays; raises like `load`."""
        heads = _heads(self._path(places))
        n, *of_input = heads["x"].shape
        return Shape(n, tuple(of_input), dict.fromkeys(_labels(heads), min(n, MOST_CLASSES)))

    def _path(self, places: Sequence[Path]) -> Path:
        path = first_existing(candidates(self.settings.path, places))
        if path is None:
            searched = [file.parent for file in candidates(self.settings.path, places)]
            raise missing("arrays", [self.settings.path.name], searched)
        return path


class Head(NamedTuple):
    """Shape and type of an array in a file."""

    shape: tuple[int, ...]
    dtype: np.dtype


def _heads(path: Path) -> dict[str, Head]:
    """Shapes and types of the arrays of an .npz, by name, without members that are not .npy."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if not member.endswith(".npy"):
                continue
            name = member.removesuffix(".npy")
            try:
                with archive.open(member) as file:
                    version = npy.read_magic(file)
                    old = version == (1, 0)
                    read = npy.read_array_header_1_0 if old else npy.read_array_header_2_0
                    shape, _, dtype = read(file)
                    found[name] = Head(shape, dtype)
            except DAMAGED as error:
                raise ValueError(f"{path}: {name} is damaged ({error})") from None
    return found


def _labels(heads: Mapping[str, Head]) -> list[str]:
    """Names of labels, y first: arrays (n_inputs,) of integers or strings."""
    n = math.prod(heads["x"].shape[:1])
    others = [
        name
        for name, head in heads.items()
        if name not in KEYS and head.shape == (n,) and head.dtype.kind in "biuSU"
    ]
    return [*(["y"] if "y" in heads else []), *others]


def _read(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Arrays by name, labels in their order; the names of arrays that are not read."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not an .npz; write one with numpy.savez(path, x=…, y=…)")
    heads = _heads(path)
    if "x" not in heads:
        present = ", ".join(heads) or "none"
        raise ValueError(f"{path} lacks x; its keys are: {present}")
    split = [name for name in ("train", "test") if name in heads]
    names = ["x", *_labels(heads), *split]
    # no pickles: reading one can run any code that its author put there
    with np.load(path, allow_pickle=False) as npz:
        arrays = {name: _array(path, npz, name) for name in names}
    return arrays, [name for name in heads if name not in names]


def _array(path: Path, npz, name: str) -> np.ndarray:
    try:
        return npz[name]
    except DAMAGED as error:
        if "pickle" not in str(error):
            raise ValueError(f"{path}: {name} is damaged ({error})") from None
        raise ValueError(
            f"{path}: {name} is an object array, which only a pickle can hold and which is "
            "not read. Convert it to numbers, or labels to strings, before numpy.savez"
        ) from None


def _raw(arrays: dict[str, np.ndarray], left: Sequence[str]) -> Raw:
    x = arrays["x"]
    if x.dtype.kind not in "biuf":
        raise ValueError(f"x must hold real numbers; its type is {x.dtype}")
    if x.dtype.itemsize > 8:
        raise ValueError(f"x is {x.dtype}; save it as float64, the widest type that is read")
    if x.ndim < 2 or 0 in x.shape:
        raise ValueError(f"x must be (n_inputs, …) and not empty; its shape is {x.shape}")
    labels = {
        name: _label(name, array, len(x))
        for name, array in arrays.items()
        if name not in ("x", "train", "test")
    }
    finite = np.isfinite(x).reshape(len(x), -1).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"x is NaN or infinite in {(~finite).sum()} of {len(x)} inputs, first in row "
            f"{int(np.argmin(finite))}"
        )
    train, test = _own_split(arrays, len(x))
    notes = (f"not read, because they are not labels: {', '.join(left)}",) if left else ()
    return Raw(x, labels, train, test, notes=notes)


def _label(name: str, values: np.ndarray, n_inputs: int) -> Label:
    """Positions among the sorted distinct values."""
    values = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    codes = label_codes(values, name).numpy()
    if len(codes) != n_inputs:
        raise ValueError(f"x has {n_inputs} rows, {name} has {len(codes)}")
    return Label(codes, tuple(str(value) for value in np.unique(values)))


def _own_split(arrays, n_inputs: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(train, test) int64 indices, or (None, None) if the file has neither."""
    given = [name for name in ("train", "test") if name in arrays]
    if not given:
        return None, None
    if len(given) == 1:
        raise ValueError(f"it holds {given[0]} indices; both train and test are needed")
    for name in given:
        indices = arrays[name]
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must hold integer indices (n,); it is {indices.dtype} {indices.shape}"
            )
        if len(indices) and not 0 <= indices.min() <= indices.max() < n_inputs:
            raise ValueError(f"{name} holds indices outside 0 … {n_inputs - 1}")
    train, test = (arrays[name].astype(np.int64) for name in given)
    if len(np.unique(np.concatenate([train, test]))) < len(train) + len(test):
        raise ValueError("an index occurs twice in train and test")
    return train, test
