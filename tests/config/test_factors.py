"""Factors of a file: their levels, and whatever makes a row of planes unfair."""

import pytest

from infoplane.config import ConfigError, load

FILE = "mine.yaml"
CHANGES = {
    "datasets.small": {"source": "szt", "training_fraction": 0.05},
    "datasets.images": {"source": "mnist", "size": 4096, "training_fraction": 0.8},
    "estimators.bins": {"estimator": "binned", "sweep": {"n_bins": [10, 100]}},
    "estimators.clusters": {"estimator": "clustering"},
    "runs": {
        "tanh": {},
        "relu": {"network": {"activation": "relu"}},
        "batch": {"sweep": {"training.batch_size": [512, 32]}},
        "twin": {},
        "small": {"dataset": "small"},
        "images": {"dataset": "images", "training": {"epochs": 30}},
        "few": {"estimators": ["kde"]},
        "sgd": {"training": {"optimizer": {"method": "sgd", "learning_rate": 0.1}}},
        "long": {"training": {"epochs": 400}, "network": {"hidden": [3, 2]}},
    },
    "figures": {},
}


@pytest.fixture
def loaded(example):
    """A function that gives the levels of one factor as (label, run, estimator)."""

    def levels(**factor):
        config = example(CHANGES | {"figures.factors": {"mine": factor}})
        return [
            (one.label, one.run, one.estimator) for one in load(config, FILE).factors["mine"]
        ]

    return levels


def test_levels_that_are_numbers_are_put_in_order_by_their_value(loaded):
    assert loaded(runs=["tanh", "batch"]) == [
        ("32", "batch-batch_size_32", None),
        ("256", "tanh", None),
        ("512", "batch-batch_size_512", None),
    ]


def test_levels_are_called_by_what_differs(loaded):
    assert [label for label, *_ in loaded(runs=["tanh", "relu"])] == ["tanh", "relu"]
    assert [label for label, *_ in loaded(runs=["tanh", "small"])] == ["0.05", "0.8"]
    shapes = loaded(runs=["tanh", "long"], besides=["training.epochs"])
    assert [label for label, *_ in shapes] == ["10-7-5", "3-2"]
    images = loaded(runs=["tanh", "images"], besides=["training.epochs"])
    assert [label for label, *_ in images] == ["szt", "images"]
    assert [label for label, *_ in loaded(runs=["tanh", "sgd"])] == ["tanh", "sgd"]


def test_labels_of_ones_own_stand_in_the_order_of_the_runs(loaded):
    levels = loaded(runs=["relu", "tanh"], labels=["rectified", "hyperbolic"])
    assert levels == [("rectified", "relu", None), ("hyperbolic", "tanh", None)]


def test_a_factor_may_be_the_estimator(loaded):
    assert loaded(run="tanh", estimators=["kde", "bins"]) == [
        ("kde", "tanh", "kde"),
        ("bins-n_bins_10", "tanh", "bins-n_bins_10"),
        ("bins-n_bins_100", "tanh", "bins-n_bins_100"),
    ]


def test_an_experiment_without_factors_has_none(example):
    assert load(example(), FILE).factors == {}


MISTAKES = {
    "unknown run": (
        {"runs": ["tanh", "rleu"]},
        "runs[1]: there is no run 'rleu'. Did you mean 'relu'?",
    ),
    "one level": (
        {"runs": ["tanh"]},
        "runs: must be at least two levels of a factor, not 1",
    ),
    "nothing changes": (
        {"runs": ["tanh", "twin"]},
        "runs: differ in nothing that could be the factor",
    ),
    "one level twice": (
        {"runs": ["tanh", "relu", "twin"]},
        "runs: 'tanh' and 'twin' have the same network.activation: tanh",
    ),
    "run twice": (
        {"runs": ["batch", "batch-batch_size_32"]},
        "runs: has the run 'batch-batch_size_32' twice, by itself and as a variant",
    ),
    "two keys": (
        {"runs": ["tanh", "long"]},
        "runs: differ in network.hidden, training.epochs; a factor is one of them, and "
        "`besides` names the others",
    ),
    "data and more": (
        {"runs": ["tanh", "images"]},
        "runs: differ in training.epochs, dataset; a factor is one of them",
    ),
    "all said to be beside": (
        {"runs": ["tanh", "relu"], "besides": ["network"]},
        "runs: differ in nothing that could be the factor, apart from the keys of `besides`",
    ),
    "beside without effect": (
        {"runs": ["tanh", "relu"], "besides": ["training.epochs"]},
        "besides[0]: the runs do not differ in 'training.epochs'; they differ in "
        "network.activation",
    ),
    "estimator of another run": (
        {"run": "few", "estimators": ["kde", "binned"]},
        "estimators[1]: 'binned' does not measure run 'few'",
    ),
    "unknown estimator": (
        {"run": "tanh", "estimators": ["kde", "kda"]},
        "estimators[1]: there is no estimator 'kda'. Did you mean 'kde'?",
    ),
    "no information": (
        {"run": "tanh", "estimators": ["kde", "clusters"]},
        "estimators[1]: 'clusters' estimates no information",
    ),
    "one estimator": (
        {"run": "tanh", "estimators": ["kde"]},
        "estimators: must be at least two levels of a factor, not 1",
    ),
    "estimators of many runs": (
        {"run": "batch", "estimators": ["kde", "binned"]},
        "run: must be one run; 'batch' stands for batch-batch_size_512, batch-batch_size_32",
    ),
    "estimators of no run": (
        {"run": "tahn", "estimators": ["kde", "binned"]},
        "run: there is no run 'tahn'. Did you mean 'tanh'?",
    ),
    "both": (
        {"runs": ["tanh", "relu"], "run": "tanh"},
        "mine: give runs, or run and estimators",
    ),
    "neither": ({}, "mine: give runs, or run and estimators"),
    "too few labels": (
        {"runs": ["tanh", "relu"], "labels": ["one"]},
        "labels: must be 2 texts, one per level (tanh, relu), not 1",
    ),
    "label twice": (
        {"runs": ["tanh", "relu"], "labels": ["one", "one"]},
        "labels: 'one' is listed twice",
    ),
    "unknown key": (
        {"runs": ["tanh", "relu"], "beside": []},
        "beside: is not a key here. Did you mean 'besides'?",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named_before_any_job(loaded, mistake):
    factor, text = MISTAKES[mistake]
    with pytest.raises(ConfigError) as error:
        loaded(**factor)
    assert f"{FILE}: figures.factors.mine" in str(error.value)
    assert text in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_figure_needs_an_estimator_of_all_its_runs(example):
    own = {
        "runs.few.estimators": ["kde"],
        "runs.relu.estimators": ["binned"],
        "figures.factors": {"mine": {"runs": ["few", "relu"]}},
    }
    with pytest.raises(ConfigError, match="no estimator measures the information of all"):
        load(example(CHANGES | own), FILE)


def test_a_wrong_run_is_named_once(example):
    own = {
        "runs.relu": {"network": {"hidden": []}},
        "figures.factors": {"mine": {"runs": ["tanh", "relu"]}},
    }
    with pytest.raises(ConfigError) as error:
        load(example(CHANGES | own), FILE)
    assert str(error.value).count("\n") == 0 and "runs.relu.network.hidden" in str(error.value)
