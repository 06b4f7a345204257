"""How far the loss rises after a step along its gradient."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from infoplane.signals.interface import NetworkSignal
from infoplane.signals.sharpness import SharpnessSettings, steepest_sharpness
from infoplane.signals.trained import Trained


class SharpnessSamSettings(SharpnessSettings):
    """Rise of the loss after a step along its gradient, in nats."""

    signal: Literal["sharpness_sam"] = "sharpness_sam"
    """`sharpness_sam` is the rise of the loss after a step along its gradient, in nats."""
    radius: float = Field(default=0.05, gt=0)
    """The step has this length ‖ε‖."""


class SharpnessSam(NetworkSignal):
    """L(w + ε) − L(w) at ε = ρ g / ‖g‖, with g the gradient. To first order this ε has the
    largest loss under ‖ε‖ ≤ ρ.

    Foret et al. 2021 ("Sharpness-aware minimization", arXiv 2010.01412), equation 2 with p = 2.
    Smaller is said to be better.
    """

    Settings = SharpnessSamSettings
    settings: SharpnessSamSettings
    label, unit, better = "sharpness, steepest", "nats", "lower"

    def of_network(self, trained: Trained) -> float:
        chosen = self.settings
        return steepest_sharpness(trained, chosen, chosen.radius, None)
