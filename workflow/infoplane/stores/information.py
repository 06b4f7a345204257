"""Stores of information: numbers by seed, epoch and layer, in bits, and flags as bit masks.

I(X;T) has `ixt`, `ixt_interval_low`, `ixt_interval_high`, `ixt_interval_kind`, `ixt_why_none`
(why there is no interval), `ixt_stderr`, `ixt_cap` and `ixt_flags`; I(T;Y) has the same with
`ity`. Further quantities of an estimator have names of their own. Tables also have `flags`:
those of both, as a point of the plane shows them. An estimator that keeps curves also has
`ixt_curve` and `ity_curve` by step, which `read_curves` gives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from infoplane.information import (
    FLAGS,
    KINDS,
    NUMBERS,
    OF_IXT,
    QUANTITIES,
    WHY_NONE,
    Information,
    Interval,
    LayerInformation,
    column,
)
from infoplane.stores.archive import reading
from infoplane.stores.files import open_tree, save_dataset

ENTROPIES = ("entropy_x", "entropy_y")
"""H(X) and H(Y) of the inputs, (seed, epoch)."""
CEILING = "information_xy"
"""I(X;Y) of the population behind the inputs, (seed, epoch): no true I(T;Y) is larger."""
MASKS = {name: 1 << bit for bit, name in enumerate(FLAGS)}
COLUMNS = tuple(column(quantity, number) for quantity in QUANTITIES for number in NUMBERS)
FLAG_COLUMNS = tuple(column(quantity, "flags") for quantity in QUANTITIES)
KIND_COLUMNS = tuple(column(quantity, "interval_kind") for quantity in QUANTITIES)
"""Places in KINDS."""
WHY_COLUMNS = tuple(column(quantity, "why_none") for quantity in QUANTITIES)
"""Places in WHY_NONE; 0 where there is an interval, and in stores that did not keep reasons."""
PLACES = (*KIND_COLUMNS, *WHY_COLUMNS)
CURVES = tuple(column(quantity, "curve") for quantity in QUANTITIES)
"""Bounds in bits by step of training, (seed, epoch, layer, step); NaN if there was none."""
INFORMATION = "information"
"""The kind of these stores."""
Key = tuple[int, int, str]
_REASONS = tuple(WHY_NONE)


def write_information(
    records: Mapping[Key, LayerInformation],
    seeds: Sequence[int],
    epochs: Sequence[int],
    layers: Sequence[str],
    attributes: Mapping[str, Any],
    path: Path,
    set_aside: Collection[int] = (),
    *,
    entropies: Mapping[tuple[int, int], tuple[float, float]],
    information_xy: Mapping[tuple[int, int], float] = MappingProxyType({}),
) -> None:
    """Write records by (seed, epoch, layer). A seed without records counts as set aside if it
    is in that list, else as failed.

    entropies : H(X) and H(Y), in bits, of the inputs of each measured seed and epoch
    information_xy : I(X;Y), in bits, of the population behind the inputs, if known
    """
    shape = (len(seeds), len(epochs), len(layers))
    extra = sorted({name for record in records.values() for name in record.extras()})
    values = {name: np.full(shape, np.nan) for name in (*COLUMNS, *extra)}
    unmeasured = np.full(shape, MASKS["training_failed"], np.uint16)
    unmeasured[np.isin(seeds, list(set_aside))] = MASKS["set_aside"]
    flags = {name: unmeasured.copy() for name in FLAG_COLUMNS}
    kinds = {name: np.zeros(shape, np.uint8) for name in PLACES}
    for (seed, epoch, layer), record in records.items():
        at = seeds.index(seed), epochs.index(epoch), layers.index(layer)
        for name, value in numbers_of(record).items():
            values[name][at] = value
        for name, mask in masks_of(record).items():
            flags[name][at] = mask
        for name, kind in kinds_of(record).items():
            kinds[name][at] = kind
    of_inputs = np.full((3, len(seeds), len(epochs)), np.nan)
    for (seed, epoch), pair in entropies.items():
        of_inputs[:2, seeds.index(seed), epochs.index(epoch)] = pair
    for (seed, epoch), value in information_xy.items():
        of_inputs[2, seeds.index(seed), epochs.index(epoch)] = value
    curves, steps = _curves_of(records, seeds, epochs, layers)
    dims = ("seed", "epoch", "layer")
    dataset = xr.Dataset(
        {name: (dims, value, {"units": "bit"}) for name, value in values.items()}
        | {
            name: (dims[:2], value, {"units": "bit"})
            for name, value in zip((*ENTROPIES, CEILING), of_inputs, strict=True)
        }
        | {name: (dims, masks, flag_attributes()) for name, masks in flags.items()}
        | {name: (dims, places, place_attributes(name)) for name, places in kinds.items()}
        | {n: ((*dims, "step"), v, {"units": "bit"}) for n, v in curves.items()},
        coords={
            "seed": list(seeds),
            "epoch": list(epochs),
            "layer": np.array(layers, object),  # strings of any length in Zarr
            **({"step": steps} if curves else {}),
        },
        attrs={**attributes, "units": "bit"},
    )
    save_dataset(dataset, path, INFORMATION)


def read_information(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One row for each seed, epoch and layer, with flags as names joined by | and the entropies
    of its seed and epoch; and the attributes."""
    tree = open_tree(path, INFORMATION)
    with reading(path):
        return table_of(tree)


def table_of(tree: xr.DataTree) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The same for an open store."""
    dataset = tree.to_dataset().drop_dims("step", errors="ignore").load()
    order = {str(name): i for i, name in enumerate(dataset["layer"].values)}
    table = dataset.to_dataframe().reset_index()
    table["layer"] = table["layer"].astype(str)
    table = table.sort_values(
        ["seed", "epoch", "layer"], key=lambda c: c.map(order) if c.name == "layer" else c
    )
    return with_names(table.reset_index(drop=True)), dict(dataset.attrs)


def read_curves(path: Path) -> pd.DataFrame:
    """One row for each evaluation during a critic's training: seed, epoch, layer, quantity (ixt
    or ity), step, and bound in bits; no rows if the store keeps no curves."""
    dataset = open_tree(path, INFORMATION).to_dataset()
    kept = {name: q for q, name in zip(QUANTITIES, CURVES, strict=True) if name in dataset}
    columns = ["seed", "epoch", "layer", "quantity", "step", "bound"]
    if not kept:
        return pd.DataFrame(columns=columns)
    with reading(path):
        curves = dataset[list(kept)].load().rename(kept)
    order = {str(name): i for i, name in enumerate(curves["layer"].values)}
    table = curves.to_dataframe().reset_index()
    table = table.melt(
        ["seed", "epoch", "layer", "step"], var_name="quantity", value_name="bound"
    ).dropna(subset="bound")
    table["layer"] = table["layer"].astype(str)
    table = table.sort_values(
        columns[:5], key=lambda c: c.map(order) if c.name == "layer" else c
    )
    return table[columns].reset_index(drop=True)


def read_records(path: Path) -> tuple[dict[Key, LayerInformation], dict[str, Any]]:
    """The arguments of `write_information`: records by (seed, epoch, layer), and the
    attributes.

    A quantity that only other records had is NaN.
    """
    dataset = open_tree(path, INFORMATION).to_dataset()
    with reading(path):
        dataset = dataset.load()
    known = (*COLUMNS, *FLAG_COLUMNS, *PLACES, *ENTROPIES, CEILING, *CURVES)
    curves = {name: dataset[name].values for name in CURVES if name in dataset}
    steps = dataset["step"].values.tolist() if curves else []
    extra = [str(n) for n in dataset.data_vars if n not in known]
    values = {name: dataset[name].values for name in (*COLUMNS, *extra)}
    masks = {name: dataset[name].values for name in FLAG_COLUMNS}
    kinds = {name: dataset[name].values for name in PLACES if name in dataset}
    axes = [dataset[axis].values for axis in ("seed", "epoch", "layer")]
    unmeasured = MASKS["training_failed"] | MASKS["set_aside"]
    records = {}
    for at in map(tuple, np.argwhere(masks["ixt_flags"] & unmeasured == 0)):
        seed, epoch, layer = (axis[i] for axis, i in zip(axes, at, strict=True))
        here = {name: float(value[at]) for name, value in values.items()}
        both = [
            Information(
                here[quantity],
                _interval(here, quantity, kinds[column(quantity, "interval_kind")][at]),
                here[column(quantity, "stderr")],
                here[column(quantity, "cap")],
                flags=_names(masks[column(quantity, "flags")][at]),
                extra=_part(here, extra, f"{quantity}_"),
                curve=_curve(steps, curves, column(quantity, "curve"), at),
                why_none=_why(kinds.get(column(quantity, "why_none")), at),
            )
            for quantity in QUANTITIES
        ]
        own = {n: here[n] for n in extra if not n.startswith(("ixt_", "ity_"))}
        records[int(seed), int(epoch), str(layer)] = LayerInformation(*both, own)
    return records, dict(dataset.attrs)


def _curves_of(records, seeds, epochs, layers) -> tuple[dict[str, np.ndarray], list[int]]:
    """Curves of all records by name, (seed, epoch, layer, step), and the steps; none if no
    record has a curve."""
    of_records = {
        (seeds.index(seed), epochs.index(epoch), layers.index(layer), name): information.curve
        for (seed, epoch, layer), record in records.items()
        for name, information in zip(CURVES, record[:2], strict=True)
    }
    steps = sorted({step for curve in of_records.values() for step, _ in curve})
    if not steps:
        return {}, []
    shape = (len(seeds), len(epochs), len(layers), len(steps))
    curves = {name: np.full(shape, np.nan) for name in CURVES}
    places = {step: i for i, step in enumerate(steps)}
    for (*at, name), curve in of_records.items():
        for step, bound in curve:
            curves[name][*at, places[step]] = bound
    return curves, steps


def _curve(steps, curves, name: str, at) -> tuple[tuple[int, float], ...]:
    """The curve of a record, without bounds that are NaN."""
    if name not in curves:
        return ()
    found = zip(steps, curves[name][at].tolist(), strict=True)
    return tuple((step, bound) for step, bound in found if bound == bound)


def _interval(numbers: Mapping[str, float], quantity: str, kind: int) -> Interval:
    low, high = (numbers[column(quantity, f"interval_{end}")] for end in ("low", "high"))
    return Interval(low, high, KINDS[kind])


def _why(places: np.ndarray | None, at) -> str:
    return "" if places is None else _REASONS[places[at]]


def numbers_of(record: LayerInformation) -> dict[str, float]:
    """All numbers of a record by column."""
    numbers = {
        column(quantity, number): value
        for quantity, information in zip(QUANTITIES, record[:2], strict=True)
        for number, value in information.numbers.items()
    }
    return numbers | record.extras()


def kinds_of(record: LayerInformation) -> dict[str, int]:
    """The kinds of a record's intervals as places in KINDS, and why there is none as places in
    WHY_NONE, by column."""
    both = record[:2]
    kinds = [KINDS.index(one.interval.kind) for one in both]
    whys = [_REASONS.index(one.why_none) for one in both]
    return dict(zip(PLACES, [*kinds, *whys], strict=True))


def masks_of(record: LayerInformation) -> dict[str, int]:
    """The flags of a record as bit masks, by column."""
    return {
        name: sum(MASKS[flag] for flag in information.flags)
        for name, information in zip(FLAG_COLUMNS, record[:2], strict=True)
    }


def joined(ixt_masks, ity_masks):
    """The bit mask of both, as a point of the plane shows it (LayerInformation.flags)."""
    of_both = sum(mask for name, mask in MASKS.items() if name not in OF_IXT)
    return ixt_masks | (ity_masks & of_both)


def with_names(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its masks as names joined by |, with `flags` of both, and with kinds of
    intervals and reasons for missing ones by name."""
    masks = [table[name].to_numpy().astype(np.int64) for name in FLAG_COLUMNS]
    columns = dict(zip((*FLAG_COLUMNS, "flags"), (*masks, joined(*masks)), strict=True))
    known = {mask: "|".join(_names(mask)) for mask in np.unique(list(columns.values()))}
    kinds = {name: np.array(KINDS, object)[table[name]] for name in KIND_COLUMNS}
    whys = {
        name: np.array(_REASONS, object)[table[name]] if name in table else ""
        for name in WHY_COLUMNS
    }
    named = {n: [known[m] for m in values] for n, values in columns.items()}
    return table.assign(**named, **kinds, **whys)


def _names(mask: int) -> tuple[str, ...]:
    return tuple(name for name, bit in MASKS.items() if int(mask) & bit)


def _part(values: Mapping[str, float], names: Sequence[str], start: str) -> dict[str, float]:
    return {n.removeprefix(start): values[n] for n in names if n.startswith(start)}


def flag_attributes() -> dict:
    """The meaning of a mask's bits, following the CF conventions."""
    return {"flag_masks": list(MASKS.values()), "flag_meanings": " ".join(MASKS)}


def place_attributes(name: str) -> dict:
    """The meaning of the numbers in a column of PLACES, following the CF conventions; reasons
    are also given in words."""
    if name in KIND_COLUMNS:
        return {"flag_values": list(range(len(KINDS))), "flag_meanings": " ".join(KINDS)}
    return {
        "flag_values": list(range(len(WHY_NONE))),
        "flag_meanings": " ".join(("unsaid", *_REASONS[1:])),
        "in_words": list(WHY_NONE.values()),
    }
