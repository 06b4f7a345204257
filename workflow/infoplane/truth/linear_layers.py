"""Random linear layers with noise, dense and convolutional, of any width: truth by a
determinant.

A dense layer has independent normal weights and independent normal inputs. A convolution, 3 × 3
with zero padding, gets smooth Gaussian images of one channel (linear_gaussian.py).
"""

from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.settings import Settings
from infoplane.truth.linear_gaussian import LinearLayer, smooth_images
from infoplane.truth.task import Family, Prepared, Task

Count = Annotated[int, Field(ge=1)]


class LinearLayersSettings(Settings):
    """Random linear layers with noise."""

    family: Literal["linear_layers"] = "linear_layers"
    """This family has random linear layers, dense and convolutional, with Gaussian inputs and
    Gaussian noise."""
    dense: list[tuple[Count, Count]] = Field(default=[(10, 10), (100, 20), (1000, 20)])
    """Each entry has the units and the inputs of a dense layer."""
    maps: list[tuple[Count, Count]] = Field(default=[(4, 7), (12, 16)])
    """Each entry has the channels of a convolutional layer and the side of its maps; (12, 16)
    has 12 maps of 16 × 16, 3,072 dimensions."""
    scales: list[Annotated[float, Field(gt=0)]] = Field(default=[0.3, 1.0], min_length=1)
    """The activations of a layer have each of these root mean squares, in units of the
    noise."""
    length: float = Field(default=2.0, gt=0)
    """Images are smooth over this many pixels."""
    seed: int = Field(default=0, ge=0)
    """The weights are drawn with this seed."""


class LinearLayers(Family):
    """Random linear layers with noise."""

    Settings = LinearLayersSettings
    settings: LinearLayersSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Three tasks for each layer: T with X, T with Y, and the layer itself."""
        return [task for layer in self.layers() for task in layer.tasks()]

    def layers(self) -> list[LinearLayer]:
        """All layers."""
        chosen = self.settings
        made = [
            (f"dense {units}, {n} inputs", *self._dense(units, n)) for units, n in chosen.dense
        ]
        made += [
            (f"maps {channels} × {side} × {side}", *self._maps(channels, side))
            for channels, side in chosen.maps
        ]
        return [
            LinearLayer(f"{name}, scale {scale:g}", scale * matrix, root, 1.0, *shapes)
            for name, matrix, root, *shapes in made
            for scale in chosen.scales
        ]

    def _dense(self, units: int, n_inputs: int):
        rng = np.random.default_rng([self.settings.seed, units, n_inputs])
        matrix = rng.standard_normal((units, n_inputs))
        return _of_size_one(matrix), np.eye(n_inputs), (), ()

    def _maps(self, channels: int, side: int):
        rng = np.random.default_rng([self.settings.seed, channels, side, 3])
        kernels = torch.from_numpy(rng.standard_normal((channels, 1, 3, 3)))
        root = smooth_images(side, self.settings.length)
        images = torch.from_numpy(np.ascontiguousarray(root.T)).view(-1, 1, side, side)
        maps = torch.nn.functional.conv2d(images, kernels, padding=1)
        matrix = maps.flatten(1).T.numpy()
        return _of_size_one(matrix), root, (channels, side, side), (1, side, side)


def _of_size_one(matrix: np.ndarray) -> np.ndarray:
    """The matrix scaled so that its outputs have a mean square of 1."""
    return matrix / np.sqrt(np.square(matrix).sum() / len(matrix))
