"""Shared parts of the families of networks: activation functions, initial weights, batch norm,
dropout.

h is the output of a stage of S stacked networks, (S, n, *shape), with shape (units,) or
(channels, height, width); statements about a unit hold for a channel too.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field

from infoplane.networks.network import Draws
from infoplane.settings import Settings
from infoplane.streams import of_training as source

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from infoplane.networks.network import Shape, Weights

ActivationName = Literal[
    "tanh", "relu", "leaky_relu", "sigmoid", "softsign", "softplus", "linear"
]
Rate = Annotated[float, Field(ge=0, lt=1)]
MOMENTUM, EPSILON = 0.1, 1e-5
"""Batch norm: the share of a step's statistics in the running ones, and the constant added to
the variance; as in torch."""


class TruncatedNormal(Settings):
    """Weights from a normal distribution, cut at two deviations; biases 0."""

    deviation: float = Field(gt=0)
    """Initial weights have this standard deviation before the cut, for layers of any size: 0.1
    in Noshad et al. 2019."""


Initialisation = Literal["fan_in", "fan_out", "torch"] | TruncatedNormal


def activation(name: ActivationName) -> Callable[[Tensor], Tensor]:
    """The activation function of this name."""
    functional = torch.nn.functional
    return {
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky_relu": functional.leaky_relu,
        "sigmoid": torch.sigmoid,
        "softsign": functional.softsign,
        "softplus": functional.softplus,
        "linear": lambda x: x,
    }[name]


def fill(
    weight: Tensor, bias: Tensor, fans: tuple[int, int], how: Initialisation, source
) -> None:
    """Draw one layer's initial weight and bias, in place, from a torch.Generator.

    fans : the number of inputs of one output, and of outputs of one input
    """
    if how == "torch":
        bound = 1 / math.sqrt(fans[0])
        weight.uniform_(-bound, bound, generator=source)
        bias.uniform_(-bound, bound, generator=source)
        return
    if isinstance(how, TruncatedNormal):
        deviation = how.deviation
    else:
        deviation = 1 / math.sqrt(fans[how == "fan_out"])
    # Cut at two deviations, as in the papers' framework.
    torch.nn.init.trunc_normal_(
        weight, 0.0, deviation, -2 * deviation, 2 * deviation, generator=source
    )
    bias.zero_()


def scores(outputs: Tensor, dim: int) -> Tensor:
    """The reading of an output layer: the softmax over classes; a single number, which
    separates two things, as it is."""
    return outputs if outputs.shape[dim] == 1 else torch.softmax(outputs, dim)


def one_each(chosen, layers: Sequence[str]) -> dict:
    """The choice for each layer: one for all, or a list with one for each."""
    chosen = chosen if isinstance(chosen, list) else [chosen] * len(layers)
    return dict(zip(layers, chosen, strict=True))


def check_one_each(settings, n: int, layers: str) -> None:
    """Raises ValueError if a setting does not list exactly one value for each of n layers."""
    listed = {"activation": settings.activation, "dropout": settings.dropout}
    for (key, values), what in zip(listed.items(), ("functions", "rates"), strict=True):
        if isinstance(values, list) and len(values) != n:
            raise ValueError(
                f"{key} names {len(values)} {what} for {n} {layers}; give one name for all of "
                "them, or one each"
            )


def check_noise(settings) -> None:
    """Raises ValueError for a quantised network with noise."""
    if settings.noise and settings.quantisation:
        raise ValueError(
            "noise and quantisation exclude one another: with noise a quantised activation "
            "could take any value; leave out one of the two"
        )


def neutral(shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
    """Arrays of one network before weights are drawn: a batch norm without effect, scales and
    ranges of 1."""
    zero = (".norm.bias", ".norm.mean")
    return {
        name: torch.zeros(shape) if name.endswith(zero) else torch.ones(shape)
        for name, shape in shapes.items()
    }


def norm_arrays(layer: str, units: Shape) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Parameters and buffers of a layer's batch norm."""
    own = {f"{layer}.norm.{name}": units for name in ("weight", "bias")}
    return own, {f"{layer}.norm.{name}": units for name in ("mean", "var")}


class Keyed(Draws):
    """Random numbers of S networks for rows first … first + n − 1, drawn on demand.

    keys : a number for each network; all depends on it, the rows and the layer
    batch : rows in a batch of a measured pass that draws as in training; 0: it does not draw
    """

    def __init__(self, keys: Sequence[int], n: int, device="cpu", batch: int = 0, first=0):
        self.keys, self.n, self.device = keys, n, device
        self.batch, self.first = batch, first

    @classmethod
    def of(cls, sources: Sequence[torch.Generator], n: int, device, batch: int) -> Keyed:
        """For networks that each have a source; it gives one number."""
        keys = [int(torch.randint(2**62, (), generator=one)) for one in sources]
        return cls(keys, n, device, batch)

    def rows(self, first: int, stop: int) -> Keyed:
        n = min(stop, self.n) - first
        return Keyed(self.keys, n, self.device, self.batch, self.first + first)

    def normal(self, layer: str, shape: Shape) -> Tensor:
        """Standard normal numbers (S, n, *shape)."""
        return self._each(f"noise {layer}", lambda g: torch.randn(self.n, *shape, generator=g))

    def kept(self, layer: str, shape: Shape, rate: float) -> Tensor:
        """Dropout's factors: 0 at this rate, else 1 / (1 − rate); (S, n, *shape)."""
        kept = self._each(
            f"dropout {layer}", lambda g: torch.rand(self.n, *shape, generator=g) >= rate
        )
        return kept / (1 - rate)

    def batches(self) -> list[Sequence[Tensor]]:
        """Each network's rows in random batches; no batch has a single row."""
        orders = self._each("batches", lambda g: torch.randperm(self.n, generator=g))
        n_batches = max(1, self.n // self.batch)
        return [order.tensor_split(n_batches) for order in orders]

    def _each(self, purpose: str, draw: Callable[[torch.Generator], Tensor]) -> Tensor:
        # Drawn on the CPU, so that they are the same on every device.
        text = zlib.crc32(purpose.encode())
        drawn = [draw(source(key, self.first, text)) for key in self.keys]
        return torch.stack(drawn).to(self.device)


def dropout(h: Tensor, layer: str, rate: float, training: bool, random: Keyed | None) -> Tensor:
    """h (S, n, *shape) after dropout: unchanged, except in training and in passes like it."""
    if not rate or random is None or not (training or random.batch):
        return h
    return h * random.kept(layer, h.shape[2:], rate)


def before_norm(weights: Weights, layer: str) -> Weights:
    """The weights with a layer's bias excluded from learning, because the batch norm after it
    subtracts it. Its gradient would be pure rounding, and Adam would follow that."""
    name = f"{layer}.bias"
    return {**weights, name: weights[name].detach()}


def batch_norm(
    weights: Weights,
    name: str,
    h: Tensor,
    training: bool,
    random: Keyed | None,
    buffers: dict[str, Tensor],
) -> Tensor:
    """Every unit of h (S, n, *shape) with mean 0 and variance 1, then scaled and shifted.

    Training uses the statistics of h, and `buffers` takes the running ones after this step.
    Measurement uses the running ones, or those of random batches of h.
    """
    scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
    running = weights[f"{name}.mean"], weights[f"{name}.var"]
    if training:
        mean, variance = _statistics(h)
        n = h[0].numel() // h.shape[2]
        found = mean.detach(), variance.detach() * (n / max(n - 1, 1))
        for part, old, new in zip(("mean", "var"), running, found, strict=True):
            buffers[f"{name}.{part}"] = torch.lerp(old, new, MOMENTUM)
        return _normalised(h, mean, variance, scale, shift)
    if random is None or not random.batch:
        return _normalised(h, *running, scale, shift)
    result = torch.empty_like(h)
    for i, batches in enumerate(random.batches()):
        for rows in batches:
            part, own = h[i : i + 1, rows], slice(i, i + 1)
            found = _statistics(part)
            result[i, rows] = _normalised(part, *found, scale[own], shift[own])[0]
    return result


def _statistics(h: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance, (S, units) each, over inputs and positions."""
    variance, mean = torch.var_mean(h, [1, *range(3, h.ndim)], correction=0)
    return mean, variance


def _normalised(h: Tensor, mean: Tensor, variance: Tensor, scale: Tensor, shift: Tensor):
    factor = scale / torch.sqrt(variance + EPSILON)
    parts = [v.reshape(len(v), 1, -1, *[1] * (h.ndim - 3)) for v in (mean, factor, shift)]
    return (h - parts[0]) * parts[1] + parts[2]
