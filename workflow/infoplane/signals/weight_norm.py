"""Euclidean norm of all parameters."""

from __future__ import annotations

from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.trained import Trained, norm


class WeightNormSettings(Settings):
    """Euclidean norm of all parameters."""

    signal: Literal["weight_norm"] = "weight_norm"
    """`weight_norm` is the Euclidean norm of all parameters."""


class WeightNorm(NetworkSignal):
    """‖w‖₂ of all that the optimizer trains: weights, biases, scales of batch norm.

    Jiang et al. 2020 ("Fantastic generalization measures", arXiv 1912.02178), parameter norm.
    Smaller is said to be better.
    """

    Settings = WeightNormSettings
    label, better = "‖w‖", "lower"

    def of_network(self, trained: Trained) -> float:
        return norm(trained.parameters.values())
