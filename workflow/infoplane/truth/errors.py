"""From estimates to errors: one row an estimator, task and number of samples."""

import numpy as np
import pandas as pd

from infoplane.information import tolerance

MEANS = ("stderr", "interval_low", "interval_high", "cap", "linear", "entropy")
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
    "truth",
    "truth_error",
    "own",
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
        truth = float(key[BY.index("truth")])
        refusals = [reason for reason in part.refused if isinstance(reason, str) and reason]
        there = values[np.isfinite(values)]
        row = dict(zip(BY, key, strict=True)) | {"n_seeds": len(there)}
        if len(there) < len(values) and not refusals:
            refusals = [f"{len(values) - len(there)} estimates are not finite"]
        row |= _spread(there, truth) if len(there) == len(values) else _spread(there[:0], truth)
        row |= {name: float(part[name].mean()) for name in MEANS}
        row["interval_kind"] = part.interval_kind.iloc[0]
        row["seconds"] = float(part.seconds.mean())
        row["refused"] = refusals[0] if refusals else ""
        rows.append(row)
    return pd.DataFrame(rows)


def _spread(values: np.ndarray, truth: float) -> dict:
    if len(values) == 0:
        names = ("mean", "sd", "lowest", "highest", "error", "worst")
        return dict.fromkeys(names, np.nan) | {"right": False}
    worst = float(np.abs(values - truth).max())
    return {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
        "lowest": float(values.min()),
        "highest": float(values.max()),
        "error": float(values.mean()) - truth,
        "worst": worst,
        "right": bool(worst <= tolerance(truth)),
    }


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Its numbers to four decimals, a ten-thousandth of a bit: small on disk."""
    return table.round(dict.fromkeys(table.select_dtypes("float").columns, 4))
