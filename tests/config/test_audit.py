"""The block `audit`: whom it stands for, and what is wrong with one, before any job."""

from copy import deepcopy

import pytest

from infoplane.config import ConfigError, load

CONFIG = {
    "experiment": "audit",
    "datasets": {"digits": {"source": "digits"}},
    "estimators": {
        "bins": {"estimator": "binned", "sweep": {"n_bins": [5, 30]}},
        "kde": {"estimator": "kde"},
        "clusters": {"estimator": "clustering"},
    },
    "defaults": {
        "dataset": "digits",
        "network": {"hidden": [4]},
        "training": {"epochs": 3},
        "seeds": 2,
    },
    "runs": {
        "tanh": {"sweep": {"network.activation": ["tanh", "relu"]}},
        "one": {"seeds": 1, "estimators": ["kde"]},
    },
}


def loaded(audit, **estimators):
    config = deepcopy(CONFIG)
    return load({**config, "audit": audit}, "file.yaml").audit


def test_names_of_sweeps_stand_for_their_variants():
    found = loaded({"runs": ["tanh"], "estimators": ["bins", "kde"], "seeds": 2})
    assert len(found.runs) == 2
    assert all(name.startswith("tanh-") for name in found.runs)
    assert len(found.estimators) == 3
    assert found.estimators[-1] == "kde"
    by_default = loaded({})
    assert (by_default.runs, by_default.estimators, by_default.epochs) == (None, None, 2)
    assert load(deepcopy(CONFIG), "file.yaml").audit is None


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        ({"runs": ["tnh"]}, "audit.runs[0]: there is no run 'tnh'. Did you mean 'tanh'?"),
        ({"estimators": ["kdee"]}, "audit.estimators[0]: there is no estimator 'kdee'"),
        ({"estimators": ["clusters"]}, "audit.estimators: 'clusters' estimates no information"),
        ({"estimators": ["bins"]}, "audit.estimators: none of these measures run 'one'"),
        ({"runs": ["tanh", "tanh"]}, "audit.runs: has the run"),
        ({"seeds": 2}, "audit.seeds: must be at most 1, the seeds of run 'one', not 2"),
        ({"epochs": 0}, "audit.epochs: must be an integer ≥ 1, not 0"),
        ({"maps": ["turn"]}, "audit.maps[0]: must be"),
        (
            {"maps": ["rotate", "rotate"]},
            'audit.maps: ["rotate", "rotate"] is wrong: \'rotate\' is listed twice',
        ),
        ({"factor": 1}, "audit.factor: must be"),
        ({"repeat": 2}, "audit.repeat: "),
    ],
)
def test_mistakes_are_named_before_any_job(audit, said):
    with pytest.raises(ConfigError) as error:
        loaded(audit)
    assert f"file.yaml: {said}" in str(error.value)
