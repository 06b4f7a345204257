"""Stores of signals: one row for each (run, seed, stratum, signal, layer), and a table of
targets.

/          value, cap (row), and `run`, `seed`, `stratum`, `epoch`, `signal`, `layer`,
           `flags`, `reason`, texts as numbers of the list in the array's attribute `names`
/targets   accuracies, losses, gap (network), one row for each (run, seed, stratum)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from infoplane.stores.archive import KIND, partial_of, reading
from infoplane.stores.files import add_dataset, open_tree, publish
from infoplane.stores.locks import writing

SIGNALS = "signals"
"""The kind of these stores."""
TARGETS = "targets"
NAMES = "names"
"""Attribute of an array of numbered texts: the texts."""
COLUMNS = (
    *("run", "seed", "stratum", "epoch", "signal", "layer"),
    *("value", "cap", "flags", "reason"),
)
"""Columns of the table of values. layer : empty for the whole network, @last_hidden and @mean
for summaries; if value is NaN, reason says why."""
TARGET_COLUMNS = (
    *("run", "seed", "stratum", "epoch", "accuracy_test", "gap", "accuracy_train"),
    *("loss_train", "loss_test", "n_predicted", "dead", "lost"),
)
"""Columns of the table of targets. gap : accuracy_train − accuracy_test; n_predicted : number
of classes that the network predicts for the measured training inputs; dead : largest share,
over hidden layers, of units that are constant on these inputs; lost : why the network was not
measured."""

TEXTS = {"run", "stratum", "signal", "layer", "flags", "reason", "lost"}
"""Columns of texts."""


class Signals(NamedTuple):
    """The content of a store of signals."""

    values: pd.DataFrame
    targets: pd.DataFrame
    attributes: dict[str, Any]


def write_signals(
    values: Sequence[Mapping[str, Any]],
    targets: Sequence[Mapping[str, Any]],
    attributes: Mapping[str, Any],
    path: Path,
) -> None:
    """Write rows, mappings of COLUMNS and of TARGET_COLUMNS to values, in their order."""
    table, beside = (
        _dataset(values, COLUMNS, "row"),
        _dataset(targets, TARGET_COLUMNS, "network"),
    )
    with writing(path):
        partial = partial_of(path)
        shutil.rmtree(partial, ignore_errors=True)
        add_dataset(table.assign_attrs({**attributes, KIND: SIGNALS}), partial)
        add_dataset(beside, partial, TARGETS)
        publish(partial, path)
        _keep(path)


def kept_signals(path: Path) -> Signals:
    """The tables last written at `path`, even if the file was removed since: a workflow removes
    a file before it makes it again. Raises StoreError if there was none or it is damaged."""
    return read_signals(_kept(path))


def read_signals(path: Path) -> Signals:
    """The tables of values and of targets, and the attributes."""
    tree = open_tree(path, SIGNALS)
    with reading(path):
        values, targets = tree.to_dataset().load(), tree[TARGETS].to_dataset().load()
    return Signals(_table(values, COLUMNS), _table(targets, TARGET_COLUMNS), dict(tree.attrs))


def _dataset(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], dim: str) -> xr.Dataset:
    table = pd.DataFrame([tuple(row[c] for c in columns) for row in rows], columns=columns)
    arrays = {}
    for name in columns:
        column = table[name]
        if name in ("seed", "epoch"):
            arrays[name] = (dim, column.to_numpy(np.int64))
        elif name in TEXTS:
            codes, names = pd.factorize(column)
            arrays[name] = (dim, codes.astype(np.int32), {NAMES: list(names)})
        else:
            arrays[name] = (dim, column.to_numpy(np.float64))
    return xr.Dataset(arrays)


def _table(dataset: xr.Dataset, columns: Sequence[str]) -> pd.DataFrame:
    found = {}
    for name in columns:
        array = dataset[name]
        if NAMES in array.attrs:
            names = np.array([*array.attrs[NAMES], ""], object)
            found[name] = names[array.values]
        else:
            found[name] = array.values
    return pd.DataFrame(found)


def _kept(path: Path) -> Path:
    """The second name of a store, which stays."""
    return path.with_name(f".{path.name}")


def _keep(path: Path) -> None:
    """Give a store its second name: as a hard link if the file system can, else as a copy."""
    kept = _kept(path)
    kept.unlink(missing_ok=True)
    try:
        os.link(path, kept)
    except OSError:
        shutil.copyfile(path, kept)
