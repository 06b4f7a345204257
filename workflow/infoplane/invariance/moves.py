"""From values of a layer in several coordinates to how far they move, in numbers and words."""

import numpy as np
import pandas as pd

from infoplane.information import COORDINATES, ERROR, PAIRS

KEYS = ("run", "estimator", "seed", "epoch", "layer")
"""The columns that identify a layer, if a table has them."""
COLUMNS = (
    "map",
    "quantity",
    "values",
    "median",
    "largest",
    "beyond",
    "at_limit",
    "layer",
    "epoch",
    "seed",
    "before",
    "after",
    "refused",
)
"""Columns of a table of moves, one row per map and quantity: the number of values; the median
and the largest distance of a value from that of the unchanged layer, in bits; the share that
moves by more than ERROR, and the share at its limit (`audit.COLUMNS`) before and after, whose
moves cannot be seen; where the largest distance is, and the values there; why there are no
values."""


def distances(table: pd.DataFrame) -> pd.DataFrame:
    """One row per map, repeat and quantity: `before`, for the unchanged layer, `after`, and
    `moves` = |after − before|, in bits; NaN if either is.

    table : values from `audit.values_of`, of one or more runs and estimators
    """
    keys = [key for key in KEYS if key in table]
    names = [*keys, "map", "repeat", "refused"]
    parts = []
    for of in PAIRS:
        part = table[names].assign(quantity=of, after=table[of])
        parts.append(part.assign(near=table[f"{of}_at_limit"].fillna(False).astype(bool)))
    long = pd.concat(parts, ignore_index=True)
    as_it_is = long[long["map"] == "none"].rename(
        columns={"after": "before", "near": "at_first"}
    )
    left, on = long[long["map"] != "none"], [*keys, "quantity"]
    # seeds and epochs of a notebook's samples are None, which merges with itself
    both = left.merge(as_it_is[[*on, "before", "at_first"]], on=on)
    both["moves"] = (both.after - both.before).abs()
    both["at_limit"] = both.near & both.at_first
    return both.drop(columns=["near", "at_first"])


def moves_of(table: pd.DataFrame) -> pd.DataFrame:
    """How far values move: one row per map and quantity, for each run and estimator if the
    table has them; columns COLUMNS after these."""
    found = distances(table)
    by = [key for key in ("run", "estimator") if key in table]
    rows = [
        dict(zip([*by, "map", "quantity"], names, strict=True)) | _summary(part)
        for names, part in found.groupby([*by, "map", "quantity"], sort=False)
    ]
    return pd.DataFrame(rows, columns=[*by, *COLUMNS])


def _summary(part: pd.DataFrame) -> dict:
    there = part[np.isfinite(part.moves)]
    refused = part.refused[part.refused != ""]
    told = {"values": len(there), "refused": refused.iloc[0] if len(refused) else ""}
    if there.empty:
        return told | dict.fromkeys(("median", "largest", "beyond", "at_limit"), np.nan)
    worst = there.loc[there.moves.idxmax()]
    return told | {
        "median": there.moves.median(),
        "largest": worst.moves,
        "beyond": (there.moves > ERROR).mean(),
        "at_limit": there.at_limit.mean(),
        **{key: worst[key] for key in ("layer", "epoch", "seed", "before", "after")},
    }


def sentences(estimator: str, exempt: str, moves: pd.DataFrame) -> list[str]:
    """The moves of one estimator in words, one line for each result.

    exempt : why its quantity is not invariant; empty if it is
    """
    texts, still = [], []
    for name in dict.fromkeys(moves["map"]):
        of = moves[moves["map"] == name]
        if not of["values"].any():
            why = next(iter(of.refused[of.refused != ""]), "it gives no value")
            texts.append(f"{estimator}: not asked under {COORDINATES[name]}: {why}")
        elif not (of.beyond > 0).any():
            still.append(COORDINATES[name])
        for row in of[of.beyond > 0].itertuples():
            texts.append(
                f"{estimator}: {PAIRS[row.quantity]} moves {row.largest:.2g} bits under "
                f"{COORDINATES[name]}, from {row.before:.2f} to {row.after:.2f} in {row.layer}"
            )
    if still:
        under = ", ".join(still)
        texts.append(f"{estimator}: no value moves by more than {ERROR:g} bit under {under}")
    there = moves[moves["values"] > 0]
    share = (there.at_limit * there["values"]).sum() / max(there["values"].sum(), 1)
    if share > 0:
        texts.append(
            f"{estimator}: {share:.0%} of the values are the largest that they can be, before "
            "and after, so that no move can be seen"
        )
    return [*texts, *([f"{estimator} is exempt: {exempt}"] if exempt else [])]
