"""A convolutional network whose activations are quantised, during its training: truth by
counting.

The network learns the 1,797 handwritten digits of scikit-learn, which are also all values of X.
Hidden activations are tanh and have one of 2^b values on [−1, 1]. So the rows of a layer, of a
channel, and of the channels' means over positions are counted (counting.py) at every epoch.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.datasets.digits import Settings as Digits
from infoplane.datasets.prepare import prepare
from infoplane.networks import cnn
from infoplane.settings import Settings
from infoplane.training import supervised
from infoplane.training.optimizers import Adam
from infoplane.truth.counting import CountedMaps, codes_of
from infoplane.truth.maps import How
from infoplane.truth.task import Family, Prepared, Task
from infoplane.truth.trained import weights_at


class QuantisedCNNsSettings(Settings):
    """A quantised convolutional network during its training."""

    family: Literal["quantised_cnns"] = "quantised_cnns"
    """This family has a quantised convolutional network on handwritten digits, during its
    training."""
    channels: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (2, 4)
    """The first and the second convolution have these numbers of channels."""
    units: int = Field(default=4, ge=1)
    """The dense layer after the convolutions has this many units."""
    bits: int = Field(default=2, ge=1, le=16)
    """An activation has 2 to the power of this many values."""
    epochs: list[Annotated[int, Field(ge=0)]] = Field(default=[0, 20], min_length=1)
    """The network is measured at these epochs."""
    layers: list[Literal["conv1", "conv2", "dense1"]] = Field(
        default=["conv1", "conv2", "dense1"], min_length=1
    )
    """These layers are measured."""
    readings: list[How] = Field(default=["whole", "channel", "mean"], min_length=1)
    """Maps are read in these ways: whole takes every number, channel the first channel, mean
    the mean of each channel."""
    seed: int = Field(default=0, ge=0)
    """The network is trained with this seed."""


class QuantisedCNNs(Family):
    """A quantised convolutional network on handwritten digits."""

    Settings = QuantisedCNNsSettings
    settings: QuantisedCNNsSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """The images x (1797, 64), their labels y (1797,), and the number of every activation's
        value, int64 (1797, *shape of the layer), by layer and epoch."""
        chosen = self.settings
        data = prepare(Digits(source="digits", flatten=False, standardise="none"))
        network = cnn.CNN(self._network(), data.x.shape[1:], 10)
        trainer = supervised.Supervised(
            supervised.Settings(
                optimizer=Adam(method="adam", learning_rate=5e-3),
                epochs=max(1, *chosen.epochs),
                batch_size=64,
                device="cpu",  # the same bits wherever the truths are made
            ),
            network,
            data,
            [chosen.seed],
        )
        arrays = {"x": data.x.reshape(len(data.x), -1), "y": data.labels["y"].codes}
        x = torch.from_numpy(data.x)
        for epoch, weights in weights_at(trainer, chosen.epochs):
            arrays |= codes_of(network, weights, x, chosen.layers, epoch)
        return arrays

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Three tasks for each layer, epoch and reading: T with X, T with Y, and the layer
        itself."""
        chosen = self.settings
        population = CountedMaps(prepared["x"], {"Y": prepared["y"]}, (1, 8, 8), chosen.bits)
        return population.tasks(prepared, chosen.layers, chosen.epochs, chosen.readings)

    def _network(self) -> cnn.Settings:
        first, second = self.settings.channels
        pool = {"stage": "pool", "method": "max"}
        stages = [
            {"stage": "conv", "channels": first, "kernel": 3, "padding": 1},
            pool,
            {"stage": "conv", "channels": second, "kernel": 3, "padding": 1},
            pool,
            {"stage": "flatten"},
            {"stage": "dense", "units": self.settings.units},
        ]
        return cnn.Settings.model_validate(
            {
                "family": "cnn",
                "stages": stages,
                "activation": "tanh",
                "quantisation": {"bits": self.settings.bits},
            }
        )
