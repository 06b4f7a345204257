"""What is lost by measuring some epochs and joining them linearly, against all of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from infoplane.schedules import distances
from infoplane.schedules.adaptive import Adaptive

PERCENTILE = 99


class Loss(NamedTuple):
    """How far the joined curves are from the complete ones.

    At every epoch what counts is the value (a seed's, a layer's, of I(X;T) or I(T;Y)) that is
    furthest off; largest and p99 (99th percentile) are over the epochs. `_mean` is of the
    means over seeds, `_bits` in bits, `_scaled` of H(X) and H(Y).
    """

    largest_bits: float
    p99_bits: float
    largest_scaled: float
    p99_scaled: float
    mean_largest_scaled: float
    mean_p99_scaled: float


class Outcome(NamedTuple):
    """A schedule on curves that are known: the epochs it measures, its rounds, its loss."""

    epochs: list[int]
    rounds: int
    loss: Loss


def outcome(
    schedule, epochs: Sequence[int], values: np.ndarray, entropies: tuple[float, float]
) -> Outcome:
    """What a schedule, adaptive or fixed, would measure of complete curves, and its loss.

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
    """Distance, at every epoch, of the curves joined through the chosen ones.

    Takes what `outcome` takes; a value that is NaN in one of the two is infinitely far.
    """
    guessed = joined(epochs, values, chosen)
    errors = []
    for scale, over in (("raw", "seed"), ("entropy", "seed"), ("entropy", "mean")):
        by = distances.scales(scale, *entropies)
        off = distances.between(guessed, values, by, over)
        errors += [float(off.max()), _percentile(off)]
    return Loss(*errors)


def _percentile(off: np.ndarray) -> float:
    return float(np.percentile(off, PERCENTILE, method="inverted_cdf"))  # one of them: ∞ too


def joined(epochs: np.ndarray, values: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    """The values at the chosen epochs, joined linearly over all; of the shape of `values`."""
    at = values[np.searchsorted(epochs, chosen)].reshape(len(chosen), -1)
    columns = [np.interp(epochs, chosen, column) for column in at.T]
    return np.stack(columns, axis=1).reshape(values.shape)
