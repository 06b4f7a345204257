"""Claims about the order of networks, on a family whose signals are known."""

import numpy as np
import pandas as pd
import pytest

from infoplane.claims.orders import tried
from infoplane.claims.settings import NO_INTERVAL, OrderClaim
from infoplane.compare.networks import Family
from infoplane.compare.scores import AGREE
from infoplane.compare.settings import Settings

ACCURACY = np.linspace(0.5, 0.9, 12)


def claim(**changes) -> OrderClaim:
    rule = {"statistic": "in_order", "direction": "above", "threshold": 0, "unit": "share"}
    of = {"claim": "order", "sentence": "MI wins.", "signals": ["ity"], "than": "loss"}
    return OrderClaim.model_validate({**of, **rule, **changes})


def family(ity=ACCURACY, loss=ACCURACY, accuracy=ACCURACY, name="deep") -> Family:
    """12 networks; the loss is better where it is lower."""
    n = len(accuracy)
    table = pd.DataFrame({"family": name, "run": name, "rate": ["a", "b"] * (n // 2)})
    table = table.assign(seed=range(n), stratum="converged", epoch=5, accuracy_test=accuracy)
    values = pd.DataFrame({("ity", "@last_hidden"): ity, ("loss", ""): loss})
    about = {
        "ity": {"label": "I(T;Y), kde", "better": "higher"},
        "loss": {"label": None, "better": "lower"},
    }
    table = table.assign(loss_train=np.linspace(0, 1, n), state="")
    return Family(name, table, ("rate",), values, pd.DataFrame(), about)


def one(found):
    (row,) = found
    return row


def test_a_signal_alone_is_its_score():
    row = one(tried(claim(than=None), [family()], Settings(resamples=50)))
    assert row["value"] == 1.0
    # all pairs are in order, and so they are in every resample: that is no interval
    assert np.isnan([row["low"], row["high"]]).all() and row["interval_kind"] == "none"
    assert row["note"] == f"{NO_INTERVAL}{AGREE}"
    assert (row["run"], row["layer"], row["quantity"]) == ("deep", "last_hidden", "I(T;Y), kde")


def test_two_signals_are_the_difference_of_their_scores_in_their_directions():
    row = one(tried(claim(), [family(loss=ACCURACY)], Settings(resamples=50)))
    assert row["value"] == 1.0  # a loss that goes with accuracy is wrong of every pair
    row = one(tried(claim(), [family(loss=-ACCURACY)], Settings(resamples=50)))
    assert row["value"] == 0.0 and np.isnan(row["low"])


def test_the_interval_is_of_the_same_resamples_of_both():
    """Two signals that are nearly alike differ by little in every resample."""
    rng = np.random.default_rng(0)
    noisy = ACCURACY + rng.normal(0, 0.3, 12)
    alone = one(tried(claim(than=None), [family(ity=noisy)], Settings(resamples=50)))
    assert alone["low"] < alone["value"] < alone["high"] < 1
    loss = -noisy
    loss[[3, 4]] = loss[[4, 3]]  # nearly alike: the difference moves less than either
    row = one(tried(claim(), [family(ity=noisy, loss=loss)], Settings(resamples=50)))
    assert row["interval_kind"] == "resampled"
    assert row["high"] - row["low"] < 0.8 * (alone["high"] - alone["low"])


def test_signals_of_one_label_are_told_apart_by_their_names():
    one_family = family()
    one_family.about["other"] = {"label": "I(T;Y), kde", "better": "higher"}
    row = one(tried(claim(than=None), [one_family], Settings(resamples=0)))
    assert row["quantity"] == "I(T;Y), kde [ity]"


def test_too_few_networks_give_no_interval():
    ity = np.where(np.arange(12) < 9, ACCURACY, np.nan)
    row = one(tried(claim(than=None), [family(ity=ity)], Settings(resamples=50)))
    assert row["value"] == 1.0 and np.isnan(row["low"]) and row["interval_kind"] == "none"
    assert row["note"] == "no interval: fewer than 10 networks have a value"


def test_networks_that_lack_a_signal_are_left_out_of_both():
    ity, loss = ACCURACY.copy(), -ACCURACY
    ity[:6] = np.nan
    loss[:6] = ACCURACY[:6]  # wrong where there is no information
    row = one(tried(claim(), [family(ity=ity, loss=loss)], Settings(resamples=0)))
    assert row["value"] == 0.0 and row["interval_kind"] == "none"
    assert row["note"] == "no interval: `resamples` of `compare` is 0"


def test_equal_targets_and_too_few_values_are_said():
    row = one(tried(claim(), [family(accuracy=np.full(12, 0.5))], Settings(resamples=0)))
    assert np.isnan(row["value"]) and "none is better" in row["note"]
    row = one(tried(claim(), [family(ity=np.full(12, np.nan))], Settings(resamples=0)))
    assert np.isnan(row["value"]) and "no value for two networks" in row["note"]


def test_families_and_layers_are_chosen():
    both = [family(), family(name="flat")]
    rows = list(tried(claim(families=["flat"]), both, Settings(resamples=0)))
    assert [row["run"] for row in rows] == ["flat"]
    with pytest.raises(ValueError, match=r"no ity\[hidden1\]; it has ity\[@last_hidden\]"):
        list(tried(claim(layer="hidden1"), both, Settings(resamples=0)))


@pytest.mark.parametrize("score", ["kendall", "sign_error_mean", "granulated", "increment"])
def test_every_score_may_be_claimed(score):
    noisy = ACCURACY + np.random.default_rng(1).normal(0, 0.1, 12)
    settings = Settings(resamples=20)
    row = one(tried(claim(statistic=score, than=None), [family(ity=noisy)], settings))
    assert np.isfinite(row["value"])
    assert (row["interval_kind"] == "none") == (row["note"] != "")


def test_the_largest_error_never_has_an_interval():
    noisy = ACCURACY + np.random.default_rng(1).normal(0, 0.1, 12)
    about = claim(statistic="sign_error_max", than=None)
    row = one(tried(about, [family(ity=noisy)], Settings(resamples=20)))
    assert row["note"] == "no interval: a resample has fewer environments"
