"""Phases of every level of every factor: what the planes and the table of phases share."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from infoplane.figures import style, tables
from infoplane.phases.layers import last_hidden, of_layers

LEVEL = ["factor", "level"]
ADDED = ("factor", "level", "run", "estimator", "is_last_hidden")


def parts(information: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Factor, level and information table of every plane, in order."""
    tables.require(information, [*LEVEL, "run", "estimator"], "information")
    for (factor, level), part in information.groupby(LEVEL, sort=False):
        yield str(factor), str(level), part


def of_levels(information: pd.DataFrame) -> pd.DataFrame:
    """phases.layers.of_layers of every plane, under ADDED.

    information : with columns factor, level and gradient_snr. Seeds that failed or were set
    aside are left out; seeds measured at other epochs are joined linearly.
    is_last_hidden : whether the layer is the last one before the output
    n_hollow_turn, n_hollow_end : seeds whose value at the turn, and at the last epoch, has a
    flag of tables.HOLLOW
    """
    found = []
    for factor, level, part in parts(information):
        run = tables.only(part, "run", "information")
        estimator = tables.only(part, "estimator", "information")
        lost = [*tables.failed_seeds(part), *tables.set_aside_seeds(part)]
        kept = part[~part.seed.isin(lost)]
        values = ["ixt", "ity", *({"gradient_snr"} & set(part))]
        rows = of_layers(tables.on_common_epochs(kept, values))
        if rows.empty:
            continue
        layers = list(rows.layer)
        hollow = pd.concat([tables.has_flag(kept["flags"], f) for f in tables.HOLLOW], axis=1)
        hollow = kept[["epoch", "layer"]].assign(hollow=hollow.any(axis=1))
        counts = hollow.groupby(["epoch", "layer"]).hollow.sum()
        for end, epochs in {"turn": rows.turn, "end": [kept.epoch.max()] * len(rows)}.items():
            keys = zip(epochs, layers, strict=True)
            rows[f"n_hollow_{end}"] = [int(counts.get(key, 0)) for key in keys]
        said = (factor, level, run, estimator, rows.layer == last_hidden(layers))
        for at, (name, value) in enumerate(zip(ADDED, said, strict=True)):
            rows.insert(at, name, value)
        found.append(rows)
    if not found:
        return pd.DataFrame(columns=[*ADDED, "layer"])
    return pd.concat(found, ignore_index=True)


def answers(rows: pd.DataFrame) -> list[str]:
    """One sentence per factor: which phases the last hidden layer has, in how many levels.

    rows : of_levels
    """
    last = rows[rows.is_last_hidden]
    return [_answer(str(name), part) for name, part in last.groupby("factor", sort=False)]


def _answer(factor: str, rows: pd.DataFrame) -> str:
    present, absent, open_ = (
        rows[[value is verdict for value in rows.compresses]] for verdict in (True, False, None)
    )
    text = f"{in_words(factor)}: compression of the last hidden layer is present in "
    text += many(len(present), len(rows))
    if len(present):
        low, high = (style.bits(f(present.compression)) for f in (min, max))
        text += f" ({low if low == high else f'{low} to {high}'} bits)"
    if len(absent):
        named = [f"{row.level} ({span(row, 'compression')})" for row in absent.itertuples()]
        text += f", absent at {', '.join(named)}"
    if len(open_):
        text += f", left open by too few seeds at {', '.join(open_.level)}"
    fits = sum(value is True for value in rows.fits)
    return f"{text}; a rise of I(T;Y) before the turn in {many(fits, len(rows), '')}."


def many(count: int, of: int, noun: str = " levels") -> str:
    """ "3 of 4 levels", "all 4 levels", "none of 4 levels"."""
    if count == of:
        return f"all {of}{noun}"
    return f"{count or 'none'} of {of}{noun}"


def in_words(factor: str) -> str:
    """batch_size → Batch size."""
    words = factor.replace("_", " ")
    return words[:1].upper() + words[1:]


def span(row, name: str) -> str:
    """The interval of an estimate of a row: "−0.2 to 0.3"."""
    lower, upper = getattr(row, f"{name}_lower"), getattr(row, f"{name}_upper")
    return f"{bits(lower)} to {bits(upper)}"


def bits(value: float) -> str:
    """Two decimals: smaller differences of bits do not matter here."""
    return (
        "–"
        if np.isnan(value)
        else f"{value + 0:.2f}".replace("-0.00", "0.00").replace("-", "−")
    )


def estimate(row, name: str, digits=bits) -> str:
    """ "3.10 [2.80, 3.40]"."""
    values = [getattr(row, f"{name}{end}") for end in ("", "_lower", "_upper")]
    if np.isnan(values[0]):
        return "–"
    mean, lower, upper = map(digits, values)
    return mean if np.isnan(values[1]) else f"{mean} [{lower}, {upper}]"


def turn(row) -> str:
    """ "23 [12, 40]"."""
    return f"{row.turn} [{row.turn_first}, {row.turn_last}]"
