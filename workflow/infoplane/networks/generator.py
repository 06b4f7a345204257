"""Generators: from random numbers z to data, by dense layers and, for images, by transposed
convolutions that double the sides of maps (as in Radford et al. 2016, arXiv:1511.06434).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field

from infoplane.networks import functions
from infoplane.networks.functions import ActivationName, Initialisation
from infoplane.networks.network import INPUT, Layer, Misfit, Network, Reading, Shape, Weights
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor

KERNEL, STRIDE, PADDING = 4, 2, 1
"""Options of a transposed convolution that doubles the sides."""
Size = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """A generator: dense layers, then maps that grow, and an output of the data's shape."""

    family: Literal["generator"] = "generator"
    """`generator` makes data from random numbers z."""
    hidden: list[Size] = Field(default=[])
    """Each dense layer has this many units, in order from z. Without dense layers and maps the
    generator is affine."""
    maps: list[Size] = Field(default=[])
    """Each layer of maps has this many channels, and sides twice as long as the layer before;
    the output doubles the sides of the last one again. An empty list makes the output a dense
    layer."""
    activation: ActivationName = "relu"
    """All layers but the output have this activation."""
    output: Literal["linear", "sigmoid", "tanh"] = "linear"
    """The output has this activation: sigmoid if data lie between 0 and 1."""
    initialisation: Initialisation = "torch"
    """Initial weights have this distribution. fan_in, fan_out: truncated normal of deviation
    1/√fan_in or 1/√fan_out, biases 0; torch: uniform within 1/√fan_in; {deviation: 0.1}:
    truncated normal of that deviation, biases 0."""
    batch_norm: bool = False
    """`true` puts batch norm before the activation of every layer but the output."""


class Generator(Network):
    """z → hidden1 → … → maps1 → … → output, which has the shape of the data."""

    Settings = Settings
    generates = True
    parallel = True

    def __init__(self, settings: Settings, input_shape: Shape, output_shape: int | Shape):
        """Raises Misfit if the output should be classes, or if maps cannot grow to the data's
        height and width."""
        if isinstance(output_shape, int):
            text = "must not be generator: it makes data, not scores of classes"
            raise Misfit(("family",), text, of_shape=False)
        super().__init__(settings, input_shape, tuple(output_shape))
        shapes = {f"hidden{i}": (n,) for i, n in enumerate(settings.hidden, 1)}
        shapes |= {f"maps{i}": s for i, s in enumerate(self._maps(), 1)}
        shapes["output"] = self.output_size
        names = list(shapes)
        self.stacks = not settings.maps
        self.layers = tuple(
            Layer(name, shape, (before,))
            for (name, shape), before in zip(shapes.items(), [INPUT, *names], strict=False)
        )
        self.parameters, self.buffers, self.of_layer = {}, {}, {}
        self.differs_in_training = settings.batch_norm
        before = tuple(input_shape)
        for name, shape in shapes.items():
            units = math.prod(shape)
            if self._grows(before, shape):
                own = {"weight": (before[0], shape[0], KERNEL, KERNEL), "bias": shape[:1]}
            else:
                own = {"weight": (math.prod(before), units), "bias": (units,)}
            own = {f"{name}.{key}": value for key, value in own.items()}
            if self._has_norm(name):
                norm, statistics = functions.norm_arrays(name, shape[:1])
                own, self.buffers = own | norm, self.buffers | statistics
            self.parameters |= own
            self.of_layer[name] = tuple(own)
            before = shape

    def _maps(self) -> list[Shape]:
        channels = self.settings.maps
        if not channels:
            return []
        if len(self.output_size) != 3:
            raise Misfit(
                ("maps",),
                f"must be empty if data are {math.prod(self.output_size)} values, not maps "
                "(channels, height, width); a data set gives maps with flatten: false",
            )
        growth = STRIDE ** len(channels)
        if any(side % growth for side in self.output_size[1:]):
            height, width = self.output_size[1:]
            raise Misfit(
                ("maps",),
                f"must have fewer entries: the data's sides, {height} × {width}, must be "
                f"divisible by 2 once for each of the {len(channels)}",
            )
        sides = [side // growth for side in self.output_size[1:]]
        return [(n, *[s * STRIDE**i for s in sides]) for i, n in enumerate(channels)]

    def _grows(self, before: Shape, shape: Shape) -> bool:
        """Whether a layer of this shape is a transposed convolution of the one before."""
        return bool(self.settings.maps) and len(before) == 3 and len(shape) == 3

    def _has_norm(self, name: str) -> bool:
        """Whether a layer has batch norm."""
        return self.settings.batch_norm and name != "output"

    @property
    def n_products(self) -> int:
        products, before = 0, self.input_shape
        for layer in self.layers:
            weight = math.prod(self.parameters[f"{layer.name}.weight"])
            grows = self._grows(before, layer.shape)
            products += weight * (math.prod(before[1:]) if grows else 1)
            before = layer.shape
        return products

    def initialise(self, seed: int) -> dict[str, Tensor]:
        source = torch.Generator().manual_seed(int(seed))
        arrays = functions.neutral(self.arrays)
        for name in self.of_layer:
            weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
            # A quarter of the kernel's positions makes each number of growing maps.
            positions = math.prod(weight.shape[2:]) // STRIDE**2 or 1
            fans = weight.shape[0] * positions, weight.shape[1] * positions
            functions.fill(weight, bias, fans, self.settings.initialisation, source)
        return arrays

    def run(self, weights: Weights, x: Tensor, *, training=False, random=None):
        """Data (S, n, *shape), after the output's activation."""
        buffers: dict[str, Tensor] = {}
        *_, (_, output) = self._through(weights, x, training, random, buffers)
        return output, buffers

    def read(self, weights: Weights, x: Tensor, random=None) -> Iterator[tuple[str, Reading]]:
        for name, h in self._through(weights, x, False, random, {}):
            yield name, Reading(h)

    def random(self, n: int, sources, device="cpu") -> functions.Keyed | None:
        """Random batches, if batch norm works in measured passes as in training."""
        return functions.Keyed.of(sources, n, device, self.live) if self.live else None

    def _through(
        self, weights: Weights, x: Tensor, training: bool, random, buffers: dict[str, Tensor]
    ) -> Iterator[tuple[str, Tensor]]:
        """Every layer (S, n, *shape); `buffers` takes running statistics of a step."""
        n_networks = len(weights["output.bias"])
        h = x.expand(n_networks, *x.shape) if x.ndim == len(self.input_shape) + 1 else x
        before = self.input_shape
        for name, shape, _ in self.layers:
            normed = self._has_norm(name)
            own = functions.before_norm(weights, name) if normed else weights
            weight, bias = own[f"{name}.weight"], own[f"{name}.bias"]
            if self._grows(before, shape):
                h = _grown(h, weight, bias)
            else:
                h = torch.baddbmm(bias[:, None], h.flatten(2), weight).unflatten(2, shape)
            if normed:
                h = functions.batch_norm(weights, f"{name}.norm", h, training, random, buffers)
            last = name == "output"
            chosen = self.settings.output if last else self.settings.activation
            h, before = functions.activation(chosen)(h), shape
            yield name, h

    def gaussian(self, weights: Weights) -> tuple[Tensor, Tensor] | None:
        """The law of an affine generator."""
        if len(self.layers) > 1 or self.settings.output != "linear":
            return None
        weight = weights["output.weight"].double()
        return weights["output.bias"].double(), weight.transpose(1, 2) @ weight


def _grown(h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Maps (S, n, channels, height, width), enlarged with each network's own kernels."""

    def one(*arrays: Tensor) -> Tensor:
        functional = torch.nn.functional
        return functional.conv_transpose2d(*arrays, stride=STRIDE, padding=PADDING)

    if h.is_cuda:
        return torch.func.vmap(one)(h, weight, bias)
    return torch.stack([one(*arrays) for arrays in zip(h, weight, bias, strict=True)])
