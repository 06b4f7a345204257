"""What a signal adds to the training loss, for networks whose configuration was not seen."""

import numpy as np
from scipy.stats import rankdata
from sklearn.model_selection import GroupKFold

from infoplane.compare.sample import Sample, ratio

RIDGE = 1.0
"""Penalty on the slopes of standardised ranks."""


def increment(sample: Sample, loss: np.ndarray, n_folds: int) -> np.ndarray:
    """R² of training loss and signal minus R² of training loss alone, (n_weightings,).

    Ranks of the target are regressed on ranks of the loss, and of loss and signal, by ridge
    regression (penalty 1 on slopes of ranks of mean 0 and variance 1). Each network is
    predicted by a fit to other configurations: a configuration lies in one fold with all its
    seeds. Resamples keep the ranks among all networks. A negative increment says that the
    signal misleads.

    loss : (n,) training loss; n_folds : largest number of folds of configurations
    Returns NaN if there are fewer than two configurations, or if all targets are equal.
    """
    rows = np.flatnonzero(sample.there & np.isfinite(loss))
    groups = sample.networks.configuration[rows]
    n_folds = min(n_folds, len(np.unique(groups)))
    if n_folds < 2:
        return np.full(len(sample.weights), np.nan)
    ranks = [_ranks(v[rows]) for v in (sample.networks.target, loss, sample.signal)]
    target, (of_loss, of_signal) = ranks[0], ranks[1:]
    weights = sample.weights[:, rows].astype(np.float64)
    folds = [test for _, test in GroupKFold(n_folds).split(target, groups=groups)]
    alone = explained(target, of_loss[:, None], weights, folds)
    both = np.stack([of_loss, of_signal], axis=1)
    return explained(target, both, weights, folds) - alone


def explained(
    target: np.ndarray, features: np.ndarray, weights: np.ndarray, folds: list[np.ndarray]
) -> np.ndarray:
    """R² out of fold of a ridge regression with weights, (n_weightings,).

    target : (n,); features : (n, k); weights : (n_weightings, n); folds : indices of the test
    rows of each fold
    """
    design = np.concatenate([np.ones((len(target), 1)), features], axis=1)
    k = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(target), k * k)
    moments = design * target[:, None]
    penalty = RIDGE * np.diag([0.0, *[1.0] * (k - 1)])
    penalty[0, 0] = 1e-9  # a resample may leave no network to a fit
    squares = np.zeros(len(weights))
    for test in folds:
        train = np.setdiff1d(np.arange(len(target)), test)
        gram = (weights[:, train] @ products[train]).reshape(-1, k, k) + penalty
        slopes = np.linalg.solve(gram, (weights[:, train] @ moments[train])[..., None])[..., 0]
        left = target[test] - slopes @ design[test].T
        squares += (weights[:, test] * left**2).sum(axis=1)
    total = weights.sum(axis=1)
    mean = ratio(weights @ target, total)
    spread = weights @ target**2 - total * mean**2
    return 1 - ratio(squares, np.where(spread > 1e-9, spread, 0))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of mean 0 and variance 1; zeros where all values are equal."""
    ranks = rankdata(values) - (len(values) + 1) / 2
    sd = ranks.std()
    return ranks / sd if sd > 0 else ranks
