"""The interface of networks: named, ordered, measured layers over weights.

Weights are a dict of arrays by name, each with a leading axis of stacked networks (S, …): the
seeds of a run in training, seeds times epochs in measurement. A network holds no weights and no
state; all results of training are in the arrays.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, TypeAlias

from infoplane.settings import Settings

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from infoplane.networks.noise import Settings as Noise

Shape: TypeAlias = tuple[int, ...]
Weights: TypeAlias = "Mapping[str, Tensor]"
Link = Literal["softmax", "sigmoid", "linear", "policy_value"]
NONE: Mapping = MappingProxyType({})

INPUT = "input"
"""The name of x among the layers that determine a layer."""
OUTPUT = "output"
"""The layer of the network's output."""


class Layer(NamedTuple):
    """A measured layer.

    shape : of one input's activation, (units,) or (channels, height, width)
    after : measured layers, or INPUT, that alone determine it; (): no known edge
    """

    name: str
    shape: Shape
    after: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        """Numbers of one input's activation."""
        return math.prod(self.shape)


class Reading(NamedTuple):
    """One layer of S networks.

    t : (S, n, *layer.shape), before the layer's own noise if it has any
    sigma : standard deviation of that noise, (S,), or for each number, in the shape of t
    noise : its standard normal numbers, in the shape of t; the next layer saw t + σ · noise
    """

    t: Tensor
    sigma: Tensor | None = None
    noise: Tensor | None = None

    @property
    def seen(self) -> Tensor:
        """The layer with its own noise, as the next one sees it."""
        if self.sigma is None:
            return self.t
        return self.t + broadcast(self.sigma, self.t) * self.noise


def broadcast(sigma: Tensor, like: Tensor) -> Tensor:
    """σ (S,), or of each number of `like` (S, …), so that it multiplies these."""
    return sigma.reshape(-1, *[1] * (like.ndim - 1)) if sigma.ndim == 1 else sigma


class Draws(ABC):
    """The random numbers of one pass of S networks over n rows."""

    @abstractmethod
    def rows(self, first: int, stop: int) -> Draws:
        """The numbers of the rows first … stop − 1, for a mini-batch."""


class Misfit(ValueError):
    """A network that is impossible for inputs of this shape.

    path : the wrong key of the network's settings; text : what it must be, or its mistake;
        of_shape : whether it may be right for inputs of another shape; at : the run's key that
        holds the network's settings
    """

    def __init__(
        self,
        path: tuple[str | int, ...],
        text: str,
        of_shape: bool = True,
        at: tuple[str, ...] = ("network",),
    ):
        super().__init__(f"{'.'.join(map(str, (*at, *path)))}: {text}")
        self.path, self.text, self.of_shape, self.at = path, text, of_shape, at


class Network(ABC):
    """A family's network for inputs and outputs of one shape.

    layers : the measured layers, from input to output
    parameters : shapes, by name, of one network's arrays that the optimizer trains
    buffers : the same for arrays that training writes without an optimizer: running means,
        scales
    dtypes : of arrays other than float32: float64, float16, bfloat16, int64, …
    aliases : further names of an array in checkpoints
    links : the functions that may turn outputs of `run` into the output layer: softmax over
        classes; sigmoid or linear for outputs like the input; policy_value: softmax over
        actions and a value
    of_layer : names of the parameters that belong to each layer, for gradient statistics
    noise : settings of the layers' Gaussian noise, if any
    noisy : names of these layers
    draws : whether a measured pass is random, so that several passes differ
    differs_in_training : whether training computes differently: dropout, batch norm
    is_perceptron : whether it is a row of affine layers, all but the last with an activation
        function, and nothing else, so that compiled loops can train it
    live : measured passes are as in training, in random batches of this many inputs; 0: they
        are in evaluation mode
    stacks : whether seeds train faster as one stack on a CPU; on a GPU they always do
    generates : whether it can make data; then its output size is their shape, and outputs of
        `run` are (S, n, *shape)
    parallel : whether seeds that are not stacked may train at once, each on its own thread
    n_drawn : random numbers that one row of one network draws, for an estimate of memory
    slowdown : how many times longer a step takes than in dense layers of these sizes
    """

    Settings: ClassVar[type[Settings]]
    layers: tuple[Layer, ...]
    parameters: Mapping[str, Shape]
    buffers: Mapping[str, Shape] = NONE
    dtypes: Mapping[str, str] = NONE
    aliases: Mapping[str, str] = NONE
    links: Collection[Link] = ("softmax",)
    of_layer: Mapping[str, tuple[str, ...]] = NONE
    noise: Noise | None = None
    noisy: Collection[str] = ()
    draws: bool = False
    differs_in_training: bool = False
    is_perceptron: bool = False
    live: int = 0
    stacks: bool = False
    generates: ClassVar[bool] = False
    parallel: bool = False
    n_drawn: int = 0
    slowdown: float = 1.0

    def __init__(self, settings: Settings, input_shape: Shape, output_size: int | Shape):
        self.settings = settings
        self.input_shape, self.output_size = tuple(input_shape), output_size

    @classmethod
    def made_of(cls, settings: Settings) -> str:
        """A digest of the user's files, or other packages, that make the network."""
        return ""

    @abstractmethod
    def initialise(self, seed: int) -> dict[str, Tensor]:
        """Fresh parameters and buffers of one network, without the stacked axis."""

    @abstractmethod
    def run(
        self,
        weights: Weights,
        x: Tensor,
        *,
        training: bool = False,
        random: Draws | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Outputs (S, n, …), before a softmax, and the buffers that the pass changed.

        x : (n, *input_shape), the same for all, or (S, n, *input_shape)
        random : the result of `self.random`, or rows of it; None: nothing is random
        """

    @abstractmethod
    def read(
        self, weights: Weights, x: Tensor, random: Draws | None = None
    ) -> Iterator[tuple[str, Reading]]:
        """Every measured layer in order, one at a time: at most two are in memory."""

    def random(
        self, n: int, sources: Sequence[torch.Generator], device: torch.device | str = "cpu"
    ) -> Draws | None:
        """Random numbers for n rows of S networks, one from each source; None: none."""
        return None

    def calibrate(self, weights: Weights, x: Tensor) -> dict[str, Tensor]:
        """Buffers measured between epochs, (S, …) by name: scales, ranges.

        A trainer computes them before the first epoch and after every epoch, with training
        inputs x (n, *input_shape), and keeps them with the weights of that epoch.
        """
        return {}

    def gaussian(self, weights: Weights) -> tuple[Tensor, Tensor] | None:
        """Mean (S, d) and covariance (S, d, d), in float64, of outputs for standard normal
        inputs if the outputs are Gaussian too; None if they are not, or if it is unknown."""
        return None

    def as_in_training(self, batch: int) -> Network:
        """The same network, but dropout and batch norm work in measured passes as in
        training."""
        other = copy(self)
        other.live, other.draws = batch, True
        return other

    @property
    def output_shape(self) -> Shape:
        """Shape of the result of `run` for an input."""
        size = self.output_size
        return (size,) if isinstance(size, int) else size

    @property
    def by_default(self) -> tuple[str, ...]:
        """Names of the layers that are measured by default."""
        return tuple(layer.name for layer in self.layers)

    @property
    def arrays(self) -> dict[str, Shape]:
        """Parameters and buffers."""
        return {**self.parameters, **self.buffers}

    @property
    def widths(self) -> dict[str, int]:
        """Units of each measured layer, flattened."""
        return {layer.name: layer.units for layer in self.layers}

    @property
    def n_parameters(self) -> int:
        """Numbers in one network."""
        return sum(math.prod(shape) for shape in self.arrays.values())

    @property
    def n_products(self) -> int:
        """Number of products in a pass of one input; in dense layers, the number of weights."""
        return self.n_parameters


def initialise_seeds(network: Network, seeds: Sequence[int]) -> dict[str, Tensor]:
    """Fresh weights of every seed, stacked (n_seeds, …); each depends on its seed alone."""
    import torch  # here: code that only reads weights, to draw figures, does without it

    single = [network.initialise(int(seed)) for seed in seeds]
    return {name: torch.stack([w[name] for w in single]) for name in network.arrays}
