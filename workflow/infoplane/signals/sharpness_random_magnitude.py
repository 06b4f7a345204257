"""How sensitive the loss is to noise in proportion to the weights."""

from __future__ import annotations

from typing import Literal

from infoplane.signals.interface import NetworkSignal
from infoplane.signals.sharpness import RandomSettings, magnitudes, random_sharpness
from infoplane.signals.trained import Trained


class SharpnessRandomMagnitudeSettings(RandomSettings):
    """1/σ² of the noise in proportion to the weights at which the loss rises by `rise`."""

    signal: Literal["sharpness_random_magnitude"] = "sharpness_random_magnitude"
    """`sharpness_random_magnitude` is 1/σ² of the noise in proportion to the weights at which
    the loss rises by `rise`."""


class SharpnessRandomMagnitude(NetworkSignal):
    """1/σ² of the largest noise that the loss tolerates: σ is the deviation, in units of each
    parameter's own magnitude, at which the mean loss at w + σ |w| z, with z standard normal,
    exceeds the loss at w by `rise`.

    Jiang et al. 2020 (arXiv 1912.02178, appendix C), magnitude-aware PAC-Bayes flatness. Here
    the cross-entropy rises and not the error, because the error of an inaccurate network cannot
    rise so far; their ε = 10⁻³ next to |w| is left out. Smaller is said to be better. It does
    not change if the weights into a ReLU unit are multiplied by c > 0 and those out of it
    divided by c.
    """

    Settings = SharpnessRandomMagnitudeSettings
    settings: SharpnessRandomMagnitudeSettings
    label, better = "sharpness, random, magnitude-aware", "lower"

    def of_network(self, trained: Trained) -> float:
        return random_sharpness(trained, self.settings, magnitudes(trained))
