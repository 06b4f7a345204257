"""What tests of plans share."""

from copy import deepcopy

import pytest

from infoplane.config import load
from infoplane.plan.plan import Plan


@pytest.fixture
def planned(tmp_path, request):
    """A function that plans the CONFIG of the test's file with other values at keys a/b/c, or
    at a__b__c by name."""

    def plan(changes=(), **by_name) -> Plan:
        config = deepcopy(request.module.CONFIG)
        named = {key.replace("__", "/"): value for key, value in by_name.items()}
        for key, value in {**dict(changes), **named}.items():
            *above, last = key.split("/")
            place = config
            for part in above:
                place = place[part]
            place[last] = value
        return Plan(load(config, "experiment.yaml"), tmp_path)

    return plan
