"""A random number: a control that cannot predict anything."""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np
from pydantic import Field

from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.trained import Trained


class RandomSettings(Settings):
    """A random number, drawn for each network."""

    signal: Literal["random"] = "random"
    """`random` is a random number, drawn for each network: a negative control."""
    key: int = Field(default=0, ge=0)
    """The number is drawn from this key, the run's name and the network's seed."""


class Random(NetworkSignal):
    """A standard normal number for each run and seed, the same at every epoch.

    A negative control: where it scores well, chance scores well. That higher is better is an
    arbitrary choice.
    """

    Settings = RandomSettings
    settings: RandomSettings
    label, better, control = "random number", "higher", True

    def of_network(self, trained: Trained) -> float:
        of_run = zlib.crc32(trained.run.encode())
        return float(np.random.default_rng([self.settings.key, of_run, trained.seed]).normal())
