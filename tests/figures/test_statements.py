"""What the report says of each estimator's numbers, from tables by hand."""

import pandas as pd
import pytest

from infoplane.estimators import ESTIMATORS
from infoplane.figures import page, sentences, statements
from infoplane.figures.information_plane import InformationPlane

CHANGES = ESTIMATORS["binned"]().statements()


@pytest.fixture
def table(information):
    found = information(lower=0.5, failed=(1,))
    said = {name: CHANGES[name] for name in ("changes_ixt", "changes_ity")}
    return found.assign(**said, not_calibrated="")


def moves(**own):
    row = {"run": "tanh", "estimator": "kde", "quantity": "ixt", "map": "rescale"}
    row |= {"layer": "alpha", "epoch": 10, "moves": 2.31, "at_limit": False}
    return {**row, **own}


def test_a_statement_counts_intervals_and_says_what_would_change_the_values(table):
    one = statements.statement_of(table)
    assert (one.estimator, one.runs) == ("kde", "tanh")
    assert one.about == "I(X; bins of T), 9 bins and I(bins of T; Y), 9 bins"
    sample = "the measured inputs, or their draws, are only a sample"
    assert one.intervals == f"I(X;T): 45 proven; I(T;Y): 45 none: {sample}"
    assert one.changes == CHANGES["changes_ixt"] and one.audit == ""
    failed = table.assign(ity_why_none="not_calibrated", not_calibrated="labels: 85 % held")
    said = statements.statement_of(failed).intervals
    assert said.endswith(
        "45 none: its calibrated intervals failed their test (labels: 85 % held)"
    )


def test_runs_of_which_the_same_is_said_share_a_row(table):
    both = [statements.statement_of(table.assign(run=run)) for run in ("tanh", "relu")]
    (one,) = statements.merged(both)
    assert one.runs == "tanh, relu"
    other = table.assign(run="wide", quantity_ixt="I(X;T) of the noisy network")
    assert len(statements.merged([*both, statements.statement_of(other)])) == 2


def test_an_audit_stands_beside_what_would_change_the_values(table):
    one = statements.statement_of(table)
    rows = [
        moves(),
        moves(moves=0.5),
        moves(map="rotate", moves=0.25, layer="zeta"),
        moves(map="permute", moves=1e-9, at_limit=True),
        moves(quantity="ity", moves=float("nan")),
        moves(run="relu", moves=9.0),
    ]
    (told,) = statements.with_moves([one], pd.DataFrame(rows), {"kde": ""})
    assert told.audit == (
        "I(X;T) moves 2.3 bits under unit rescalings (alpha, epoch 10), 0.25 under rotations "
        "(zeta, epoch 10), less than 0.1 under permutations; 25% are at their limit, where no "
        "move is seen"
    )
    (exempt,) = statements.with_moves([one], pd.DataFrame(rows), {"kde": "it is a mean"})
    assert exempt.audit.endswith("(exempt: its quantity is not invariant)")
    (without,) = statements.with_moves([one], pd.DataFrame(rows[-1:]), {})
    assert without.audit == ""


def test_the_page_shows_statements(table):
    one = statements.statement_of(table)
    html = page.render({"title": "t", "runs": [], "statements": [one]})
    assert one.changes.replace("'", "&#39;") in html and "snakemake audit" in html
    assert "What the numbers are worth" in html
    assert "What the numbers are worth" not in page.render({"title": "t", "runs": []})


def test_captions_say_what_would_change_the_values(table):
    numbers = InformationPlane.numbers(table)
    said = InformationPlane.caption(numbers)
    assert f"What would change the values: {CHANGES['changes_ixt']}." in said
    mine = ESTIMATORS["mine"]().statements()
    own = numbers.assign(**{k: mine[k] for k in ("changes_ixt", "changes_ity")})
    said = sentences.changes(own)
    assert said.count("another training") == 1
    assert "of I(X;T) rotations and permutations move it" in said
    assert "of I(T;Y) rotations, monotone functions of units and permutations move it" in said
    several = pd.concat([numbers, own])
    assert sentences.changes(several) == ""
    assert sentences.changes(numbers.drop(columns=["changes_ixt", "changes_ity"])) == ""
