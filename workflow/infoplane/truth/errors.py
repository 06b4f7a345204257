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
    Columns: BY, then n_seeds, mean, sd (NaN for one seed), lowest, highest, error (mean −
    truth), worst (the largest |value − truth|), right (all seeds within the tolerance);
    stderr, interval_low, interval_high and cap (means of the estimator's own), interval_kind;
    linear and entropy (means over the samples, see truth.run), seconds, and refused (empty, or
    a reason; the numbers are then NaN). In bits.
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
    """The statistics of the values of all seeds, given the truth of each."""
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
    """The table with four decimals, a ten-thousandth of a bit, which is small on disk."""
    return table.round(dict.fromkeys(table.select_dtypes("float").columns, 4))
