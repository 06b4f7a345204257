"""Which version of the library gave the answers behind the errors that ship.

    python -m infoplane.truth.measured

reads the history of errors.csv in this repository and writes measured.csv: for each estimator
and family, how many answers there are, since which commit they stand in errors.csv unchanged,
and its date. The code of that commit, or of one shortly before, gave the answers. Answers that
are not committed yet have the date of today and no commit: run it again after the commit.

An answer is the mean value of an estimator for one task and one number of samples.
"""

import hashlib
import io
import subprocess
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pandas as pd

ERRORS = Path(__file__).with_name("errors.csv")
MEASURED = Path(__file__).with_name("measured.csv")
"""What ships: one row per estimator, family and commit, with COLUMNS."""
COLUMNS = ["estimator", "family", "answers", "commit", "date", "digest"]
"""digest : of all answers of the estimator to the family; other answers have another one"""
TASK = ["estimator", "family", "task", "n"]
UNKNOWN = "not recorded"


class Version(NamedTuple):
    """commit : short, empty if there is none yet; date : ISO; errors : the table of errors"""

    commit: str
    date: str
    errors: pd.DataFrame


def measured(versions: Iterable[Version]) -> pd.DataFrame:
    """The table of COLUMNS for the last version. versions : the oldest first"""
    since: dict[tuple, tuple[str, tuple[str, str]]] = {}
    for version in versions:
        answers = version.errors.set_index(TASK)["mean"].map("{:.4f}".format)
        own = version.commit, version.date
        since = {
            task: since[task] if task in since and since[task][0] == answer else (answer, own)
            for task, answer in answers.items()
        }
    rows = [(*task[:2], *own) for task, (_, own) in since.items()]
    table = pd.DataFrame(rows, columns=["estimator", "family", "commit", "date"])
    by = ["estimator", "family", "date", "commit"]
    table = table.groupby(by, sort=False).size().rename("answers").reset_index()
    table = table.merge(digests(version.errors), on=["estimator", "family"])
    return table.sort_values(by, kind="stable")[COLUMNS].reset_index(drop=True)


def digests(errors: pd.DataFrame) -> pd.DataFrame:
    """For each estimator and family a digest of its answers: estimator, family, digest."""
    rows = []
    for names, part in errors.groupby(["estimator", "family"]):
        texts = part.sort_values(["task", "n"])["mean"].map("{:.4f}".format)
        rows.append((*names, hashlib.sha256(" ".join(texts).encode()).hexdigest()[:12]))
    return pd.DataFrame(rows, columns=["estimator", "family", "digest"])


def read() -> pd.DataFrame:
    """estimator, family, answers and `version`, "2026-11-21 (5063cd8)", of the errors that
    ship; answers other than those of measured.csv are UNKNOWN."""
    found = digests(pd.read_csv(ERRORS))
    table = pd.read_csv(MEASURED, dtype={"commit": str}, keep_default_na=False)
    table["version"] = table.date + table.commit.map(lambda name: f" ({name})" if name else "")
    table = found.merge(table, on=["estimator", "family", "digest"], how="left")
    return table.fillna({"version": UNKNOWN})[["estimator", "family", "answers", "version"]]


def in_words(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Estimators whose answers come from the same versions, and these, with their families:
    ("ksg, kl", "2026-11-21 (5063cd8): gaussians, tables; …"). table : of `read`"""
    said: dict[str, list[str]] = {}
    for name, rows in table.groupby("estimator", sort=False):
        versions = rows.groupby("version")["family"]
        texts = [f"{version}: {', '.join(families)}" for version, families in versions]
        said.setdefault("; ".join(texts), []).append(str(name))
    return [(", ".join(names), text) for text, names in said.items()]


def history(path: Path = ERRORS) -> list[Version]:
    """All versions of a file of errors, the oldest first, and at last the one on disk if it is
    not committed. Raises RuntimeError in a shallow clone, whose history is incomplete."""
    if _git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise RuntimeError("the clone is shallow; `git fetch --unshallow` gets its history")
    own = path.relative_to(_git("rev-parse", "--show-toplevel").strip()).as_posix()
    log = _git("log", "--reverse", "--format=%h %as", "--", f":/{own}").splitlines()
    versions = []
    for line in log:
        commit, when = line.split()
        text = _git("show", f"{commit}:{own}")
        versions.append(Version(commit, when, pd.read_csv(io.StringIO(text))))
    if not versions or text != path.read_text(encoding="utf-8"):
        versions.append(Version("", date.today().isoformat(), pd.read_csv(path)))
    return versions


def _git(*words: str) -> str:
    told = {"cwd": ERRORS.parent, "capture_output": True, "check": True, "encoding": "utf-8"}
    return subprocess.run(["git", *words], **told).stdout


if __name__ == "__main__":
    measured(history()).to_csv(MEASURED, index=False, lineterminator="\n")
    print(f"wrote {MEASURED}")
