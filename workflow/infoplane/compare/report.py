"""The tables of compared networks; `scores` makes the table of their scores."""

from collections.abc import Sequence

import pandas as pd

from infoplane.compare.networks import Family


def networks_table(families: Sequence[Family]) -> pd.DataFrame:
    """One row per network and stratum of all families; a value that a family lacks is empty."""
    return pd.concat([family.wide for family in families], ignore_index=True)


def collapsed_table(families: Sequence[Family]) -> pd.DataFrame:
    """The networks that collapsed, each with the rule and the reason, and the networks whose
    estimates collapsed."""
    found = []
    for family in families:
        table = family.table
        rows = table[(table.state != "") | (table.unique_codes != "")]
        keys = ["family", "run", *family.axes, "seed", "stratum", "epoch"]
        found.append(rows[[*keys, "state", "why", "unique_codes"]])
    return pd.concat(found, ignore_index=True)


def left_out_table(families: Sequence[Family]) -> pd.DataFrame:
    """What is missing, and why: networks that are not in a stratum (signal empty), and signals
    that are not a number for a network."""
    found = []
    for family in families:
        table = family.table[family.table.epoch < 0]
        nowhere = table[["run", "seed", "stratum", "left_out"]].assign(signal="", layer="")
        both = [nowhere.rename(columns={"left_out": "reason"}), family.reasons]
        rows = pd.concat(both, ignore_index=True).assign(family=family.name)
        found.append(rows[["family", "run", "seed", "stratum", "signal", "layer", "reason"]])
    return pd.concat(found, ignore_index=True)
