"""Critics: small networks that score pairs (a, b), many of them as one stacked network.

A critic f gives every pair a score. A bound on I(A;B) compares the scores of pairs that were
drawn together ("joint") with those of pairs put together from different samples
("product"). Two architectures:

    separable   f(a, b) = g(a) · h(b), two networks into one space: all pairs of a mini-batch
                cost one matrix product (van den Oord et al. 2018; Poole et al. 2019)
    concat      f(a, b) = one network of the joined variables (Belghazi et al. 2018): every
                pair costs a pass through the network, so only some are scored

Stacked critics have a leading axis of C critics, and samples run along the last axis, as in
`networks.mlp.affine`. Gradients are written out: the networks are so small that recording
the operations would cost as much as doing them.

Critics of narrower variables are padded with zeros to the widest of the stack. A padded input
is always 0, and so are its weight's gradient and the weight itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import torch

if TYPE_CHECKING:
    from torch import Tensor

MASKED = -1e30
"""Score of a pair that is no product pair; its exponential is 0."""

Shapes = dict[str, tuple[int, ...]]
Weights: TypeAlias = "dict[str, Tensor]"


class _Critics:
    """What both architectures share: named weights in one flat tensor."""

    block: int
    """Held-out samples that are evaluated together."""

    shapes: Shapes
    """Of each weight, for one critic: matrices (in, out), biases (out,)."""
    inputs: dict[str, int]
    """The weights whose first axis is a variable's, with the dimensions of that variable."""

    @property
    def n_weights(self) -> int:
        """Of one critic."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def flat(self, n_critics: int, device: torch.device) -> tuple[Tensor, Weights]:
        """Zeros (C · n_weights,) and its views (C, *shape) by the names of the weights."""
        values = torch.zeros(n_critics * self.n_weights, device=device)
        return values, self.views(values, n_critics)

    def views(self, values: Tensor, n_critics: int) -> Weights:
        """The weights (C, *shape) by name within a flat tensor (C · n_weights,)."""
        parts = values.split([n_critics * math.prod(shape) for shape in self.shapes.values()])
        return {
            name: part.view(n_critics, *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def initial(self, generator: torch.Generator) -> Weights:
        """Weights of one critic, uniform within 1/√fan_in."""
        return {
            name: self._drawn(name, shape, generator) for name, shape in self.shapes.items()
        }

    def _drawn(self, name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        fan_in = self.fan_in(name)
        bound = 1 / math.sqrt(fan_in)
        return torch.empty(shape).uniform_(-bound, bound, generator=generator)

    def fan_in(self, name: str) -> int:
        """Inputs of the layer that this weight or bias belongs to."""
        return self.shapes[name.replace("bias", "weight")][0]

    def put(self, weights: Weights, i: int, one: Weights) -> None:
        """Makes `one` the i-th of the stack; a narrower critic leaves zeros."""
        for name, values in one.items():
            target = weights[name][i].zero_()
            target[: values.shape[0]] = values.to(target)

    def taken(self, weights: Weights, i: int, d_a: int, d_b: int) -> Weights:
        """A copy of the i-th critic's weights without padding."""
        width = {"a": d_a, "b": d_b}
        return {
            name: (
                values[i, : width[self.inputs[name]]] if name in self.inputs else values[i]
            ).clone()
            for name, values in weights.items()
        }


class Separable(_Critics):
    """f(a, b) = g(a) · h(b) / √width, with a network each into `width` dimensions."""

    block = 1024

    def __init__(self, d_a: int, d_b: int, width: int, depth: int):
        self.depth, self.width = depth, width
        self.scale = 1 / math.sqrt(width)
        self.shapes = {}
        self.inputs = {"a1.weight": "a", "b1.weight": "b"}
        for side, d in (("a", d_a), ("b", d_b)):
            for layer in range(1, depth + 2):
                self.shapes[f"{side}{layer}.weight"] = (d if layer == 1 else width, width)
                self.shapes[f"{side}{layer}.bias"] = (width,)

    def scores(
        self, weights: Weights, a: Tensor, b: Tensor, held_out: bool = False
    ) -> tuple[Tensor, Tensor, tuple]:
        """Scores of a (C, d_a, B) with b (C, d_b, B).

        Returns joint (C, B); product (C, B, B), [:, j, i] of a_i with b_j, MASKED where
        i = j; and what `backward` needs.
        """
        a_layers = list(self._network(weights, "a", a))
        b_layers = list(self._network(weights, "b", b))
        a_layers[-1].mul_(self.scale)
        product = torch.bmm(b_layers[-1].transpose(1, 2), a_layers[-1])
        diagonal = product.diagonal(dim1=1, dim2=2)
        joint = diagonal.clone()
        diagonal.fill_(MASKED)
        return joint, product, (a_layers, b_layers)

    def _network(self, weights: Weights, side: str, x: Tensor) -> Iterator[Tensor]:
        """The input and the output of each layer, (C, ·, B)."""
        yield x
        for layer in range(1, self.depth + 2):
            x = _affine(weights, f"{side}{layer}", x)
            if layer <= self.depth:
                x.relu_()
            yield x

    def backward(
        self, weights: Weights, cache: tuple, joint: Tensor, product: Tensor, slopes: Weights
    ) -> None:
        """Writes into `slopes` the loss' derivative by each weight, from those by the scores;
        `product` is overwritten."""
        a_layers, b_layers = cache
        product.diagonal(dim1=1, dim2=2).copy_(joint)
        by_a = torch.bmm(b_layers[-1], product).mul_(self.scale)
        by_b = torch.bmm(a_layers[-1], product.transpose(1, 2))
        for side, layers, slope in (("a", a_layers, by_a), ("b", b_layers, by_b)):
            for layer in range(self.depth + 1, 0, -1):
                slope = _affine_backward(
                    weights, f"{side}{layer}", layers[layer - 1], slope, slopes, layer > 1
                )

    def n_contrasts(self, n_rows: int, held_out: bool = False) -> int:
        """Product pairs of each of n_rows samples: all others."""
        return n_rows - 1

    def floats(self, n_rows: int, held_out: bool = False) -> int:
        """Numbers held at a time for one critic and n_rows samples, both ways."""
        return 3 * n_rows**2 + 4 * (self.depth + 1) * self.width * n_rows


class Concat(_Critics):
    """f(a, b) of one network; a_i is also scored with the b of the next samples: `contrasts`
    in training, `held_out_contrasts` in evaluation."""

    block = 128

    def __init__(
        self,
        d_a: int,
        d_b: int,
        width: int,
        depth: int,
        contrasts: int,
        held_out_contrasts: int,
    ):
        self.depth, self.width = depth, width
        self.contrasts, self.held_out_contrasts = contrasts, held_out_contrasts
        self.d = d_a + d_b
        # The first layer acts on each variable apart, and the sums are shared by all pairs.
        self.shapes = {
            "a1.weight": (d_a, width),
            "b1.weight": (d_b, width),
            "b1.bias": (width,),
        }
        self.inputs = {"a1.weight": "a", "b1.weight": "b"}
        for layer in range(2, depth + 1):
            self.shapes[f"{layer}.weight"] = (width, width)
            self.shapes[f"{layer}.bias"] = (width,)
        self.shapes["out.weight"] = (width, 1)
        self.shapes["out.bias"] = (1,)

    def fan_in(self, name: str) -> int:
        return self.d if name.startswith(("a1", "b1")) else super().fan_in(name)

    def scores(
        self, weights: Weights, a: Tensor, b: Tensor, held_out: bool = False
    ) -> tuple[Tensor, Tensor, tuple]:
        """As of `Separable`, with product (C, K, B): [:, s − 1, i] of a_i with b_(i + s)."""
        n_critics, _, n_rows = a.shape
        k = self.n_contrasts(n_rows, held_out)
        h_a = torch.bmm(weights["a1.weight"].transpose(1, 2), a)
        h_b = _affine(weights, "b1", b)
        # Row s of the unfolded circle is h_b moved on by s samples.
        moved = torch.cat([h_b, h_b[:, :, :k]], dim=2).unfold(2, n_rows, 1)
        pairs = h_a.new_empty(n_critics, self.width, k + 1, n_rows)
        torch.add(h_a[:, :, None], moved, out=pairs)
        layers = [pairs.relu_().view(n_critics, self.width, (k + 1) * n_rows)]
        for layer in range(2, self.depth + 1):
            layers.append(_affine(weights, f"{layer}", layers[-1]).relu_())
        scores = _affine(weights, "out", layers[-1]).view(n_critics, k + 1, n_rows)
        return scores[:, 0].clone(), scores[:, 1:].clone(), (a, b, layers)

    def backward(
        self, weights: Weights, cache: tuple, joint: Tensor, product: Tensor, slopes: Weights
    ) -> None:
        """As of `Separable`."""
        a, b, layers = cache
        n_critics, k, n_rows = product.shape
        slope = torch.cat([joint[:, None], product], dim=1).view(n_critics, 1, -1)
        names = [*(f"{layer}" for layer in range(2, self.depth + 1)), "out"]
        for name, h in zip(reversed(names), reversed(layers), strict=True):
            slope = _affine_backward(weights, name, h, slope, slopes, True)
        slope = slope.view(n_critics, self.width, k + 1, n_rows)
        circle = slope.new_zeros(n_critics, self.width, n_rows + k)
        for s in range(k + 1):
            circle[:, :, s : s + n_rows] += slope[:, :, s]
        by_b = circle[:, :, :n_rows]
        by_b[:, :, :k] += circle[:, :, n_rows:]
        slopes["a1.weight"].copy_(torch.bmm(a, slope.sum(dim=2).transpose(1, 2)))
        slopes["b1.weight"].copy_(torch.bmm(b, by_b.transpose(1, 2)))
        torch.sum(by_b, dim=2, out=slopes["b1.bias"])

    def n_contrasts(self, n_rows: int, held_out: bool = False) -> int:
        """Product pairs of each of n_rows samples."""
        return min(self.held_out_contrasts if held_out else self.contrasts, n_rows - 1)

    def floats(self, n_rows: int, held_out: bool = False) -> int:
        """Numbers held at a time for one critic and n_rows samples, both ways."""
        n_pairs = n_rows * (self.n_contrasts(n_rows, held_out) + 1)
        return (self.depth + 3) * self.width * n_pairs


def _affine(weights: Weights, layer: str, h: Tensor) -> Tensor:
    """W'h + b of every stacked critic, (C, in, B) → (C, out, B)."""
    return torch.baddbmm(
        weights[f"{layer}.bias"][:, :, None], weights[f"{layer}.weight"].transpose(1, 2), h
    )


def _affine_backward(
    weights: Weights, layer: str, h: Tensor, slope: Tensor, slopes: Weights, further: bool
) -> Tensor:
    """From the derivative by the layer's output to that by its weights, written into
    `slopes`, and, where there is a layer before, to that by its input before the ReLU."""
    torch.bmm(h, slope.transpose(1, 2), out=slopes[f"{layer}.weight"])
    torch.sum(slope, dim=2, out=slopes[f"{layer}.bias"])
    if not further:
        return slope
    by_input = torch.bmm(weights[f"{layer}.weight"], slope)
    return torch.ops.aten.threshold_backward(by_input, h, 0)
