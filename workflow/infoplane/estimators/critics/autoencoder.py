"""Autoencoders with ReLU that encode each sample, a vector or a map, in a few numbers.

Dense, for vectors: d → width → code → width → d. Convolutional, for maps (channels, height,
width): the encoder has 3 × 3 convolutions of stride 2 and a dense layer to the code. The
decoder has a dense layer and as many steps that double the size by nearest neighbours and then
apply a 3 × 3 convolution.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from infoplane import streams
from infoplane.estimators.critics.adam import Adam
from infoplane.estimators.critics.samples import standardised
from infoplane.estimators.kernels import tails

if TYPE_CHECKING:
    from torch import Tensor

Layers = list[tuple["Tensor", "Tensor"]]
"""Matrix (in, out) and bias (out,) of each layer, the first half of them the encoder's."""

KERNEL = 3
AT_ONCE = 4096
"""This many maps are encoded at once."""


class AutoencoderSettings(Protocol):
    """The keys of an estimator's settings that are read here."""

    code: int
    width: int
    channels: Sequence[int]
    batch_size: int
    learning_rate: float
    max_steps: int
    evaluate_every: int
    patience: int
    held_out: float
    seed: int


class Code(NamedTuple):
    """values : (rows, code); error : share of the variance of held-out rows that is lost."""

    values: Tensor
    error: float
    converged: bool


def autoencoded(
    values: Tensor, settings: AutoencoderSettings, shape: tuple[int, ...] = ()
) -> Code:
    """The code of values (rows, d) from an autoencoder trained on the mean square error. The
    weights that are best on held-out rows are used.

    shape : (channels, height, width) of a row, for convolutions; (): dense layers
    For dense layers each coordinate is standardised. All coordinates of maps get one scale, so
    that pixels which hardly vary have little weight. If no more coordinates vary than the code
    has, they are the code.
    """
    varying = (values != values[0]).any(dim=0)
    if int(varying.sum()) <= settings.code:
        code = values[:, varying] if varying.any() else values[:, :1]
        return Code(tails.tamed(code), 0.0, True)
    if shape:
        x = _of_one_scale(values)
        network = Convolutional(shape, settings.channels, settings.code)
    else:
        x = standardised(values[:, varying])
        network = Dense(x.shape[1], settings.width, settings.code)
    order = torch.randperm(len(x), generator=streams.of_estimator(settings.seed, 4)).to(
        x.device
    )
    n_held_out = min(max(1, round(settings.held_out * len(x))), len(x) - 1)
    held_out, train = x[order[:n_held_out]], x[order[n_held_out:]]
    weights = _initial(network.shapes, settings.seed).to(x.device)
    adam, batches = Adam(weights), streams.of_estimator(settings.seed, 5)
    best, kept, waited, step = math.inf, weights.clone(), 0, 0
    while step < settings.max_steps and waited < settings.patience:
        rows = torch.randint(len(train), (settings.batch_size,), generator=batches)
        part = train[rows.to(x.device)]
        recorded = weights.detach().requires_grad_()
        with torch.enable_grad():
            loss = _errors(network, recorded, part).mean()
        (slopes,) = torch.autograd.grad(loss, recorded)
        adam.step(weights, slopes, settings.learning_rate)
        step += 1
        if step % settings.evaluate_every == 0 or step == settings.max_steps:
            lost = _errors(network, weights, held_out).sum()
            error = float(lost / held_out.square().sum().clamp(min=1e-30))
            waited = 0 if error < best else waited + 1
            if error < best:
                best, kept = error, weights.clone()
    layers = _layers(kept, network.shapes)
    parts = x.split(AT_ONCE) if shape else (x,)
    code = torch.cat([network.encoded(layers, part) for part in parts])
    return Code(code, best, waited >= settings.patience)


def _of_one_scale(values: Tensor) -> Tensor:
    """(n, d) float32 of mean 0 in each coordinate and mean variance 1."""
    rows = values.detach().to(torch.float64)
    rows = rows / rows.abs().amax()
    rows = rows - rows.mean(dim=0)
    return (rows / rows.square().mean().sqrt()).to(torch.float32)


class Dense:
    """For vectors of d numbers. shapes : (inputs, outputs) of each layer"""

    def __init__(self, d: int, width: int, code: int):
        self.shapes = list(itertools.pairwise((d, width, code, width, d)))

    def encoded(self, layers: Layers, x: Tensor) -> Tensor:
        """The code (n, code) of x (n, d)."""
        return _through(layers[:2], x)

    def decoded(self, layers: Layers, code: Tensor) -> Tensor:
        """x (n, d) as reconstructed from its code."""
        return _through(layers[2:], code)


class Convolutional:
    """For maps. shapes : (inputs, outputs) of each layer, at one place for convolutions"""

    def __init__(self, shape: tuple[int, ...], channels: Sequence[int], code: int):
        """shape : (channels, height, width) of a map; channels : one number for each
        convolution of the encoder"""
        self.shape, kernel = shape, KERNEL**2
        counts = [shape[0], *channels]
        self.sides = [shape[1:]]
        for _ in channels:
            self.sides.append(tuple((side + 1) // 2 for side in self.sides[-1]))
        self.smallest = (counts[-1], *self.sides[-1])
        there = [(kernel * a, b) for a, b in itertools.pairwise(counts)]
        back = [(kernel * b, a) for a, b in reversed(list(itertools.pairwise(counts)))]
        d = math.prod(self.smallest)
        self.n_convolutions = len(channels)
        self.shapes = [*there, (d, code), (code, d), *back]

    def encoded(self, layers: Layers, x: Tensor) -> Tensor:
        """As in Dense."""
        h, n = x.unflatten(1, self.shape), self.n_convolutions
        for layer in layers[:n]:
            h = torch.relu(_convolved(h, layer, stride=2))
        weight, bias = layers[n]
        return h.flatten(1) @ weight + bias

    def decoded(self, layers: Layers, code: Tensor) -> Tensor:
        """As in Dense."""
        weight, bias = layers[self.n_convolutions + 1]
        h = (code @ weight + bias).unflatten(1, self.smallest)
        for layer, size in zip(
            layers[self.n_convolutions + 2 :], reversed(self.sides[:-1]), strict=True
        ):
            h = torch.nn.functional.interpolate(torch.relu(h), size=size, mode="nearest")
            h = _convolved(h, layer)
        return h.flatten(1)


def _convolved(h: Tensor, layer: tuple[Tensor, Tensor], stride: int = 1) -> Tensor:
    weight, bias = layer
    kernel = weight.T.reshape(len(bias), -1, KERNEL, KERNEL)
    return torch.conv2d(h, kernel, bias, stride, KERNEL // 2)


def _initial(shapes: list[tuple[int, int]], seed: int) -> Tensor:
    """Matrices and biases of the layers as one vector, uniform within 1/√in."""
    random, parts = streams.of_estimator(seed, 6), []
    for fan_in, fan_out in shapes:
        bound = 1 / math.sqrt(fan_in)
        parts.append(torch.empty((fan_in + 1) * fan_out))
        parts[-1].uniform_(-bound, bound, generator=random)
    return torch.cat(parts)


def _layers(weights: Tensor, shapes: list[tuple[int, int]]) -> Layers:
    """The layers as views of the vector."""
    parts = weights.split([(fan_in + 1) * fan_out for fan_in, fan_out in shapes])
    parts = [part.view(-1, fan_out) for part, (_, fan_out) in zip(parts, shapes, strict=True)]
    return [(part[:-1], part[-1]) for part in parts]


def _through(layers: Layers, x: Tensor) -> Tensor:
    """Two layers with a ReLU between them."""
    (w1, b1), (w2, b2) = layers
    return torch.relu(x @ w1 + b1) @ w2 + b2


def _errors(network: Dense | Convolutional, weights: Tensor, x: Tensor) -> Tensor:
    """Squared errors of x as reconstructed from its code."""
    layers = _layers(weights, network.shapes)
    return (network.decoded(layers, network.encoded(layers, x)) - x).square()
