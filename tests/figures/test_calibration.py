"""The calibration page: its numbers, and that everything is said somewhere."""

import numpy as np
import pandas as pd
import pytest

from infoplane.figures import (
    calibration,
    calibration_distances,
    calibration_errors,
    calibration_page,
    style,
)
from infoplane.figures.page import Drawing
from infoplane.truth.page import Page


@pytest.fixture
def errors():
    rng = np.random.default_rng(0)
    rows = []
    for estimator in ("ksg", "infonce"):
        for kind, d_b in (("continuous", 3), ("labels", 0)):
            for n in (1000, 4096):
                for truth in (0.0, 1.0, 4.0, 9.0):
                    mean = truth + rng.normal(0, 0.05) - (2.0 if truth == 9 else 0)
                    rows.append(
                        {
                            "estimator": estimator,
                            "method": estimator,
                            "settings": "{}",
                            "family": "normals",
                            "task": f"{truth:g} bit",
                            "kind": kind,
                            "n": n,
                            "d_a": 3,
                            "d_b": d_b,
                            "truth": truth,
                            "truth_error": 0.0,
                            "information": truth,
                            "n_seeds": 3,
                            "mean": mean,
                            "sd": 0.05,
                            "lowest": mean - 0.05,
                            "highest": mean + 0.05,
                            "error": mean - truth,
                            "worst": abs(mean - truth) + 0.05,
                            "right": truth < 9,
                            "stderr": 0.04,
                            "interval_low": mean - 0.2,
                            "interval_high": np.nan,
                            "cap": 12.0,
                            "seconds": 0.1,
                            "refused": "",
                        }
                    )
    table = pd.DataFrame(rows)
    refused = table[:1].assign(task="a hard one", mean=np.nan, right=False, refused="k ≥ n")
    return pd.concat([table, refused], ignore_index=True)


def test_numbers_are_the_answers_of_a_kind(errors):
    shown = calibration.numbers(errors, "continuous")
    assert len(shown) == 16 and set(shown.d) == {3}  # the refusal has no point
    assert len(calibration.numbers(errors, "inputs")) == 0


def test_every_estimator_has_a_panel_with_its_share(errors):
    figure = calibration.draw(errors, "continuous")
    titles = [(a.get_title(loc="left"), a.get_title(loc="right")) for a in figure.axes]
    assert titles == [("ksg", "75 % right"), ("infonce", "75 % right")]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"n = 1,000", "n = 4,096", "d = 3", "cap"} <= set(labels)


def test_every_mean_is_drawn_where_it_belongs(errors):
    figure = calibration.draw(errors, "labels")
    panel = figure.axes[0]
    drawn = {(x, y) for line in panel.lines for x, y in zip(*line.get_data(), strict=True)}
    shown = calibration.numbers(errors, "labels")
    for row in shown[shown.estimator == "ksg"].itertuples():
        assert (row.truth, row.mean) in drawn


def test_answers_without_a_truth_of_their_own_are_not_judged(errors):
    errors.loc[(errors.estimator == "ksg") & (errors.truth == 1.0), "truth"] = np.nan
    shown = calibration.numbers(errors, "labels")
    assert (shown.estimator == "ksg").sum() == 6 and (shown.estimator == "infonce").sum() == 8
    rows = calibration_page.summary(errors)
    assert [row["judged"] for row in rows] == ["6", "6", "8", "8"]
    assert rows[0]["answers"] == "8" and rows[0]["right"] == "67 %"


def test_distances_of_quantities_from_information(errors):
    """Bins are about another quantity; who is about I(A;B) has no panel."""
    bins = errors[errors.estimator == "ksg"].assign(estimator="bins")
    bins["truth"] = 0.5 * bins.information
    both = pd.concat([errors, bins], ignore_index=True)
    shown = calibration_distances.numbers(both)
    assert set(shown.estimator) == {"bins"}
    assert (shown.distance == -0.5 * shown.information).all()
    figure = calibration_distances.draw(both)
    (panel,) = figure.axes
    assert panel.get_title(loc="right") == "median 0.50 bit"  # the refused task has a truth
    drawn = {(x, y) for line in panel.lines for x, y in zip(*line.get_data(), strict=True)}
    assert (4.0, 2.0) in drawn
    assert "both truths of bins are known" in calibration_distances.caption(both)
    assert "estimates I(A;B) itself" in calibration_distances.caption(errors)
    said = calibration_distances.draw(errors).texts[0].get_text()
    assert "estimates I(A;B) itself" in " ".join(said.split())


def test_points_beyond_the_panel_stand_at_its_edge(errors):
    errors.loc[errors.truth == 1.0, "mean"] = 30.0
    errors.loc[errors.truth == 0.0, "mean"] = -7.0
    panel = calibration.draw(errors, "labels").axes[0]
    low, high = panel.get_ylim()
    marks = {line.get_marker(): line.get_ydata() for line in panel.lines}
    assert (marks["^"] == high).all() and (marks["v"] == low).all()


def test_empty_kind_is_a_figure_that_says_so(errors):
    figure = calibration.draw(errors, "inputs")
    assert "no estimator on this page answers" in figure.texts[0].get_text()
    assert "No estimator" in calibration.caption(errors, "inputs")


def test_layout_holds_with_one_row_and_with_many(errors, tmp_path, recwarn):
    many = pd.concat([errors.assign(estimator=errors.estimator + str(i)) for i in range(5)])
    for table in (errors, many):
        figure = calibration.draw(table, "continuous")
        style.save(figure, table, *(tmp_path / f"x.{end}" for end in ("png", "pdf", "csv")))
    assert [str(w.message) for w in recwarn if "layout" in str(w.message)] == []


def test_shares_of_right_answers(errors):
    found = calibration_errors.shares(errors)
    assert len(found) == 2 * 2 * 2
    assert set(found.right) == {0.75} and set(found.tasks) == {4}
    figure = calibration_errors.draw_shares(errors)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts.count("75") == 8
    assert "4,096" in texts


def test_published_rows_are_compared_in_nats(errors):
    nat = 1 / np.log(2)
    rows = pd.concat([errors[:2]] * 2, ignore_index=True)
    sized = rows.assign(
        family="sized",
        task=["3 × 3, 2 pairs, 2 nat", "3 × 3, 2 pairs, 3 nat"] * 2,
        n=[10_000, 10_000, 500, 500],
        truth=[2 * nat, 3 * nat] * 2,
        mean=[1.9 * nat, 2.5 * nat] * 2,
    )
    found = calibration_errors.published(sized, {"ksg": (1.0, 1.95, 2.0)}, ["sized"])
    assert found.n.tolist() == [10_000, 10_000]
    assert found.truth.tolist() == [2, 3] and set(found["shape"]) == {"3 × 3, 2 pairs"}
    assert found["mean"].tolist() == pytest.approx([1.9, 2.5])
    assert found.distance.tolist() == pytest.approx([0.05, 0.5])
    assert found.closer.tolist() == [False, True]
    caption = calibration_errors.caption_of_published(
        sized, {"ksg": (1.0, 1.95, 2.0)}, ["sized"]
    )
    assert "2 of 2 estimates" in caption
    assert calibration_errors.published(errors, {"ksg": (1.0,)}, []).empty
    calibration_errors.draw_published(errors, {"ksg": (1.0,)}, [])


def test_page_says_what_was_not_asked_and_what_was_refused(errors, tmp_path):
    page = Page.model_validate(
        {
            "title": "a <page>",
            "n": [1000],
            "problems": {
                name: {"family": "gaussians"} for name in ("normals", "more", "rings")
            },
            "estimators": {"ksg": {"estimator": "ksg"}, "kde": {"estimator": "kde"}},
            "limits": {
                "kde": {
                    "without": {"normals": "no noise there", "rings": "slow", "more": "slow"}
                },
                "ksg": {"largest_n": 5000, "reason": "slow"},
            },
        }
    )
    png = tmp_path / "x.png"
    style.save(
        calibration.draw(errors, "labels"), errors, png, tmp_path / "x.pdf", tmp_path / "x.csv"
    )
    drawing = Drawing(
        title="T", png=png, pdf="x.pdf", csv="x.csv", caption="a caption", alt="alt"
    )
    tasks = pd.DataFrame(
        [
            {
                "family": "normals",
                "task": "1 bit",
                "kind": "labels",
                "d_a": 3,
                "d_b": 0,
                "truth": 1.0,
                "truth_error": 0.002,
                "largest_n": None,
            }
        ]
    )
    missing = {"digits": "left out: MNIST is not here"}
    covered = pd.DataFrame(
        {
            "estimator": ["ksg", "ksg", "ksg", "lga"],
            "kind": "labels",
            "family": ["normals", "tables", "rings", "normals"],
            "values": [40, 20, 11, 8],
            "given": [30, 20, 11, 0],
            "inside": [0.9, 1.0, 0.5, np.nan],
            "width": [0.4, 1.25, 1.0, np.nan],
            "calibrated": False,
        }
    )
    measured = [("ksg, kl", "2026-11-21 (5063cd8): normals")]
    shown = page, errors, tasks, [drawing], missing, {"numpy": "2"}, "e.csv", covered
    html = calibration_page.render(*shown, covered, measured)
    for said in (
        "a &lt;page&gt;",
        "kde on normals: no noise there",
        "kde on rings, more: slow",
        "ksg on more than 5,000 samples: slow",
        "digits: left out: MNIST is not here",
        "ksg on 1 task of normals, the first: k ≥ n",
        "a caption",
        "1.0000",
        "0.0020",
        "data:image/png;base64,",
        "python -m infoplane.truth.calibrate e.csv",
        "<td>90 % of 30, 0.40 bit</td>",
        "<td>none of 8</td>",
        "86 % of all intervals contain the truth, and 88 % are required",
        "50 % of the intervals of rings contain the truth, and 75 % are required",
        "intervals in 0 families left out, and 3 are required",
        "I(X; T + N(0, 0.1))",
        '<th scope="row">ksg, kl</th><td>2026-11-21 (5063cd8): normals</td>',
    ):
        assert said in html, said
    assert "http" not in html  # nothing is fetched from outside
    nothing = "No answer of this page has a calibrated interval"
    assert nothing not in html and html.count("<td>90 % of 30, 0.40 bit</td>") == 2
    assert nothing in calibration_page.render(*shown, covered[:0], measured)


def test_summary_counts_each_kind(errors):
    rows = calibration_page.summary(errors)
    assert [row["answers"] for row in rows] == ["8"] * 4
    assert [row["refused"] for row in rows] == ["1", "0", "0", "0"]
    assert rows[0]["right"] == "75 %"
