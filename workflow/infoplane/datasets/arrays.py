"""A user's arrays: one .npz with x and y, and train and test where it has its own split."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from infoplane.datasets.places import candidates, first_existing, missing
from infoplane.datasets.source import Raw, SourceSettings
from infoplane.samples import label_codes

KEYS = ("x", "y", "train", "test")


class Settings(SourceSettings):
    """Arrays as written by numpy.savez(path, x=…, y=…) or savez_compressed."""

    source: Literal["arrays"]
    """One .npz: x of any shape (n_inputs, …), y (n_inputs,) of integers or strings, and
    optionally train and test, indices of a split of its own."""

    path: Path
    """The .npz, absolute or relative to the working directory or to a data folder."""


def load(settings: Settings, places: Sequence[Path]) -> Raw:
    """x (n_inputs, *shape) of its own type, y as positions among its sorted distinct labels.

    Raises MissingData where the file is absent, ValueError, naming it, where it does not
    hold such arrays.
    """
    path = first_existing(candidates(settings.path, places))
    if path is None:
        searched = [file.parent for file in candidates(settings.path, places)]
        raise missing("arrays", [settings.path.name], searched)
    arrays = _read(path)
    try:
        return _raw(arrays)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def files(settings: Settings, places: Sequence[Path]) -> list[Path]:
    """The .npz, if it is there."""
    path = first_existing(candidates(settings.path, places))
    return [path] if path else []


def _read(path: Path) -> dict[str, np.ndarray]:
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not an .npz; write one with numpy.savez(path, x=…, y=…)")
    # no pickles: reading one can run any code that whoever wrote the file put there
    with np.load(path, allow_pickle=False) as npz:
        absent = [name for name in ("x", "y") if name not in npz.files]
        if absent:
            present = ", ".join(npz.files) or "none"
            raise ValueError(f"{path} lacks {' and '.join(absent)}; its keys are: {present}")
        return {name: _array(path, npz, name) for name in KEYS if name in npz.files}


def _array(path: Path, npz, name: str) -> np.ndarray:
    try:
        # a member that is no .npy comes as bytes, which asarray makes a type that is refused
        return np.asarray(npz[name])
    except ValueError as error:
        if "pickle" not in str(error):
            raise ValueError(f"{path}: {name} is damaged ({error})") from None
        raise ValueError(
            f"{path}: {name} is an object array, which only a pickle can hold and which is "
            "not read. Convert it to numbers, or labels to strings, before numpy.savez"
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ValueError(f"{path}: {name} is damaged ({error})") from None


def _raw(arrays: dict[str, np.ndarray]) -> Raw:
    x, y = arrays["x"], arrays["y"]
    y = np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y
    if x.dtype.kind not in "biuf":
        raise ValueError(f"x must hold real numbers; its type is {x.dtype}")
    if x.dtype.itemsize > 8:
        raise ValueError(f"x is {x.dtype}; save it as float64, the widest that is read")
    if x.ndim < 2 or 0 in x.shape:
        raise ValueError(f"x must be (n_inputs, …) and not empty; its shape is {x.shape}")
    codes = label_codes(y).numpy()
    if len(x) != len(codes):
        raise ValueError(f"x has {len(x)} rows, y has {len(codes)}")
    finite = np.isfinite(x).reshape(len(x), -1).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"x is NaN or infinite in {(~finite).sum()} of {len(x)} inputs, first in row "
            f"{int(np.argmin(finite))}"
        )
    train, test = _own_split(arrays, len(x))
    names = tuple(str(name) for name in np.unique(y))
    return Raw(x, codes, names, train=train, test=test)


def _own_split(arrays, n_inputs: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(train, test) int64 indices, or (None, None) where the file has neither."""
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
        raise ValueError("an index stands twice in train and test")
    return train, test
