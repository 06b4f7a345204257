"""Convolutions before a critic's dense layers: a map becomes a vector of features.

Each convolution moves a square kernel over the map by `stride` positions, with zero padding of
half a kernel, and is followed by ReLU. The features of a map are scored as any vector is
(networks.py), so that every bound and both architectures work on maps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.samples import Pair

Shape = tuple[int, ...]
NO_MAP: Shape = ()
"""The shape of a variable that is read as a vector."""


class MapSettings(Protocol):
    """The keys of an estimator's settings that are read here."""

    network: str
    channels: Sequence[int]
    kernel: int
    stride: int


def is_map(shape: Shape) -> bool:
    """Whether rows of this shape are maps, (channels, height, width), with more than one
    position."""
    return len(shape) == 3 and shape[1] * shape[2] > 1


def maps_of(settings: MapSettings, pair: Pair) -> tuple[Shape, Shape]:
    """The shapes of both variables for convolutions; NO_MAP for one that is read as a vector.

    Raises ValueError that names the pair if the network must be convolutional and neither
    variable is a map, or if the kernel is larger than a map.
    """
    if settings.network == "dense":
        return NO_MAP, NO_MAP
    shapes = tuple(shape if is_map(shape) else NO_MAP for shape in pair.shapes)
    if settings.network == "convolutional" and not any(shapes):
        raise ValueError(
            f"{pair.place}: network is convolutional, and neither variable has a shape "
            "(channels, height, width); give shapes, or network auto or dense"
        )
    for shape in shapes:
        if shape and (why := why_too_small(shape, settings)):
            raise ValueError(f"{pair.place}: {why}")
    return shapes


def why_too_small(shape: Shape, settings: MapSettings) -> str:
    """Why a map (channels, height, width) does not fit these convolutions; empty if it fits."""
    for number, (_, *sides) in enumerate(_shapes_before(shape, settings), 1):
        if settings.kernel > min(sides):
            meets = f"convolution {number} gets maps of {sides[0]} × {sides[1]}"
            return (
                f"kernel must be at most {min(sides)}, not {settings.kernel}: with maps of "
                f"{shape[1]} × {shape[2]}, {meets}; use a smaller kernel or stride, fewer "
                "entries in channels, or network dense"
            )
    return ""


def _shapes_before(shape: Shape, settings: MapSettings) -> list[Shape]:
    """Shapes of the maps that each convolution gets."""
    shapes = [shape]
    for n_channels in settings.channels[:-1]:
        shapes.append((n_channels, *_sides(shapes[-1][1:], settings)))
    return shapes


def _sides(sides: Sequence[int], settings: MapSettings) -> tuple[int, ...]:
    return tuple(
        (side + 2 * (settings.kernel // 2) - settings.kernel) // settings.stride + 1
        for side in sides
    )


class Convolutions:
    """The convolutions of one variable in C stacked critics.

    shapes : shapes of one critic's weights: kernels (out, in, height, width), biases (out,)
    n_features : features of a map
    floats : numbers kept for one map in the forward and the backward pass
    """

    def __init__(self, side: str, shape: Shape, settings: MapSettings):
        """side : the critic's variable, a or b; shape : (channels, height, width) of a map"""
        self.shape, self.stride, self.padding = shape, settings.stride, settings.kernel // 2
        self.names, self.shapes, self.floats = [], {}, 2 * math.prod(shape)
        for number, n_channels in enumerate(settings.channels, 1):
            self.names.append(f"{side}.conv{number}")
            kernel = (n_channels, shape[0], settings.kernel, settings.kernel)
            self.shapes[f"{self.names[-1]}.weight"] = kernel
            self.shapes[f"{self.names[-1]}.bias"] = (n_channels,)
            shape = (n_channels, *_sides(shape[1:], settings))
            self.floats += 4 * math.prod(shape)
        self.n_features = math.prod(shape)

    def features(self, weights: dict[str, Tensor], x: Tensor) -> Tensor:
        """Features (C, n, n_features) of maps x (C, n, channels · height · width)."""
        # One critic after another: on a CPU a grouped convolution takes longer.
        return torch.stack([self._of_one(weights, i, maps) for i, maps in enumerate(x)])

    def _of_one(self, weights: dict[str, Tensor], i: int, x: Tensor) -> Tensor:
        h = x.unflatten(1, self.shape)
        for name in self.names:
            kernel, bias = weights[f"{name}.weight"][i], weights[f"{name}.bias"][i]
            h = torch.conv2d(h, kernel, bias, self.stride, self.padding).relu_()
        return h.flatten(1)
