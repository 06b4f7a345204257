"""The block `claims`: whom a claim is about, and what is wrong with one, before any job."""

from copy import deepcopy
from types import SimpleNamespace

import pytest

from infoplane.claims.settings import PhaseClaim
from infoplane.config import ConfigError, load
from infoplane.config.claims import _of_run
from infoplane.config.estimators import Expanded
from infoplane.plan.opening import opened

FILE = "config/claims.yaml"
FALLS = {
    "claim": "phase",
    "sentence": "It falls.",
    "runs": ["tanh"],
    "statistic": "compression",
    "direction": "above",
    "threshold": 0.1,
    "unit": "bits",
}
ORDERS = {
    "claim": "order",
    "sentence": "Information wins.",
    "signals": ["ity"],
    "than": "loss",
    "direction": "above",
    "threshold": 0,
    "unit": "share",
}
CONFIG = {
    "experiment": "claims",
    "datasets": {"digits": {"source": "digits"}, "szt": {"source": "szt"}},
    "estimators": {
        "bins": {"estimator": "binned", "sweep": {"n_bins": [5, 30]}},
        "kde": {"estimator": "kde"},
        "clusters": {"estimator": "clustering"},
    },
    "defaults": {
        "dataset": "digits",
        "network": {"hidden": [8, 4]},
        "training": {"epochs": 6},
        "seeds": 2,
    },
    "runs": {
        "tanh": {"sweep": {"dataset": ["digits", "szt"]}},
        "one": {"seeds": 1},
        "clustered": {"estimators": ["clusters"]},
        "binned": {"estimators": ["bins"]},
    },
    "compare": {
        "families": {"f": {}},
        "axes": {"training.batch_size": [16, 64]},
        "signals": {
            "loss": {"signal": "training_loss"},
            "ity": {"signal": "information", "of": "ity", "estimator": "kde"},
        },
        "targets": ["accuracy_test"],
    },
    "claims": {"falls": FALLS, "orders": ORDERS},
}


def changed(changes):
    """The file with other values at keys a/b/c; None takes a key away."""
    config = deepcopy(CONFIG)
    for key, value in changes.items():
        *above, last = key.split("/")
        place = config
        for part in above:
            place = place[part]
        place[last] = value
        if value is None:
            del place[last]
    return config


def test_a_claim_is_about_all_variants_of_its_runs_and_estimators():
    claims = load(changed({"claims/falls/estimators": ["bins", "kde"]}), FILE).claims
    assert claims["falls"].runs == ["tanh-dataset_digits", "tanh-dataset_szt"]
    assert claims["falls"].estimators == ["bins-n_bins_5", "bins-n_bins_30", "kde"]
    assert claims["orders"].than == "loss" and claims["orders"].statistic == "in_order"


WRONG = {
    "no_such_kind": (
        {"claims/falls/claim": "phases"},
        "claims.falls.claim: must be one of phase, order, not 'phases'. Did you mean 'phase'?",
    ),
    "no_such_statistic": (
        {"claims/falls/statistic": "compressing"},
        "claims.falls.statistic: must be one of compression, rise, fitting, ity_end, turn, "
        "gradient_snr, not 'compressing'. Did you mean 'compression'?",
    ),
    "no_threshold": (
        {"claims/falls/threshold": None},
        "claims.falls.threshold: is missing; give a number",
    ),
    "another_unit": (
        {"claims/falls/unit": "epochs"},
        "claims.falls.unit: must be bits, the unit of compression, not 'epochs'",
    ),
    "a_share_in_per_cent": (
        {"claims/orders/threshold": 60},
        "claims.orders.threshold: must be from -1 to 1 for in_order, not 60",
    ),
    "a_share_below_nothing": (
        {"claims/orders/threshold": -0.5, "claims/orders/than": None},
        "claims.orders.threshold: must be from 0 to 1 for in_order, not -0.5",
    ),
    "no_such_run": (
        {"claims/falls/runs": ["tan"]},
        "claims.falls.runs[0]: there is no run 'tan'. Did you mean 'tanh'? Known: tanh, one, "
        "clustered, binned, tanh-dataset_digits, tanh-dataset_szt.",
    ),
    "a_run_of_a_family": (
        {"claims/falls/runs": ["f-batch_size_16"]},
        "claims.falls.runs[0]: there is no run 'f-batch_size_16'. Known: tanh, one, "
        "clustered, binned, tanh-dataset_digits, tanh-dataset_szt.",
    ),
    "a_run_twice": (
        {"claims/falls/runs": ["tanh", "tanh-dataset_szt"]},
        "claims.falls.runs: has the run 'tanh-dataset_szt' twice",
    ),
    "one_network": (
        {"claims/falls/runs": ["one"]},
        "claims.falls.runs: run 'one' has 1 network; compression needs two or more, because "
        "each is judged at the epoch that the networks before it choose",
    ),
    "no_information": (
        {"claims/falls/runs": ["clustered"]},
        "claims.falls.runs: run 'clustered' is measured by no estimator of information",
    ),
    "no_such_estimator": (
        {"claims/falls/estimators": ["bin"]},
        "claims.falls.estimators[0]: there is no estimator 'bin'. Did you mean 'bins'? Known: "
        "bins-n_bins_5, bins-n_bins_30, kde, clusters, bins.",
    ),
    "an_estimator_without_information": (
        {"claims/falls/estimators": ["kde", "clusters"]},
        "claims.falls.estimators[1]: 'clusters' estimates no information",
    ),
    "an_estimator_that_measures_no_run": (
        {"claims/falls/estimators": ["kde"], "claims/falls/runs": ["binned"]},
        "claims.falls.estimators: none of these measures run 'binned', only "
        "bins-n_bins_5, bins-n_bins_30",
    ),
    "no_families": (
        {"compare": None},
        "claims.orders.claim: 'order' needs networks of a valid `compare`, which the file "
        "lacks",
    ),
    "no_such_signal": (
        {"claims/orders/signals": ["itty"]},
        "claims.orders.signals[0]: there is no signal 'itty'. Did you mean 'ity'? Known: loss, "
        "ity.",
    ),
    "no_such_rival": (
        {"claims/orders/than": "accuracy"},
        "claims.orders.than: there is no signal 'accuracy'. Known: loss, ity.",
    ),
    "against_itself": (
        {"claims/orders/than": "ity"},
        "claims.orders.than: 'ity' is among the signals that are compared with it",
    ),
    "no_such_family": (
        {"claims/orders/families": ["g"]},
        "claims.orders.families[0]: there is no family 'g'. Known: f.",
    ),
    "no_such_stratum": (
        {"claims/orders/strata": ["end"]},
        "claims.orders.strata[0]: there is no stratum 'end'. Known: converged.",
    ),
    "a_target_that_is_not_compared": (
        {"claims/orders/target": "gap"},
        "claims.orders.target: must be one of compare.targets, accuracy_test, not 'gap'",
    ),
    "a_layer_of_no_signal": (
        {"claims/orders/signals": ["loss"], "claims/orders/layer": "mean"}
        | {"claims/orders/than": None},
        "claims.orders.layer: has no effect: no signal of the claim has one value per layer",
    ),
}


@pytest.mark.parametrize(("changes", "line"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_what_is_allowed(changes, line):
    with pytest.raises(ConfigError) as error:
        load(changed(changes), FILE)
    assert f"{FILE}: {line}" in str(error.value).splitlines()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"claims/falls/layers": ["hidden3"]},
            "claims.falls.layers: there is no measured layer 'hidden3' in run "
            "'tanh-dataset_digits'. Did you mean 'hidden2'? Known: hidden1, hidden2, output.",
        ),
        (
            {"claims/orders/layer": "conv1"},
            "claims.orders.layer: there is no measured layer 'conv1' in run "
            "'f-batch_size_16'. Known: hidden1, hidden2, output.",
        ),
    ],
)
def test_a_layer_that_no_network_has_is_named_before_any_job(changes, line):
    with pytest.raises(ConfigError) as error:
        opened(changed(changes), [FILE], thoroughly=True)
    assert str(error.value) == f"{FILE}: {line}"


@pytest.mark.parametrize(
    ("changes", "n_measured", "line"),
    [
        ({}, 1, ("runs", "run 'r' is measured at 1 epoch; phases need two or more")),
        (
            {"statistic": "gradient_snr", "unit": "ratio"},
            9,
            ("statistic", "the training of run 'r' measures no gradients"),
        ),
    ],
)
def test_checkpoints_that_are_taken_up_may_have_too_little(changes, n_measured, line):
    training = SimpleNamespace(gradients=False)
    run = SimpleNamespace(
        seeds=[0, 1], n_measured=n_measured, estimators=["kde"], training=training
    )
    known = Expanded({"kde": {"estimator": "kde"}})
    claim = PhaseClaim.model_validate(FALLS | changes)
    assert list(_of_run(claim, "r", run, None, known)) == [line]


def test_layers_that_are_not_measured_are_none():
    measured = {"defaults/measure": {"layers": ["hidden2", "output"]}}
    with pytest.raises(ConfigError, match=r"'hidden1' in run .* Known: hidden2, output"):
        opened(changed(measured | {"claims/falls/layers": ["hidden1"]}), [FILE], True)
