"""How far apart two epochs are: the largest shift of any layer in the information plane.

    D(e, e') = max_s max_t |I_e(s; t) − I_e'(s; t)| / H(s)      s ∈ {X, Y}, t the layers
Without the division by H(s), or if H(s) is 0, D is in bits. Source: the dissertation's
equations 3.8 (raw) and 3.9 (entropy-scaled), with the absolute value that both omit.
"""

from typing import Literal

import numpy as np

Distance = Literal["entropy", "raw"]
Over = Literal["seed", "mean"]


def scales(distance: Distance, entropy_x: float, entropy_y: float) -> np.ndarray:
    """The divisors of differences of I(X;T) and I(T;Y), (2,): H(X) and H(Y), or 1 and 1.

    An entropy of 0 (one class among the measured inputs) cannot scale: the differences, which
    are then errors of the estimator, stay in bits.
    """
    if distance == "raw":
        return np.ones(2)
    return np.array([entropy if entropy > 0 else 1.0 for entropy in (entropy_x, entropy_y)])


def between(one: np.ndarray, other: np.ndarray, scale: np.ndarray, over: Over) -> np.ndarray:
    """D between two epochs, for many pairs of epochs at once.

    one, other : bits (…, n_seeds, n_layers, 2), the last axis I(X;T) and I(T;Y)
    scale : (2,)
    over : seed: the largest over the seeds; mean: the distance of the means over seeds
    Returns (…,). A value that is NaN at both epochs (a failed seed, an I(X;T) that needs x)
    counts as no difference; a value that is NaN at only one epoch counts as an infinite
    difference.
    """
    with np.errstate(invalid="ignore"):
        shift = one - other
    missing = np.isnan(one) & np.isnan(other)
    shift = np.where(missing | (one == other), 0.0, shift)
    shift = np.where(np.isnan(shift), np.inf, shift)
    if over == "mean":
        # A seed's NaN at both epochs leaves it out of both means.
        n = np.maximum((~missing).sum(axis=-3), 1)
        lost = np.isinf(shift).any(axis=-3)
        finite = np.where(np.isinf(shift), 0.0, shift).sum(axis=-3) / n
        shift = np.where(lost, np.inf, finite)[..., None, :, :]
    return (np.abs(shift) / scale).max(axis=(-3, -2, -1), initial=0.0)
