"""`snakemake audit`: of a small experiment's own layers, and in its report."""

import pandas as pd
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

EXPERIMENT = {
    "experiment": "small",
    "datasets": {"digits": {"source": "digits", "size": 300}},
    "estimators": {"bins": {"estimator": "binned", "n_bins": 5}},
    "defaults": {
        "dataset": "digits",
        "network": {"hidden": [6, 2]},
        "training": {"batch_size": 64, "epochs": 2, "device": "cpu"},
        "seeds": 2,
        "measure": {"device": "cpu"},
    },
    "runs": {"tanh": {}},
    "figures": {"per_run": False},
    "audit": {"epochs": 2, "repeats": 1},
}


def test_layers_are_audited_and_the_report_shows_it(fresh):
    project = fresh()
    config = project.configure(EXPERIMENT)
    project.snakemake("audit", "--configfile", config)
    assert not project.results("small/report.html").exists()
    moves = pd.read_csv(project.results("small/audit/moves.csv"))
    of = moves.set_index(["map", "quantity"])
    assert of.loc[("rescale", "ixt"), "values"] == 6  # three layers at two epochs
    assert of.loc[("rescale", "ixt"), "largest"] > 0.1
    assert of.loc[("permute", "ixt"), "largest"] == 0
    values = pd.read_csv(project.results("small/audit/values.csv"))
    assert set(values.epoch) == {0, 2}
    said = project.snakemake("--configfile", config)
    assert "audit_layers" not in said  # it stands
    page = project.results("small/report.html").read_text(encoding="utf-8")
    assert '<section id="audit">' in page
    stated = pd.read_csv(project.results("small/tables/statements.csv"))
    assert stated.audit.str.contains("moves").all() and stated.changes.notna().all()
    assert "bins: I(X;T) moves" in page
    other = project.configure(EXPERIMENT, {"audit.factor": 3}, name="other.yaml")
    assert "audit_layers" in project.snakemake("--configfile", other, "-n", "--quiet", "rules")
