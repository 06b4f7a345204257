"""Where each estimator is accurate: its tested regime, out of the calibration's errors.

    python -m infoplane.truth.regimes results/truth/full/errors.csv

writes estimators/tables/regimes/<file>.csv, in the columns of estimators.tables.regime, and
into this folder the errors themselves, from which the tables can be made again: errors.csv,
and errors_estimators.csv with the settings of each estimator on the page.

A row (settings, kind, n, d, I) says: of n samples or more, in d dimensions or fewer, an
estimate up to I bits is within 0.1 bit or 10 % of the truth. By the evidence of the page that
holds where

- every task of this kind with at least n samples and at most d dimensions, of every family
  that the estimator was asked, was answered within the tolerance in every seed, if its truth
  lies at or below I, or if any estimate of it does. The second half is what a reader needs:
  who sees 2 bits from an estimator that says 2 where the truth is 8 cannot know;
- a task of exactly n samples and exactly d dimensions with truth I was answered so.

Answers about another quantity than the estimator's own (`own` in truth.run: kde without the
task's noise, bins other than the task's cells) are no evidence either way.

A refusal is no wrong answer and rules nothing out, and nothing in. Estimates are compared as
they stand: the truths' own errors (at most 0.005 bit) are far below the tolerance. No row is
written where nothing but a truth of 0 would stand.
"""

import argparse
import csv
from pathlib import Path

import pandas as pd

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables import regime
from infoplane.truth import files

HERE = Path(__file__).parent
ERRORS = HERE / "errors.csv"
"""The errors of the full page that ship with the library, without what LEFT_OUT names."""
LEFT_OUT = [
    "method",
    "settings",
    "error",
    "seconds",
    "interval_low",
    "interval_high",
    "interval_kind",
]
"""The settings of an estimator stand once in a file of their own; error is mean − truth; an
interval is no error; the seconds are of one machine at one time."""


def regimes(errors: pd.DataFrame) -> dict[str, list[regime.Row]]:
    """Rows of every estimator by its name in ESTIMATORS, in order of settings, kind, n, d.

    errors : what truth.errors made of a page; `method` is the name in ESTIMATORS.
    """
    rows_of: dict[str, list[regime.Row]] = {}
    answered = errors[errors["mean"].notna() & errors.own.astype(bool)]
    for (method, settings), part in answered.groupby(["method", "settings"], sort=True):
        for kind in regime.KINDS:
            rows = _of_kind(str(settings), kind, part[part.kind == kind])
            rows_of.setdefault(str(method), []).extend(rows)
    return rows_of


def _of_kind(settings: str, kind: str, answered: pd.DataFrame) -> list[regime.Row]:
    d = dimensions(answered)
    wrong = ~answered.right.astype(bool)
    # below this value a wrong answer may stand behind an estimate
    misleading = answered[["truth", "lowest"]].min(axis=1)
    rows = []
    for n in sorted(set(answered.n)):
        for wide in sorted(set(d[answered.n == n])):
            covered = (answered.n >= n) & (d <= wide)
            limit = misleading[covered & wrong].min()
            here = answered[(answered.n == n) & (d == wide) & ~wrong]
            supported = here.truth[~(here.truth >= limit)]
            if len(supported) and supported.max() > 0:
                top = float(supported.max())
                rows.append(regime.Row(settings, kind, int(n), int(wide), top))
    return _without_implied(rows)


def dimensions(errors: pd.DataFrame) -> pd.Series:
    """Of the wider variable: what an estimate is looked up by."""
    return errors[["d_a", "d_b"]].max(axis=1)


def _without_implied(rows: list[regime.Row]) -> list[regime.Row]:
    """The rows that no other one contains."""

    def implied(row: regime.Row) -> bool:
        return any(
            other != row
            and other.n <= row.n
            and other.d >= row.d
            and other.information >= row.information
            for other in rows
        )

    return [row for row in rows if not implied(row)]


def write(found: dict[str, list[regime.Row]]) -> list[Path]:
    """Write each estimator's table where estimators.regime looks for it; the files.

    What is exact has no regime to be outside of, and no table.
    """
    written = []
    for method, rows in sorted(found.items()):
        if ESTIMATORS[method].exact:
            continue
        path = regime.path_of(ESTIMATORS.path(method))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(regime.COLUMNS)
            writer.writerows((*row[:4], f"{row.information:.4g}") for row in rows)
        written.append(path)
    return written


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
    needed = {
        "method",
        "settings",
        "kind",
        "n",
        "d_a",
        "d_b",
        "truth",
        "mean",
        "lowest",
        "right",
        "own",
    }
    if not needed <= set(table):
        missing = ", ".join(sorted(needed - set(table)))
        raise ValueError(f"{path} is no table of errors: it lacks {missing}")
    return table


def main(arguments: list[str] | None = None) -> None:
    """Write the tables of regimes from a page's errors, and keep a copy of these."""
    parser = argparse.ArgumentParser(description="derive tested regimes from a page's errors")
    parser.add_argument("errors", type=Path, nargs="?", default=ERRORS)
    parser.add_argument(
        "--no-copy", action="store_true", help="leave the errors that ship as they are"
    )
    chosen = parser.parse_args(arguments)
    table = read(chosen.errors)
    for path in write(regimes(table)):
        print(path)
    if chosen.errors.resolve() != ERRORS.resolve() and not chosen.no_copy:
        for path in ship(table, ERRORS):
            print(path)


if __name__ == "__main__":
    main()
