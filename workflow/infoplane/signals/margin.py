"""By how much the label's score exceeds the next class's for most training inputs."""

from __future__ import annotations

from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.trained import Trained


class MarginSettings(Settings):
    """10th percentile of the margins of training inputs."""

    signal: Literal["margin"] = "margin"
    """`margin` is the 10th percentile of the margins of training inputs."""


class Margin(NetworkSignal):
    """10th percentile over training inputs of f_y(x) − max_{j≠y} f_j(x), with f the scores
    before the softmax.

    Jiang et al. 2020 (arXiv 1912.02178) take the 10th percentile because outliers decide the
    smallest margin. Larger is said to be better.
    """

    Settings = MarginSettings
    label, better = "margin, 10th percentile", "higher"

    def of_network(self, trained: Trained) -> float:
        return trained.margin(0.1)
