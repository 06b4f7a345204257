"""Loss on the training inputs."""

from __future__ import annotations

from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.trained import Trained


class TrainingLossSettings(Settings):
    """Mean cross-entropy of training inputs, in nats."""

    signal: Literal["training_loss"] = "training_loss"
    """`training_loss` is the mean cross-entropy of training inputs, in nats."""


class TrainingLoss(NetworkSignal):
    """Mean cross-entropy of all training inputs, without penalties and label smoothing.

    The baseline with which Stirn et al. 2018 ("Deep Mutual Information") compare information.
    Lower is said to be better.
    """

    Settings = TrainingLossSettings
    label, unit, better = "training loss", "nats", "lower"

    def of_network(self, trained: Trained) -> float:
        return trained.metric("loss_train")
