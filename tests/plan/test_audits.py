"""The audit as stages: who is audited by what, at which cost, and what is made anew."""

from copy import deepcopy

import pytest

from infoplane.config import load
from infoplane.plan.plan import Plan

CONFIG = {
    "experiment": "audits",
    "datasets": {"digits": {"source": "digits"}},
    "estimators": {
        "bins": {"estimator": "binned"},
        "sliced": {"estimator": "sliced"},
        "clusters": {"estimator": "clustering"},
    },
    "defaults": {
        "dataset": "digits",
        "network": {"hidden": [4]},
        "training": {"epochs": 3},
        "seeds": 4,
        "seeds_per_block": 2,
    },
    "runs": {"tanh": {}, "relu": {"estimators": ["bins"]}},
}


def planned(tmp_path, audit=None, **changes):
    config = deepcopy(CONFIG)
    config["estimators"]["bins"].update(changes)
    config |= {} if audit is None else {"audit": audit}
    return Plan(load(config, "file.yaml"), tmp_path)


def test_estimators_of_information_audit_the_runs_that_they_measure(tmp_path):
    audits = planned(tmp_path).audits
    assert audits.pairs == [("tanh", "bins"), ("tanh", "sliced"), ("relu", "bins")]
    chosen = planned(tmp_path, {"runs": ["tanh"], "estimators": ["sliced"]}).audits
    assert chosen.pairs == [("tanh", "sliced")]
    assert '"sliced": "it is the mean information of projections' in audits.exempt
    assert '"bins": ""' in audits.exempt


def test_the_blocks_of_the_first_seeds_are_read(tmp_path):
    assert planned(tmp_path).audits.blocks_of("tanh") == ["seeds-0-1"]
    several = planned(tmp_path, {"seeds": 3}).audits
    assert several.blocks_of("tanh") == ["seeds-0-1", "seeds-2-3"]
    assert several.seeds("tanh") == [0, 1, 2]


def test_the_report_has_an_audit_where_the_file_asks_for_it(tmp_path):
    without, with_one = planned(tmp_path), planned(tmp_path, {})
    assert without.tables_of_audit == []
    assert with_one.tables_of_audit == [with_one.files.of_audit("audit.json")]
    assert without.report.recipe() != with_one.report.recipe()
    assert without.audit.recipe() == with_one.audit.recipe()  # the settings are the same


def test_more_epochs_maps_and_repeats_cost_more(tmp_path):
    def seconds(**audit):
        return planned(tmp_path, audit).audited.cost(run="tanh", estimator="sliced").seconds

    least = seconds(epochs=1, repeats=1, maps=["rotate"])
    assert least < seconds(epochs=2, repeats=1, maps=["rotate"]) < seconds(epochs=2)
    assert seconds(seeds=1) < seconds(seeds=3)


def test_what_is_audited_differently_is_made_anew(tmp_path):
    def recipes(audit=None, **changes):
        plan = planned(tmp_path, audit, **changes)
        return [plan.audited.recipe(run="tanh", estimator=by) for by in ("bins", "sliced")]

    before = recipes()
    assert recipes({"runs": ["tanh"]}) == before
    assert recipes({"factor": 5}) != before
    other = recipes(n_bins=7)
    assert other[0] != before[0]
    assert other[1] == before[1]


def test_nothing_to_audit_is_said(tmp_path):
    config = deepcopy(CONFIG)
    config["runs"] = {"tanh": {"estimators": ["clusters"]}}
    audits = Plan(load(config, "file.yaml"), tmp_path).audits
    with pytest.raises(ValueError, match="there is nothing to audit"):
        audits.all_values()
    with pytest.raises(ValueError, match="there is no run 'tnh'"):
        audits.recipe_of_values("tnh", "bins")
