"""A random number: a control that must not tell networks apart."""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np
from pydantic import Field

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.trained import Trained


class RandomSettings(Settings):
    """A random number that each network has for itself."""

    signal: Literal["random"] = "random"
    """`random` is a random number that each network has for itself, a negative control."""
    key: int = Field(default=0, ge=0)
    """The number is drawn from this key, the run's name and the network's seed."""


class Random(NetworkSignal):
    """A standard normal number by run and seed, the same at every epoch.

    A negative control: a score by which it wins is a score that chance can win. That higher is
    better is as good a claim as its opposite.
    """

    Settings = RandomSettings
    settings: RandomSettings
    label, better, control = "random number", "higher", True

    def of_network(self, trained: Trained) -> float:
        of_run = zlib.crc32(trained.run.encode())
        return float(np.random.default_rng([self.settings.key, of_run, trained.seed]).normal())
