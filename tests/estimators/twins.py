"""Slow and readable versions of estimators in float64, with which the fast ones must agree.

t (n_inputs, n_draws, n_units), y (n_inputs,) class codes; all results in bits.
"""

from collections import Counter

import numpy as np


def entropy(codes, corrected: bool = False) -> float:
    """Plug-in entropy of hashable codes, in bits; corrected: with Miller-Madow's (K − 1)/2N."""
    counts = np.array(list(Counter(codes).values()))
    p = counts / counts.sum()
    nats = -(p * np.log(p)).sum() + (len(p) - 1) / (2 * counts.sum()) * corrected
    return nats / np.log(2)


def discrete(codes, y, corrected: bool = False) -> tuple[float, float]:
    """I(X;T) and I(T;Y) of integer codes (n_inputs, n_draws, n_units)."""
    rows = [[tuple(draw) for draw in draws] for draws in codes.tolist()]
    whole = entropy([row for draws in rows for row in draws], corrected)
    given_x = np.mean([entropy(draws, corrected) for draws in rows])
    given_y = 0.0
    for label in np.unique(y):
        chosen = [row for draws, c in zip(rows, y, strict=True) if c == label for row in draws]
        given_y += np.mean(y == label) * entropy(chosen, corrected)
    return whole - given_x, whole - given_y


def mixture_entropy(rows, variance: float, denominator: int) -> float:
    """−mean_i log2 mean_j exp(−‖t_i − t_j‖² / denominator·σ²) for rows (n, d), by direct
    differences."""
    rows = np.asarray(rows, dtype=np.float64)
    with np.errstate(over="ignore", under="ignore"):
        means = [
            np.exp(-((rows - row) ** 2).sum(1) / (denominator * variance)).mean()
            for row in rows
        ]
    return -np.log2(means).mean()


def kde(t, y, variance: float) -> dict[str, float]:
    """All values of the kde estimator with bound: upper, by name."""
    t = np.asarray(t)
    n, r, d = t.shape
    rows, labels = t.reshape(n * r, d), np.repeat(y, r)
    whole, given_x, given_y = {}, {}, {}
    for side, denominator in (("upper", 2), ("lower", 8)):
        whole[side] = mixture_entropy(rows, variance, denominator)
        given_x[side] = np.mean([mixture_entropy(draws, variance, denominator) for draws in t])
        given_y[side] = sum(
            np.mean(labels == c) * mixture_entropy(rows[labels == c], variance, denominator)
            for c in np.unique(labels)
        )
    return {
        "ixt": whole["upper"] - given_x["upper"],
        "ity": whole["upper"] - given_y["upper"],
        "ixt_interval_low": whole["lower"] - given_x["upper"],
        "ixt_interval_high": whole["upper"] - given_x["lower"],
        "ity_interval_low": whole["lower"] - given_y["upper"],
        "ity_interval_high": whole["upper"] - given_y["lower"],
    }
