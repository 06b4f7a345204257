"""A deep linear convolutional network during its training: truth by determinants, layer by
layer.

The network has two convolutions with average pools, a dense layer, and no activation function.
A layer of any depth is therefore a linear map of the image, found from images of one pixel. The
network learns whether the mean of a smooth Gaussian image is positive. With Gaussian noise on
the measured layer, linear_gaussian.py gives I(X;T) and I(T;Y) at every epoch, for a whole
layer, for one channel, and for the channels' means over positions.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.datasets.source import Data, Label
from infoplane.networks import cnn
from infoplane.settings import Settings
from infoplane.training import supervised
from infoplane.training.optimizers import Adam
from infoplane.truth import maps
from infoplane.truth.linear_gaussian import LinearLayer, smooth_images
from infoplane.truth.maps import How
from infoplane.truth.task import Family, Prepared, Task
from infoplane.truth.trained import name_of, weights_at

LENGTH = 2.0
"""Images are smooth over this many pixels."""
N_IMAGES = 512
"""The network learns from this many images."""


class LinearNetworksSettings(Settings):
    """A linear convolutional network during its training."""

    family: Literal["linear_networks"] = "linear_networks"
    """This family has a deep linear convolutional network with noise, during its training."""
    side: int = Field(default=12, ge=8, multiple_of=4)
    """The images have this height and width in pixels."""
    channels: tuple[int, int] = (4, 8)
    """The first and the second convolution have these numbers of channels."""
    epochs: list[Annotated[int, Field(ge=0)]] = Field(default=[0, 10], min_length=1)
    """The network is measured at these epochs."""
    layers: list[Literal["conv1", "pool1", "conv2", "pool2", "dense1"]] = Field(
        default=["conv1", "conv2", "dense1"], min_length=1
    )
    """These layers are measured."""
    readings: list[How] = Field(default=["whole", "channel", "mean"], min_length=1)
    """Maps are read in these ways: whole takes every number, channel the first channel, mean
    the mean of each channel."""
    sigma: float = Field(default=1.0, gt=0)
    """The noise on every number has this standard deviation, in units of the root mean square
    of the layer's numbers."""
    seed: int = Field(default=0, ge=0)
    """The images and the network use this seed."""


class LinearNetworks(Family):
    """A linear convolutional network during its training."""

    Settings = LinearNetworksSettings
    settings: LinearNetworksSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """The linear map (n_pixels, *shape of the layer) of each layer and epoch: what every
        pixel adds to the layer."""
        chosen, side = self.settings, self.settings.side
        network = cnn.CNN(self._network(), (1, side, side), 2)
        trainer = supervised.Supervised(
            supervised.Settings(
                optimizer=Adam(method="adam", learning_rate=2e-3),
                epochs=max(1, *chosen.epochs),
                batch_size=64,
                device="cpu",  # the same bits wherever the truths are made
            ),
            network,
            self._images(),
            [chosen.seed],
        )
        pixels = torch.eye(side**2).view(-1, 1, side, side)
        probes = torch.cat([torch.zeros_like(pixels[:1]), pixels])
        arrays = {}
        for epoch, weights in weights_at(trainer, chosen.epochs):
            with torch.no_grad():
                for name, reading in network.read(weights, probes):
                    if name in chosen.layers:
                        t = reading.t[0].double()
                        arrays[name_of(name, epoch)] = (t[1:] - t[0]).numpy()
        return arrays

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Three tasks for each layer, epoch and reading: T with X, T with Y, and the layer
        itself."""
        return [task for layer in self.layers(prepared) for task in layer.tasks()]

    def layers(self, prepared: Prepared) -> list[LinearLayer]:
        """All layers, at all epochs and with all readings."""
        chosen, side = self.settings, self.settings.side
        root = smooth_images(side, LENGTH)
        found = []
        for name in chosen.layers:
            for epoch in sorted(chosen.epochs):
                whole = prepared[name_of(name, epoch)]
                readings = chosen.readings if whole.ndim > 2 else ["whole"]
                for how in readings:
                    matrix, shape = maps.read(whole, how)
                    matrix = matrix.T @ root
                    size = math.sqrt(np.square(matrix).sum() / len(matrix))
                    title = f"{name_of(name, epoch)}, {maps.words(whole.shape[1:], how)}"
                    found.append(
                        LinearLayer(
                            title, matrix, root, chosen.sigma * size, shape, (1, side, side)
                        )
                    )
        return found

    def _network(self) -> cnn.Settings:
        first, second = self.settings.channels
        pool = {"stage": "pool", "method": "average"}
        stages = [
            {"stage": "conv", "channels": first, "kernel": 3, "padding": 1},
            pool,
            {"stage": "conv", "channels": second, "kernel": 3, "padding": 1},
            pool,
            {"stage": "flatten"},
            {"stage": "dense", "units": 16},
        ]
        return cnn.Settings.model_validate(
            {"family": "cnn", "stages": stages, "activation": "linear"}
        )

    def _images(self) -> Data:
        root = smooth_images(self.settings.side, LENGTH)
        rng = np.random.default_rng(self.settings.seed)
        x = rng.standard_normal((N_IMAGES, len(root))) @ root.T
        y = (x.mean(axis=1) > 0).astype(np.int64)
        shape = (N_IMAGES, 1, self.settings.side, self.settings.side)
        every = np.arange(N_IMAGES)
        labels = {"y": Label(y, ("dark", "bright"))}
        attributes = {"digest": f"images of {self.settings.canonical()}"}
        return Data(x.reshape(shape).astype(np.float32), labels, every, every[:0], attributes)
