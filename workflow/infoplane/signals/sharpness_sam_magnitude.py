"""How far the loss rises after a step in proportion to the weights along its gradient."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from infoplane.signals.interface import NetworkSignal
from infoplane.signals.sharpness import SharpnessSettings, magnitudes, steepest_sharpness
from infoplane.signals.trained import Trained


class SharpnessSamMagnitudeSettings(SharpnessSettings):
    """Rise of the loss after a step along its gradient, in proportion to weights, in nats."""

    signal: Literal["sharpness_sam_magnitude"] = "sharpness_sam_magnitude"
    """`sharpness_sam_magnitude` is the rise of the loss after a step along its gradient, in
    proportion to weights, in nats."""
    radius: float = Field(default=0.5, gt=0)
    """The step has this length ‖ε / w‖, in units of each parameter's own magnitude."""


class SharpnessSamMagnitude(NetworkSignal):
    """L(w + ε) − L(w) at ε = ρ w² g / ‖w g‖, with g the gradient and elementwise products. To
    first order this ε has the largest loss under ‖ε / w‖ ≤ ρ.

    Kwon et al. 2021 ("ASAM", arXiv 2102.11600), adaptive sharpness with T = |w|. Smaller is
    said to be better. It does not change if the weights into a ReLU unit are multiplied by
    c > 0 and those out of it divided by c.
    """

    Settings = SharpnessSamMagnitudeSettings
    settings: SharpnessSamMagnitudeSettings
    label, unit, better = "sharpness, steepest, magnitude-aware", "nats", "lower"

    def of_network(self, trained: Trained) -> float:
        chosen = self.settings
        return steepest_sharpness(trained, chosen, chosen.radius, magnitudes(trained))
