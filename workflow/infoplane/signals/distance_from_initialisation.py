"""How far training moved the parameters."""

from __future__ import annotations

from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.trained import Trained, norm


class DistanceSettings(Settings):
    """Euclidean distance of all parameters from their initial values."""

    signal: Literal["distance_from_initialisation"] = "distance_from_initialisation"
    """`distance_from_initialisation` is the Euclidean distance of all parameters from their
    initial values."""


class DistanceFromInitialisation(NetworkSignal):
    """‖w − w₀‖₂ of all that the optimizer trains, w₀ the weights of epoch 0.

    Nagarajan & Kolter 2019 ("Generalization in deep networks: the role of distance from
    initialization", arXiv 1901.01672); smaller is said to be better.
    """

    Settings = DistanceSettings
    label, better, needs = "‖w − w₀‖", "lower", ("initial",)

    def of_network(self, trained: Trained) -> float:
        before = trained.initial
        return norm(now - before[name] for name, now in trained.parameters.items())
