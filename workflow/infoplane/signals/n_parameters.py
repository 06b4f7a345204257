"""How many parameters a network has: a control."""

from __future__ import annotations

import math
from typing import Literal

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.trained import Trained


class NParametersSettings(Settings):
    """The number of parameters."""

    signal: Literal["n_parameters"] = "n_parameters"
    """`n_parameters` is the number of parameters that the optimizer trains, a negative
    control."""


class NParameters(NetworkSignal):
    """The number of parameters that the optimizer trains.

    A negative control. It cannot distinguish networks of one shape. Among networks of several
    shapes, classical bounds say that fewer parameters are better, and deep networks contradict
    them (Neyshabur, Tomioka & Srebro 2015, "In search of the real inductive bias").
    """

    Settings = NParametersSettings
    label, better, control = "number of parameters", "lower", True

    def of_network(self, trained: Trained) -> float:
        return float(sum(map(math.prod, trained.network.parameters.values())))
