"""The calibration page by Snakemake: made from a small page's settings, and what an edit of an
estimator's file does again."""

import csv
import re

import pytest
import yaml

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

PAGE = {
    "title": "Tiny page",
    "n": [100],
    "seeds": 2,
    "problems": {
        "gaussians": {"family": "gaussians", "dimensions": [1], "information": [0, 1]},
        "tables": {
            "family": "tables",
            "shapes": [[2, 2]],
            "strengths": [0.7],
            "dimensions": [1],
        },
    },
    "estimators": {
        "ksg": {"estimator": "ksg"},
        "edge": {"estimator": "edge"},
        "binned": {"estimator": "binned"},
    },
    "limits": {"edge": {"without": {"tables": "for a test"}}},
}


@pytest.fixture(scope="module")
def project(fresh):
    project = fresh()
    (project.root / "config/truth/tiny.yaml").write_text(yaml.safe_dump(PAGE))
    wrong = {**PAGE, "estimators": {"ksg": {"estimator": "ksg", "k": 0}}, "limits": {}}
    (project.root / "config/truth/wrong.yaml").write_text(yaml.safe_dump(wrong))
    project.snakemake("estimator_truth", "--config", "truth=tiny")
    return project


def test_the_page_stands_with_its_figures_and_errors(project):
    home = project.results("truth", "tiny")
    page = (home / "calibration.html").read_text()
    assert "Tiny page" in page and "for a test" in page
    assert page.count("data:image/png;base64,") >= 3
    with (home / "errors.csv").open() as file:
        rows = list(csv.DictReader(file))
    asked = {(row["estimator"], row["family"]) for row in rows}
    assert asked >= {("ksg", "gaussians"), ("ksg", "tables"), ("edge", "gaussians")}
    assert ("edge", "tables") not in asked


def test_an_edited_estimator_answers_again_alone(project, pool):
    project.edit("workflow/infoplane/estimators/ksg.py")
    plan = project.plan("estimator_truth", "--config", "truth=tiny")
    rows = project.summary("estimator_truth", "--config", "truth=tiny")
    again = {row["output_file"] for row in rows if row["plan"] != "no update"}
    answers = {path for path in again if re.search(r"/estimates/.*\.csv$", path)}
    home = "results/truth/tiny/estimates"
    assert answers == {f"{home}/ksg/gaussians.csv", f"{home}/ksg/tables.csv"}
    assert "truth/tiny/calibration.html" in plan
    assert not [path for path in again if "/problems/" in path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong", "config/truth/wrong.yaml: estimators.ksg.k: must be an integer ≥ 1, not 0"),
        ("quikc", "truth: there is no page 'quikc' (config/truth/quikc.yaml). Known: "),
    ],
)
def test_a_wrong_page_is_refused_before_any_job(project, name, message):
    said = project.snakemake("estimator_truth", "--config", f"truth={name}", fails=True)
    assert message in said
    assert "pydantic" not in said and "Finished jobid" not in said
