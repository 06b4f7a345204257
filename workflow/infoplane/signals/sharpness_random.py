"""How sensitive the loss is to noise on the weights."""

from __future__ import annotations

from typing import Literal

from infoplane.signals.interface import NetworkSignal
from infoplane.signals.sharpness import RandomSettings, ones, random_sharpness
from infoplane.signals.trained import Trained


class SharpnessRandomSettings(RandomSettings):
    """1/σ² of the noise on the weights at which the loss rises by `rise`."""

    signal: Literal["sharpness_random"] = "sharpness_random"
    """`sharpness_random` is 1/σ² of the noise on the weights at which the loss rises by
    `rise`."""


class SharpnessRandom(NetworkSignal):
    """1/σ² of the largest noise that the loss tolerates: σ is the deviation at which the mean
    loss at w + σ z, with z standard normal, exceeds the loss at w by `rise`.

    Jiang et al. 2020 (arXiv 1912.02178, appendix C), PAC-Bayes flatness. Here the cross-entropy
    rises and not the error, because the error of an inaccurate network cannot rise so far.
    Smaller is said to be better. If the loss is quadratic with Hessian H, 1/σ² = tr H / (2
    rise).
    """

    Settings = SharpnessRandomSettings
    settings: SharpnessRandomSettings
    label, better = "sharpness, random", "lower"

    def of_network(self, trained: Trained) -> float:
        return random_sharpness(trained, self.settings, ones(trained))
