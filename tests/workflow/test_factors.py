"""Planes and phases under one factor at a time, from the file to the report."""

import csv

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

FACTORS = {
    "batch_size": {"runs": ["tanh", "batch"]},
    "estimator": {"run": "tanh", "estimators": ["binned", "kde"]},
}


@pytest.fixture(scope="module")
def project(finished, tiny, tmp_path_factory):
    project = finished.copy(tmp_path_factory.mktemp("factors") / "copy")
    batch = {
        "network": {"activation": "tanh"},
        "estimators": ["kde"],
        "seeds_per_block": 3,
        "sweep": {"training.batch_size": [16, 128]},
    }
    config = project.configure(
        tiny, {"runs.batch": batch, "figures": {"per_run": False, "factors": FACTORS}}
    )
    project.snakemake("--configfile", config)
    return project


def rows(project, name):
    with project.results(f"tiny/figures/{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_level_and_layer_has_its_phases(project):
    found = rows(project, "phases-kde")
    levels = [
        (row["factor"], row["level"], row["run"]) for row in found if row["layer"] == "output"
    ]
    assert levels == [
        ("batch_size", "16", "batch-batch_size_16"),
        ("batch_size", "64", "tanh"),
        ("batch_size", "128", "batch-batch_size_128"),
        ("estimator", "binned", "tanh"),
        ("estimator", "kde", "tanh"),
    ]
    assert {row["n_seeds"] for row in found} == {"3"}
    assert {row["compresses"] for row in found} <= {"True", "False"}


def test_the_ratio_of_gradients_is_that_of_training(project):
    """At a turn after epoch 0; there is none before the first step."""
    for row in rows(project, "phases-kde"):
        assert bool(row["gradient_snr"]) or float(row["turn_first"]) == 0


def test_the_report_has_the_table_and_the_answers(project):
    page = project.results("tiny/report.html").read_text(encoding="utf-8")
    assert page.count("Batch size: compression of the last hidden layer is present in") >= 2
    assert "gradient SNR at the turn</th>" in page
    assert project.results("tiny/figures/factor_planes-kde.png").exists()


def test_what_stands_is_not_drawn_again_on_demand(project):
    said = project.snakemake("-n", "figure_phases", "--configfile", "experiment.yaml")
    assert "draw_some_comparisons" not in said and "figure_phases" in said
