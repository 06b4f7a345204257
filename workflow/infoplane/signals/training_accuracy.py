"""Accuracy on the training inputs."""

from __future__ import annotations

from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.trained import Trained


class TrainingAccuracySettings(Settings):
    """Share of training inputs that the network labels correctly."""

    signal: Literal["training_accuracy"] = "training_accuracy"
    """`training_accuracy` is the share of training inputs that the network labels correctly."""


class TrainingAccuracy(NetworkSignal):
    """Share of all training inputs whose label has the largest score.

    The baseline with which Stirn et al. 2018 ("Deep Mutual Information") compare information.
    Higher is said to be better.
    """

    Settings = TrainingAccuracySettings
    label, better = "training accuracy", "higher"

    def of_network(self, trained: Trained) -> float:
        return trained.metric("accuracy_train")
