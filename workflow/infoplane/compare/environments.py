"""Scores over pairs that differ in one axis alone: sign errors and the granulated score.

Two configurations that differ in one axis are an environment; their seeds make its pairs.
Dziugaite et al. 2020, "In search of robust measures of generalization", look for the
environment in which a measure is worst: an average hides it. Jiang et al. 2020, "Fantastic
generalization measures and where to find them", average Kendall's τ axis by axis, so that an
axis with many values does not outweigh the others.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy import sparse

from infoplane.compare.sample import Networks, Sample, blocks, ratio


@dataclass(frozen=True)
class OneAxis:
    """Pairs of networks that differ in one axis alone, sorted by axis, context and environment.

    first, second : (n_pairs,) indices of their networks
    environment : (n_pairs,) index of the two configurations
    context : (n_environments,) index of the values of all other axes
    axis : (n_contexts,) index of the axis that differs
    weights : (n_weightings, n) weights of the networks
    """

    first: np.ndarray
    second: np.ndarray
    environment: np.ndarray
    context: np.ndarray
    axis: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, networks: Networks) -> "OneAxis":
        """All such pairs of these networks."""
        pairs: list[tuple[int, int]] = []
        environment, context, axis = [], [], []
        n_axes = networks.points.shape[1]
        for varied in range(n_axes):
            others = np.delete(networks.points, varied, axis=1)
            _, place = np.unique(others, axis=0, return_inverse=True)
            place = place.reshape(-1) if others.shape[1] else np.zeros(len(others), int)
            for where in range(place.max(initial=-1) + 1):
                inside = np.flatnonzero(place == where)
                values = networks.points[inside, varied]
                groups = [inside[values == value] for value in np.unique(values)]
                if len(groups) < 2:
                    continue
                for one, other in combinations(groups, 2):
                    pairs += [(i, j) for i in one for j in other]
                    environment += [len(context)] * (len(one) * len(other))
                    context.append(len(axis))
                axis.append(varied)
        places = np.array(pairs, np.int64).reshape(-1, 2)
        arrays = (np.array(a, np.int64) for a in (environment, context, axis))
        return cls(places[:, 0], places[:, 1], *arrays, networks.weights)

    def products(self, some: slice) -> np.ndarray:
        """(n_pairs, n) how often each pair counts in each of some weightings."""
        if some.stop - some.start == len(self.weights):
            return self._products
        weights = np.ascontiguousarray(self.weights[some].T)
        return weights[self.first] * weights[self.second]

    @cached_property
    def _products(self) -> np.ndarray:
        weights = np.ascontiguousarray(self.weights.T)
        return weights[self.first] * weights[self.second]

    def by_environment(self, values: np.ndarray) -> sparse.csr_array:
        """(n_environments, n_pairs) matrix that sums values of pairs in each environment."""
        return _sums(values, self.environment, len(self.context))

    @cached_property
    def by_context(self) -> sparse.csr_array:
        """(n_contexts, n_environments) matrix that sums over the environments of a context."""
        return _sums(np.ones(len(self.context), np.float32), self.context, len(self.axis))


def _sums(values: np.ndarray, of: np.ndarray, n: int) -> sparse.csr_array:
    """(n, len(values)) matrix with values[i] in row of[i], column i; `of` is ascending."""
    starts = np.searchsorted(of, np.arange(n + 1))
    return sparse.csr_array((values, np.arange(len(values)), starts), (n, len(values)))


@dataclass(frozen=True)
class Scores:
    """Scores of one signal, (n_weightings,) each; see `by_environment`."""

    mean: np.ndarray
    ninetieth: np.ndarray
    largest: np.ndarray
    granulated: np.ndarray


def by_environment(sample: Sample, pairs: OneAxis) -> Scores:
    """Sign errors of a signal over environments, and its granulated score.

    The sign error of an environment e (Dziugaite et al. 2020) is
        SE(e) = E[1 − sgn(Δμ) sgn(Δg)] / 2
    over its pairs with Δg ≠ 0: 0 if all are right, 1 if all are wrong, ½ for a coin. Returned
    are the mean over environments, the ninetieth percentile (the smallest error that 90 % of
    them do not exceed) and the largest. The granulated score (Jiang et al. 2020, section 3.2)
    is the mean over axes of
        ψ_a = mean over contexts of τ = mean of sgn(Δμ) sgn(Δg) over pairs that differ in axis a
    A resample without pairs of an environment leaves this environment out.
    """
    n = len(sample.weights)
    found = Scores(*(np.full(n, np.nan) for _ in range(4)))
    if not len(pairs.first):
        return found
    agree = pairs.by_environment(sample.agreement[pairs.first, pairs.second])
    there = sample.there[pairs.first] & sample.there[pairs.second]
    comparable = sample.networks.comparable[pairs.first, pairs.second]
    counts = pairs.by_environment(np.where(there, comparable, 0))
    for columns in blocks(n, len(pairs.first)):
        products = pairs.products(columns)
        above, below = agree @ products, counts @ products
        errors = (0.5 - 0.5 * ratio(above, below)).astype(np.float32).T
        found.mean[columns] = _mean(errors)
        ordered, n_there = np.sort(errors, axis=1), np.isfinite(errors).sum(axis=1)
        found.ninetieth[columns] = _quantile(ordered, n_there, 0.9)
        found.largest[columns] = _quantile(ordered, n_there, 1.0)
        tau = ratio(pairs.by_context @ above, pairs.by_context @ below).T
        by_axis = [_mean(tau[:, pairs.axis == axis]) for axis in np.unique(pairs.axis)]
        found.granulated[columns] = _mean(np.stack(by_axis, axis=1))
    return found


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis, without NaN."""
    there = np.isfinite(values)
    return ratio(np.where(there, values, 0).sum(axis=1), there.sum(axis=1))


def _quantile(ordered: np.ndarray, n: np.ndarray, share: float) -> np.ndarray:
    """The smallest value of each row that this share of its numbers does not exceed.

    ordered : rows in ascending order; n : how many numbers each row has before its NaN
    """
    place = np.maximum(np.ceil(share * n).astype(int) - 1, 0)
    return np.where(n > 0, np.take_along_axis(ordered, place[:, None], axis=1)[:, 0], np.nan)
