"""Since which version the answers of the errors that ship stand there."""

import subprocess

import pandas as pd
import pytest

from infoplane.truth import measured
from infoplane.truth.measured import Version


def errors(**means):
    """One estimator, one answer per task; tasks of family f."""
    rows = [("ksg", "f", task, 1000, mean) for task, mean in means.items()]
    return pd.DataFrame(rows, columns=[*measured.TASK, "mean"])


VERSIONS = [
    Version("aaa", "2026-01-01", errors(one=1.0, two=2.0, gone=3.0)),
    Version("bbb", "2026-02-01", errors(one=1.0, two=2.5, three=float("nan"))),
    Version("", "2026-03-01", errors(one=1.0, two=2.5, three=float("nan"), four=4.0)),
]


def test_an_answer_is_as_old_as_its_value():
    table = measured.measured(VERSIONS)
    assert table[["answers", "commit", "date"]].values.tolist() == [
        [1, "aaa", "2026-01-01"],
        [2, "bbb", "2026-02-01"],
        [1, "", "2026-03-01"],
    ]
    assert table.digest.nunique() == 1


def test_other_answers_than_the_recorded_ones_are_not_recorded(tmp_path, monkeypatch):
    file, shipped = tmp_path / "measured.csv", tmp_path / "errors.csv"
    measured.measured(VERSIONS).to_csv(file, index=False)
    monkeypatch.setattr(measured, "MEASURED", file)
    monkeypatch.setattr(measured, "ERRORS", shipped)
    VERSIONS[-1].errors.to_csv(shipped, index=False)
    (said,) = measured.in_words(measured.read())
    assert said == ("ksg", "2026-01-01 (aaa): f; 2026-02-01 (bbb): f; 2026-03-01: f")
    errors(one=1.0001, two=2.5).to_csv(shipped, index=False)
    assert measured.in_words(measured.read()) == [("ksg", f"{measured.UNKNOWN}: f")]


def test_estimators_of_the_same_versions_share_a_line():
    rows = [
        ("ksg", "f", 3, "a"),
        ("kl", "f", 3, "a"),
        ("lnn", "f", 3, "b"),
        ("lnn", "g", 1, "b"),
    ]
    table = pd.DataFrame(rows, columns=["estimator", "family", "answers", "version"])
    assert measured.in_words(table) == [("ksg, kl", "a: f"), ("lnn", "b: f, g")]


def test_every_answer_that_ships_has_its_version():
    """After a change of errors.csv: python -m infoplane.truth.measured"""
    table = measured.read()
    assert measured.UNKNOWN not in set(table.version)
    n = pd.read_csv(measured.ERRORS).groupby(["estimator", "family"]).size()
    assert (table.groupby(["estimator", "family"]).answers.sum() == n).all()


def test_history_is_read_from_git(tmp_path, monkeypatch):
    def git(*words):
        own = ["-c", "user.name=n", "-c", "user.email=e@e", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *own, *words], cwd=tmp_path, check=True, capture_output=True)

    file = tmp_path / "deep" / "errors.csv"
    file.parent.mkdir()
    monkeypatch.setattr(measured, "ERRORS", file)
    git("init", "-q")
    for version in VERSIONS[:2]:
        version.errors.to_csv(file, index=False)
        git("add", "-A")
        git("commit", "-qm", "answers", "--date", f"{version.date}T12:00:00")
    found = measured.history(file)
    assert [one.date for one in found] == ["2026-01-01", "2026-02-01"]
    assert all(len(one.commit) >= 7 for one in found)
    VERSIONS[2].errors.to_csv(file, index=False)
    found = measured.history(file)
    assert found[-1].commit == "" and len(found) == 3
    assert measured.measured(found).answers.tolist() == [1, 2, 1]
    git("clone", "-q", "--depth", "1", f"file://{tmp_path}", "shallow")
    monkeypatch.setattr(measured, "ERRORS", tmp_path / "shallow" / "deep" / "errors.csv")
    with pytest.raises(RuntimeError, match="the clone is shallow"):
        measured.history(measured.ERRORS)
