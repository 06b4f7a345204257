"""Which version of the library gave the answers behind the errors that ship.

measured.csv has, for each estimator and family, the number of answers and the commit and date
with which they came. `calibrate` writes it when it takes the errors of another page: answers
that stay the same keep their version. An answer is the mean value of an estimator for one task
and one number of samples.
"""

import subprocess
from datetime import date
from pathlib import Path

import pandas as pd

from infoplane import __version__

MEASURED = Path(__file__).with_name("measured.csv")
"""What ships, with COLUMNS."""
COLUMNS = ["estimator", "family", "answers", "commit", "date"]
"""commit : the newest when the answers came, short; the version of the library without git"""
TASK = ["estimator", "family", "task", "kind", "n"]


def updated(
    table: pd.DataFrame, before: pd.DataFrame, errors: pd.DataFrame, commit: str, when: str
) -> pd.DataFrame:
    """The table of other errors: answers that differ from those before come from this commit.

    table : of COLUMNS, for the errors before; when : ISO date. Where some answers of several
    versions are gone, the others count as the oldest of these versions.
    """
    old = {(name, family): part for (name, family), part in table.groupby(COLUMNS[:2])}
    known = _answers(before)
    rows = []
    for names, part in errors.groupby(COLUMNS[:2], sort=False):
        same = sum(known.get(task) == answer for task, answer in _answers(part).items())
        there = old.get(names, table[:0]).sort_values("date", kind="stable")
        if same and same != there.answers.sum():
            there = there[:1].assign(answers=same)
        rows += there.to_dict("records") if same else []
        if same < len(part):
            rows.append(
                dict(zip(COLUMNS, (*names, len(part) - same, commit, when), strict=True))
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def write(path: Path, errors: pd.DataFrame) -> Path:
    """Update the table beside a file of errors that will be replaced by these; the table."""
    file = path.with_name(MEASURED.name)
    empty = pd.DataFrame(columns=[*TASK, "mean"])
    table = read(file) if file.is_file() else pd.DataFrame(columns=COLUMNS)
    before = pd.read_csv(path) if path.is_file() else empty
    found = updated(table, before, errors, _commit(), date.today().isoformat())
    found.to_csv(file, index=False, lineterminator="\n")
    return file


def read(path: Path = MEASURED) -> pd.DataFrame:
    """The table that ships, with COLUMNS."""
    return pd.read_csv(path, dtype={"commit": str})


def in_words(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Estimators whose answers come from the same versions, and these, with their families:
    ("ksg, kl", "2026-11-21 (5063cd8): gaussians, tables; …"). table : of `read`"""
    said: dict[str, list[str]] = {}
    for name, rows in table.groupby("estimator", sort=False):
        versions = rows.groupby(["date", "commit"])["family"]
        texts = [f"{when} ({what}): {', '.join(of)}" for (when, what), of in versions]
        said.setdefault("; ".join(texts), []).append(str(name))
    return [(", ".join(names), text) for text, names in said.items()]


def _answers(errors: pd.DataFrame) -> dict[tuple, str]:
    """By task and number of samples, to a ten-thousandth of a bit."""
    means = errors["mean"].map("{:.4f}".format)
    return dict(zip(errors[TASK].itertuples(index=False, name=None), means, strict=True))


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(command, cwd=MEASURED.parent, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return found.stdout.decode().strip()
