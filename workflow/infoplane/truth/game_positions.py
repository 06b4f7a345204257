"""Players of tic-tac-toe trained by self-play: all positions are the population, and truth is
counted.

A residual network whose activations have 2^b values is trained by self-play. X is one of the
4,520 positions, equally likely; Y is the value of the position under perfect play, or the set
of moves that keep it. Layers of boards are read whole, by one channel, or by the channels'
means (counting.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.datasets.game import Settings as Game
from infoplane.datasets.prepare import prepare
from infoplane.networks import policy_value
from infoplane.settings import Settings
from infoplane.training import selfplay
from infoplane.training.optimizers import Adam
from infoplane.truth.counting import CountedMaps, codes_of
from infoplane.truth.maps import How
from infoplane.truth.task import Family, Prepared, Task
from infoplane.truth.trained import weights_at

LABELS = ("value", "optimal_moves")


class GamePositionsSettings(Settings):
    """A player of tic-tac-toe during its self-play."""

    family: Literal["game_positions"] = "game_positions"
    """This family has a quantised player of tic-tac-toe on all positions, during its
    self-play."""
    channels: int = Field(default=4, ge=1)
    """Every layer of boards has this many channels."""
    head: int = Field(default=3, ge=1)
    """The hidden layer of each head has this many units."""
    bits: int = Field(default=2, ge=1, le=16)
    """An activation has 2 to the power of this many values."""
    epochs: list[Annotated[int, Field(ge=0)]] = Field(default=[0, 5], min_length=1)
    """The network is measured after these iterations of self-play."""
    layers: list[Literal["trunk", "block1", "policy_hidden", "value_hidden"]] = Field(
        default=["trunk", "block1", "value_hidden"], min_length=1
    )
    """These layers are measured."""
    readings: list[How] = Field(default=["whole", "channel", "mean"], min_length=1)
    """Layers of boards are read in these ways: whole takes every number, channel the first
    channel, mean the mean of each channel."""
    seed: int = Field(default=0, ge=0)
    """The network and its games use this seed."""


class GamePositions(Family):
    """A player of tic-tac-toe on all positions."""

    Settings = GamePositionsSettings
    settings: GamePositionsSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """The positions x (4520, 27), their labels (4520,), and the number of every
        activation's value, int64 (4520, *shape of the layer), by layer and iteration."""
        chosen = self.settings
        data = prepare(Game(source="game", game="tic_tac_toe", flatten=False))
        n_outputs = data.attributes["n_actions"] + 1
        network = policy_value.PolicyValue(self._network(), data.x.shape[1:], n_outputs)
        trainer = selfplay.SelfPlay(self._training(), network, data, [chosen.seed])
        arrays = {name: data.labels[name].codes for name in LABELS}
        arrays["x"] = data.x.reshape(len(data.x), -1)
        x = torch.from_numpy(data.x)
        for epoch, weights in weights_at(trainer, chosen.epochs):
            arrays |= codes_of(network, weights, x, chosen.layers, epoch)
        return arrays

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Four tasks for each layer, iteration and reading: T with X, with the value and with
        the optimal moves, and the layer itself."""
        chosen = self.settings
        labels = {name.replace("_", " "): prepared[name] for name in LABELS}
        population = CountedMaps(prepared["x"], labels, (3, 3, 3), chosen.bits)
        return population.tasks(prepared, chosen.layers, chosen.epochs, chosen.readings)

    def _network(self) -> policy_value.Settings:
        return policy_value.Settings.model_validate(
            {
                "family": "policy_value",
                "trunk": {
                    "kind": "residual",
                    "channels": self.settings.channels,
                    "blocks": 1,
                },
                "head": self.settings.head,
                "activation": "tanh",
                "quantisation": {"bits": self.settings.bits},
            }
        )

    def _training(self) -> selfplay.Settings:
        """A short training: the truth is exact however well the network plays."""
        return selfplay.Settings(
            trainer="selfplay",
            epochs=max(1, *self.settings.epochs),
            games=20,
            simulations=16,
            steps=50,
            optimizer=Adam(method="adam", learning_rate=3e-3),
            evaluation=selfplay.Evaluation(every=1000, games=2, positions=1),
            device="cpu",  # the same bits wherever the truths are made
        )
