"""A small experiment whose costs are looked at."""

import pytest

from infoplane.config import load
from infoplane.costs.plan import Plan

WRITTEN = {
    "experiment": "costly",
    "datasets": {"szt": {"source": "szt"}},
    "estimators": {
        "binned": {"estimator": "binned"},
        "kde": {"estimator": "kde"},
        "ksg": {"estimator": "ksg"},
        "mine": {"estimator": "mine"},
    },
    "runs": {
        "run": {
            "dataset": "szt",
            "network": {"hidden": [10, 5]},
            "training": {"epochs": 100},
            "measure": {"epochs": {"schedule": "all"}},
            "pools": {"pool": {"lengths": [2, 5], "estimators": ["kde"]}},
        }
    },
}


@pytest.fixture
def written() -> dict:
    """The experiment as its file has it."""
    return WRITTEN


@pytest.fixture
def planned(tmp_path):
    """A function that gives the plan with other values at dotted keys of the run."""

    def plan(**changes) -> Plan:
        run = dict(WRITTEN["runs"]["run"])
        for key, value in changes.items():
            section, _, name = key.partition("__")
            run[section] = {**run[section], name: value} if name else value
        return Plan(load({**WRITTEN, "runs": {"run": run}}, "test.yaml"), tmp_path)

    return plan
