"""Claims about phases, tried network by network on a table of information."""

import numpy as np
import pandas as pd
import pytest

from infoplane.claims.networks import CHOOSES, RATIO, layers_of, tried
from infoplane.claims.settings import NO_INTERVAL, PhaseClaim

EPOCHS = (0, 1, 10, 100)
FALLS, RISES = (5.0, 6.0, 8.0, 4.0), (1.0, 2.0, 3.0, 4.0)
LAYERS = {"zeta": FALLS, "alpha": RISES, "output": FALLS}  # not alphabetical


def claim(**changes) -> PhaseClaim:
    rule = {"statistic": "compression", "direction": "above", "threshold": 0.1, "unit": "bits"}
    of = {"claim": "phase", "sentence": "It falls.", "runs": ["tanh"]}
    return PhaseClaim.model_validate({**of, **rule, **changes})


def table(n=4, lost=(), kind="exact") -> pd.DataFrame:
    """n networks by one estimator, each layer with one curve; values in bits."""
    rows = []
    for seed in range(n):
        for layer, curve in LAYERS.items():
            for epoch, value in zip(EPOCHS, curve, strict=True):
                gone = seed in lost
                ixt = np.nan if gone else value + seed
                row = {
                    "seed": seed,
                    "layer": layer,
                    "epoch": epoch,
                    "ixt": ixt,
                    "ity": ixt / 10,
                }
                for of in ("ixt", "ity"):
                    row |= {f"{of}_interval_low": row[of], f"{of}_interval_high": row[of]}
                    row[f"{of}_interval_kind"] = "none" if gone else kind
                    row[f"{of}_why_none"] = "not_calibrated" if kind == "none" else ""
                row["flags"] = "training_failed" if gone else "deterministic"
                rows.append(row)
    return pd.DataFrame(rows).assign(quantity_ixt="I(X; bins)", quantity_ity="I(bins; Y)")


def values(found, layer):
    return {row["seed"]: row["value"] for row in found if row["layer"] == layer}


def test_each_network_but_the_first_is_judged_by_its_own_curve():
    found = list(tried(claim(layers=["zeta"]), table()))
    assert values(found, "zeta") == pytest.approx({0: np.nan, 1: 4, 2: 4, 3: 4}, nan_ok=True)
    assert [row["note"] for row in found] == [CHOOSES, "", "", ""]
    assert {row["quantity"] for row in found} == {"I(X; bins)"}
    assert [row["interval_kind"] for row in found] == ["none", *["exact"] * 3]


def test_last_hidden_layer_is_the_one_before_the_output():
    assert {row["layer"] for row in tried(claim(), table())} == {"alpha"}
    assert layers_of(claim(layers="hidden"), list(LAYERS)) == ["zeta", "alpha"]
    with pytest.raises(ValueError, match=r"'beta' is not measured\. Measured: zeta, alpha"):
        layers_of(claim(layers=["beta"]), list(LAYERS))


def test_a_statistic_of_the_label_speaks_of_its_quantity():
    found = list(tried(claim(statistic="fitting", layers=["alpha"]), table()))
    assert values(found, "alpha")[3] == pytest.approx(0.3)
    assert found[0]["quantity"] == "I(bins; Y)"


def test_a_lost_network_is_named_and_the_next_one_chooses():
    found = {row["seed"]: row for row in tried(claim(layers=["zeta"]), table(lost=[0]))}
    assert "the loss of this seed became NaN" in found[0]["note"]
    assert found[1]["note"] == CHOOSES and found[2]["value"] == 4


def test_where_no_network_has_a_value_each_says_so():
    found = list(tried(claim(), table(n=2, lost=[0, 1])))
    assert len(found) == 2 and all(np.isnan(row["value"]) and row["note"] for row in found)


def test_the_ratio_of_gradients_is_that_at_the_turn():
    ratios = table(3).epoch.map({0: np.nan, 1: 4.0, 10: 2.0, 100: 0.5})
    about = claim(statistic="gradient_snr", layers=["zeta", "alpha"], unit="ratio")
    found = list(tried(about, table(3).assign(gradient_snr=ratios)))
    assert values(found, "zeta")[1] == 2.0 and values(found, "alpha")[1] == 0.5
    assert {row["interval_kind"] for row in found} == {"none"}
    assert {row["note"] for row in found} == {CHOOSES, NO_INTERVAL + RATIO}


def test_a_value_without_an_interval_says_why():
    found = list(tried(claim(layers=["zeta"]), table(kind="none")))
    assert [row["value"] for row in found[1:]] == [4, 4, 4]
    why = "no interval: its calibrated intervals failed their test"
    assert [row["note"] for row in found] == [CHOOSES, why, why, why]
    failed = table(kind="none").assign(not_calibrated="continuous: 80 % inside")
    found = list(tried(claim(layers=["zeta"]), failed))
    assert found[1]["note"] == f"{why} (continuous: 80 % inside)"
