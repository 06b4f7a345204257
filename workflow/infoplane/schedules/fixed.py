"""Schedules that are known beforehand: the epochs to keep or to measure.

`select` chooses epochs from the available ones; `most` gives their largest number.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from infoplane.settings import Settings


class All(Settings):
    schedule: Literal["all"] = "all"
    """`all` takes every epoch."""

    def select(self, available: np.ndarray) -> np.ndarray:
        return available

    def most(self, n_available: int) -> int:
        return n_available


class Every(Settings):
    schedule: Literal["every"]
    """`every` takes every n-th epoch."""
    n: int = Field(ge=1)
    """Successive epochs of the schedule are this many epochs apart."""

    def select(self, available: np.ndarray) -> np.ndarray:
        return _nearest(available, np.arange(0, available[-1] + 1, self.n))

    def most(self, n_available: int) -> int:
        return min(n_available, -(-n_available // self.n) + 2)


class Logarithmic(Settings):
    schedule: Literal["logarithmic"]
    """`logarithmic` takes epochs evenly spread on a logarithmic axis, and epoch 0."""
    number: int = Field(ge=2)
    """The schedule has at most this many epochs; early epochs that coincide count once."""

    def select(self, available: np.ndarray) -> np.ndarray:
        if len(available) <= self.number:
            return available
        last = int(available[-1])
        # Rounding merges many early points, so more points are tried than are needed.
        spread = np.unique([1, last])[-(self.number - 1) :]
        for points in range(3, 50 * self.number):
            finer = np.unique(np.geomspace(1, last, points).round().astype(np.int64))
            if len(finer) > self.number - 1:
                break
            spread = finer
        return _nearest(available, spread)

    def most(self, n_available: int) -> int:
        return min(n_available, self.number)


class Listed(Settings):
    schedule: Literal["list"]
    """`list` takes the listed epochs."""
    epochs: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    """The schedule has these epochs, by number."""

    def select(self, available: np.ndarray) -> np.ndarray:
        wanted = np.unique(self.epochs)
        missing = np.setdiff1d(wanted, available)
        if len(missing):
            raise ValueError(f"the weights of epochs {missing.tolist()} were not kept")
        return wanted

    def most(self, n_available: int) -> int:
        return min(n_available, len(self.epochs) + 2)


Schedule = Annotated[All | Every | Logarithmic | Listed, Field(discriminator="schedule")]


def kept_epochs(schedule, available: np.ndarray) -> np.ndarray:
    """The kept epochs among the available ones; they always include the first and the last."""
    return np.union1d(schedule.select(available), available[[0, -1]])


def _nearest(available: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The available epochs nearest to the wanted ones, and the first and the last, sorted."""
    right = np.searchsorted(available, wanted).clip(0, len(available) - 1)
    left = (right - 1).clip(0)
    closer = np.abs(available[left] - wanted) <= np.abs(available[right] - wanted)
    chosen = np.where(closer, available[left], available[right])
    return np.union1d(chosen, available[[0, -1]])
