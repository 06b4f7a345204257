"""What scores are made from: networks with a signal, a target and their values on the axes.

Every score is computed for many weightings of the networks at once. The first weighting counts
each network once and gives the score itself; the others are resamples of the networks with
replacement and give its interval. Networks are resampled, not pairs, because pairs that share
a network are not independent. Two copies of one network make no pair.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

PAIRS_AT_ONCE = 2**24
"""Products of weights that are kept in memory at once."""


@dataclass(frozen=True)
class Networks:
    """Networks that are compared by one target.

    target : (n,) larger is better; points : (n, n_axes) each network's value on each axis, as
    a number; weights : (n_weightings, n), the first all ones
    """

    target: np.ndarray
    points: np.ndarray
    weights: np.ndarray

    @cached_property
    def configuration(self) -> np.ndarray:
        """(n,) the same number for networks that differ in the seed alone."""
        return np.unique(self.points, axis=0, return_inverse=True)[1].reshape(-1)

    @cached_property
    def order(self) -> np.ndarray:
        """(n, n) sign of target i − target j: which network of a pair is better."""
        return signs(self.target)

    @cached_property
    def comparable(self) -> np.ndarray:
        """(n, n) pairs of which one network is better: equal targets have no order."""
        return np.abs(self.order)


@dataclass(frozen=True)
class Sample:
    """One signal of some networks.

    signal : (n,) larger says that the network is better; NaN if there is none
    """

    networks: Networks
    signal: np.ndarray

    @cached_property
    def there(self) -> np.ndarray:
        """(n,) networks that have the signal."""
        return np.isfinite(self.signal)

    @cached_property
    def weights(self) -> np.ndarray:
        """(n_weightings, n), 0 for networks without the signal."""
        weights = self.networks.weights
        return weights if self.there.all() else weights * self.there

    @cached_property
    def said(self) -> np.ndarray:
        """(n, n) sign of signal i − signal j; 0 also if one is missing."""
        return signs(self.signal)

    @cached_property
    def agreement(self) -> np.ndarray:
        """(n, n) 1 for pairs in the right order, −1 in the wrong one, 0 for ties."""
        return self.said * self.networks.order

    def over_pairs(self, matrix: np.ndarray, some: np.ndarray | None = None) -> np.ndarray:
        """(n_weightings,) sum over ordered pairs of a symmetric matrix with an empty diagonal.

        some : indices of the networks that the matrix is about; None: all
        """
        weights = self.weights if some is None else self.weights[:, some]
        return np.einsum("ri,ri->r", weights @ matrix, weights)


def signs(values: np.ndarray) -> np.ndarray:
    """(n, n) float32, sign of value i − value j; 0 if one is NaN."""
    values = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        found = np.sign(values[:, None] - values[None, :]).astype(np.float32)
    return np.nan_to_num(found, copy=False)


def resampled(n: int, resamples: int, seed: int) -> np.ndarray:
    """(1 + resamples, n) weights: ones, then how often each of n networks occurs in n draws
    with replacement."""
    rng = np.random.default_rng([seed, n])
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    return np.concatenate([np.ones((1, n)), drawn.reshape(resamples, n)]).astype(np.float32)


def blocks(n_weightings: int, n_pairs: int) -> Iterator[slice]:
    """Slices of weightings whose products for all pairs fit into memory."""
    size = max(1, PAIRS_AT_ONCE // max(n_pairs, 1))
    for start in range(0, n_weightings, size):
        yield slice(start, min(start + size, n_weightings))


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, NaN where `below` is 0."""
    out = np.full(np.broadcast(above, below).shape, np.nan)
    return np.divide(above, below, out=out, where=below > 0)
