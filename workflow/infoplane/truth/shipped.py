"""The errors of the full page that ship with the library: errors.csv, and errors_estimators.csv
with the settings of each estimator on the page."""

from pathlib import Path

import pandas as pd

from infoplane.estimators.tables.calibration import OPINIONS
from infoplane.truth import files, measured

ERRORS = Path(__file__).with_name("errors.csv")
"""The errors of the full page, which ship with the library without the columns LEFT_OUT."""
LEFT_OUT = [
    "method", "settings", "error", "seconds", "interval_low", "interval_high", "interval_kind"
]  # fmt: skip
"""Columns that are not shipped: the settings of an estimator are in a file of their own, error
is mean − truth, intervals are not needed, and seconds belong to one machine at one time."""


def ship(table: pd.DataFrame, path: Path) -> list[Path]:
    """Write a page's errors small, as `read` reads them, and which version gave the answers;
    the three files.

    Raises ValueError where an estimator on the page has not one set of settings.
    """
    estimators = table[["estimator", "method", "settings"]].drop_duplicates()
    if estimators.estimator.duplicated().any():
        twice = estimators.estimator[estimators.estimator.duplicated()].iloc[0]
        raise ValueError(f"{twice} has answered with more than one set of settings")
    versions = measured.write(path, table)
    files.write(table.drop(columns=LEFT_OUT, errors="ignore"), path)
    files.write(estimators, _estimators_of(path))
    return [path, _estimators_of(path), versions]


def _estimators_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}_estimators.csv")


def read(path: Path) -> pd.DataFrame:
    """A table of errors, of a page or of `ship`. Raises ValueError if columns are missing."""
    table = pd.read_csv(path)
    if "settings" not in table and _estimators_of(path).is_file():
        table = table.merge(pd.read_csv(_estimators_of(path)), on="estimator", how="left")
    needed = {"method", "settings", "family", "kind", "n", "d_a", "d_b", "truth", "mean"}
    needed |= {"lowest", "highest", "n_seeds", "stderr", *OPINIONS}
    if not needed <= set(table):
        missing = ", ".join(sorted(needed - set(table)))
        raise ValueError(f"{path} is not a table of errors: it lacks {missing}")
    return table
