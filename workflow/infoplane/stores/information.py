"""Stores of information: a number a seed, epoch and layer, in bits, and flags as a bit mask."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from infoplane.information import FLAGS, Information
from infoplane.stores.archive import reading
from infoplane.stores.files import open_tree, save_dataset

QUANTITIES = tuple(f.name for f in fields(Information) if f.name not in ("flags", "extra"))
MASKS = {name: 1 << bit for bit, name in enumerate(FLAGS)}
Key = tuple[int, int, str]


def write_information(
    records: Mapping[Key, Information],
    seeds: Sequence[int],
    epochs: Sequence[int],
    layers: Sequence[str],
    attributes: Mapping[str, str],
    path: Path,
    set_aside: Collection[int] = (),
) -> None:
    """Write records by (seed, epoch, layer). A seed without records counts as failed, or as
    set aside where it is one of these."""
    shape = (len(seeds), len(epochs), len(layers))
    extra = sorted({name for record in records.values() for name in record.extra})
    values = {name: np.full(shape, np.nan) for name in (*QUANTITIES, *extra)}
    flags = np.full(shape, MASKS["training_failed"], np.uint16)
    flags[np.isin(seeds, list(set_aside))] = MASKS["set_aside"]
    for (seed, epoch, layer), record in records.items():
        at = seeds.index(seed), epochs.index(epoch), layers.index(layer)
        for name in QUANTITIES:
            values[name][at] = getattr(record, name)
        for name, value in record.extra.items():
            values[name][at] = value
        flags[at] = mask_of(record.flags)
    dims = ("seed", "epoch", "layer")
    dataset = xr.Dataset(
        {name: (dims, value, {"units": "bit"}) for name, value in values.items()}
        | {"flags": (dims, flags, flag_attributes())},
        coords={
            "seed": list(seeds),
            "epoch": list(epochs),
            "layer": np.array(layers, object),  # strings of any length in Zarr
        },
        attrs={**attributes, "units": "bit"},
    )
    save_dataset(dataset, path)


def read_information(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """A row a seed, epoch and layer, with `flags` as names joined by |, and the attributes."""
    dataset = open_tree(path).to_dataset()
    with reading(path):
        dataset = dataset.load()
    order = {str(name): i for i, name in enumerate(dataset["layer"].values)}
    table = dataset.to_dataframe().reset_index()
    table["layer"] = table["layer"].astype(str)
    table = table.sort_values(
        ["seed", "epoch", "layer"], key=lambda c: c.map(order) if c.name == "layer" else c
    )
    table["flags"] = [names_of(mask) for mask in table["flags"]]
    return table.reset_index(drop=True), dict(dataset.attrs)


def read_records(path: Path) -> tuple[dict[Key, Information], dict[str, str]]:
    """What `write_information` was given: records by (seed, epoch, layer), the attributes.

    A quantity that a record did not have, beside others that had, is NaN.
    """
    dataset = open_tree(path).to_dataset()
    with reading(path):
        dataset = dataset.load()
    masks = dataset["flags"].values
    unmeasured = MASKS["training_failed"] | MASKS["set_aside"]
    extra = [str(n) for n in dataset.data_vars if n not in (*QUANTITIES, "flags")]
    values = {name: dataset[name].values for name in (*QUANTITIES, *extra)}
    axes = [dataset[axis].values for axis in ("seed", "epoch", "layer")]
    records = {}
    for at in np.argwhere(masks & unmeasured == 0):
        seed, epoch, layer = (axis[i] for axis, i in zip(axes, at, strict=True))
        here = {name: float(value[tuple(at)]) for name, value in values.items()}
        records[int(seed), int(epoch), str(layer)] = Information(
            **{name: here[name] for name in QUANTITIES},
            flags=tuple(name for name, bit in MASKS.items() if masks[tuple(at)] & bit),
            extra={name: here[name] for name in extra},
        )
    return records, dict(dataset.attrs)


def mask_of(flags) -> int:
    """Names of flags as a bit mask."""
    return sum(MASKS[name] for name in flags)


def names_of(mask: int) -> str:
    """The names in a bit mask, joined by |."""
    return "|".join(name for name, bit in MASKS.items() if int(mask) & bit)


def flag_attributes() -> dict:
    """What the bits of a mask mean, in the way of the CF conventions."""
    return {"flag_masks": list(MASKS.values()), "flag_meanings": " ".join(MASKS)}
