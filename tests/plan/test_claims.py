"""Claims as a stage: what they are tried on, and what has them tried anew."""

import json

import pytest

RULE = {"direction": "above", "threshold": 0.1}
CONFIG = {
    "experiment": "claims",
    "datasets": {"digits": {"source": "digits"}},
    "estimators": {
        "bins": {"estimator": "binned"},
        "kde": {"estimator": "kde"},
        "clusters": {"estimator": "clustering"},
    },
    "defaults": {
        "dataset": "digits",
        "network": {"hidden": [4]},
        "training": {"epochs": 3},
        "seeds": 2,
    },
    "runs": {"tanh": {}, "relu": {"network": {"activation": "relu"}, "estimators": ["kde"]}},
    "compare": {
        "families": {"f": {}},
        "axes": {"training.batch_size": [16, 32]},
        "signals": {"loss": {"signal": "training_loss"}},
    },
    "claims": {
        "falls": {
            "claim": "phase",
            "sentence": "It falls.",
            "runs": ["tanh", "relu"],
            "statistic": "compression",
            "unit": "bits",
            **RULE,
        }
    },
}
ORDERS = {
    "claim": "order",
    "sentence": "The loss is right.",
    "signals": ["loss"],
    "unit": "share",
    **RULE,
}


def test_a_claim_is_tried_by_every_estimator_of_information_that_measures_a_run(planned):
    plan = planned()
    pairs = [("tanh", "bins"), ("tanh", "kde"), ("relu", "kde")]
    assert plan.claims.pairs == {"falls": pairs}
    stores = [plan.files.information(run, by, "seeds-0-1") for run, by in pairs]
    assert sorted(plan.claims.inputs()) == sorted(stores)
    changes = {"claims/falls/estimators": ["bins"], "claims/falls/runs": ["tanh"]}
    assert planned(changes).claims.pairs == {"falls": [("tanh", "bins")]}


def test_claims_of_gradients_read_weights_and_those_of_orders_signals(planned):
    ratio = {"claims/falls/statistic": "gradient_snr", "claims/falls/unit": "ratio"}
    plan = planned(ratio)
    assert plan.files.weights("tanh", "seeds-0-1") in plan.claims.inputs()
    plan = planned({"claims/orders": ORDERS})
    assert set(plan.families.all_signals) <= set(plan.claims.inputs())
    assert json.loads(plan.claims.told()["data"])["f"] == "digits"


def test_what_is_claimed_and_what_it_is_tried_on_decide_the_recipe(planned):
    one = planned().claims.recipe()
    assert planned().claims.recipe() == one
    for changes in (
        {"claims/falls/threshold": 0.2},
        {"claims/falls/sentence": "It sinks."},
        {"defaults/seeds": 3},
        {"estimators/kde": {"estimator": "kde", "noise_variance": 0.5}},
        {"claims/orders": ORDERS},
    ):
        assert planned(changes).claims.recipe() != one
    assert planned({"datasets/other": {"source": "szt"}}).claims.recipe() == one


def test_the_report_has_claims_where_there_are_any(planned):
    plan = planned()
    assert plan.tables_of_claims == [plan.files.table("claims", "json")]
    folder, names = json.loads(plan.shown["claims"])
    assert folder == plan.files.figures_of_claims and names == ["claims", "claim-falls"]
    none = planned({"claims": None})
    assert none.tables_of_claims == [] and json.loads(none.shown["claims"])[1] == []
    assert none.report.recipe() != plan.report.recipe()
    assert plan.target_of_claims() == plan.tables_of_claims
    with pytest.raises(ValueError, match="the experiment claims nothing; `claims` states"):
        none.target_of_claims()


def test_a_job_asks_for_memory_and_time(planned):
    cost = planned({"claims/orders": ORDERS}).claims.cost()
    assert cost.mb > 0 and cost.seconds > 0
