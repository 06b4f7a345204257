"""The margin in units of how far outputs can move."""

from __future__ import annotations

import math
from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal, NotMeasurable
from infoplane.signals.operators import log_spectral_product
from infoplane.signals.trained import Trained


class NormalisedMarginSettings(Settings):
    """10th percentile of the margins, over the product of the layers' spectral norms."""

    signal: Literal["normalised_margin"] = "normalised_margin"
    """`normalised_margin` is the 10th percentile of the margins over the product of the layers'
    spectral norms."""


class NormalisedMargin(NetworkSignal):
    """The 10th percentile of margins (`margin`) over Π‖W‖₂ (`spectral_product`).

    Bartlett, Foster & Telgarsky 2017 (arXiv 1706.08498), without the correction by (2, 1)-norms
    in their R_A; Jiang et al. 2020 (arXiv 1912.02178). It does not change if the weights of a
    layer are multiplied by a factor and the network is homogeneous: ReLU, without biases.
    Larger is said to be better.
    """

    Settings = NormalisedMarginSettings
    label, better = "normalised margin", "higher"

    def of_network(self, trained: Trained) -> float:
        log_product = log_spectral_product(trained)
        if log_product == -math.inf:
            raise NotMeasurable("a layer's weights are all 0")
        margin = trained.margin(0.1)
        size = math.log(abs(margin)) - log_product if margin else -math.inf
        return math.copysign(math.exp(size), margin)
