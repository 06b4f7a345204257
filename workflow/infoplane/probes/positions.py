"""Positions of a game, with labels of its solution or the network's own choice."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from infoplane.probes import dataset
from infoplane.probes.probe import Inputs
from infoplane.stores.weights import measured_network

if TYPE_CHECKING:
    from infoplane.datasets.source import Data
    from infoplane.networks.network import Link
    from infoplane.stores.weights import WeightsStore

CHOICE = "choice"
LEGAL = "legal_moves"
"""The data set's label for the set of legal moves."""
AT_ONCE = 4096


class Settings(dataset.Settings):
    """Settings of the measured positions, label and epochs."""

    probe: Literal["positions"]
    """`positions` measures positions of the run's data set."""
    label: Literal["value", "optimal_moves", "legal_moves", "choice"] | None = None
    """Y is one of these: the first player's result of perfect play, the set of optimal moves,
    the set of legal moves, or the legal move to which the network itself gives the highest
    score at this seed and epoch; null means the data set's first label."""

    @property
    def wanted_label(self) -> str | None:
        return LEGAL if self.label == CHOICE else self.label

    @property
    def wanted_link(self) -> Link | None:
        return "policy_value" if self.label == CHOICE else None


class PositionsProbe(dataset.DatasetProbe):
    """All positions of the data set, or a subset of them."""

    Settings = Settings

    def __init__(self, settings: Settings, data: Data):
        """Raises ValueError for the network's choice if the positions have shuffled labels."""
        chosen = settings.label
        super().__init__(settings, data)
        self.fixed = chosen != CHOICE
        if not self.fixed and data.attributes["settings"]["shuffled_labels"]:
            raise ValueError(
                "measure.label: choice needs legal moves as they are, and shuffled_labels "
                "permutes them"
            )

    def inputs(self, seed: int, epoch: int, weights: WeightsStore) -> Inputs:
        found = super().inputs(seed, epoch, weights)
        if self.fixed:
            return found
        choices = self._choices(seed, epoch, weights)
        return Inputs.of(found.x.numpy(), choices, found.whole, found.unseen)

    def information_xy(self, seed: int, epoch: int, weights: WeightsStore) -> float:
        """I(X;Y) of the whole data set; H(Y) for the network's choice, a function of the
        position."""
        if self.fixed:
            return super().information_xy(seed, epoch, weights)
        return self.inputs(seed, epoch, weights).entropy_y

    @cached_property
    def _legal(self) -> np.ndarray:
        """The legal actions of each input, bool (n, A)."""
        label = self.data.label(LEGAL)
        table = np.zeros((label.n_classes, self.data.shape.n_actions), bool)
        for code, text in enumerate(label.class_names):
            table[code, [int(action) for action in text.split()]] = True
        return table[label.codes[self._rows]]

    def _choices(self, seed: int, epoch: int, weights: WeightsStore) -> np.ndarray:
        """The legal action of highest score for each input, (n,)."""
        import torch  # imported here: code that only reads settings does without it

        from infoplane.networks.arrays import to_tensor
        from infoplane.networks.description import rebuild

        name = measured_network(weights.networks, self.network)
        network = rebuild(weights.networks[name])
        read = weights.read((epoch,), (seed,), name)
        arrays = {n: to_tensor(a).flatten(0, 1) for n, a in read.items()}
        x = super().inputs(seed, epoch, weights).x
        with torch.no_grad():
            scores = [network.run(arrays, part)[0][0, :, :-1] for part in x.split(AT_ONCE)]
        return np.where(self._legal, torch.cat(scores).numpy(), -np.inf).argmax(axis=1)
