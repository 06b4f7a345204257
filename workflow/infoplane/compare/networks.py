"""Networks of a family side by side: one row per network and stratum, with signals and
targets."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infoplane.compare.collapse import Settings as Collapse
from infoplane.compare.collapse import state_of, unique_codes
from infoplane.signals.layers import LAST_HIDDEN, MEAN, NETWORK
from infoplane.stores.signals import read_signals

NETWORK_KEY = ["run", "seed", "stratum"]
OUTPUT = "output"
MEASURED = (
    *("accuracy_test", "gap", "accuracy_train", "loss_train", "loss_test"),
    *("n_predicted", "dead"),
)
"""Measured values of a network in a stratum, by their names in the stores of signals."""


@dataclass(frozen=True)
class Family:
    """The networks of one family.

    table : one row per network and stratum: `family`, `run`, the axes, `seed`, `stratum`,
        `epoch` (−1 if it is not in the stratum), MEASURED, `loss_untrained`, `state` (the rule
        by which it counts as collapsed, "" if it works), `why`, `left_out` (why it is not in
        the stratum), `unique_codes` (signals all of whose codes are unique, joined by |)
    axes : names of the axes, columns of the table
    values : (rows of the table, signals), columns (signal, layer); NaN if there is no value
    reasons : why a value is NaN: rows `run, seed, stratum, signal, layer, reason`
    about : the label, unit, better and control of each signal, from the stores
    """

    name: str
    table: pd.DataFrame
    axes: tuple[str, ...]
    values: pd.DataFrame
    reasons: pd.DataFrame
    about: Mapping[str, Mapping[str, Any]]

    def in_stratum(self, stratum: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The networks in a stratum, and their signals."""
        rows = (self.table.stratum == stratum) & (self.table.epoch >= 0)
        return self.table[rows], self.values[rows]

    @property
    def wide(self) -> pd.DataFrame:
        """The table with one column per signal and layer: `path_norm`, `ity[hidden1]`."""
        columns = [column_name(*column) for column in self.values.columns]
        return pd.concat([self.table, self.values.set_axis(columns, axis=1)], axis=1)


def column_name(signal: str, layer: str) -> str:
    """The name in tables of a signal of a layer, or of the whole network."""
    return signal if layer == NETWORK else f"{signal}[{layer}]"


def families_of(told: Mapping[str, Mapping[str, Any]], collapse: Collapse) -> list[Family]:
    """All families, read from their files.

    told : by name `members`, and paths of `selection` and `signals`; see `family_of`
    """
    return [
        family_of(
            name,
            own["members"],
            Path(own["selection"]),
            [Path(store) for store in own["signals"]],
            collapse,
        )
        for name, own in told.items()
    ]


def family_of(
    name: str,
    members: Sequence[Mapping[str, Any]],
    selection: Path,
    stores: Sequence[Path],
    collapse: Collapse,
) -> Family:
    """A family, read from its files.

    members : `run`, `seeds` and `axes` of every run
    Raises ValueError if stores lack a network that was chosen.
    """
    said = json.loads(selection.read_text(encoding="utf-8"))
    read = [read_signals(store) for store in stores]
    values = pd.concat([one.values for one in read], ignore_index=True)
    targets = pd.concat([one.targets for one in read], ignore_index=True)
    table = _table(name, members, said).merge(
        targets[[*NETWORK_KEY, *MEASURED, "lost"]], on=NETWORK_KEY, how="left"
    )
    there = table.epoch >= 0
    missing = table[there & table.accuracy_test.isna() & table.lost.isna()]
    if len(missing):
        row = missing.iloc[0]
        raise ValueError(
            f"{name}: there are no signals of seed {row.seed} of {row.run} in stratum "
            f"{row.stratum}; remove {stores[0].parent} and run again"
        )
    table["lost"] = table.lost.fillna("")
    states = [state_of(_judged(row), collapse) for row in table.to_dict("records")]
    table["state"], table["why"] = zip(*states, strict=True) if states else ((), ())
    hidden = values[
        values.signal.isin(_of_input(read[0].attributes["signals"]))
        & ~values.layer.isin([NETWORK, OUTPUT, LAST_HIDDEN, MEAN])
    ]
    table["unique_codes"] = _joined(table, unique_codes(hidden, collapse))
    wide = values.pivot(index=NETWORK_KEY, columns=["signal", "layer"], values="value")
    order = values[["signal", "layer"]].drop_duplicates()
    wide = wide[[tuple(pair) for pair in order.itertuples(index=False)]]
    wide = wide.reindex(pd.MultiIndex.from_frame(table[NETWORK_KEY])).reset_index(drop=True)
    axes = tuple(members[0]["axes"])
    reasons = values.loc[values.reason != "", [*NETWORK_KEY, "signal", "layer", "reason"]]
    return Family(name, table, axes, wide, reasons, read[0].attributes["signals"])


def _table(name: str, members: Sequence[Mapping], said: Mapping[str, Any]) -> pd.DataFrame:
    """One row per network and stratum, with its epoch and its loss before training."""
    axes = {member["run"]: member["axes"] for member in members}
    rows = [
        {"run": run, "seed": seed, "stratum": stratum, "epoch": epoch, "left_out": ""}
        for run, seed, stratum, epoch in said["chosen"]
    ]
    rows += [
        {"run": run, "seed": seed, "stratum": stratum, "epoch": -1, "left_out": why}
        for run, seed, stratum, why in said["left_out"]
    ]
    table = pd.DataFrame(rows, columns=[*NETWORK_KEY, "epoch", "left_out"])
    untrained = {(run, seed): loss for run, seed, loss in said["untrained"]}
    failed = {(run, seed) for run, seed in said["failed"]}
    first = [untrained.get(key) for key in zip(table.run, table.seed, strict=True)]
    table["loss_untrained"] = [math.nan if loss is None else loss for loss in first]
    table["failed"] = [key in failed for key in zip(table.run, table.seed, strict=True)]
    order = {run: place for place, run in enumerate(axes)}
    strata = {stratum: place for place, stratum in enumerate(dict.fromkeys(table.stratum))}
    table = table.sort_values(
        ["stratum", "run", "seed"],
        key=lambda column: (
            column.map({"stratum": strata, "run": order}.get(column.name, {}))
            if column.name != "seed"
            else column
        ),
    ).reset_index(drop=True)
    for place, axis in enumerate(members[0]["axes"]):
        table.insert(1 + place, axis, table.run.map(lambda run, axis=axis: axes[run][axis]))
    table.insert(0, "family", name)
    return table


def _judged(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values that decide whether a network has collapsed."""
    why = row["lost"] or (row["left_out"] if row["failed"] else "")
    return {**row, "lost": why}


def _of_input(about: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Signals that measure information about the input."""
    return [name for name, one in about.items() if one["settings"].get("of") == "ixt"]


def _joined(table: pd.DataFrame, unique: pd.DataFrame) -> pd.Series:
    """For each row of the table, the names of the signals all of whose codes are unique."""
    by_network = unique.groupby(NETWORK_KEY).signal.agg("|".join)
    keys = pd.MultiIndex.from_frame(table[NETWORK_KEY])
    found = by_network.reindex(keys).to_numpy() if len(unique) else np.full(len(table), None)
    return pd.Series([text if isinstance(text, str) else "" for text in found], table.index)
