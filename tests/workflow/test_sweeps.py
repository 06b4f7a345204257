"""Estimators with a sweep, and one that is no information: figures of their own."""

import csv

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

ESTIMATORS = {
    "bins": {"estimator": "binned", "sweep": {"n_bins": [5, 30]}},
    "clusters": {"estimator": "clustering"},
}


@pytest.fixture(scope="module")
def project(finished, tiny, tmp_path_factory):
    project = finished.copy(tmp_path_factory.mktemp("sweeps") / "copy")
    config = project.configure(tiny, {f"estimators.{k}": v for k, v in ESTIMATORS.items()})
    targets = ("figure_sensitivity", "figure_clustering_curves")
    project.snakemake(*targets, "--configfile", config)
    return project


@pytest.mark.parametrize("run", ["tanh", "relu"])
def test_a_sweep_is_one_figure_a_run(project, run):
    figure = project.results(f"tiny/runs/{run}/figures/sensitivity-bins")
    assert figure.with_suffix(".png").exists() and figure.with_suffix(".pdf").exists()
    with figure.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["variant"] for row in rows} == {"n_bins = 5", "n_bins = 30"}
    assert {row["estimator"] for row in rows} == {"bins-n_bins_5", "bins-n_bins_30"}


def test_more_bins_see_more(project):
    with project.results("tiny/runs/tanh/figures/sensitivity-bins.csv").open() as file:
        rows = list(csv.DictReader(file))
    values = {(r["variant"], r["epoch"], r["layer"]): float(r["ixt_mean"]) for r in rows}
    places = {key[1:] for key in values}
    # 30 bins on the same range part whatever 5 bins part: they are a refinement
    assert all(values["n_bins = 30", *p] >= values["n_bins = 5", *p] for p in places)


def test_clustering_has_curves_and_no_plane(project):
    home = project.results("tiny/runs/tanh/figures")
    assert (home / "clustering_curves-clusters.png").exists()
