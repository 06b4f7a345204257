"""A small grid from its file to its tables, one that diverges included; and reruns of it."""

import csv

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

GRID = {
    "experiment": "grid",
    "datasets": {"digits": {"source": "digits", "size": 300, "training_fraction": 0.7}},
    "estimators": {"bins": {"estimator": "binned", "n_bins": 5, "range": "layer"}},
    "defaults": {
        "dataset": "digits",
        "network": {"hidden": [6], "activation": "relu"},
        "training": {"batch_size": 64, "epochs": 3, "device": "cpu"},
        "seeds": 2,
    },
    "compare": {
        "families": {"net": {}},
        "axes": {
            "rate": {
                name: {"training.optimizer": {"method": "sgd", "learning_rate": rate}}
                for name, rate in {"slow": 0.01, "fast": 0.1, "mad": 1e30}.items()
            }
        },
        "measure": {"device": "cpu"},
        "signals": {
            "loss": {"signal": "training_loss"},
            "ity": {"signal": "information", "of": "ity", "estimator": "bins"},
            "random": {"signal": "random"},
        },
        "resamples": 20,
    },
    "claims": {
        "loss-is-better": {
            "claim": "order",
            "sentence": "The training loss orders networks better than a random number.",
            "signals": ["loss"],
            "than": "random",
            "direction": "above",
            "threshold": 0,
            "unit": "share",
        }
    },
}


@pytest.fixture(scope="module")
def project(fresh):
    project = fresh()
    project.snakemake("--configfile", project.configure(GRID, name="grid.yaml"))
    return project


def table(project, name):
    with project.results(f"grid/compare/{name}.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_grid_becomes_tables_figures_and_a_page(project):
    networks = table(project, "networks")
    assert len(networks) == 6
    diverged = [row["rate"] for row in networks if row["state"] == "diverged"]
    assert diverged == ["mad", "mad"]
    assert {row["score"] for row in table(project, "scores")} >= {"in_order", "increment"}
    page = project.results("grid/report.html").read_text(encoding="utf-8")
    assert "Networks pair by pair" in page and "diverged (2)" in page


def test_a_claim_about_the_grid_has_a_verdict_on_the_page(project):
    with project.results("grid/tables/claims.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["run"], row["estimator"], row["data"]) == ("net", "loss", "digits")
    page = project.results("grid/report.html").read_text(encoding="utf-8")
    assert f"holds in {int(row['holds'] == 'True')} of 1" in page


def test_nothing_is_left_to_do_and_a_signal_less_trains_nothing(project):
    said = project.snakemake("--configfile", "grid.yaml", "-n")
    assert "Nothing to be done" in said
    changes = {"compare.signals": {"random": {"signal": "random"}}, "claims": None}
    other = project.configure(GRID, changes, name="other.yaml")
    said = project.snakemake("--configfile", other, "-n", "--quiet", "rules")
    assert "measure_signals" in said and "train_family" not in said
