"""What a network is to the rest of infoplane: named, ordered, measured layers over weights.

Weights are a dict of arrays by name, each with a leading axis of stacked networks (S, …): the
seeds of a run in training, seeds times epochs in measurement. A network holds no weights and no
state; whatever was trained, and however, is in the arrays.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import torch

from infoplane.networks.noise import Noise

if TYPE_CHECKING:
    from torch import Tensor

Weights: TypeAlias = "Mapping[str, Tensor]"


class Network(ABC):
    """A family's network for inputs of one shape.

    layers : names of the measured layers, from input to output
    parameters : shape of one network's array by name, without the stacked axis
    parameters_of : names of the parameters that belong to each layer, for gradient statistics
    widths : number of units of each measured layer, flattened
    noisy : number of units of each layer that has noise on its output; empty for most networks
    """

    layers: tuple[str, ...]
    parameters: dict[str, tuple[int, ...]]
    parameters_of: dict[str, tuple[str, ...]]
    widths: dict[str, int]
    noisy: Mapping[str, int] = MappingProxyType({})

    @abstractmethod
    def initialise(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Fresh weights of one network, without the stacked axis, drawn from the generator."""

    @abstractmethod
    def logits(self, weights: Weights, x: Tensor, noise: Noise | None = None) -> Tensor:
        """Class scores before the softmax, (S, n, n_classes).

        x : (n, *input_shape), the same for all, or (S, n, *input_shape)
        noise : standard normal numbers (S, units, n) of the layers in `noisy`; None: no noise
        """

    @abstractmethod
    def activations(
        self, weights: Weights, x: Tensor, noise: Noise | None = None
    ) -> Iterator[tuple[str, Tensor]]:
        """Every measured layer in order: its name and its output, (S, n, units).

        One layer at a time, so that no more than two are in memory at once. With noise, a
        layer's output is that before its own noise; the noise of the layers before is in it.
        """

    def sigmas(self, weights: Weights) -> dict[str, Tensor]:
        """Standard deviation of the noise of each layer in `noisy`, (S,)."""
        return {}

    def calibrated(self, weights: Weights, x: Tensor) -> dict[str, Tensor]:
        """Parameters that are measured, not trained, (S, …) by name: scales, ranges.

        A trainer asks for them before the first and after every epoch, with training inputs
        x (n, *input_shape), and keeps them with the weights of that epoch.
        """
        return {}

    @property
    def n_parameters(self) -> int:
        """Numbers in one network."""
        return sum(math.prod(shape) for shape in self.parameters.values())


def initialise_seeds(network: Network, seeds) -> dict[str, Tensor]:
    """Fresh weights of every seed, stacked (n_seeds, …); each depends on its seed alone."""
    single = [network.initialise(torch.Generator().manual_seed(int(seed))) for seed in seeds]
    return {name: torch.stack([w[name] for w in single]) for name in network.parameters}
