"""Product of the layers' spectral norms."""

from __future__ import annotations

from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.operators import log_spectral_product
from infoplane.signals.trained import Trained


class SpectralProductSettings(Settings):
    """Logarithm of the product of the layers' spectral norms."""

    signal: Literal["spectral_product"] = "spectral_product"
    """`spectral_product` is the logarithm of the product of the layers' spectral norms."""


class SpectralProduct(NetworkSignal):
    """Σ ln ‖W‖₂ over the layers with weights. If activation functions have slope at most 1, its
    exponential bounds how far outputs move with inputs.

    For a convolution ‖W‖₂ is the norm of the operator on maps of its input's size, with its
    stride and zero padding, not the norm of the reshaped kernel. Batch norm is folded into the
    layer before it. Pools and dropout are left out.

    Bartlett, Foster & Telgarsky 2017 (arXiv 1706.08498), the product in their R_A; Jiang et al.
    2020 (arXiv 1912.02178). Smaller is said to be better.
    """

    Settings = SpectralProductSettings
    label, better = "ln Π‖W‖₂", "lower"

    def of_network(self, trained: Trained) -> float:
        return log_spectral_product(trained)
