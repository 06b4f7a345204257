"""The layers with weights of a perceptron or a convolutional network, as linear operators.

Batch norm by its running statistics is an affine function, and is folded into the layer before
it: W' = γ W / √(v + ε), b' = β + γ (b − m) / √(v + ε). Quantised weights are the values on
their grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from infoplane.networks import functions
from infoplane.networks import quantisation as grids
from infoplane.networks.cnn import CNN, Conv, Placed
from infoplane.networks.mlp import MLP
from infoplane.signals.interface import NotMeasurable

if TYPE_CHECKING:
    from infoplane.signals.trained import Trained

TOLERANCE = 1e-6
"""Relative error of a convolution's spectral norm."""


class Operator(NamedTuple):
    """A layer with weights.

    weight : float64 (out, in), or kernels (out, in, height, width); bias : (out,)
    shape : the shape of one input
    conv : stride and padding of a convolution
    """

    name: str
    weight: torch.Tensor
    bias: torch.Tensor
    shape: tuple[int, ...]
    conv: Conv | None = None

    def __call__(self, h: torch.Tensor) -> torch.Tensor:
        """Its output for inputs h (n, *shape)."""
        if self.conv is None:
            return h.flatten(1) @ self.weight.T + self.bias
        stride, padding = self.conv.stride, self.conv.padding
        return torch.nn.functional.conv2d(h, self.weight, self.bias, stride, padding)

    def spectral_norm(self) -> float:
        """Its largest singular value: of the matrix, or of the convolution as it works on maps
        of this size, with its stride and zeros around them."""
        from scipy.sparse.linalg import LinearOperator, svds  # here: a plan does without

        if self.conv is None:
            w = self.weight
            gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
            return math.sqrt(max(0.0, float(torch.linalg.eigvalsh(gram)[-1])))
        size = float(self.weight.abs().max())
        if not size:
            return 0.0
        # ARPACK treats squares of tiny numbers as 0.
        linear = self._replace(weight=self.weight / size, bias=torch.zeros_like(self.bias))
        like = torch.zeros((1, *self.shape), dtype=torch.float64, device=self.weight.device)
        after = linear(like).shape[1:]
        n_in, n_out = math.prod(self.shape), math.prod(after)

        def forward(v: np.ndarray) -> np.ndarray:
            h = torch.from_numpy(v.reshape(self.shape)).to(like)
            return linear(h[None]).flatten().cpu().numpy()

        def back(v: np.ndarray) -> np.ndarray:
            g = torch.from_numpy(v.reshape(after)).to(like)
            stride, padding = self.conv.stride, self.conv.padding
            return (
                torch.nn.grad.conv2d_input(like.shape, linear.weight, g[None], stride, padding)
                .flatten()
                .cpu()
                .numpy()
            )

        if min(n_in, n_out) == 1:
            row = forward(np.ones(1)) if n_in == 1 else back(np.ones(1))
            return size * float(np.linalg.norm(row))
        whole = LinearOperator((n_out, n_in), forward, back, dtype=np.float64)
        start = np.random.default_rng(0).normal(size=min(n_in, n_out))
        (largest,) = svds(whole, k=1, tol=TOLERANCE, v0=start, return_singular_vectors=False)
        return size * float(largest)


def operators(trained: Trained) -> list[Operator]:
    """The layers with weights, from input to output, computed once for all signals.

    Raises NotMeasurable for a network that does not give the order in which its weights act.
    """
    return trained.remember("operators", lambda: [o for o, _ in steps(trained)])


def log_spectral_product(trained: Trained) -> float:
    """Σ ln ‖W‖₂ over the layers with weights; −∞ where one is 0."""

    def found() -> float:
        return sum(_log(operator.spectral_norm()) for operator in operators(trained))

    return trained.remember("log_spectral_product", found)


def log_frobenius_product(trained: Trained) -> float:
    """Σ ln ‖W‖_F over the layers with weights; −∞ where one is 0."""
    return sum(_log(float(o.weight.square().sum().sqrt())) for o in operators(trained))


def steps(trained: Trained) -> Iterator[tuple[Operator, list[Placed]]]:
    """Each layer with weights, and the stages without that come before it."""
    network = trained.network
    if type(network) is MLP:
        yield from ((operator, []) for operator in _of_mlp(trained))
    elif type(network) is CNN:
        yield from _of_cnn(trained)
    else:
        raise NotMeasurable(
            f"networks of family {network.settings.family} do not give the order in which "
            "their weights act; mlp and cnn do"
        )


def _of_mlp(trained: Trained) -> Iterator[Operator]:
    network, weights = trained.network, trained.weights
    shape: tuple[int, ...] = network.input_shape
    for name in (*network.hidden, "output"):
        weight = _on_grid(network, weights[f"{name}.weight"])[0].T
        yield _folded(trained, name, weight, shape)
        shape = (len(weight),)


def _of_cnn(trained: Trained) -> Iterator[tuple[Operator, list[Placed]]]:
    network, between = trained.network, []
    for step in network.steps:
        if not step.weight:
            between.append(step)
            continue
        weight = _on_grid(network, trained.weights[f"{step.name}.weight"])[0]
        conv = step.stage if step.stage.stage == "conv" else None
        yield _folded(trained, step.name, weight, step.before, conv), between
        between = []


def _on_grid(network: MLP | CNN, weight: torch.Tensor) -> torch.Tensor:
    """The weight (1, …) that the network computes with."""
    quantised = network.settings.quantisation
    if network.bits < grids.PLAIN and quantised.weights:
        return grids.weights_on_grid(weight, network.bits)
    return weight


def _folded(
    trained: Trained, name: str, weight: torch.Tensor, shape, conv: Conv | None = None
) -> Operator:
    """A layer with its batch norm, if it has one."""
    arrays = trained.weights
    weight, bias = weight.double(), arrays[f"{name}.bias"][0].double()
    if f"{name}.norm.weight" in arrays:
        scale, shift, mean, variance = (
            arrays[f"{name}.norm.{part}"][0].double()
            for part in ("weight", "bias", "mean", "var")
        )
        factor = scale / torch.sqrt(variance + functions.EPSILON)
        weight = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
        bias = shift + factor * (bias - mean)
    return Operator(name, weight, bias, tuple(shape), conv)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
