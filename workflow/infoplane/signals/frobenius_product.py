"""Product of the layers' Frobenius norms."""

from __future__ import annotations

from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.operators import log_frobenius_product
from infoplane.signals.trained import Trained


class FrobeniusProductSettings(Settings):
    """Logarithm of the product of the layers' Frobenius norms."""

    signal: Literal["frobenius_product"] = "frobenius_product"
    """`frobenius_product` is the logarithm of the product of the layers' Frobenius norms."""


class FrobeniusProduct(NetworkSignal):
    """Σ ln ‖W‖_F over the layers with weights.

    The norm of a convolution is the norm of its kernel: each number counts once, however many
    positions use it. Batch norm is folded into the layer before it.

    Neyshabur, Tomioka & Srebro 2015 ("Norm-based capacity control", arXiv 1503.00036); Jiang et
    al. 2020 (arXiv 1912.02178). Smaller is said to be better.
    """

    Settings = FrobeniusProductSettings
    label, better = "ln Π‖W‖_F", "lower"

    def of_network(self, trained: Trained) -> float:
        return log_frobenius_product(trained)
