"""How often each claim holds, which analyses disagree, and whether intervals explain it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from infoplane.claims.settings import NO_INTERVAL, Claim, statistic_of

COLUMNS = (
    *("claim", "statistic", "direction", "threshold", "unit"),
    *("data", "run", "layer", "estimator", "quantity", "stratum", "seed"),
    *("value", "low", "high", "interval_kind", "holds", "decided", "note"),
)
"""Columns of the table, which has one row for each analysis. run : or a family; estimator : or
a signal; quantity : what the number is about; stratum : "" except for families; seed : empty
for families; value, low, high : in `unit`; holds : empty without a value; decided : whether the
interval lies on one side of the threshold; note : why there is no value or no interval."""
ANALYSIS = ["data", "run", "layer", "estimator", "quantity", "stratum"]
"""The columns that identify an analysis, together with the seed."""
KINDS = {
    "exact": "exact",
    "proven": "proven",
    "calibrated": "calibrated",
    "resampled": "of resampled networks",
}
"""Kinds of intervals in words, from the strongest guarantee to the weakest."""


def table_of(rows: Sequence[Mapping[str, Any]], claims: Mapping[str, Claim]) -> pd.DataFrame:
    """The table of all analyses, each judged.

    rows : records of `networks` and `orders` with the claim's name, data, run and estimator
    """
    judged, order = [], list(claims)
    for row in sorted(rows, key=lambda row: order.index(row["claim"])):
        claim = claims[row["claim"]]
        said = {
            "statistic": claim.statistic,
            "direction": claim.direction,
            "threshold": claim.threshold,
            "unit": statistic_of(claim).unit,
        }
        holds, decided = judge(claim, row["value"], row["low"], row["high"])
        judged.append({"stratum": "", **row, **said, "holds": holds, "decided": decided})
    table = pd.DataFrame(judged, columns=list(COLUMNS))
    return table.astype({"seed": "Int64", "holds": "boolean", "decided": "boolean"})


def judge(claim: Claim, value: float, low: float, high: float) -> tuple[bool | None, bool]:
    """Whether a claim holds at this value (None without a value), and whether its interval
    decides it by lying on one side of the threshold. A value at the threshold is against."""
    if not np.isfinite(value):
        return None, False
    sign = 1 if claim.direction == "above" else -1
    near, far = (low, high) if sign > 0 else (-high, -low)
    threshold = sign * claim.threshold
    return sign * value > threshold, bool(near > threshold or far <= threshold)


def counts_of(rows: pd.DataFrame) -> dict[str, int]:
    """Numbers of analyses: those with a value, those that hold, those that are decided each
    way, and those without a value."""
    with_value = rows[rows.holds.notna()]
    holds, decided = with_value.holds.astype(bool), with_value.decided.astype(bool)
    return {
        "analyses": len(with_value),
        "holds": int(holds.sum()),
        "holds_decided": int((holds & decided).sum()),
        "fails_decided": int((~holds & decided).sum()),
        "without_value": len(rows) - len(with_value),
    }


def cells_of(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each analysis, over its seeds: ANALYSIS, the counts, and the mean value."""
    found = []
    for names, part in rows.groupby(ANALYSIS, sort=False, dropna=False):
        mean = part.value.mean() if part.value.notna().any() else np.nan
        one = dict(zip(ANALYSIS, names, strict=True))
        found.append({**one, **counts_of(part), "value": mean})
    return pd.DataFrame(found)


def verdicts_of(table: pd.DataFrame, claims: Mapping[str, Claim]) -> list[dict[str, Any]]:
    """The verdict on each claim: name, sentence, source, rule, axis and counts_of; `verdict`,
    "holds in 31 of 40"; `disagree`, one text for each analysis against it; `intervals`, whether
    the intervals allow the two sides to differ; `without_interval` and `left_out`, the numbers
    of analyses with no interval and with no value, by reason."""
    said = []
    for name, claim in claims.items():
        rows = table[table.claim == name]
        counts = counts_of(rows)
        said.append(
            {
                "claim": name,
                "sentence": claim.sentence,
                "source": claim.source,
                "rule": rule_of(claim),
                "axis": axis_of(claim),
                **counts,
                "verdict": _verdict(counts),
                "disagree": _disagree(rows),
                "intervals": _intervals(rows, counts),
                "without_interval": _counted(_without_interval(rows)),
                "left_out": _counted(rows[rows.holds.isna()]),
            }
        )
    return said


def rule_of(claim: Claim) -> str:
    """When a claim holds: "compression above 0.1 bits (I(X;T) at …)"."""
    statistic = statistic_of(claim)
    than = getattr(claim, "than", None)
    less = f" minus that of {than}" if than else ""
    unit = {"share": "", "tau": "", "R2": "", "ratio": ""}.get(statistic.unit, statistic.unit)
    threshold = f"{claim.threshold:g} {unit}".strip()
    return f"{claim.statistic}{less} {claim.direction} {threshold} ({statistic.words})"


def axis_of(claim: Claim) -> str:
    """The statistic in words, for an axis."""
    than = getattr(claim, "than", None)
    return statistic_of(claim).words + (f", minus that of {than}" if than else "")


def _verdict(counts: Mapping[str, int]) -> str:
    n = counts["analyses"]
    return f"holds in {counts['holds']} of {n}" if n else "has no analysis with a value"


def _disagree(rows: pd.DataFrame) -> list[str]:
    """The analyses against a claim, each with all its seeds."""
    against = []
    for cell in cells_of(rows).to_dict("records"):
        n, fails = cell["analyses"], cell["analyses"] - cell["holds"]
        if not fails:
            continue
        many = f": {fails} of {n} networks" if n > 1 else ""
        is_open = fails - cell["fails_decided"]
        how = "decided" if not is_open else "open" if is_open == fails else f"{is_open} open"
        named = ", ".join(filter(None, [cell["quantity"], *where(cell)]))
        against.append(f"{named}{many} ({how})")
    return against


def _intervals(rows: pd.DataFrame, counts: Mapping[str, int]) -> str:
    """Whether the intervals of the analyses that disagree still allow the claim."""
    n, holds, sure = counts["analyses"], counts["holds"], counts["holds_decided"]
    if not n:
        return ""
    if holds == n:
        return f"None disagrees; in {sure} of {n} the interval excludes the opposite."
    against = rows[rows.holds.eq(False).fillna(False)]
    excludes = against[against.decided.astype(bool)]
    allows = against[~against.decided.astype(bool)]
    without = _without_interval(allows)
    parts = {
        f"with an interval that excludes the claim{_kinds(excludes)}": len(excludes),
        "with an interval that allows it": len(allows) - len(without),
        f"without an interval ({_counted(without)})": len(without),
    }
    text = "; ".join(f"{count} {how}" for how, count in parts.items() if count)
    text = f"{n - holds} disagree: {text}."
    if len(excludes) and sure:
        text += (
            f" In {sure} of the {holds} that agree, the interval excludes the opposite: no "
            "better estimate would reconcile the two sides, which differ in their network, "
            "data or quantity."
        )
    return text


def where(cell: Mapping[str, str]) -> list[str]:
    """What an analysis is about, in words: run and data set, layer, stratum.

    A run of a sweep over data sets has its data set in its name, tanh-dataset_szt. The words
    name it once: "tanh on szt".
    """
    data = cell["data"]
    run = cell["run"].replace(f"-dataset_{data}", "")
    whose = run if run.endswith(data) else f"{run} on {data}"
    return [text.replace("_", " ") for text in (whose, cell["layer"], cell["stratum"])]


def _kinds(rows: pd.DataFrame) -> str:
    found = [f"{int(n)} {KINDS[k]}" for k in KINDS if (n := (rows.interval_kind == k).sum())]
    return f" ({', '.join(found)})" if found else ""


def _without_interval(rows: pd.DataFrame) -> pd.DataFrame:
    """The analyses with a value but no interval."""
    return rows[rows.holds.notna() & (rows.interval_kind == "none")]


def _counted(rows: pd.DataFrame) -> str:
    """The number of analyses with each note: "4 × the first network only chooses …"."""
    notes = rows.note.str.removeprefix(NO_INTERVAL).value_counts(sort=False)
    return "; ".join(f"{n} × {note}" for note, n in notes.items())
