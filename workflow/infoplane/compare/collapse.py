"""Collapsed networks and estimates, found by stated rules and never dropped.

A network collapses if its training diverges, if the units of a hidden layer give the same
output for every input, or if it predicts one class for every input. An estimate collapses if
every input has its own code: then I(X;T) is at its cap and I(T;Y) = H(Y), whatever the network
has learnt.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from infoplane.settings import Settings as BaseSettings

DIVERGED, DEAD, CONSTANT = "diverged", "dead", "constant"
RULES = {
    DIVERGED: "training failed, or its loss ended far above that of the untrained network",
    DEAD: "so large a share of a hidden layer's units is the same for every input",
    CONSTANT: "the network gives every training input one of so few classes",
}
"""The rules for networks, in the order in which they are tried."""


class Settings(BaseSettings):
    """The rules by which a network, or an estimate, counts as collapsed. Collapsed networks are
    listed, and scores are given with and without them."""

    loss_above: float = Field(default=2.0, gt=0)
    """A network counts as diverged if its training loss is more than this many times that of
    the untrained network, or not a number."""
    dead_share: float = Field(default=1.0, gt=0, le=1)
    """A network counts as dead if at least this share of the units of a hidden layer has the
    same output for every training input."""
    classes: int = Field(default=1, ge=1)
    """A network counts as constant if it predicts at most this many classes for the training
    inputs."""
    below_cap: float = Field(default=0.001, ge=0, lt=1)
    """An estimate counts as "all codes unique" if I(X;T) of every hidden layer is at most this
    share below the largest value that the estimator could return."""


def state_of(network: Mapping[str, Any], settings: Settings) -> tuple[str, str]:
    """The rule by which a network counts as collapsed, and the reason in words; ("", "") if it
    works.

    network : `lost` (why it is not measured, or ""), `loss_train` and `loss_untrained` in nats,
        `dead` (a share), `n_predicted` (a number of classes); NaN values are not judged
    """
    if network["lost"]:
        return DIVERGED, str(network["lost"])
    limit = settings.loss_above * network["loss_untrained"]
    if network["loss_train"] > limit:
        return DIVERGED, (
            f"its training loss, {network['loss_train']:.4g} nats, is above "
            f"{settings.loss_above:g} times that before training"
        )
    if network["dead"] >= settings.dead_share:
        return DEAD, f"{network['dead']:.0%} of the units of a hidden layer never change"
    if network["n_predicted"] <= settings.classes:
        n = int(network["n_predicted"])
        return CONSTANT, f"every training input gets one of {n} class{'es' if n > 1 else ''}"
    return "", ""


def unique_codes(values: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Estimates of I(X;T) that distinguish all inputs, in every hidden layer.

    values : rows of signals with `run, seed, stratum, signal, layer, value, cap` of hidden
        layers by their own names; signals without a cap are not judged
    Returns rows `run, seed, stratum, signal`.
    """
    where = ["run", "seed", "stratum", "signal"]
    rows = values[np.isfinite(values.cap) & np.isfinite(values.value)]
    at_cap = rows.value >= (1 - settings.below_cap) * rows.cap
    judged = rows.assign(at_cap=at_cap).groupby(where, sort=False)["at_cap"].all()
    return judged[judged].reset_index()[where]
