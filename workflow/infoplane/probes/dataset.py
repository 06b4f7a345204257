"""Inputs from the run's data set, the same for every seed and epoch."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from infoplane.probes.probe import Inputs, Probe, ProbeSettings

if TYPE_CHECKING:
    from infoplane.datasets.source import Data, Shape
    from infoplane.networks.network import Network
    from infoplane.stores.weights import WeightsStore

Part = Literal["train", "test", "all"]


class Settings(ProbeSettings):
    """Settings of the measured inputs, label and epochs."""

    probe: Literal["dataset"] = "dataset"
    """`dataset` measures inputs of the run's data set."""
    inputs: Part = "all"
    """Information is measured on this part of the data set."""
    subset: int | None = Field(default=None, ge=2)
    """This many of those inputs are measured, drawn once; null means all of them."""
    subset_seed: int = Field(default=0, ge=0)
    """The subset is drawn with this seed."""
    label: str | None = None
    """Y is this label of the data set; null means the first."""

    @model_validator(mode="after")
    def _label_is_y(self):
        if self.label is not None and self.y != "label":
            raise ValueError(f"label has no effect with y: {self.y}; leave out one of the two")
        return self

    @property
    def wanted_label(self) -> str | None:
        return self.label

    @property
    def tests(self) -> bool:
        return self.inputs == "test"

    def input_shape(self, network: Network, data: Shape) -> tuple[int, ...]:
        return data.of_input

    def n_inputs(self, data: Shape) -> int:
        """There are at least two; with fewer the measurement fails."""
        n = {"train": data.n_train, "test": data.n_test, "all": data.n}[self.inputs]
        return max(2, min(n, self.subset or n))


class DatasetProbe(Probe):
    """A part of the data set, or a subset of it."""

    Settings = Settings

    def __init__(self, settings: Settings, data: Data):
        super().__init__(settings, data)
        self.label = data.label(settings.wanted_label) if settings.y == "label" else None

    def inputs(self, seed: int, epoch: int, weights: WeightsStore) -> Inputs:
        """Raises ValueError if fewer than two inputs are left."""
        return self._inputs

    def information_xy(self, seed: int, epoch: int, weights: WeightsStore) -> float:
        """I(X;Y) of the whole data set; unknown for a reconstruction."""
        if self.label is None:
            return float("nan")
        name = next(name for name, label in self.data.labels.items() if label is self.label)
        return self.data.attributes["information_xy"][name]

    @cached_property
    def _inputs(self) -> Inputs:
        x = self.data.x
        codes = np.zeros(len(x), np.int64) if self.label is None else self.label.codes
        return Inputs.of(x[self._rows], codes[self._rows], self._whole, self._unseen)

    @property
    def _whole(self) -> bool:
        """Labels that were drawn for each input are a sample, even if the inputs are not."""
        drawn = self.label is not None and self.label.probabilities is not None
        everything = len(self._rows) == len(self.data.x)
        return everything and not drawn and self.data.attributes.get("whole", False)

    @property
    def _unseen(self) -> bool:
        """Test inputs are unseen; but a part of a finite population does not consist of
        draws."""
        return self.settings.tests and not self.data.attributes.get("finite", True)

    @cached_property
    def _rows(self) -> np.ndarray:
        """The measured inputs of the data set."""
        settings = self.settings
        return rows_of(self.data, settings.inputs, settings.subset, settings.subset_seed)


def rows_of(data: Data, part: Part, subset: int | None, seed: int) -> np.ndarray:
    """Rows of a part of a data set, or `subset` of them, drawn once, in order.

    Raises ValueError if fewer than two are left.
    """
    rows = {"train": data.train, "test": data.test, "all": np.arange(len(data.x))}[part]
    if subset is not None and subset < len(rows):
        drawn = np.random.default_rng(seed).choice(rows, subset, replace=False)
        rows = np.sort(drawn)
    if len(rows) < 2:
        raise ValueError(
            f"measure.inputs: {part} leaves {len(rows)} inputs; information needs at least two"
        )
    return rows
