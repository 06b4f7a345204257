"""Estimators with a sweep, and estimators of the user's own."""

import pytest

from infoplane.config import ConfigError, load

OWN = """
from infoplane import EstimatorSettings, Information, PairEstimator

class FixedSettings(EstimatorSettings):
    factor: float = 1.0

class Fixed(PairEstimator):
    Settings = FixedSettings

    def between(self, pair):
        return Information(self.settings.factor)
"""


def test_a_sweep_makes_one_estimator_a_value(example):
    changes = {"estimators.binned.sweep": {"n_bins": [10, 30]}}
    experiment = load(example(changes), "x.yaml")
    assert list(experiment.estimators) == [
        "binned-n_bins_10",
        "binned-n_bins_30",
        "kde",
        "kde-wide",
    ]
    assert experiment.estimators["binned-n_bins_10"].n_bins == 10
    assert experiment.sweeps == {"binned": ["binned-n_bins_10", "binned-n_bins_30"]}
    assert set(experiment.runs["tanh"].estimators) == set(experiment.estimators)


def test_a_run_names_a_sweep_or_one_of_its_variants(example):
    changes = {"estimators.binned.sweep": {"n_bins": [10, 30]}}
    whole = load(example({**changes, "runs.relu.estimators": ["binned", "kde"]}), "x.yaml")
    one = load(example({**changes, "runs.relu.estimators": ["binned-n_bins_30"]}), "x.yaml")
    assert whole.runs["relu"].estimators == ["binned-n_bins_10", "binned-n_bins_30", "kde"]
    assert one.runs["relu"].estimators == ["binned-n_bins_30"]


WRONG = {
    "no mapping": (
        {"estimators.binned.sweep": [10, 30]},
        "estimators.binned.sweep: must be a mapping of keys to lists of values, not [10, 30]",
    ),
    "no list": (
        {"estimators.binned.sweep": {"n_bins": 10}},
        "estimators.binned.sweep: n_bins must be a list of at least one value, not 10",
    ),
    "method": (
        {"estimators.binned.sweep": {"estimator": ["kde"]}},
        "estimators.binned.sweep: estimator cannot be swept",
    ),
    "wrong value": (
        {"estimators.binned.sweep": {"n_bins": [10, 1]}},
        "estimators.binned.sweep.n_bins: must be an integer ≥ 2 or null, not 1",
    ),
    "unknown key": (
        {"estimators.binned.sweep": {"n_bin": [10]}},
        "estimators.binned.sweep.n_bin: is not a key here. Did you mean 'n_bins'?",
    ),
    "twice": (
        {"estimators.binned.sweep": {"n_bins": [10, 10]}},
        "estimators.binned.sweep: n_bins: 10 is listed twice",
    ),
    "name that is taken": (
        {
            "estimators.binned.sweep": {"n_bins": [10]},
            "estimators.binned-n_bins_10": {"estimator": "kde"},
        },
        "estimators.binned.sweep: makes a variant named 'binned-n_bins_10'",
    ),
    "run that names nothing": (
        {
            "estimators.binned.sweep": {"n_bins": [10]},
            "runs.relu.estimators": ["binned", "binned-n_bins_11"],
        },
        "runs.relu.estimators[1]: there is no estimator 'binned-n_bins_11'. Did you mean "
        "'binned-n_bins_10'?",
    ),
    "no such method": (
        {"estimators.binned": {"estimator": "bined"}},
        "estimators.binned.estimator: must be one of binned, exact, kde,",
    ),
    "method in capitals": (
        {"estimators.binned": {"estimator": "BINNED"}},
        "not 'BINNED'. Did you mean 'binned'?",
    ),
    "key in capitals": (
        {"estimators.binned": {"estimator": "binned", "N_BINS": 3}},
        "estimators.binned.N_BINS: is not a key here. Did you mean 'n_bins'?",
    ),
    "module without its class": (
        {"estimators.binned": {"estimator": "json.decoder"}},
        "'json.decoder' names no estimator, which is a class derived from Estimator; in",
    ),
    "class that is no estimator": (
        {"estimators.binned": {"estimator": "json.decoder:JSONDecoder"}},
        "'json.decoder:JSONDecoder' names no estimator, which is a class derived from",
    ),
    "class that is not there": (
        {"estimators.binned": {"estimator": "json.decoder:Decoder"}},
        "decoder.py: it has no class derived from Estimator",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_mistakes_are_named_where_the_file_has_them(example, changes, message):
    with pytest.raises(ConfigError) as error:
        load(example(changes), "x.yaml")
    assert message in str(error.value)


def test_an_estimator_of_the_users_own_is_named_by_its_import_path(
    example, tmp_path, monkeypatch
):
    (tmp_path / "one_of_mine.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    entry = {"estimator": "one_of_mine:Fixed", "factor": 2}
    experiment = load(example({"estimators.mine": entry}), "x.yaml")
    assert experiment.estimators["mine"].factor == 2
    with pytest.raises(ConfigError) as error:
        load(example({"estimators.mine": {**entry, "factor": "many"}}), "x.yaml")
    assert "estimators.mine.factor" in str(error.value)
    with pytest.raises(ConfigError) as error:
        load(example({"estimators.mine": {**entry, "facto": 1}}), "x.yaml")
    assert "estimators.mine.facto: is not a key here" in str(error.value)
    with pytest.raises(ConfigError) as error:
        load(example({"estimators.mine": {**entry, "estimator": "one_of_mine"}}), "x.yaml")
    assert "write one_of_mine:Fixed" in str(error.value)
