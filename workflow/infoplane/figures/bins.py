"""Means over bins of epochs that have equal widths on the logarithmic axis.

On such an axis thousands of late epochs share a small width, where their noise would hide every
other line.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from infoplane.figures import tables

BINS = 80
"""Bins from the first to the last epoch; early ones hold one epoch or none."""
ADDED = ["first_epoch", "last_epoch", "n_epochs"]


def of_epochs(epochs, count: int = BINS) -> pd.DataFrame:
    """The bin of every epoch, indexed by the distinct epochs in order.

    Columns: epoch (the bin's place: its epochs' mean of log(1 + epoch)), first_epoch,
    last_epoch, n_epochs. Up to `count` distinct epochs stay as they are, one per bin.
    """
    epochs = np.unique(epochs)
    at = np.log1p(epochs.astype(np.float64))
    number = np.arange(len(epochs))
    if len(epochs) > count:
        edges = np.linspace(at[0], at[-1], count + 1)
        number = np.searchsorted(edges[1:-1], at, side="right")
    place = pd.Series(at).groupby(number).transform("mean").to_numpy()
    groups = pd.Series(epochs).groupby(number)
    return pd.DataFrame(
        {
            # two decimals: a bin of one epoch must lie exactly at that epoch
            "epoch": np.round(np.expm1(place), 2),
            "first_epoch": groups.transform("min").to_numpy(),
            "last_epoch": groups.transform("max").to_numpy(),
            "n_epochs": groups.transform("size").to_numpy(),
        },
        index=pd.Index(epochs),
    )


def over_seeds(table: pd.DataFrame, by: list[str], columns: Sequence[str]) -> pd.DataFrame:
    """tables.over_seeds of every seed's means over bins, so the spread is that between seeds.

    by : columns in addition to the epoch
    Returns epoch, first_epoch, last_epoch, n_epochs, `by`, {column}_mean, {column}_sd and
    n_seeds, one row per bin. Values that are not finite are left out. Raises ValueError if a
    seed appears twice.
    """
    tables.forbid_twice(table, ["epoch", *by])
    bins = of_epochs(table.epoch)
    values = table[list(columns)].where(np.isfinite(table[list(columns)]))
    keys = table[[*by, "seed"]].assign(epoch=table.epoch.map(bins.epoch))
    groups = keys.join(values).groupby(["epoch", *by, "seed"], sort=False)
    means = groups[list(columns)].mean().reset_index()
    result = tables.over_seeds(means, ["epoch", *by], columns).reset_index()
    result = result.merge(bins.drop_duplicates(), on="epoch", how="left", sort=False)
    return result[["epoch", *ADDED, *result.columns.drop(["epoch", *ADDED])]]


def ends(numbers: pd.DataFrame) -> tuple[int, int]:
    """First and last epoch of all bins: the span of an axis."""
    return int(numbers.first_epoch.min()), int(numbers.last_epoch.max())


def text(numbers: pd.DataFrame) -> str:
    """ "epochs averaged in 71 bins", or nothing if every bin holds one epoch."""
    several = (numbers.n_epochs > 1).any()
    return f"epochs averaged in {numbers.epoch.nunique()} bins" if several else ""


def single_until(numbers: pd.DataFrame) -> int | None:
    """The last epoch before the first bin of several; None if every bin holds one epoch."""
    several = numbers[numbers.n_epochs > 1]
    return None if several.empty else int(several.first_epoch.min()) - 1
