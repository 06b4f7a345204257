"""The report's statements about each estimator's numbers: what they are about, how many lack an
interval and why, what would change them, and how far they moved in an audit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from infoplane.figures import sentences, tables
from infoplane.information import COORDINATES, ERROR, KINDS, PAIRS


@dataclass(config=ConfigDict(extra="forbid"), frozen=True)
class Statement:
    """A statement about the values of one estimator in some runs.

    runs : their names; about : the quantities; intervals : how many there are of each kind, and
    why others have none; changes : what would change the values; audit : how far they moved
    when layers were written in other coordinates, empty without an audit
    """

    estimator: str
    runs: str
    about: str
    intervals: str
    changes: str
    audit: str = ""


def statement_of(information: pd.DataFrame) -> Statement:
    """The statement about a table of information of one run and one estimator."""
    said = tables.about(information)
    first = information.iloc[0]
    changes = sentences.stated_changes([{said[f"changes_{of}"]} for of in tables.VALUES])
    return Statement(
        estimator=str(first.estimator),
        runs=str(first.run),
        about=f"{said['quantity_ixt']} and {said['quantity_ity']}",
        intervals="; ".join(_intervals(information, of, said) for of in tables.VALUES),
        changes=changes.partition(": ")[2].removesuffix("."),
    )


def merged(statements: Iterable[Statement]) -> list[Statement]:
    """One row for all runs with the same statement."""
    rows: dict[Statement, list[str]] = {}
    for one in statements:
        rows.setdefault(replace(one, runs=""), []).append(one.runs)
    return [replace(one, runs=", ".join(runs)) for one, runs in rows.items()]


def with_moves(
    statements: Sequence[Statement], moves: pd.DataFrame, exempt: Mapping[str, str]
) -> list[Statement]:
    """The statements, each of one run, with how far the audit moved its values.

    moves : one row per value (`invariance.moves.distances`), of runs and estimators
    exempt : by an estimator's name, why its quantity is not invariant; empty: it is
    """
    told = []
    for one in statements:
        own = moves[(moves.run == one.runs) & (moves.estimator == one.estimator)]
        text = _moved(own[own.moves.notna()])
        if text and exempt.get(one.estimator):
            text += " (exempt: its quantity is not invariant)"
        told.append(replace(one, audit=text))
    return told


def _moved(own: pd.DataFrame) -> str:
    """ "I(X;T) moves 2.3 bits under unit rescalings (hidden1, epoch 8), less than 0.1 under
    permutations", of each quantity and map the largest move, and how many cannot move."""
    texts = []
    for of, values in own.groupby("quantity", sort=False):
        largest = values.loc[values.groupby("map", sort=False).moves.idxmax()]
        far = largest[largest.moves >= ERROR].sort_values("moves", ascending=False)
        said = [
            f"{row.moves:.2g}{' bits' if i == 0 else ''} under {COORDINATES[row.map]} "
            f"({row.layer}, epoch {row.epoch})"
            for i, row in enumerate(far.itertuples())
        ]
        near = [COORDINATES[name] for name in largest["map"][largest.moves < ERROR]]
        unit = "" if said else " bit"
        said += [f"less than {ERROR:g}{unit} under {', '.join(near)}"] if near else []
        texts.append(f"{PAIRS[of]} moves {', '.join(said)}")
    if own.at_limit.any():
        texts.append(f"{own.at_limit.mean():.0%} are at their limit, where no move is seen")
    return "; ".join(texts)


def _intervals(information: pd.DataFrame, of: str, said: Mapping[str, Any]) -> str:
    """How many values of a quantity have an interval of each kind, and why others have none."""
    there = information[information[of].notna()]
    kinds = there[tables.KIND_OF[of]].value_counts()
    texts = [f"{kinds[kind]:,} {kind}" for kind in KINDS[1:] if kind in kinds]
    why = there.get(tables.WHY_OF[of], pd.Series(dtype=object))
    of_none = why[there[tables.KIND_OF[of]] == "none"] if len(why) else why
    failed = pd.DataFrame({"not_calibrated": [said["not_calibrated"]]})
    for reason, n in of_none.value_counts().items():
        texts.append(f"{n:,} none: {sentences.why_none(str(reason), failed)}")
    return f"{PAIRS[of]}: {', '.join(texts) or 'no value'}"
