"""Verdicts: who holds, who decides, and what is said of those who disagree."""

import json

import pandas as pd
import pytest

from infoplane.claims.settings import SCORES, STATISTICS, OrderClaim, PhaseClaim
from infoplane.claims.verdicts import counts_of, judge, table_of, verdicts_of, where
from infoplane.compare import scores
from infoplane.figures import claims as figures
from infoplane.phases.curves import Phases

NAN = float("nan")


def claim(direction="above", threshold=1.0, **changes) -> PhaseClaim:
    of = {"claim": "phase", "sentence": "It falls.", "runs": ["tanh"], "source": "Nobody 2001"}
    rule = {"statistic": "compression", "unit": "bits"}
    chosen = {"direction": direction, "threshold": threshold}
    return PhaseClaim.model_validate({**of, **rule, **chosen, **changes})


@pytest.mark.parametrize(
    ("direction", "value", "low", "high", "said"),
    [
        ("above", 2.0, 1.5, 2.5, (True, True)),
        ("above", 2.0, 0.5, 2.5, (True, False)),
        ("above", 0.5, 0.0, 0.9, (False, True)),
        ("above", 0.5, 0.0, 1.1, (False, False)),
        ("above", 1.0, 1.0, 1.0, (False, True)),
        ("below", 1.0, 1.0, 1.0, (False, True)),
        ("below", 0.5, 0.0, 0.9, (True, True)),
        ("below", 0.5, 0.0, 1.0, (True, False)),
        ("below", 2.0, 1.0, 3.0, (False, True)),
        ("above", 2.0, NAN, NAN, (True, False)),
        ("above", NAN, NAN, NAN, (None, False)),
        ("above", 2.0, 1.5, float("inf"), (True, True)),
    ],
)
def test_a_claim_is_decided_where_the_interval_is_on_one_side(
    direction, value, low, high, said
):
    assert judge(claim(direction), value, low, high) == said


def row(value, low=NAN, high=NAN, kind="none", **place):
    of = {"claim": "falls", "data": "szt", "run": "tanh", "layer": "hidden2", "seed": 1}
    of |= {"estimator": "bins", "quantity": "I(X; bins of T)", "note": ""}
    return {**of, "value": value, "low": low, "high": high, "interval_kind": kind, **place}


ROWS = [
    row(2.0, 2.0, 2.0, "exact"),
    row(1.5, seed=2, note="no interval: too few dimensions"),
    row(0.5, 0.5, 0.5, "exact", run="relu"),
    row(0.2, run="relu", seed=2, note="no interval: it is a sample"),
    row(0.9, 0.0, 3.0, "proven", data="digits", estimator="kde", quantity="I(X; T + N)"),
    row(NAN, seed=0, note="it failed"),
]


def said(rows=ROWS, **changes):
    claims = {"falls": claim(**changes)}
    (one,) = verdicts_of(table_of(rows, claims), claims)
    return one


def test_counts_are_of_analyses_with_a_value():
    counts = counts_of(table_of(ROWS, {"falls": claim()}))
    assert counts == {
        "analyses": 5,
        "holds": 2,
        "holds_decided": 1,
        "fails_decided": 1,
        "without_value": 1,
    }


def test_the_verdict_counts_names_and_says_whether_intervals_allow_it():
    one = said()
    assert one["verdict"] == "holds in 2 of 5"
    assert one["rule"].startswith("compression above 1 bits (I(X;T) at its turn")
    assert one["disagree"] == [
        "I(X; bins of T), relu on szt, hidden2: 2 of 2 networks (1 open)",
        "I(X; T + N), tanh on digits, hidden2 (open)",
    ]
    assert one["intervals"] == (
        "3 disagree: 1 with an interval that excludes the claim (1 exact); 1 with an interval "
        "that allows it; 1 without an interval (1 × it is a sample). In 1 of the 2 that agree, "
        "the interval excludes the opposite: no better estimate would reconcile the two sides, "
        "which differ in their network, data or quantity."
    )
    assert one["without_interval"] == "1 × too few dimensions; 1 × it is a sample"
    assert one["left_out"] == "1 × it failed"


def test_where_none_disagrees_it_says_how_sure_they_are():
    one = said(threshold=0.1)
    assert one["verdict"] == "holds in 5 of 5" and one["disagree"] == []
    assert one["intervals"].startswith("None disagrees; in 2 of 5 the")


@pytest.mark.parametrize(
    ("run", "data", "said"),
    [
        ("tanh-dataset_szt", "szt", "tanh on szt"),
        ("tanh-dataset_szt-n_units_8", "szt", "tanh-n units 8 on szt"),
        ("relu", "digits", "relu on digits"),
        ("szt", "szt", "szt"),
    ],
)
def test_runs_of_a_sweep_are_said_in_words(run, data, said):
    cell = {"run": run, "data": data, "layer": "last_hidden", "stratum": "matched_loss"}
    assert where(cell) == [said, "last hidden", "matched loss"]


def test_a_claim_that_nobody_could_try_says_so():
    one = said([row(NAN, note="it failed")])
    assert one["verdict"] == "has no analysis with a value" and one["intervals"] == ""


def test_statistics_and_scores_are_those_of_phases_and_of_compare():
    own = set(Phases._fields)
    assert set(STATISTICS) == own
    assert list(SCORES) == list(scores.SCORES)
    options = OrderClaim.model_json_schema()["properties"]["statistic"]["enum"]
    assert options == list(SCORES)


def test_figures_show_every_analysis_and_say_what_they_show(tmp_path):
    claims = {"falls": claim(), "empty": claim(sentence="Nobody tried it.")}
    table = table_of([*ROWS, row(NAN, claim="empty", note="it failed")], claims)
    verdicts = verdicts_of(table, claims)
    figures.save(table, verdicts, tmp_path, "abc")
    made = {path.name for path in tmp_path.iterdir()}
    stems = ("claims", "claim-falls", "claim-empty")
    assert made == {f"{s}.{e}" for s in stems for e in ("png", "pdf", "csv", "json")}
    assert len(pd.read_csv(tmp_path / "claim-falls.csv")) == len(ROWS)
    caption = figures.caption_of(verdicts[0], table[table.claim == "falls"])
    for text in ("Nobody 2001", "holds in 2 of 5", "Against it: I(X; bins of T), relu on szt"):
        assert text in caption
    assert "Without an interval: 1 × too few dimensions; 1 × it is a sample. Without" in caption
    about = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert about["table"][0][-1] == "without an interval"
    assert [line[-1] for line in about["table"][1:]] == [verdicts[0]["without_interval"], "–"]
    shares = figures.shares_of(verdicts).set_index("claim")
    parts = list(figures.SHARES)
    assert shares.loc["falls", parts].tolist() == [1, 1, 2, 1]
    drawn = figures.draw_one(table[table.claim == "falls"], verdicts[0])
    (axes,) = drawn.axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert sorted(float(d.get_xdata()[0]) for d in dots) == [0.2, 0.5, 0.9, 1.5, 2.0]
    filled = [d for d in dots if d.get_markerfacecolor() != "white"]
    assert sorted(float(d.get_xdata()[0]) for d in filled) == [0.5, 2.0]
