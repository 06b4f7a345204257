"""A small experiment whose costs are looked at."""

import pytest

from infoplane.config import load
from infoplane.plan.costs import Costs
from infoplane.plan.known import Known

WRITTEN = {
    "experiment": "costly",
    "datasets": {"szt": {"source": "szt"}},
    "estimators": {
        "binned": {"estimator": "binned"},
        "surveyed": {"estimator": "binned", "range": "layer_over_training"},
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
def planned(tmp_path):
    """A function that gives the plan with other values at dotted keys of the run."""

    def plan(**changes) -> Costs:
        run = dict(WRITTEN["runs"]["run"])
        for key, value in changes.items():
            section, _, name = key.partition("__")
            run[section] = {**run[section], name: value} if name else value
        experiment = load({**WRITTEN, "runs": {"run": run}}, "test.yaml")
        return Costs(Known(experiment, tmp_path))

    return plan
