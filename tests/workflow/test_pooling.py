"""Pools by Snakemake: stores, figures, the report, and what an edit does again."""

import csv
import json

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

POOLS = {
    "late": {"lengths": [1, 3], "estimators": ["binned"]},
    "seeds": {"over": "seeds", "lengths": [1, 3], "estimators": ["binned"]},
}


@pytest.fixture(scope="module")
def project(finished, tiny, tmp_path_factory):
    project = finished.copy(tmp_path_factory.mktemp("pools") / "copy")
    config = project.configure(tiny, {"runs.tanh.pools": POOLS})
    project.snakemake("--configfile", config)
    return project


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_pools_are_drawn_by_length_and_beside_single_epochs(project):
    home = project.results("tiny")
    rows = rows_of(home / "runs/tanh/figures/window_length-late-binned.csv")
    assert {row["n_draws"] for row in rows} == {"1", "3"}
    assert {row["n_groups"] for row in rows} == {"3"}
    # a group of seeds reaches over blocks of two
    rows = rows_of(home / "runs/tanh/figures/window_length-seeds-binned.csv")
    assert {(row["n_draws"], row["n_groups"]) for row in rows} == {("1", "3"), ("3", "1")}
    assert all(float(row["entropy_given_x_mean"]) <= float(row["log2_draws"]) for row in rows)
    planes = rows_of(home / "figures/pooled_planes-late-binned.csv")
    assert {row["plane"] for row in planes} == {"single epochs", "3 epochs pooled"}
    assert {row["second"] for row in planes} == {"Y"}
    told = json.loads((home / "figures/pooled_planes-late-binned.json").read_text())
    assert "reconstruction" not in told["caption"]


def test_the_report_shows_them(project):
    page = project.results("tiny/report.html").read_text()
    assert "window_length-late-binned.pdf" in page and "pooled_planes-late-binned.pdf" in page


def test_another_length_does_its_pool_again_and_nothing_else(project, tiny):
    pools = {**POOLS, "late": {**POOLS["late"], "lengths": [1, 2]}}
    config = project.configure(tiny, {"runs.tanh.pools": pools}, name="other.yaml")
    again = project.plan("--configfile", config)
    assert any("pooled/late/binned" in path for path in again)
    assert not [path for path in again if "seeds" in path or "information/" in path]
