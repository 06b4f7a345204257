"""Multilayer perceptrons with a softmax output, many of them as one batched network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field, model_validator

from infoplane.networks import noise as noises
from infoplane.networks import quantisation as grids
from infoplane.networks.network import Network, Weights
from infoplane.networks.noise import Noise
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor

ActivationName = Literal[
    "tanh", "relu", "leaky_relu", "sigmoid", "softsign", "softplus", "linear"
]
InitialisationName = Literal["fan_in", "fan_out", "torch"]


class Settings(BaseSettings):
    """A multilayer perceptron: hidden layers hidden1, hidden2, … and a softmax output."""

    family: Literal["mlp"] = "mlp"
    """Kind of network."""
    hidden: list[Annotated[int, Field(ge=1)]] = Field(min_length=1)
    """Units of each hidden layer, from the input on."""
    activation: ActivationName | list[ActivationName] = "tanh"
    """Activation of the hidden layers: one name for all, or one name each."""
    initialisation: InitialisationName = "torch"
    """fan_in: truncated normal of deviation 1/√fan_in, biases 0 (Shwartz-Ziv & Tishby 2017);
    fan_out: the same with 1/√fan_out (Saxe et al. 2018); torch: uniform within 1/√fan_in."""
    noise: noises.Settings | None = None
    """Gaussian noise on the output of every hidden layer; null: none."""
    quantisation: grids.Settings | None = None
    """Weights and activations of few bits; null: none."""

    @model_validator(mode="after")
    def _one_activation_a_layer(self):
        if isinstance(self.activation, list) and len(self.activation) != len(self.hidden):
            raise ValueError(
                f"activation names {len(self.activation)} functions for {len(self.hidden)} "
                "hidden layers; give one name for all of them, or one each"
            )
        return self

    @model_validator(mode="after")
    def _noise_or_quantisation(self):
        if self.noise and self.quantisation:
            raise ValueError(
                "noise and quantisation exclude one another: with noise on it a quantised "
                "activation takes any value; leave out one of the two"
            )
        return self


class MLP(Network):
    """x → hidden1 → … → output; stacked weights `hidden1.weight` (S, in, out) and biases."""

    def __init__(self, settings: Settings, input_shape: tuple[int, ...], n_classes: int):
        self.settings = settings
        names = [f"hidden{i}" for i in range(1, len(settings.hidden) + 1)]
        chosen = settings.activation
        chosen = chosen if isinstance(chosen, list) else [chosen] * len(names)
        self.layers = (*names, "output")
        self.activation_names = chosen
        quantised = settings.quantisation
        self.bits = quantised.bits if quantised else grids.PLAIN
        self.is_quantised = self.bits < grids.PLAIN
        self.ends = [grids.RANGES.get(name) for name in chosen]
        self.widths = dict(zip(self.layers, [*settings.hidden, n_classes], strict=True))
        self.input_ndim = len(input_shape)
        fan_in = math.prod(input_shape)
        self.parameters, self.parameters_of = {}, {}
        for layer, width in self.widths.items():
            self.parameters[f"{layer}.weight"] = (fan_in, width)
            self.parameters[f"{layer}.bias"] = (width,)
            self.parameters_of[layer] = (f"{layer}.weight", f"{layer}.bias")
            fan_in = width
        self.noisy = {name: self.widths[name] for name in names} if settings.noise else {}
        if settings.noise and settings.noise.relative:
            self.parameters |= {f"{layer}.scale": (1,) for layer in self.noisy}
        if self.is_quantised:
            ranged = [n for n, ends in zip(names, self.ends, strict=True) if ends is None]
            self.parameters |= {f"{layer}.range": (2,) for layer in ranged}

    @cached_property
    def functions(self) -> list[Callable[[Tensor], Tensor]]:
        """Activation function of each hidden layer."""
        functional = torch.nn.functional
        known = {
            "tanh": torch.tanh,
            "relu": torch.relu,
            "leaky_relu": functional.leaky_relu,
            "sigmoid": torch.sigmoid,
            "softsign": functional.softsign,
            "softplus": functional.softplus,
            "linear": lambda x: x,
        }
        return [known[name] for name in self.activation_names]

    def initialise(self, generator: torch.Generator) -> dict[str, Tensor]:
        weights = {}
        for layer in self.layers:
            fan_in, fan_out = self.parameters[f"{layer}.weight"]
            weight, bias = torch.empty(fan_in, fan_out), torch.zeros(fan_out)
            if self.settings.initialisation == "torch":
                bound = 1 / math.sqrt(fan_in)
                weight.uniform_(-bound, bound, generator=generator)
                bias.uniform_(-bound, bound, generator=generator)
            else:
                fan = fan_in if self.settings.initialisation == "fan_in" else fan_out
                deviation = 1 / math.sqrt(fan)
                # Cut at two deviations, as the papers' framework does.
                torch.nn.init.trunc_normal_(
                    weight, 0.0, deviation, -2 * deviation, 2 * deviation, generator=generator
                )
            weights[f"{layer}.weight"], weights[f"{layer}.bias"] = weight, bias
        measured = self.parameters.keys() - weights.keys()
        return weights | {name: torch.ones(self.parameters[name]) for name in measured}

    def _hidden(
        self,
        weights: Weights,
        x: Tensor,
        noise: Noise | None = None,
        ranges: dict[str, Tensor] | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Output of each hidden layer in order before and after its noise, (S, width, n).

        ranges : takes the ranges of these outputs, which are used in place of the weights'
        """
        n_networks = weights["output.bias"].shape[0]
        if x.ndim == self.input_ndim + 1:  # the same inputs for all
            x = x.expand(n_networks, *x.shape)
        h = x.flatten(2).transpose(1, 2)
        sigmas = self.sigmas(weights) if noise is not None else {}
        for layer, function, ends in zip(self.layers, self.functions, self.ends, strict=False):
            clean = function(self._affine(weights, layer, h))
            if self.is_quantised:
                if ends is None:
                    name = f"{layer}.range"
                    if ranges is not None:
                        ranges[name] = grids.range_of(clean)
                    found = weights[name] if ranges is None else ranges[name]
                    ends = found[:, :, None, None].unbind(1)  # 2 × (S, 1, 1)
                clean = grids.on_grid(clean, *ends, self.bits)
            h = clean
            if layer in sigmas:
                h = clean + sigmas[layer][:, None, None] * noise[layer]
            yield clean, h

    def logits(self, weights: Weights, x: Tensor, noise: Noise | None = None) -> Tensor:
        *_, (_, last) = self._hidden(weights, x, noise)
        return self._affine(weights, "output", last).transpose(1, 2)

    def activations(
        self, weights: Weights, x: Tensor, noise: Noise | None = None
    ) -> Iterator[tuple[str, Tensor]]:
        hidden = self._hidden(weights, x, noise)
        last = x
        for layer in self.layers[:-1]:
            clean, last = next(hidden)
            yield layer, clean.transpose(1, 2)
        output = torch.softmax(self._affine(weights, "output", last), dim=1)
        if self.is_quantised:
            output = grids.on_grid(output, 0.0, 1.0, self.bits)
        yield "output", output.transpose(1, 2)

    def _affine(self, weights: Weights, layer: str, h: Tensor) -> Tensor:
        if not self.is_quantised or not self.settings.quantisation.weights:
            return affine(weights, layer, h)
        name = f"{layer}.weight"
        quantised = grids.weights_on_grid(weights[name], self.bits)
        return affine({**weights, name: quantised}, layer, h)

    def sigmas(self, weights: Weights) -> dict[str, Tensor]:
        chosen, like = self.settings.noise, weights["output.bias"]
        if chosen is None:
            return {}
        if chosen.relative:
            return {n: chosen.sigma * weights[f"{n}.scale"][:, 0].detach() for n in self.noisy}
        return {n: like.new_full(like.shape[:1], chosen.sigma) for n in self.noisy}

    def calibrated(self, weights: Weights, x: Tensor) -> dict[str, Tensor]:
        if any(name.endswith(".range") for name in self.parameters):
            ranges: dict[str, Tensor] = {}
            for _ in self._hidden(weights, x, ranges=ranges):
                pass
            return ranges
        if self.settings.noise is None or not self.settings.noise.relative:
            return {}
        hidden = zip(self.noisy, self._hidden(weights, x), strict=True)
        return {f"{layer}.scale": noises.scale(clean)[:, None] for layer, (clean, _) in hidden}


def affine(weights: Weights, layer: str, h: Tensor) -> Tensor:
    """W'h + b of every stacked network, (S, in, n) → (S, out, n).

    Inputs run along the last axis: the layers of the field have few units and many inputs,
    and products of such matrices are four times faster on a CPU when the long side is
    contiguous.
    """
    weight, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
    return torch.baddbmm(bias[:, :, None], weight.transpose(1, 2), h)


def build(settings: Settings, input_shape: tuple[int, ...], n_classes: int) -> MLP:
    """The network of these settings for inputs and classes of these sizes."""
    return MLP(settings, input_shape, n_classes)
