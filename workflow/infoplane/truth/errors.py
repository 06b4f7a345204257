"""From estimates to errors: one row per estimator, task and number of samples."""

import numpy as np
import pandas as pd

from infoplane.estimators.tables.calibration import OPINIONS
from infoplane.information import tolerance

MEANS = (
    "truth",
    "truth_error",
    "stderr",
    "interval_low",
    "interval_high",
    "cap",
    *OPINIONS,
)
BY = [
    "estimator",
    "method",
    "settings",
    "family",
    "task",
    "kind",
    "n",
    "d_a",
    "d_b",
    "information",
]


def errors(estimates: pd.DataFrame) -> pd.DataFrame:
    """Mean, spread and worst error over seeds.

    estimates : rows of truth.run
    Columns: BY, then n_seeds, mean, sd (NaN of one seed), lowest, highest, error (mean −
    truth), worst (the largest |value − truth|), right (all seeds within the tolerance);
    stderr, interval_low, interval_high and cap (means of what the estimator says of itself),
    interval_kind; linear and entropy (of the samples, see truth.run; means), seconds, and
    refused (a reason, or empty; then the numbers are NaN). Bits.
    """
    rows = []
    for key, part in estimates.groupby(BY, sort=False, dropna=False):
        values = part.value.to_numpy(dtype=np.float64)
        truth = part.truth.to_numpy(dtype=np.float64)
        refusals = [reason for reason in part.refused if isinstance(reason, str) and reason]
        there = values[np.isfinite(values)]
        row = dict(zip(BY, key, strict=True)) | {"n_seeds": len(there)}
        if len(there) < len(values) and not refusals:
            refusals = [f"{len(values) - len(there)} estimates are not finite"]
        row |= _spread(there if len(there) == len(values) else there[:0], truth)
        row |= {name: float(part[name].mean()) for name in MEANS}
        row["interval_kind"] = part.interval_kind.iloc[0]
        row["seconds"] = float(part.seconds.mean())
        row["refused"] = refusals[0] if refusals else ""
        rows.append(row)
    return pd.DataFrame(rows)


def _spread(values: np.ndarray, truth: np.ndarray) -> dict:
    """Of the values of all seeds and the truth of each."""
    if len(values) == 0:
        names = ("mean", "sd", "lowest", "highest", "error", "worst")
        return dict.fromkeys(names, np.nan) | {"right": False}
    off = np.abs(values - truth)
    return {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
        "lowest": float(values.min()),
        "highest": float(values.max()),
        "error": float((values - truth).mean()),
        "worst": float(off.max()),
        "right": bool((off <= tolerance(truth)).all()),
    }


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Its numbers to four decimals, a ten-thousandth of a bit: small on disk."""
    return table.round(dict.fromkeys(table.select_dtypes("float").columns, 4))
