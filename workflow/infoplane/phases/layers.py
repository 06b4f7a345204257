"""The phases of every layer of a table of information, as a table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from infoplane.phases.curves import Phases, phases_of
from infoplane.phases.intervals import CONFIDENCE

NEEDED = ("seed", "epoch", "layer", "ixt", "ity")
ESTIMATES = [name for name in Phases._fields if name != "turn"]
PRESENT = {"compression": "compresses", "rise": "rises", "fitting": "fits"}
"""For each statistic that may be a phase, the column that says whether it is present."""


def last_hidden(layers: Sequence[str]) -> str:
    """The last layer before the output, from measured layers in the network's order."""
    return layers[max(0, len(layers) - 2)]


def of_layers(table: pd.DataFrame, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row per layer, in the order in which layers first appear.

    table : one run and one estimator, one row per seed, epoch and layer: NEEDED and, if it is
        measured, gradient_snr. Networks are ordered by their seeds. Epochs at which a seed has
        no value are left out, and so are layers without such epochs.

    Columns: layer, n_seeds, n_epochs; turn, turn_first, turn_last (epochs);
    ixt_start, ixt_turn, ixt_end (bits, means over all seeds); for each of ESTIMATES {name},
    {name}_lower, {name}_upper (bits, except for gradient_snr); for each of PRESENT whether the
    phase is present, empty if fewer than 3 seeds leave this open.
    Raises ValueError if a column is missing or a seed appears twice.
    """
    if missing := [name for name in NEEDED if name not in table]:
        raise ValueError(f"the table of information lacks {', '.join(missing)}")
    rows = []
    for layer, part in table.groupby("layer", sort=False):
        wide = part.pivot(index="seed", columns="epoch", values="ixt").sort_index()
        wide = wide.dropna(how="all").dropna(axis="columns")
        if wide.empty:
            continue
        others = [_like(wide, part, name) for name in ("ity", "gradient_snr")]
        found = phases_of(wide.columns, wide.to_numpy(), *others, confidence)
        rows.append({"layer": layer, **_row(found, wide)})
    return pd.DataFrame(rows)


def _like(wide: pd.DataFrame, part: pd.DataFrame, name: str) -> np.ndarray:
    """Another quantity at the same seeds and epochs; NaN where it is unknown."""
    if name not in part:
        return np.full(wide.shape, np.nan)
    other = part.pivot(index="seed", columns="epoch", values=name)
    return other.reindex(index=wide.index, columns=wide.columns).to_numpy(dtype=np.float64)


def _row(found: Phases, wide: pd.DataFrame) -> dict:
    mean = wide.mean()
    row = {
        "n_seeds": len(wide),
        "n_epochs": wide.shape[1],
        "turn": found.turn.epoch,
        "turn_first": found.turn.first,
        "turn_last": found.turn.last,
        "ixt_start": mean.iloc[0],
        "ixt_turn": mean[found.turn.epoch],
        "ixt_end": mean.iloc[-1],
    }
    for name in ESTIMATES:
        estimate = getattr(found, name)
        row |= {
            name: estimate.mean,
            f"{name}_lower": estimate.lower,
            f"{name}_upper": estimate.upper,
        }
    return row | {column: getattr(found, n).is_positive for n, column in PRESENT.items()}
