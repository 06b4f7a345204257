"""How little noise in proportion to the weights the loss bears."""

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
    """1/σ² of the largest noise of parameters that the loss bears: σ is the deviation, in units
    of each parameter's own magnitude, at which the mean loss of w + σ |w| z, z standard normal,
    exceeds that of w by `rise`.

    Jiang et al. 2020 (arXiv 1912.02178, appendix C), magnitude-aware PAC-Bayes flatness, with
    the rise of the cross-entropy in place of that of the error, which a network that errs much
    cannot have, and without their ε = 10⁻³ beside |w|. Smaller is said to be better. It does
    not change where a unit of ReLU is multiplied by c and what it goes into divided by c.
    """

    Settings = SharpnessRandomMagnitudeSettings
    settings: SharpnessRandomMagnitudeSettings
    label, better = "sharpness, random, magnitude-aware", "lower"

    def of_network(self, trained: Trained) -> float:
        return random_sharpness(trained, self.settings, magnitudes(trained))
