"""Networks of self-play: a trunk with a head for the policy and a head for the value.

A dense trunk is trunk1, trunk2, … A residual trunk is a convolution, trunk, and blocks of two
convolutions each, block1a → block1, block2a → block2, …: block1 is the activation of trunk plus
the second convolution (He et al. 2016, as in Silver et al. 2017). Each head may have a hidden
layer, policy_hidden and value_hidden, and has an output: policy, the scores of actions, and
value, a tanh. Weights have the layout of torch.nn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import torch
from pydantic import Field

from infoplane.networks import cnn, functions
from infoplane.networks import quantisation as grids
from infoplane.networks.cnn import Conv, Placed, Size
from infoplane.networks.functions import ActivationName, Initialisation, Keyed
from infoplane.networks.network import INPUT, Layer, Misfit, Network, Reading, Shape, Weights
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor


class Dense(BaseSettings):
    kind: Literal["dense"]
    """`dense` is a trunk of fully connected layers."""
    units: list[Size] = Field(min_length=1)
    """Each layer of the trunk has this many units, in order from the input."""


class Residual(BaseSettings):
    kind: Literal["residual"]
    """`residual` is a convolution followed by residual blocks; boards need `flatten: false`."""
    channels: Size
    """Every layer of the trunk has this many maps."""
    blocks: int = Field(ge=0)
    """The trunk has this many blocks of two convolutions."""
    kernel: Literal[1, 3, 5, 7] = 3
    """The kernels have this height and width; maps keep the size of the board."""


class Settings(BaseSettings):
    """A trunk with two heads: scores of a game's actions, and the value of a position."""

    family: Literal["policy_value"]
    """`policy_value` is a trunk with a head of moves and a head of values; its training is
    `trainer: selfplay`."""
    trunk: Annotated[Dense | Residual, Field(discriminator="kind")]
    """Both heads start from this trunk."""
    head: Size | None = None
    """Each head has a hidden layer of this many units; with null, a head is only an output."""
    activation: ActivationName = "relu"
    """All hidden layers have this activation."""
    initialisation: Initialisation = "torch"
    """Initial weights have this distribution. fan_in, fan_out: truncated normal of deviation
    1/√fan_in or 1/√fan_out, biases 0; torch: uniform within 1/√fan_in; {deviation: 0.1}:
    truncated normal of that deviation, biases 0."""
    batch_norm: bool = False
    """`true` puts batch norm before the activation of every hidden layer."""
    quantisation: grids.Settings | None = None
    """This quantises weights and activations to few bits; null means float32."""


class _Step(NamedTuple):
    """A layer at its position: the layer it is computed from, and the one added before its
    activation."""

    placed: Placed
    of: str
    plus: str = ""


class PolicyValue(cnn.CNN):
    """x → trunk → policy and value; `run` gives (S, n, A + 1): scores of A actions, the value.

    output_size : A + 1
    """

    Settings = Settings
    links = ("policy_value",)

    def __init__(self, settings: Settings, input_shape: Shape, output_size: int):
        Network.__init__(self, settings, input_shape, output_size)
        self.edges = list(self._edges())
        self.steps = [step.placed for step in self.edges]
        quantised = settings.quantisation
        self.bits = quantised.bits if quantised else grids.PLAIN
        self.layers, self.parameters, self.buffers, self.of_layer = (), {}, {}, {}
        self.activations_of = {
            step.name: settings.activation
            for step in self.steps
            if step.name not in ("policy", "value")
        }
        for step, of, plus in self.edges:
            # a block is a function of its input, and so is its first half
            self.layers += (Layer(step.name, step.after, (plus or of,)),)
            own = {f"{step.name}.weight": step.weight, f"{step.name}.bias": step.after[:1]}
            if step.name in self.activations_of:
                norm, running = self._own_arrays(step.name, step.after[:1])
                own |= norm
                self.buffers |= running
            self.of_layer[step.name] = tuple(own)
            self.parameters |= own
        self.differs_in_training = settings.batch_norm
        self.slowdown = 3.0 if self.bits < grids.PLAIN else 1.0
        self.stacks = settings.trunk.kind == "dense"

    def _edges(self) -> Iterator[_Step]:
        """All layers in order, each after those it is computed from."""
        settings, trunk = self.settings, self.settings.trunk
        name, shape = INPUT, self.input_shape
        if trunk.kind == "dense":
            for i, units in enumerate(trunk.units, 1):
                yield _Step(_dense(f"trunk{i}", shape, units), name)
                name, shape = f"trunk{i}", (units,)
        else:
            if len(shape) != 3:
                raise Misfit(
                    ("trunk", "kind"),
                    "must be dense, or have boards (planes, rows, columns), not "
                    f"{cnn.shown(shape)}; a data set keeps boards with flatten: false",
                )
            yield _Step(_conv("trunk", shape, trunk), name)
            name, shape = "trunk", (trunk.channels, *shape[1:])
            for i in range(1, trunk.blocks + 1):
                yield _Step(_conv(f"block{i}a", shape, trunk), name)
                yield _Step(_conv(f"block{i}", shape, trunk), f"block{i}a", plus=name)
                name = f"block{i}"
        for head, n_outputs in {"policy": self.output_size - 1, "value": 1}.items():
            of, size = name, shape
            if settings.head:
                of, size = f"{head}_hidden", (settings.head,)
                yield _Step(_dense(of, shape, settings.head), name)
            yield _Step(_dense(head, size, n_outputs), of)

    @property
    def by_default(self) -> tuple[str, ...]:
        return tuple(n for n in self.of_layer if not n.startswith("block") or n[-1] != "a")

    def run(self, weights: Weights, x: Tensor, *, training=False, random=None):
        buffers: dict[str, Tensor] = {}
        t = dict(self._through(weights, x, training, random, buffers))
        return torch.cat([t["policy"].t, torch.tanh(t["value"].t)], dim=2), buffers

    def read(self, weights: Weights, x: Tensor, random=None) -> Iterator[tuple[str, Reading]]:
        for name, reading in self._through(weights, x, random=random):
            t = reading.t
            if name == "policy":
                t = self._output(t)
            elif name == "value":
                t = torch.tanh(t)
                t = grids.on_grid(t, -1.0, 1.0, self.bits) if self.bits < grids.PLAIN else t
            yield name, Reading(t)

    def random(self, n, sources, device="cpu") -> Keyed | None:
        return Keyed.of(sources, n, device, self.live) if self.live else None

    def _through(
        self, weights, x, training=False, random=None, buffers=None, ranges=None
    ) -> Iterator[tuple[str, Reading]]:
        n_networks = len(weights["value.bias"])
        x = x.expand(n_networks, *x.shape) if x.ndim == len(self.input_shape) + 1 else x
        found = {INPUT: x}
        for i, (step, of, plus) in enumerate(self.edges):
            name, hidden = step.name, step.name in self.activations_of
            own = weights
            if hidden and self.settings.batch_norm:
                own = functions.before_norm(weights, name)
            h = found[of] if len(step.weight) > 2 else found[of].flatten(2)
            h = self._taken(step, own, h)
            if hidden:
                h = self._normed(weights, name, h, training, random, buffers)
                h = self._bent(weights, name, h + found[plus] if plus else h, ranges)
            wanted = {n for later in self.edges[i + 1 :] for n in (later.of, later.plus)}
            found = {n: t for n, t in {**found, name: h}.items() if n in wanted}
            yield name, Reading(h)


def _dense(name: str, before: Shape, units: int) -> Placed:
    size = math.prod(before)
    stage = cnn.Dense(stage="dense", units=units)
    return Placed(name, stage, (size,), (units,), (units, size))


def _conv(name: str, before: Shape, trunk: Residual) -> Placed:
    kernel, channels = trunk.kernel, trunk.channels
    stage = Conv(stage="conv", channels=channels, kernel=kernel, padding=kernel // 2)
    return cnn.put(stage, before, name, ("trunk",))
