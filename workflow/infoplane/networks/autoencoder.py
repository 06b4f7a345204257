"""Autoencoders, dense and convolutional: encoder → code → decoder → reconstruction.

The encoder has the stages of a cnn, and the decoder mirrors them: a dense layer mirrors a dense
layer, a transposed convolution mirrors a convolution, and nearest-neighbour upsampling mirrors
a pool. Steps with weights are encoder1, encoder2, …, code, decoder1, … and output, which is the
reconstruction X̂; pools are pool1, …, and their mirrors upsample1, …. A tied decoder has the
encoder's transposed weights (Vincent et al. 2010) and its own biases.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from pydantic import model_validator

from infoplane.networks import functions
from infoplane.networks import noise as noises
from infoplane.networks import quantisation as grids
from infoplane.networks.cnn import (
    CNN,
    WEIGHTED,
    Dense,
    Flatten,
    Placed,
    Size,
    Stage,
    of_each,
    put,
)
from infoplane.networks.functions import ActivationName, Initialisation, Rate
from infoplane.networks.network import Misfit, Shape, Weights
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor


class Settings(BaseSettings):
    """An autoencoder: encoder, bottleneck, and a decoder that mirrors the encoder."""

    family: Literal["autoencoder"]
    """`autoencoder` is an encoder, a code and a decoder; its training has `target: input`."""
    encoder: list[Size | Stage]
    """The encoder has these layers, in order from the input: units of dense layers ([256, 64]),
    or stages of a cnn, which need images (`flatten: false`). An empty list puts the code
    directly behind the input."""
    bottleneck: Size
    """The code has this many units."""
    tied: bool = False
    """`true` gives the decoder the encoder's weights, transposed, and only biases of its
    own."""
    output: Literal["linear", "sigmoid"] = "linear"
    """This function turns the decoder's last numbers into the reconstruction; sigmoid suits
    inputs in [0, 1]."""
    activation: ActivationName | list[ActivationName] = "tanh"
    """Encoder, code and decoder layers have this activation: one name for all, or one name
    each."""
    initialisation: Initialisation = "torch"
    """Initial weights have this distribution. fan_in, fan_out: truncated normal of deviation
    1/√fan_in or 1/√fan_out, biases 0; torch: uniform within 1/√fan_in; {deviation: 0.1}:
    truncated normal of that deviation, biases 0."""
    batch_norm: bool = False
    """`true` puts batch norm before the activation of every encoder, code and decoder layer."""
    dropout: Rate | list[Rate] = 0.0
    """Dropout sets this share of a layer's outputs to 0 in training: one number for all of
    encoder, code and decoder, or one each."""
    noise: noises.Settings | None = None
    """Encoder, code and decoder layers have this Gaussian noise on their outputs; null means
    none."""
    quantisation: grids.Settings | None = None
    """This quantises weights and activations to few bits; null means float32."""

    @model_validator(mode="after")
    def _one_each(self):
        stages = [1 for s in self.encoder if isinstance(s, int) or s.stage in WEIGHTED]
        layers = "layers, of encoder, code and decoder"
        functions.check_one_each(self, 2 * len(stages) + 1, layers)
        functions.check_noise(self)
        return self


class Back(NamedTuple):
    """The mirror of a step: from its output to its input."""

    of: Placed
    stage: str = "back"


class Autoencoder(CNN):
    """x → encoder1 → … → code → decoder1 → … → output, of the shape of x."""

    Settings = Settings

    def __init__(self, settings: Settings, input_shape: Shape, output_size: int):
        """output_size : unused; it is the size of an input"""
        super().__init__(settings, input_shape, math.prod(input_shape))
        self.links = (settings.output,)
        # As for perceptrons and cnns, dense layers train faster as one stack.
        self.stacks = all(len(step.weight) < 3 for step in self.steps)

    def _placed(self) -> list[Placed]:
        there = list(_encoder(self.settings, self.input_shape))
        if there[0].name.startswith("pool"):
            text = "must be a conv or dense stage, not a pool, whose mirror would be the output"
            raise Misfit(("encoder", 0), text, of_shape=False)
        n_weighted = sum(bool(step.weight) for step in there)
        names = iter([*(f"decoder{i}" for i in range(1, n_weighted)), "output"])
        back = []
        for step in reversed(there):
            name = next(names) if step.weight else step.name.replace("pool", "upsample")
            tied = step.name if self.settings.tied and step.weight else ""
            back.append(Placed(name, Back(step), step.after, step.before, _turned(step), tied))
            if name == "output":
                break  # only a flatten stage may come before it
        return [*there, *back]

    @property
    def n_products(self) -> int:
        there = [
            step for step in self.steps if step.weight and not isinstance(step.stage, Back)
        ]
        return 2 * sum(math.prod(s.weight) * math.prod(s.after[1:]) for s in there)

    def _taken(self, step: Placed, weights: Weights, h: Tensor) -> Tensor:
        if not isinstance(step.stage, Back):
            return super()._taken(step, weights, h)
        of = step.stage.of
        if of.stage.stage == "flatten":
            return h.unflatten(2, of.before)
        if of.stage.stage == "pool":
            return torch.nn.functional.interpolate(
                h.flatten(0, 1), size=of.before[1:], mode="nearest"
            ).unflatten(0, h.shape[:2])
        weight, bias = self._weight(weights, step), weights[f"{step.name}.bias"]
        if of.stage.stage == "dense":
            # (out, in) as in torch.nn; the encoder's weight is the transposed one
            return torch.baddbmm(bias[:, None], h, weight if step.tied else weight.mT)
        return _back_through(of, h, weight, bias)

    def _output(self, t: Tensor) -> Tensor:
        if self.settings.output == "linear":
            return t
        output = torch.sigmoid(t)
        return grids.on_grid(output, 0.0, 1.0, self.bits) if self.bits < grids.PLAIN else output


def _encoder(settings: Settings, shape: Shape) -> Iterator[Placed]:
    """The steps from the input to the code; maps are flattened before a dense layer."""
    n_layers, n_pools = 0, 0
    keys = [("encoder", i) for i in range(len(settings.encoder))]
    stages = [*settings.encoder, settings.bottleneck]
    for place, stage in zip([*keys, ("bottleneck",)], stages, strict=True):
        chosen = Dense(stage="dense", units=stage) if isinstance(stage, int) else stage
        if chosen.stage == "dense" and len(shape) == 3:
            step = put(Flatten(stage="flatten"), shape, "", place)
            yield step
            shape = step.after
        name = ""
        if chosen.stage in WEIGHTED:
            n_layers += 1
            name = "code" if place == ("bottleneck",) else f"encoder{n_layers}"
        elif chosen.stage == "pool":
            n_pools += 1
            name = f"pool{n_pools}"
        step = put(chosen, shape, name, place)
        yield step
        shape = step.after


def _turned(step: Placed) -> Shape:
    """Shape of the mirror's weight, as in torch.nn: (out, in) of a dense layer, and (in, out,
    height, width) of a transposed convolution, which is the convolution's shape."""
    return step.weight if len(step.weight) != 2 else step.weight[::-1]


def _back_through(of: Placed, h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Map (S, n, *of.after) back to (S, n, *of.before) by transposed convolutions."""
    conv = of.stage
    # A convolution makes maps of one size from inputs that differ by less than a stride.
    left = [(side + 2 * conv.padding - conv.kernel) % conv.stride for side in of.before[1:]]

    def one(*arrays: Tensor) -> Tensor:
        return torch.nn.functional.conv_transpose2d(
            *arrays, stride=conv.stride, padding=conv.padding, output_padding=left
        )

    return of_each(one, (h, weight, bias), together=h.is_cuda)
