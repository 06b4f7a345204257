"""Which networks and which estimates count as collapsed."""

import math

import pandas as pd
import pytest

from infoplane.compare.collapse import (
    CONSTANT,
    DEAD,
    DIVERGED,
    Settings,
    state_of,
    unique_codes,
)

FINE = {"lost": "", "loss_train": 0.4, "loss_untrained": 2.3, "dead": 0.2, "n_predicted": 10}
NEVER = "100% of the units of a hidden layer never change"


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({}, "", ""),
        (
            {"lost": "the loss became NaN in epoch 3"},
            DIVERGED,
            "the loss became NaN in epoch 3",
        ),
        (
            {"loss_train": 4.7},
            DIVERGED,
            "its training loss, 4.7 nats, is above 2 times that before training",
        ),
        ({"loss_train": 4.5}, "", ""),
        ({"dead": 1.0}, DEAD, NEVER),
        ({"n_predicted": 1}, CONSTANT, "every training input gets one of 1 class"),
        (
            {"dead": 1.0, "n_predicted": 1},
            DEAD,
            "100% of the units of a hidden layer never change",
        ),
        ({"dead": math.nan, "n_predicted": math.nan}, "", ""),
    ],
)
def test_state_is_by_the_stated_rules(changes, state, why):
    assert state_of({**FINE, **changes}, Settings()) == (state, why)


def test_thresholds_are_settings():
    strict = Settings(loss_above=0.1, dead_share=0.2, classes=10)
    assert state_of(FINE, strict)[0] == DIVERGED
    assert state_of({**FINE, "loss_train": 0.1}, strict)[0] == DEAD
    assert state_of({**FINE, "loss_train": 0.1, "dead": 0.1}, strict)[0] == CONSTANT


def rows(*values, cap=9.0, signal="ixt"):
    return pd.DataFrame(
        [
            {
                "run": "r",
                "seed": 0,
                "stratum": "s",
                "signal": signal,
                "layer": f"hidden{i}",
                "value": value,
                "cap": cap,
            }
            for i, value in enumerate(values)
        ]
    )


@pytest.mark.parametrize(
    ("values", "cap", "n"),
    [
        ((9.0, 8.995), 9.0, 1),
        ((9.0, 8.9), 9.0, 0),
        ((9.0,), math.nan, 0),
        ((math.nan,), 9.0, 0),
    ],
)
def test_codes_are_unique_where_every_hidden_layer_is_at_its_cap(values, cap, n):
    found = unique_codes(rows(*values, cap=cap), Settings())
    assert len(found) == n
    assert list(found.columns) == ["run", "seed", "stratum", "signal"]
