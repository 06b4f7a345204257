"""A trainer's epochs one after the other, without a store."""

from collections.abc import Iterator
from typing import NamedTuple


class Epoch(NamedTuple):
    number: int
    weights: dict
    metrics: dict


def steps(trainer) -> Iterator[Epoch]:
    """Every epoch that is left to a supervised trainer, with the only network's weights."""
    for epoch in trainer.epochs[trainer.epoch + 1 :]:
        if trainer.over:
            return
        metrics = trainer.advance(epoch)
        (weights,) = trainer.weights().values()
        yield Epoch(epoch, weights, metrics)


def layers_of(network, weights, x, random=None) -> dict:
    """Every measured layer by name, before its own noise."""
    return {name: reading.t for name, reading in network.read(weights, x, random)}
