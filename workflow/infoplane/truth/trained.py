"""A small trained network whose layers become problems: the SZT net on its 4,096 patterns.

The network is 12-10-7-5-4-3-2 with tanh and a softmax output (Shwartz-Ziv & Tishby 2017); the
library trains it with a fixed seed. X is uniform over the patterns, so H(X) = 12 bits and every
truth is a sum over them.
"""

from collections.abc import Collection, Iterator
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from infoplane import settings
from infoplane.datasets import shwartz_ziv_tishby
from infoplane.datasets.prepare import prepare
from infoplane.networks import mlp
from infoplane.training import supervised
from infoplane.training.optimizers import Adam
from infoplane.training.trainer import Trainer


class Training(settings.Settings):
    """The network and the epochs at which its layers become problems."""

    hidden: list[Annotated[int, Field(ge=1)]] = Field(default=[10, 7, 5, 4, 3], min_length=1)
    """The hidden layers have these numbers of units."""
    epochs: list[Annotated[int, Field(ge=0)]] = Field(default=[5, 400], min_length=1)
    """The network is measured at these epochs, by default an early one and a late one."""
    layers: list[str] | None = None
    """The hidden layers of these names (hidden1, …) are measured; null takes all."""
    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam trains the network at this learning rate."""
    seed: int = Field(default=0, ge=0)
    """The network is trained with this seed."""


def patterns() -> tuple[np.ndarray, np.ndarray]:
    """X float64 (4096, 12) and Y int64 (4096,)."""
    x, y = shwartz_ziv_tishby.szt()
    return x.astype(np.float64), y.astype(np.int64)


def networks(training: Training) -> Iterator[tuple[int, list[tuple[np.ndarray, np.ndarray]]]]:
    """The epoch and the hidden layers' weights (in, out) and biases (out,) at each epoch.

    Raises FloatingPointError if the loss becomes NaN.
    """
    source = shwartz_ziv_tishby.Settings(source="szt", training_fraction=0.8)
    family = mlp.Settings(hidden=training.hidden, activation="tanh", initialisation="fan_in")
    settings = supervised.Settings(
        optimizer=Adam(method="adam", learning_rate=training.learning_rate),
        epochs=max(1, *training.epochs),
        batch_size=256,
        device="cpu",  # the same bits wherever the truths are made
    )
    network = mlp.MLP(family, (12,), 2)
    trainer = supervised.Supervised(settings, network, prepare(source, []), [training.seed])
    for epoch, named in weights_at(trainer, training.epochs):
        weights = {name: w[0].numpy().astype(np.float64) for name, w in named.items()}
        yield epoch, [(weights[f"{n}.weight"], weights[f"{n}.bias"]) for n in network.hidden]


def weights_at(
    trainer: Trainer, epochs: Collection[int]
) -> Iterator[tuple[int, dict[str, torch.Tensor]]]:
    """Train, and give each of these epochs with the weights (1, …) of the one network."""
    for epoch in trainer.epochs:
        trainer.advance(epoch)
        if epoch in epochs:
            (weights,) = trainer.weights().values()
            yield epoch, {name: torch.from_numpy(np.asarray(w)) for name, w in weights.items()}


def chosen_layers(training: Training) -> dict[str, int]:
    """Positions of the chosen layers by name. Raises ValueError for an unknown name."""
    known = {f"hidden{i + 1}": i for i in range(len(training.hidden))}
    wanted = list(known) if training.layers is None else training.layers
    for name in wanted:
        if name not in known:
            raise ValueError(f"there is no layer '{name}'. Known: {', '.join(known)}")
    return {name: known[name] for name in wanted}


def name_of(layer: str, epoch: int) -> str:
    """The name of a layer's array of activations: "hidden3, epoch 5"."""
    return f"{layer}, epoch {epoch}"
