"""Stores of pooled information: one row for each window and layer, in bits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from infoplane.stores.archive import reading
from infoplane.stores.files import open_tree, save_dataset
from infoplane.stores.information import (
    COLUMNS,
    ENTROPIES,
    FLAG_COLUMNS,
    PLACES,
    flag_attributes,
    kinds_of,
    masks_of,
    numbers_of,
    place_attributes,
    with_names,
)

WHERE = ("group", "end", "length", "layer", "n_draws", "drift", "gradient_snr", *ENTROPIES)
"""The key of a row: the seed or group of seeds, the window's last epoch and length, the layer,
the number of draws of each input, the drift of the weights, and H(X) and H(Y) of the inputs in
bits."""
POOLED = "pooled information"
"""The kind of these stores."""


def write_pooled(rows: Sequence, attributes: Mapping[str, Any], path: Path) -> None:
    """Write rows of pooling.Pooled, in their order."""
    columns = {
        name: np.array(
            [getattr(row, name) for row in rows], object if name == "layer" else None
        )
        for name in WHERE
    }
    numbers = [numbers_of(row.record) for row in rows]
    names = dict.fromkeys(name for found in numbers for name in found)
    values = {
        name: ("row", np.array([n.get(name, np.nan) for n in numbers]), {"units": "bit"})
        for name in sorted(names, key=lambda name: name not in COLUMNS)
    }
    masks = [masks_of(row.record) for row in rows]
    flags = {
        name: ("row", np.array([m[name] for m in masks], np.uint16), flag_attributes())
        for name in FLAG_COLUMNS
    }
    of_rows = [kinds_of(row.record) for row in rows]
    kinds = {
        name: ("row", np.array([k[name] for k in of_rows], np.uint8), place_attributes(name))
        for name in PLACES
    }
    save_dataset(
        xr.Dataset(
            {name: ("row", column) for name, column in columns.items()}
            | values
            | flags
            | kinds,
            attrs={**attributes, "units": "bit"},
        ),
        path,
        POOLED,
    )


def read_pooled(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One row for each window and layer, with flags as names joined by |; and the
    attributes."""
    dataset = open_tree(path, POOLED).to_dataset()
    with reading(path):
        dataset = dataset.load()
    table = dataset.to_dataframe().reset_index(drop=True)
    table["layer"] = table["layer"].astype(str)
    return with_names(table), dict(dataset.attrs)
