"""The block `compare`: what families and axes become, and what is wrong with them."""

from copy import deepcopy

import pytest

from infoplane.config import ConfigError, load

FILE = "config/grid.yaml"
L2 = {"none": {}, "l2": {"training.l2": 1e-3}}
CONFIG = {
    "experiment": "grid",
    "datasets": {
        "digits": {"source": "digits"},
        "half": {"source": "digits", "training_share": 0.5},
        "other": {"source": "digits", "seed": 1},
        "all": {"source": "digits", "training_fraction": 1},
    },
    "estimators": {"bins": {"estimator": "binned"}, "kde": {"estimator": "kde"}},
    "defaults": {
        "dataset": "digits",
        "network": {"hidden": [8]},
        "training": {"epochs": 6, "keep": {"schedule": "every", "n": 2}},
        "seeds": 2,
    },
    "compare": {
        "families": {"shallow": {}, "deep": {"network": {"hidden": [8, 4]}}},
        "axes": {"training.batch_size": [16, 64], "regulariser": L2},
        "signals": {"loss": {"signal": "training_loss"}},
    },
}


def changed(changes):
    """The configuration with other values at keys of `compare`, a/b, or tuples of the file."""
    config = deepcopy(CONFIG)
    for key, value in changes.items():
        *above, last = key if isinstance(key, tuple) else ("compare", *key.split("/"))
        place = config
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return config


def loaded(**changes):
    return load(changed(changes), FILE)


def mistakes(changes):
    with pytest.raises(ConfigError) as caught:
        load(changed(changes), FILE)
    return [line.removeprefix(f"{FILE}: ") for line in str(caught.value).splitlines()]


def test_families_times_axes_are_runs():
    experiment = loaded()
    assert len(experiment.runs) == 2 * 2 * 2
    run = experiment.runs["deep-batch_size_64-regulariser_l2"]
    assert run.network.hidden == [8, 4]
    assert (run.training.batch_size, run.training.l2, run.training.epochs) == (64, 1e-3, 6)
    members = experiment.compare.families["deep"]
    assert {m.run: m.point for m in members}["deep-batch_size_64-regulariser_l2"] == {
        "batch_size": "64",
        "regulariser": "l2",
    }
    assert experiment.alone == {} and experiment.comparisons == {}


def test_runs_beside_families_stay_alone():
    experiment = load(changed({("runs",): {"own": {}}}), FILE)
    assert list(experiment.alone) == ["own"]
    assert "own" not in experiment.compare.runs


@pytest.mark.parametrize(
    ("axes", "points"),
    [
        ({}, {"batch_size", "regulariser"}),
        ({"regulariser": None}, {"batch_size"}),
        ({"network.activation": ["tanh", "relu"]}, {"batch_size", "regulariser", "activation"}),
    ],
)
def test_a_family_has_axes_of_its_own(axes, points):
    experiment = loaded(**{"families/deep/axes": axes})
    assert set(experiment.compare.families["deep"][0].point) == points
    assert set(experiment.compare.families["shallow"][0].point) == {"batch_size", "regulariser"}


def test_a_family_replaces_an_axis():
    experiment = loaded(**{"families/deep/axes": {"training.batch_size": [8, 9, 10]}})
    found = {m.point["batch_size"] for m in experiment.compare.families["deep"]}
    assert found == {"8", "9", "10"}


def test_the_training_share_is_an_axis_over_the_same_test_inputs():
    axes = {"data": {"half": {"dataset": "half"}, "whole": {}}}
    experiment = loaded(axes=axes)
    assert {run.dataset for run in experiment.runs.values()} == {"half", "digits"}


def test_signals_are_all_with_information_by_every_estimator():
    config = changed({})
    del config["compare"]["signals"]
    signals = load(config, FILE).compare.signals
    assert {"training_loss", "random", "ity_kde", "ixt_kde"} <= signals.keys()
    assert signals["ity_kde"].estimator.estimator == "kde"


def test_a_signal_names_an_estimator_of_the_experiment():
    entry = {"signal": "information", "of": "ity", "estimator": "kde"}
    assert loaded(signals={"mine": entry}).compare.signals["mine"].estimator.noise_variance > 0


WRONG = {
    "one_network": (
        {"axes": {}, ("defaults", "seeds"): 1, "families/deep": {"seeds": 2}},
        "compare.families.shallow: has 1 network and so no pair; give axes, or more seeds",
    ),
    "axis_without_effect": (
        {"axes/regulariser": {"none": {}, "zero": {"training.l2": 0}}, "families": {"f": {}}},
        "compare.families.f.axes.regulariser: the points none and zero give the same settings, "
        "so that the axis changes nothing between them; take one away, or leave the axis out "
        "of this family (regulariser: null)",
    ),
    "unknown_key_of_an_axis": (
        {"axes/training.batchsize": [1, 2]},
        "compare.axes.training.batchsize: is not a key here. Did you mean "
        "'training.batch_size'?",
    ),
    "unknown_key_of_a_point": (
        {"axes/regulariser/l2": {"training.l3": 1}},
        "compare.axes.regulariser.l2.training.l3: is not a key here. Did you mean "
        "'training.l2'?",
    ),
    "a_key_that_is_no_axis": (
        {"axes/seeds": [1, 2]},
        "compare.axes.seeds: cannot be an axis; only keys of dataset, network, training can",
    ),
    "one_value": (
        {"axes/training.batch_size": [16]},
        "compare.axes.training.batch_size: must have at least two values, not [16]",
    ),
    "one_point": (
        {"axes/regulariser": {"none": {}}},
        "compare.axes.regulariser: must have at least two points, not none",
    ),
    "a_value_twice": (
        {"axes/training.batch_size": [16, 16]},
        "compare.axes.training.batch_size: 16 is listed twice; each value makes one point",
    ),
    "a_wrong_value": (
        {"axes/training.batch_size": [16, -1]},
        "compare.axes.training.batch_size: must be an integer ≥ 1, not -1",
    ),
    "a_wrong_value_of_a_point": (
        {"axes/regulariser/l2": {"training.l2": -1}},
        "compare.axes.regulariser.l2.training.l2: must be a number ≥ 0, not -1",
    ),
    "a_key_of_two_axes": (
        {"axes/other": {"a": {}, "b": {"training.l2": 1}}},
        "compare.axes.other: sets training.l2, and the axis regulariser sets training.l2: each "
        "key has one axis",
    ),
    "a_name_of_a_column": (
        {"axes/seed": {"a": {}, "b": {"training.l1": 1}}},
        "compare.axes.seed: 'seed' is a column of the tables; give the axis another name",
    ),
    "no_axis_to_leave_out": (
        {"families/deep/axes": {"width": None}},
        "compare.families.deep.axes.width: no common axis has this name.",
    ),
    "sweep": (
        {"families/deep/sweep": {"training.l1": [0, 1]}},
        "compare.families.deep.sweep: has no place in a family; put the keys in which "
        "networks differ under axes",
    ),
    "other_test_inputs": (
        {"axes/data": {"a": {}, "b": {"dataset": "other"}}, "families": {"f": {}}},
        "compare.families.f: its data sets digits, other differ in more than training_share: "
        "the same test inputs must judge all networks of a family",
    ),
    "no_test_inputs": (
        {("defaults", "dataset"): "all", "families": {"f": {}}},
        "compare.families.f: data set 'all' has training_fraction 1 and no test inputs, "
        "which judge the networks",
    ),
    "no_such_data_set": (
        {"families/deep/dataset": "digit"},
        "compare.families.deep.dataset: there is no data set 'digit'. Did you mean 'digits'? "
        "Known: digits, half, other, all.",
    ),
    "late_stratum": (
        {"strata": {"s": {"stratum": "epoch", "epoch": 7}}, "families": {"f": {}}},
        "compare.strata.s.epoch: must be ≤ 6, training.epochs of compare.families.f, not 7",
    ),
    "stratum_not_kept": (
        {"strata": {"s": {"stratum": "epoch", "epoch": 3}}, "families": {"f": {}}},
        "compare.strata.s.epoch: must be an epoch whose weights training.keep of "
        "compare.families.f keeps, not 3",
    ),
    "unknown_signal": (
        {"signals": {"s": {"signal": "pathnorm"}}},
        "compare.signals.s.signal: must be one of",
    ),
    "unknown_estimator_of_a_signal": (
        {"signals": {"s": {"signal": "information", "of": "ity", "estimator": "kd"}}},
        "compare.signals.s.estimator: there is no estimator 'kd'. Did you mean 'kde'? Known: "
        "bins, kde.",
    ),
    "unknown_target": (
        {"targets": ["accuracy"]},
        "compare.targets[0]: must be one of accuracy_test, gap, not 'accuracy'.",
    ),
    "a_name_that_is_taken": (
        {("runs",): {"deep-batch_size_16-regulariser_l2": {}}},
        "compare.families.deep: makes a run named 'deep-batch_size_16-regulariser_l2', which "
        "runs.deep-batch_size_16-regulariser_l2 makes too",
    ),
    "no_labels_learnt": (
        {
            "families": {
                "f": {"network": {"family": "autoencoder", "encoder": [4], "bottleneck": 2}}
            },
            ("defaults", "training", "target"): "input",
            ("defaults", "network"): {},
        },
        "compare.families.f.training: must be supervised, of labels: networks are compared by "
        "test accuracy",
    ),
}


@pytest.mark.parametrize(("changes", "line"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_its_key(changes, line):
    found = mistakes(changes)
    assert len([one for one in found if one.startswith(line)]) == 1, found


def test_a_file_needs_runs_or_families():
    config = changed({})
    del config["compare"]
    with pytest.raises(ConfigError, match=r"runs: is missing; give .*, or compare"):
        load(config, FILE)
