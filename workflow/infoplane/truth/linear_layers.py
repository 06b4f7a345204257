"""Random linear layers under noise, dense and convolutional, of any width: truth by a
determinant.

A dense layer has independent normal weights and independent normal inputs. A convolution, 3 × 3
with zeros beyond the edge, sees smooth Gaussian images of one channel (linear_gaussian.py).
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
    """Random linear layers under noise."""

    family: Literal["linear_layers"] = "linear_layers"
    """Random linear layers of Gaussian inputs under Gaussian noise, dense and convolutional."""
    dense: list[tuple[Count, Count]] = Field(default=[(10, 10), (100, 20), (1000, 20)])
    """Units and inputs of dense layers."""
    maps: list[tuple[Count, Count]] = Field(default=[(4, 7), (12, 16)])
    """Channels and side of convolutional layers: 12 maps of 16 × 16 are 3,072 dimensions."""
    scales: list[Annotated[float, Field(gt=0)]] = Field(default=[0.3, 1.0], min_length=1)
    """Root mean square of a layer's numbers, in units of the noise."""
    length: float = Field(default=2.0, gt=0)
    """Pixels over which images are smooth."""
    seed: int = Field(default=0, ge=0)
    """Of the weights."""


class LinearLayers(Family):
    """Random linear layers under noise."""

    Settings = LinearLayersSettings
    settings: LinearLayersSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Three tasks a layer: T with X, T with Y, the layer itself."""
        return [task for layer in self.layers() for task in layer.tasks()]

    def layers(self) -> list[LinearLayer]:
        """All of them."""
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
    """The matrix whose outputs have a mean square of 1."""
    return matrix / np.sqrt(np.square(matrix).sum() / len(matrix))
