"""Which version gave the answers of the errors that ship."""

import pandas as pd

from infoplane.truth import measured, shipped

OLD = pd.DataFrame(
    [("ksg", "f", 2, "aaa", "2026-01-01"), ("ksg", "f", 1, "bbb", "2026-02-01")],
    columns=measured.COLUMNS,
)


def errors(**means):
    """One estimator, one answer per task; tasks of family f."""
    rows = [("ksg", "f", task, "labels", 1000, mean) for task, mean in means.items()]
    return pd.DataFrame(rows, columns=[*measured.TASK, "mean"])


BEFORE = errors(one=1.0, two=2.0, three=float("nan"))


def rows(new):
    found = measured.updated(OLD, BEFORE, new, "ccc", "2026-03-01")
    return found[["answers", "commit", "date"]].values.tolist()


def test_answers_that_stay_keep_their_versions():
    old = [[2, "aaa", "2026-01-01"], [1, "bbb", "2026-02-01"]]
    assert rows(BEFORE) == old
    assert rows(errors(one=1.00001, two=2.0, three=float("nan"))) == old, "four decimals"
    more = errors(one=1.0, two=2.0, three=float("nan"), four=4.0)
    assert rows(more) == [*old, [1, "ccc", "2026-03-01"]]


def test_other_answers_have_this_version():
    assert rows(errors(one=1.1, two=2.1)) == [[2, "ccc", "2026-03-01"]]
    some = errors(one=1.0, two=2.1, three=float("nan"))
    assert rows(some) == [[2, "aaa", "2026-01-01"], [1, "ccc", "2026-03-01"]]
    assert rows(errors(two=2.0)) == [[1, "aaa", "2026-01-01"]], "the oldest of its versions"


def test_errors_are_kept_with_their_version(tmp_path, monkeypatch):
    path = tmp_path / "errors.csv"
    monkeypatch.setattr(measured, "_commit", lambda: "ccc")
    first = errors(one=1.0, two=2.0).assign(method="ksg", settings="{}")
    kept = shipped.ship(first, path)
    assert kept[-1] == tmp_path / "measured.csv"
    assert measured.read(kept[-1])[["answers", "commit"]].values.tolist() == [[2, "ccc"]]
    monkeypatch.setattr(measured, "_commit", lambda: "ddd")
    shipped.ship(first.assign(mean=[1.0, 3.0]), path)
    assert measured.read(kept[-1])[["answers", "commit"]].values.tolist() == [
        [1, "ccc"],
        [1, "ddd"],
    ]


def test_without_git_it_is_the_version_of_the_library(monkeypatch):
    monkeypatch.setattr(measured, "MEASURED", measured.Path("/nowhere/measured.csv"))
    assert measured._commit() == measured.__version__


def test_estimators_of_the_same_versions_share_a_line():
    table = pd.concat([OLD, OLD.assign(estimator="kl"), OLD[:1].assign(estimator="lnn")])
    assert measured.in_words(table) == [
        ("ksg, kl", "2026-01-01 (aaa): f; 2026-02-01 (bbb): f"),
        ("lnn", "2026-01-01 (aaa): f"),
    ]


def test_every_answer_that_ships_has_its_version():
    by = ["estimator", "family"]
    n = pd.read_csv(shipped.ERRORS).groupby(by).size()
    found = measured.read().groupby(by).answers.sum()
    pd.testing.assert_series_equal(found, n, check_names=False)
