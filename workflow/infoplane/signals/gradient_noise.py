"""How much gradients differ between training inputs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal, NotMeasurable
from infoplane.signals.trained import Trained, squares


class GradientNoiseSettings(Settings):
    """Variance of the gradient between training inputs."""

    signal: Literal["gradient_noise"] = "gradient_noise"
    """`gradient_noise` is the variance of the gradient between training inputs, summed over
    parameters."""
    inputs: int = Field(default=512, ge=4)
    """The gradients of this many training inputs are compared, drawn at random, or all if there
    are fewer."""
    batches: int = Field(default=16, ge=2)
    """The inputs are put into this many batches, whose gradients are compared."""
    seed: int = Field(default=0, ge=0)
    """The inputs are drawn with this seed."""


class GradientNoise(NetworkSignal):
    """Trace of the covariance, over training inputs, of the gradient of the loss.

    The estimate from K random batches of B inputs is B / (K − 1) Σ_k ‖g_k − ḡ‖², with g_k the
    gradient of a batch. It is unbiased for every B. Inputs that do not fill a batch are left
    out.

    Jiang et al. 2020 (arXiv 1912.02178), variance of gradients, at the end of training. Smaller
    is said to be better.
    """

    Settings = GradientNoiseSettings
    settings: GradientNoiseSettings
    label, unit, better = "gradient noise", "", "lower"

    def of_network(self, trained: Trained) -> float:
        chosen = self.settings
        x, y = trained.some(chosen.inputs, chosen.seed)
        size = len(x) // chosen.batches
        if size < 1:
            raise NotMeasurable(f"there are {len(x)} inputs for {chosen.batches} batches")
        rows = [slice(k * size, (k + 1) * size) for k in range(chosen.batches)]
        gradients = [trained.gradient(x[part], y[part]) for part in rows]
        mean = {n: sum(g[n] for g in gradients) / len(gradients) for n in gradients[0]}
        apart = sum(squares(g[n] - mean[n] for n in mean) for g in gradients)
        return size * apart / (len(gradients) - 1)
