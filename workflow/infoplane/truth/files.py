"""The files between the jobs of a calibration page: arrays and tables, each written in one
step."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.datasets.places import MissingData
from infoplane.truth.task import Family, Prepared

TEXTS = ("flags", "refused")
"""Columns whose empty cells are empty texts."""


def prepare(family: Family) -> dict[str, np.ndarray]:
    """What the family's tasks need; if its files are missing, only `left_out`, a sentence."""
    try:
        return family.prepare()
    except MissingData as error:
        return {"left_out": np.array(f"left out: {error}")}


def save(prepared: Prepared, path: Path) -> None:
    """Write arrays as one .npz, in one step."""
    partial = _partial(path)
    with partial.open("wb") as file:
        np.savez_compressed(file, **prepared)
    partial.replace(path)


def load(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file that `save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, in one step."""
    partial = _partial(path)
    table.to_csv(partial, index=False, lineterminator="\n")
    partial.replace(path)


def read(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of several tables, one after the other; text columns are never NaN."""
    tables = [pd.read_csv(path, dtype=dict.fromkeys(TEXTS, str)) for path in paths]
    tables = [table for table in tables if len(table)] or tables[:1]
    joined = pd.concat(tables, ignore_index=True)
    return joined.assign(**{name: joined[name].fillna("") for name in TEXTS if name in joined})


def _partial(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(path.name + ".partial")
