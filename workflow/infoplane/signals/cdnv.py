"""Class-distance normalised variance: the spread of classes relative to their distance."""

from __future__ import annotations

import math
from typing import Literal

from infoplane.estimators.kernels.classes import cdnv, class_moments
from infoplane.samples import Samples
from infoplane.settings import Settings
from infoplane.signals.interface import LayerSignal, NotMeasurable
from infoplane.signals.trained import Trained


class CDNVSettings(Settings):
    """Variance of classes over the squared distance of their means, of each layer."""

    signal: Literal["cdnv"] = "cdnv"
    """`cdnv` is the variance of classes over the squared distance of their means, in each
    layer."""


class CDNV(LayerSignal):
    """Mean over pairs of classes of (v_c + v_c') / (2 ‖μ_c − μ_c'‖²), v_c = mean ‖t − μ_c‖².

    Galanti, György & Hutter 2022 ("On the role of neural collapse in transfer learning", arXiv
    2112.15121); smaller is said to be better.
    """

    Settings = CDNVSettings
    label, better = "CDNV", "lower"

    def of_layer(self, samples: Samples, trained: Trained) -> float:
        found = class_moments(samples.t[:, 0], samples.y.to(samples.t.device))
        value = cdnv(found.means, found.variances)
        if math.isnan(value):
            raise NotMeasurable("there are not two classes, or two class means are equal")
        return value
