"""Multilayer perceptrons with a softmax output; many of them form one batched network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field, model_validator

from infoplane.networks import functions
from infoplane.networks import noise as noises
from infoplane.networks import quantisation as grids
from infoplane.networks.functions import ActivationName, Initialisation, Keyed, Rate
from infoplane.networks.network import (
    INPUT,
    Layer,
    Network,
    Reading,
    Shape,
    Weights,
    broadcast,
)
from infoplane.networks.noise import Noise
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor


class Settings(BaseSettings):
    """A multilayer perceptron: hidden layers hidden1, hidden2, … and a softmax output."""

    family: Literal["mlp"] = "mlp"
    """`mlp` is a perceptron: dense layers one after the other."""
    hidden: list[Annotated[int, Field(ge=1)]] = Field(min_length=1)
    """Each hidden layer has this many units, in order from the input."""
    activation: ActivationName | list[ActivationName] = "tanh"
    """The hidden layers have this activation: one name for all, or one name each."""
    initialisation: Initialisation = "torch"
    """Initial weights have this distribution. fan_in: truncated normal of deviation 1/√fan_in,
    biases 0 (Shwartz-Ziv & Tishby 2017); fan_out: the same with 1/√fan_out (Saxe et al. 2018);
    torch: uniform within 1/√fan_in; {deviation: 0.1}: truncated normal of that deviation,
    biases 0."""
    batch_norm: bool = False
    """`true` puts batch norm before the activation of every hidden layer."""
    dropout: Rate | list[Rate] = 0.0
    """Dropout sets this share of a hidden layer's outputs to 0 in training: one number for all
    layers, or one each."""
    noise: noises.Settings | None = None
    """Hidden layers have this Gaussian noise on their outputs; null means none."""
    quantisation: grids.Settings | None = None
    """This quantises weights and activations to few bits; null means float32."""

    @model_validator(mode="after")
    def _one_activation_a_layer(self):
        functions.check_one_each(self, len(self.hidden), "hidden layers")
        return self

    @model_validator(mode="after")
    def _noise_or_quantisation(self):
        functions.check_noise(self)
        return self


class MLP(Network):
    """x → hidden1 → … → output; stacked weights `hidden1.weight` (S, in, out) and biases."""

    Settings = Settings
    stacks = True

    def __init__(self, settings: Settings, input_shape: Shape, output_size: int):
        super().__init__(settings, input_shape, output_size)
        names = [f"hidden{i}" for i in range(1, len(settings.hidden) + 1)]
        self.activation_names = list(functions.one_each(settings.activation, names).values())
        self.dropout = functions.one_each(settings.dropout, names)
        self.hidden = tuple(names)
        widths = dict(zip([*names, "output"], [*settings.hidden, output_size], strict=True))
        before = [INPUT, *names]
        self.layers = tuple(
            Layer(name, (width,), (after,))
            for (name, width), after in zip(widths.items(), before, strict=True)
        )
        fan_in = math.prod(self.input_shape)
        self.parameters, self.of_layer = {}, {}
        for layer, width in widths.items():
            self.parameters[f"{layer}.weight"] = (fan_in, width)
            self.parameters[f"{layer}.bias"] = (width,)
            self.of_layer[layer] = (f"{layer}.weight", f"{layer}.bias")
            fan_in = width
        quantised = settings.quantisation
        self.bits = quantised.bits if quantised else grids.PLAIN
        self.is_quantised = self.bits < grids.PLAIN
        self.ends = [grids.RANGES.get(name) for name in self.activation_names]
        noisy = settings.noise.among(names) if settings.noise else ()
        self.noisy = {name: widths[name] for name in noisy}
        self.buffers = {}
        if settings.noise and settings.noise.relative:
            self.buffers |= {f"{layer}.scale": (1,) for layer in self.noisy}
        if self.is_quantised:
            ranged = [n for n, ends in zip(names, self.ends, strict=True) if ends is None]
            self.buffers |= {f"{layer}.range": (2,) for layer in ranged}
        if settings.batch_norm:
            for layer in names:
                own, running = functions.norm_arrays(layer, (widths[layer],))
                self.parameters |= own
                self.of_layer[layer] += tuple(own)
                self.buffers |= running
        self.differs_in_training = settings.batch_norm or any(self.dropout.values())
        self.noise = settings.noise
        self.draws, self.n_drawn = bool(self.noisy), sum(self.noisy.values())
        plain = not (self.differs_in_training or self.noisy or self.is_quantised)
        self.is_perceptron = plain and type(self) is MLP  # a subclass may run differently
        self.slowdown = 3.0 if self.is_quantised else 1.0

    @cached_property
    def functions(self) -> list[Callable[[Tensor], Tensor]]:
        """Activation function of each hidden layer."""
        return [functions.activation(name) for name in self.activation_names]

    def initialise(self, seed: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        weights = functions.neutral(self.arrays)
        for layer in self.of_layer:
            weight, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
            functions.fill(weight, bias, weight.shape, self.settings.initialisation, generator)
        return weights

    def _hidden(
        self,
        weights: Weights,
        x: Tensor,
        noise: Noise | None = None,
        training: bool = False,
        buffers: dict[str, Tensor] | None = None,
        ranges: dict[str, Tensor] | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Output of each hidden layer in order before and after its noise, (S, width, n).

        buffers : takes what a training pass changes
        ranges : takes the ranges of these outputs, which replace the weights' ranges
        """
        n_networks = weights["output.bias"].shape[0]
        if x.ndim == len(self.input_shape) + 1:  # the same inputs for all
            x = x.expand(n_networks, *x.shape)
        h = x.flatten(2).transpose(1, 2)
        masks = None if noise is None else noise.masks
        for layer, function, ends in zip(self.hidden, self.functions, self.ends, strict=True):
            normed = self.settings.batch_norm
            own = functions.before_norm(weights, layer) if normed else weights
            clean = self._affine(own, layer, h)
            if normed:
                own = weights, f"{layer}.norm", clean.transpose(1, 2), training, masks, buffers
                clean = functions.batch_norm(*own).transpose(1, 2)
            clean = function(clean)
            if self.is_quantised:
                if ends is None:
                    name = f"{layer}.range"
                    if ranges is not None:
                        ranges[name] = grids.range_of(clean)
                    found = weights[name] if ranges is None else ranges[name]
                    ends = found[:, :, None, None].unbind(1)  # 2 × (S, 1, 1)
                clean = grids.on_grid(clean, *ends, self.bits)
            if self.dropout[layer]:
                own = clean.transpose(1, 2), layer, self.dropout[layer], training, masks
                clean = functions.dropout(*own).transpose(1, 2)
            h = clean
            if noise is not None and layer in self.noisy:
                sigma = noises.sigma(self.settings.noise, weights, layer, clean)
                h = clean + broadcast(sigma, clean) * noise.of[layer]
            yield clean, h

    def run(
        self,
        weights: Weights,
        x: Tensor,
        *,
        training: bool = False,
        random: Noise | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        buffers: dict[str, Tensor] = {}
        *_, (_, last) = self._hidden(weights, x, random, training, buffers)
        return self._affine(weights, "output", last).transpose(1, 2), buffers

    def read(
        self, weights: Weights, x: Tensor, random: Noise | None = None
    ) -> Iterator[tuple[str, Reading]]:
        hidden = self._hidden(weights, x, random)
        last = x
        for layer in self.hidden:
            clean, last = next(hidden)
            t, own = clean.transpose(1, 2), ()
            if random is not None and layer in self.noisy:
                sigma = noises.sigma(self.settings.noise, weights, layer, t)
                own = (sigma, random.of[layer].transpose(1, 2))
            yield layer, Reading(t, *own)
        output = functions.scores(self._affine(weights, "output", last), dim=1)
        if self.is_quantised:
            output = grids.on_grid(output, 0.0, 1.0, self.bits)
        yield "output", Reading(output.transpose(1, 2))

    def random(
        self, n: int, sources: Sequence[torch.Generator], device: torch.device | str = "cpu"
    ) -> Noise | None:
        if not self.noisy and not self.live and not any(self.dropout.values()):
            return None
        noise = noises.draw(self.noisy, n, sources, device) if self.noisy else Noise({})
        if self.differs_in_training:
            noise.masks = Keyed.of(sources, n, device, self.live)
        return noise

    def _affine(self, weights: Weights, layer: str, h: Tensor) -> Tensor:
        if not self.is_quantised or not self.settings.quantisation.weights:
            return affine(weights, layer, h)
        name = f"{layer}.weight"
        quantised = grids.weights_on_grid(weights[name], self.bits)
        return affine({**weights, name: quantised}, layer, h)

    def calibrate(self, weights: Weights, x: Tensor) -> dict[str, Tensor]:
        if any(name.endswith(".range") for name in self.buffers):
            ranges: dict[str, Tensor] = {}
            for _ in self._hidden(weights, x, ranges=ranges):
                pass
            return ranges
        if self.settings.noise is None or not self.settings.noise.relative:
            return {}
        hidden = zip(self.hidden, self._hidden(weights, x), strict=True)
        return {
            f"{layer}.scale": noises.scale(clean)[:, None]
            for layer, (clean, _) in hidden
            if layer in self.noisy
        }


def affine(weights: Weights, layer: str, h: Tensor) -> Tensor:
    """W'h + b of every stacked network, (S, in, n) → (S, out, n).

    Inputs run along the last axis: the layers of the field have few units and many inputs,
    and products of such matrices are four times faster on a CPU when the long side is
    contiguous.
    """
    weight, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
    return torch.baddbmm(bias[:, :, None], weight.transpose(1, 2), h)
