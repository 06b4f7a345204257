"""An autoencoder d → width → code → width → d with ReLU: a few numbers for each sample."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from infoplane import streams
from infoplane.estimators.critics.adam import Adam
from infoplane.estimators.critics.samples import standardised
from infoplane.estimators.kernels import tails

if TYPE_CHECKING:
    from torch import Tensor

Layers = list[tuple["Tensor", "Tensor"]]
"""Matrix (in, out) and bias (out,) of the four layers, two of them the encoder's."""


class AutoencoderSettings(Protocol):
    """The keys of an estimator's settings that are read here."""

    code: int
    width: int
    batch_size: int
    learning_rate: float
    max_steps: int
    evaluate_every: int
    patience: int
    held_out: float
    seed: int


class Code(NamedTuple):
    """values : (rows, code); error : share of the variance that is lost, held out."""

    values: Tensor
    error: float
    converged: bool


def autoencoded(values: Tensor, settings: AutoencoderSettings) -> Code:
    """The code of values (rows, d) by an autoencoder that is trained on the mean square error
    of standardised coordinates, at its best on held-out rows. Where no more coordinates vary
    than the code has, these are the code."""
    varying = (values != values[0]).any(dim=0)
    if int(varying.sum()) <= settings.code:
        code = values[:, varying] if varying.any() else values[:, :1]
        return Code(tails.tamed(code), 0.0, True)
    x = standardised(values[:, varying])
    d, width, code = x.shape[1], settings.width, settings.code
    shapes = list(itertools.pairwise((d, width, code, width, d)))
    order = torch.randperm(len(x), generator=streams.of_estimator(settings.seed, 4)).to(
        x.device
    )
    n_held_out = min(max(1, round(settings.held_out * len(x))), len(x) - 1)
    held_out, train = x[order[:n_held_out]], x[order[n_held_out:]]
    weights = _initial(shapes, settings.seed).to(x.device)
    adam, batches = Adam(weights), streams.of_estimator(settings.seed, 5)
    best, kept, waited, step = math.inf, weights.clone(), 0, 0
    while step < settings.max_steps and waited < settings.patience:
        rows = torch.randint(len(train), (settings.batch_size,), generator=batches)
        part = train[rows.to(x.device)]
        recorded = weights.detach().requires_grad_()
        with torch.enable_grad():
            loss = _errors(_layers(recorded, shapes), part).mean()
        (slopes,) = torch.autograd.grad(loss, recorded)
        adam.step(weights, slopes, settings.learning_rate)
        step += 1
        if step % settings.evaluate_every == 0 or step == settings.max_steps:
            lost = _errors(_layers(weights, shapes), held_out).sum()
            error = float(lost / held_out.square().sum().clamp(min=1e-30))
            waited = 0 if error < best else waited + 1
            if error < best:
                best, kept = error, weights.clone()
    code = _through(_layers(kept, shapes)[:2], x)
    return Code(code, best, waited >= settings.patience)


def _initial(shapes: list[tuple[int, int]], seed: int) -> Tensor:
    """Matrices and biases of the layers as one vector, uniform within 1/√in."""
    random, parts = streams.of_estimator(seed, 6), []
    for fan_in, fan_out in shapes:
        bound = 1 / math.sqrt(fan_in)
        parts.append(torch.empty((fan_in + 1) * fan_out))
        parts[-1].uniform_(-bound, bound, generator=random)
    return torch.cat(parts)


def _layers(weights: Tensor, shapes: list[tuple[int, int]]) -> Layers:
    """The layers within the vector."""
    parts = weights.split([(fan_in + 1) * fan_out for fan_in, fan_out in shapes])
    parts = [part.view(-1, fan_out) for part, (_, fan_out) in zip(parts, shapes, strict=True)]
    return [(part[:-1], part[-1]) for part in parts]


def _through(layers: Layers, x: Tensor) -> Tensor:
    """Two layers with a ReLU between them."""
    (w1, b1), (w2, b2) = layers
    return torch.relu(x @ w1 + b1) @ w2 + b2


def _errors(layers: Layers, x: Tensor) -> Tensor:
    """Squares of what decoding the code of x does not bring back."""
    return (_through(layers[2:], _through(layers[:2], x)) - x).square()
