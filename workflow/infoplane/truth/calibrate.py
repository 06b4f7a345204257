"""The errors of the full calibration page that ship with the library.

    python -m infoplane.truth.calibrate results/truth/full/errors.csv

writes them into this folder: errors.csv, and errors_estimators.csv with the settings of each
estimator on the page. From them it is known how far an estimate may be off.
"""

import argparse
from pathlib import Path

import pandas as pd

from infoplane.truth import files

ERRORS = Path(__file__).parent / "errors.csv"
"""The errors of the full page that ship with the library, without what LEFT_OUT names."""
LEFT_OUT = [
    "method", "settings", "error", "seconds", "interval_low", "interval_high", "interval_kind"
]  # fmt: skip
"""The settings of an estimator stand once in a file of their own; error is mean − truth; an
interval is no error; the seconds are of one machine at one time."""
NEEDED = {
    "method", "settings", "kind", "n", "d_a", "d_b", "truth", "mean", "lowest", "right", "own"
}  # fmt: skip


def ship(table: pd.DataFrame, path: Path) -> list[Path]:
    """Write a page's errors small, as `read` reads them; the two files.

    Raises ValueError where an estimator on the page has not one set of settings.
    """
    estimators = table[["estimator", "method", "settings"]].drop_duplicates()
    if estimators.estimator.duplicated().any():
        twice = estimators.estimator[estimators.estimator.duplicated()].iloc[0]
        raise ValueError(f"{twice} has answered with more than one set of settings")
    files.write(table.drop(columns=LEFT_OUT, errors="ignore"), path)
    files.write(estimators, _estimators_of(path))
    return [path, _estimators_of(path)]


def _estimators_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}_estimators.csv")


def read(path: Path) -> pd.DataFrame:
    """A table of errors, of a page or of `ship`. Raises ValueError where its columns are
    others."""
    table = pd.read_csv(path)
    if "settings" not in table and _estimators_of(path).is_file():
        table = table.merge(pd.read_csv(_estimators_of(path)), on="estimator", how="left")
    if not set(table) >= NEEDED:
        missing = ", ".join(sorted(NEEDED - set(table)))
        raise ValueError(f"{path} is no table of errors: it lacks {missing}")
    return table


def main(arguments: list[str] | None = None) -> None:
    """Keep a copy of a page's errors."""
    parser = argparse.ArgumentParser(description="keep the errors of a page")
    parser.add_argument("errors", type=Path)
    for path in ship(read(parser.parse_args(arguments).errors), ERRORS):
        print(path)


if __name__ == "__main__":
    main()
