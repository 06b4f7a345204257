"""Stores of pooled information: a row a window and layer, in bits."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from infoplane.stores.archive import reading
from infoplane.stores.files import open_tree, save_dataset
from infoplane.stores.information import QUANTITIES, flag_attributes, mask_of, names_of

WHERE = ("group", "end", "length", "layer", "n_draws", "drift", "gradient_snr")
"""What a row is about: the seed or group of seeds, the window's last epoch and its length,
the layer, how many draws of an input that makes, and how far the weights drifted."""


def write_pooled(rows: Sequence, attributes: Mapping[str, str], path: Path) -> None:
    """Write rows of pooling.Pooled, in their order."""
    extra = sorted({name for row in rows for name in row.record.extra})
    columns = {
        name: np.array(
            [getattr(row, name) for row in rows], object if name == "layer" else None
        )
        for name in WHERE
    }
    about = {"units": "bit"}
    values = {
        name: ("row", np.array([getattr(row.record, name) for row in rows]), about)
        for name in QUANTITIES
    }
    for name in extra:
        found = [row.record.extra.get(name, np.nan) for row in rows]
        values[name] = ("row", np.array(found), about)
    masks = np.array([mask_of(row.record.flags) for row in rows], np.uint16)
    save_dataset(
        xr.Dataset(
            {name: ("row", column) for name, column in columns.items()}
            | values
            | {"flags": ("row", masks, flag_attributes())},
            attrs={**attributes, "units": "bit"},
        ),
        path,
    )


def read_pooled(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """A row a window and layer, with `flags` as names joined by |, and the attributes."""
    dataset = open_tree(path).to_dataset()
    with reading(path):
        dataset = dataset.load()
    table = dataset.to_dataframe().reset_index(drop=True)
    table["layer"] = table["layer"].astype(str)
    table["flags"] = [names_of(mask) for mask in table["flags"]]
    return table, dict(dataset.attrs)
