"""Critics: small networks that score pairs (a, b), many of them as one stack.

A critic f gives every pair a score. A bound on I(A;B) compares the scores of pairs that were
drawn together ("joint") with those of pairs put together from different samples
("product"). There are two architectures, for vectors or for the features of maps:

    separable   f(a, b) = g(a) · h(b), two networks into one space: all pairs of a mini-batch
                cost one matrix product (van den Oord et al. 2018; Poole et al. 2019)
    concat      f(a, b) is one network of the joined variables (Belghazi et al. 2018): every
                pair costs a pass through the network, so only some are scored

The weights of C stacked critics are one tensor (C, n_weights), one row for each critic. Critics
of narrower variables are padded with zeros to the widest of the stack: a padded input is always
0, and so are its weight's gradient and the weight itself.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.estimators.critics.convolutions import Convolutions

MASKED = -1e30
"""Score of a pair that is not a product pair; its exponential is 0."""

Shapes = dict[str, tuple[int, ...]]
Weights: TypeAlias = "dict[str, Tensor]"
Fronts: TypeAlias = "Mapping[str, Convolutions]"
NO_FRONTS: Fronts = MappingProxyType({})


class Scores(NamedTuple):
    """Scores of n samples by C critics, in nats.

    joint : (C, n), scores of a_i with b_i
    product : (C, K, n), scores of a_i with the b of other samples; MASKED for its own b
    n_contrasts : product pairs of each sample, without those that are MASKED
    """

    joint: Tensor
    product: Tensor
    n_contrasts: int

    def log_mean_exp(self) -> Tensor:
        """ln of the mean e^f over each sample's product pairs, (C, n)."""
        return torch.logsumexp(self.product, dim=1) - math.log(self.n_contrasts)

    def clipped(self, most: float) -> Scores:
        """The scores with product scores clipped to −most … most."""
        clipped = self.product.clamp(-most, most)
        return self._replace(product=torch.where(self.product > MASKED, clipped, MASKED))


class Critics(ABC):
    """One architecture, for variables of (at most) d_a and d_b dimensions; these are features
    if convolutions precede it."""

    fronts: Fronts
    """The convolutions before the dense layers, by variable, a or b, for those that are
    maps."""
    block: int
    """This many held-out samples are evaluated together."""
    shapes: Shapes
    """The shape of each weight of one critic: matrices (in, out), biases (out,), then those of
    `fronts`."""
    inputs: dict[str, int]
    """Dimensions of the variable on which a weight acts, for variables that may be padded."""

    @abstractmethod
    def scores(self, weights: Weights, a: Tensor, b: Tensor, held_out: bool = False) -> Scores:
        """The scores of samples a (C, n, d_a) and b (C, n, d_b)."""

    @abstractmethod
    def n_contrasts(self, n: int, held_out: bool = False) -> int:
        """Product pairs of each of n samples."""

    @abstractmethod
    def floats(self, n: int, held_out: bool = False) -> int:
        """Numbers kept at a time for one critic and n samples, in the forward and the backward
        pass."""

    @property
    def n_weights(self) -> int:
        """Number of weights of one critic."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def views(self, values: Tensor) -> Weights:
        """The weights (C, *shape) by name, as views of those of a stack (C, n_weights)."""
        parts = values.split([math.prod(shape) for shape in self.shapes.values()], dim=1)
        return {
            name: part.unflatten(1, shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def initial(self, generator: torch.Generator) -> Weights:
        """First weights of one critic, uniform within ±1/√fan_in."""
        bounds = {name: 1 / math.sqrt(self.fan_in(name)) for name in self.shapes}
        return {
            name: torch.empty(shape).uniform_(-bounds[name], bounds[name], generator=generator)
            for name, shape in self.shapes.items()
        }

    def fan_in(self, name: str) -> int:
        """Inputs of the layer that this weight or bias belongs to."""
        shape = self.shapes[name.replace("bias", "weight")]
        return math.prod(shape[1:]) if len(shape) == 4 else shape[0]

    def _with_fronts(self, fronts: Fronts) -> None:
        """Adds convolutions; their weights come last, their variables have no padding."""
        self.fronts = fronts
        for side, front in fronts.items():
            self.inputs.pop(f"{side}1.weight")
            self.shapes |= front.shapes

    def _features(self, weights: Weights, side: str, x: Tensor) -> Tensor:
        """A variable (C, n, d) as the input of the dense layers."""
        front = self.fronts.get(side)
        return x if front is None else front.features(weights, x)

    @property
    def _floats_of_fronts(self) -> int:
        """Numbers that the convolutions keep for one sample."""
        return sum(front.floats for front in self.fronts.values())

    def put(self, values: Tensor, i: int, one: Weights) -> None:
        """Makes `one` the i-th of a stack (C, n_weights); a narrower critic leaves zeros."""
        for name, target in self.views(values).items():
            target[i].zero_()[: len(one[name])] = one[name]

    def taken(self, values: Tensor, i: int, d_a: int, d_b: int) -> Weights:
        """A copy of the i-th critic of a stack without its padding."""
        width = {name: d_a if name.startswith("a") else d_b for name in self.inputs}
        return {
            name: part[i, : width.get(name)].clone()
            for name, part in self.views(values).items()
        }


class Separable(Critics):
    """f(a, b) = g(a) · h(b) / √width, with one network for each variable into `width`
    dimensions."""

    block = 1024

    def __init__(self, d_a: int, d_b: int, width: int, depth: int, fronts: Fronts = NO_FRONTS):
        self.depth, self.width = depth, width
        self.shapes, self.inputs = {}, {"a1.weight": d_a, "b1.weight": d_b}
        for side, d in (("a", d_a), ("b", d_b)):
            for layer in range(1, depth + 2):
                self.shapes[f"{side}{layer}.weight"] = (d if layer == 1 else width, width)
                self.shapes[f"{side}{layer}.bias"] = (width,)
        self._with_fronts(fronts)

    def scores(self, weights: Weights, a: Tensor, b: Tensor, held_out: bool = False) -> Scores:
        g = self._network(weights, "a", a) / math.sqrt(self.width)
        h = self._network(weights, "b", b)
        product = torch.bmm(h, g.mT)  # [c, j, i]: a_i with b_j
        # Without gradient: no loss depends on a score that is MASKED.
        product.detach().diagonal(dim1=1, dim2=2).fill_(MASKED)
        return Scores((g * h).sum(dim=2), product, self.n_contrasts(a.shape[1]))

    def _network(self, weights: Weights, side: str, x: Tensor) -> Tensor:
        x = self._features(weights, side, x)
        for layer in range(1, self.depth + 1):
            x = _affine(weights, f"{side}{layer}", x).relu_()
        return _affine(weights, f"{side}{self.depth + 1}", x)

    def n_contrasts(self, n: int, held_out: bool = False) -> int:
        return n - 1

    def floats(self, n: int, held_out: bool = False) -> int:
        dense = 4 * n**2 + 4 * (self.depth + 1) * self.width * n
        return dense + self._floats_of_fronts * n


class Concat(Critics):
    """f(a, b) is one network; a_i is also scored with the b of the next samples: `contrasts`
    of them in training, `held_out_contrasts` in evaluation."""

    block = 128

    def __init__(
        self,
        d_a: int,
        d_b: int,
        width: int,
        depth: int,
        contrasts: int,
        held_out_contrasts: int,
        fronts: Fronts = NO_FRONTS,
    ):
        self.depth, self.width = depth, width
        self.contrasts, self.held_out_contrasts = contrasts, held_out_contrasts
        # The first layer acts on each variable separately; all pairs share its products.
        self.shapes = {"a1.weight": (d_a, width), "b1.weight": (d_b, width)}
        self.shapes["b1.bias"] = (width,)
        self.inputs, self.d = {"a1.weight": d_a, "b1.weight": d_b}, d_a + d_b
        for layer in range(2, depth + 1):
            self.shapes[f"{layer}.weight"] = (width, width)
            self.shapes[f"{layer}.bias"] = (width,)
        self.shapes["out.weight"] = (width, 1)
        self.shapes["out.bias"] = (1,)
        self._with_fronts(fronts)

    def fan_in(self, name: str) -> int:
        first = name.startswith(("a1", "b1"))
        return self.d if first else super().fan_in(name)

    def scores(self, weights: Weights, a: Tensor, b: Tensor, held_out: bool = False) -> Scores:
        n_critics, n, _ = a.shape
        k = self.n_contrasts(n, held_out)
        of_a = torch.bmm(self._features(weights, "a", a), weights["a1.weight"])
        of_b = _affine(weights, "b1", self._features(weights, "b", b))
        # Each a with the b of its sample, of the next one, … of the k-th after it, in a circle.
        circle = torch.cat([of_b, of_b[:, :k]], dim=1)
        shifted = torch.stack([circle[:, s : s + n] for s in range(k + 1)], dim=1)
        h = (shifted + of_a[:, None]).relu_().flatten(1, 2)
        for layer in range(2, self.depth + 1):
            h = _affine(weights, f"{layer}", h).relu_()
        # One column is too narrow for a matrix product to be fast.
        scores = (h * weights["out.weight"].mT).sum(dim=2) + weights["out.bias"]
        scores = scores.view(n_critics, k + 1, n)
        return Scores(scores[:, 0], scores[:, 1:], k)

    def n_contrasts(self, n: int, held_out: bool = False) -> int:
        return min(self.held_out_contrasts if held_out else self.contrasts, n - 1)

    def floats(self, n: int, held_out: bool = False) -> int:
        dense = (self.depth + 3) * self.width * n * (self.n_contrasts(n, held_out) + 1)
        return dense + self._floats_of_fronts * n


def _affine(weights: Weights, layer: str, h: Tensor) -> Tensor:
    """h W + b of every stacked critic, (C, n, in) → (C, n, out)."""
    return torch.baddbmm(weights[f"{layer}.bias"][:, None], h, weights[f"{layer}.weight"])
