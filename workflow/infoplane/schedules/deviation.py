"""The error of measuring some epochs and joining them linearly, compared with all epochs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from infoplane.schedules import distances
from infoplane.schedules.adaptive import Adaptive

PERCENTILE = 99


class Loss(NamedTuple):
    """The distance of the joined curves from the complete ones.

    At every epoch, the value with the largest error counts (of any seed, any layer, I(X;T) or
    I(T;Y)); largest and p99 (99th percentile) are over the epochs. `_mean` uses means over
    seeds, `_bits` is in bits, `_scaled` in shares of H(X) and H(Y).
    """

    largest_bits: float
    p99_bits: float
    largest_scaled: float
    p99_scaled: float
    mean_largest_scaled: float
    mean_p99_scaled: float


class Outcome(NamedTuple):
    """A schedule on known curves: the epochs it measures, its rounds, its error."""

    epochs: list[int]
    rounds: int
    loss: Loss


def outcome(
    schedule, epochs: Sequence[int], values: np.ndarray, entropies: tuple[float, float]
) -> Outcome:
    """The epochs of complete curves that a schedule, adaptive or fixed, would measure, and its
    error.

    epochs : the kept epochs, in order
    values : bits (n_epochs, n_seeds, n_layers, 2), the last axis I(X;T) and I(T;Y)
    entropies : H(X) and H(Y), bits
    """
    available = np.array(epochs)
    if isinstance(schedule, Adaptive):
        chosen, rounds = schedule.follow(
            epochs, lambda wanted: values[np.searchsorted(available, wanted)], entropies
        )
    else:
        chosen, rounds = schedule.select(available).tolist(), 1
    return Outcome(chosen, rounds, loss(available, values, chosen, entropies))


def loss(
    epochs: np.ndarray,
    values: np.ndarray,
    chosen: Sequence[int],
    entropies: tuple[float, float],
) -> Loss:
    """The distance, at every epoch, of the curves joined through the chosen epochs.

    Arguments as in `outcome`. A value that is NaN in only one of the two is infinitely far from
    the other.
    """
    guessed = joined(epochs, values, chosen)
    errors = []
    for scale, over in (("raw", "seed"), ("entropy", "seed"), ("entropy", "mean")):
        by = distances.scales(scale, *entropies)
        off = distances.between(guessed, values, by, over)
        errors += [float(off.max()), _percentile(off)]
    return Loss(*errors)


def _percentile(off: np.ndarray) -> float:
    return float(
        np.percentile(off, PERCENTILE, method="inverted_cdf")
    )  # interpolation would turn ∞ into NaN


def joined(epochs: np.ndarray, values: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    """The values at the chosen epochs, joined linearly over all epochs; in the shape of
    `values`."""
    at = values[np.searchsorted(epochs, chosen)].reshape(len(chosen), -1)
    columns = [np.interp(epochs, chosen, column) for column in at.T]
    return np.stack(columns, axis=1).reshape(values.shape)
