"""I(X;T) and I(T;Y) of a Gaussian channel with finite input, by brute-force Monte Carlo.

T = s_X + N(0, σ²I), X uniform over n_inputs points s_x, Y a function of X:
    I(X;T) = E log2 p(t|x) / p(t)        I(T;Y) = E log2 p(t|y) / p(t)
with p(t) the mean of n_inputs Gaussians. The logarithms are averaged over (x, noise), every x
equally often, until both standard errors are small. Each noise is drawn with its opposite, and
‖noise‖², whose mean is known, is a control variate: together they save nine tenths of the
draws. Squared distances are direct differences, because ‖a‖² + ‖b‖² − 2ab is inaccurate at
small σ.
"""

from typing import NamedTuple

import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels import threads
from infoplane.samples import BIT

ROUND = 4
"""Pairs of noise draws of every input between two checks of the errors."""
NEGLIGIBLE = 50.0
"""Terms below e^−50 of the input's own add less than 1e-17 together."""


class Truth(NamedTuple):
    """Values and their standard errors, all in bits."""

    ixt: float
    ixt_error: float
    ity: float
    ity_error: float


def information(
    points: np.ndarray, y: np.ndarray, sigma: float, standard_error: float, seed: int
) -> Truth:
    """I(X;T) and I(T;Y) in bits, each to this standard error.

    points : (n_inputs, d), the noiseless T; y : (n_inputs,), labels; sigma : standard deviation
    of the noise on each unit. The errors are over the noise alone, because every input is drawn
    equally often.
    """
    points = np.ascontiguousarray(points, dtype=np.float64)
    labels = np.unique(y, return_inverse=True)[1].astype(np.int64)
    rng = np.random.default_rng(seed)
    terms, lengths = [], []
    while True:
        for _ in range(ROUND):
            noise = sigma * rng.standard_normal(points.shape)
            both = [_logarithms(points, labels, sigma, n) for n in (noise, -noise)]
            terms.append((both[0] + both[1]) / 2)
            lengths.append(np.square(noise / sigma).sum(axis=1) - points.shape[1])
        values, errors = _means(np.array(terms), np.array(lengths))
        if max(errors) <= standard_error:
            return Truth(values[0], errors[0], values[1], errors[1])


def _means(terms: np.ndarray, lengths: np.ndarray) -> tuple[list[float], list[float]]:
    """Means in bits and their standard errors.

    terms : (n_draws, n_inputs, 2), each the mean over a noise and its opposite; lengths :
    (n_draws, n_inputs), ‖noise‖²/σ² − d, which has mean 0: the part of the terms that is
    correlated with it is subtracted.
    """
    n_draws, n_inputs, _ = terms.shape
    apart = terms - terms.mean(axis=0)
    own = (lengths - lengths.mean(axis=0))[:, :, None]
    slope = (apart * own).sum(axis=(0, 1)) / (own**2).sum(axis=(0, 1))
    better = BIT * (terms - slope * lengths[:, :, None])
    within = better.var(axis=0, ddof=1).mean(axis=0)
    errors = np.sqrt(within / (n_draws * n_inputs))
    return better.mean(axis=(0, 1)).tolist(), errors.tolist()


def _logarithms(points, labels, sigma: float, noise) -> np.ndarray:
    """ln p(t|x)/p(t) and ln p(t|y)/p(t) for one noise draw of every input, (n_inputs, 2)."""
    terms = np.empty((len(points), 2))
    sizes = np.bincount(labels)
    parts = np.array_split(np.arange(len(points)), 32)
    threads.each(
        lambda i: _terms(points, labels, sizes, noise, 0.5 / sigma**2, parts[i], terms),
        len(parts),
    )
    return terms


@compiled(nogil=True, fastmath=True)
def _terms(points, labels, sizes, noise, half_precision, rows, terms):
    n, d = points.shape
    t = np.empty(d)
    for i in rows:
        own = 0.0
        for k in range(d):
            t[k] = points[i, k] + noise[i, k]
            own += noise[i, k] ** 2
        everything, same = 0.0, 0.0
        for j in range(n):
            distance = 0.0
            for k in range(d):
                difference = t[k] - points[j, k]
                distance += difference * difference
            exponent = (own - distance) * half_precision
            if exponent > -NEGLIGIBLE:
                share = np.exp(exponent)
                everything += share
                if labels[j] == labels[i]:
                    same += share
        p_t = np.log(everything / n)
        terms[i, 0] = -p_t
        terms[i, 1] = np.log(same / sizes[labels[i]]) - p_t
