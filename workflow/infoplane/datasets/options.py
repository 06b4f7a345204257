"""The options that all sources share: subset, label shuffling, split, standardisation.

Each purpose has its own random stream, so that shuffling labels does not change the subset.
"""

from dataclasses import replace

import numpy as np

from infoplane.datasets.contents import row_codes
from infoplane.datasets.source import Raw

DEFAULT_TRAINING_FRACTION = 0.8
"""The share of training inputs if neither the settings nor the source set it."""

BLOCK = 4096
"""Number of inputs that are converted to float64 at once."""


def generator(seed: int, purpose: str) -> np.random.Generator:
    """The random stream of one purpose under one seed."""
    return np.random.default_rng([seed, *purpose.encode()])


def stratified(strata: np.ndarray, n_kept: int, rng: np.random.Generator) -> np.ndarray:
    """Ascending indices of n_kept inputs, with each stratum's share to within one input.

    strata : (n_inputs,) any values that can be compared
    """
    _, stratum, counts = np.unique(strata, return_inverse=True, return_counts=True)
    kept, remainder = np.divmod(n_kept * counts, len(strata))
    kept[np.argsort(-remainder, kind="stable")[: n_kept - kept.sum()]] += 1
    drawn = [
        rng.permutation(np.flatnonzero(stratum == k))[:share] for k, share in enumerate(kept)
    ]
    return np.sort(np.concatenate(drawn))


def subset(raw: Raw, size: int | None, seed: int) -> Raw:
    """`size` inputs of raw, stratified by class and by the source's own split.

    Raises ValueError if there are fewer.
    """
    n_inputs = len(raw.x)
    if size is None or size == n_inputs:
        return raw
    if size > n_inputs:
        raise ValueError(f"size is {size}, the data set has only {n_inputs} inputs")
    role = _roles(raw)
    kept = stratified(classes(raw) * 3 + role, size, generator(seed, "subset"))
    own = (None, None)
    if raw.train is not None:
        own = np.flatnonzero(role[kept] == 1), np.flatnonzero(role[kept] == 2)
    labels = {name: label.of(kept) for name, label in raw.labels.items()}
    return replace(raw, x=raw.x[kept], labels=labels, train=own[0], test=own[1])


def shuffled(raw: Raw, fraction: float, seed: int) -> Raw:
    """raw, with the labels of a random fraction of its inputs permuted among themselves: all
    labels of an input move together, and no longer have a known p(y | x)."""
    if not fraction:
        return raw
    rng = generator(seed, "shuffled_labels")
    rows = np.arange(len(raw.x))
    chosen = rng.permutation(len(rows))[: round(fraction * len(rows))]
    rows[np.sort(chosen)] = chosen
    labels = {
        name: replace(label, codes=label.codes[rows], probabilities=None)
        for name, label in raw.labels.items()
    }
    return replace(raw, labels=labels)


def split(raw: Raw, fraction: float | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ascending indices (train, test): the source's own, or drawn with equal class shares.

    Raises ValueError if nothing would train.
    """
    n = len(raw.x)
    if fraction is None and raw.train is not None:
        train, test = np.sort(raw.train), np.sort(raw.test)
    else:
        fraction = DEFAULT_TRAINING_FRACTION if fraction is None else fraction
        train = stratified(classes(raw), round(fraction * n), generator(seed, "split"))
        test = np.setdiff1d(np.arange(n), train)
    if not len(train):
        raise ValueError(
            f"no training inputs are left of {n} inputs; raise training_fraction or size"
        )
    return train.astype(np.int64), test.astype(np.int64)


def thinned(
    raw: Raw, train: np.ndarray, test: np.ndarray, share: float, seed: int
) -> tuple[Raw, np.ndarray, np.ndarray]:
    """raw with this share of its training inputs, and indices (train, test) of the rest.

    The test inputs are the same for all shares. The training inputs of a smaller share are
    among those of a larger one, except for rounding by one per class.
    Raises ValueError if nothing would train.
    """
    if share == 1:
        return raw, train, test
    n_kept = round(share * len(train))
    if not n_kept:
        raise ValueError(f"training_share {share} of {len(train)} training inputs leaves none")
    own = stratified(classes(raw)[train], n_kept, generator(seed, "training_share"))
    kept = np.sort(np.concatenate([train[own], test]))
    labels = {name: label.of(kept) for name, label in raw.labels.items()}
    left = replace(raw, x=raw.x[kept], labels=labels, train=None, test=None)
    return left, np.searchsorted(kept, train[own]), np.searchsorted(kept, test)


def scaled(raw: Raw) -> np.ndarray:
    """raw.x in row-major order, divided by raw.divisor; may be raw.x itself.

    float32 if that holds every value of raw.x's type, else float64: standardisation must
    subtract before digits are lost.
    """
    wanted = np.float32 if np.can_cast(raw.x.dtype, np.float32) else np.float64
    x = raw.x.astype(wanted, order="C", copy=False)
    if raw.divisor != 1:
        x /= wanted(raw.divisor)
    return x


def standardised(x: np.ndarray, train: np.ndarray, how: str) -> np.ndarray:
    """x (n_inputs, *shape), shifted and scaled in place by statistics of the training inputs.

    how : "none", "all" features by the same two numbers, or each "feature" by its own
    """
    if how == "none":
        return x
    axes = None if how == "all" else 0
    first = x[train[0]].astype(np.float64)
    first = first.flat[0] if how == "all" else first
    varies = _training_mean(x, train, axes, lambda block: block != first) > 0
    # the mean of equal numbers may differ in the last digit
    mean = np.where(varies, _training_mean(x, train, axes, lambda block: block), first)
    sd = np.sqrt(_training_mean(x, train, axes, lambda block: (block - mean) ** 2))
    sd = np.where(sd > 0, sd, 1.0)
    for start in range(0, len(x), BLOCK):
        x[start : start + BLOCK] = (x[start : start + BLOCK] - mean) / sd
    return x


def narrowed(x: np.ndarray, n_distinct: int, how: str, place: str) -> np.ndarray:
    """x (n_inputs, *shape) as float32, the type of networks.

    n_distinct : number of distinct inputs in the given x; how : the standardisation; place :
        their origin
    Raises ValueError if different inputs become equal, or if one leaves the range of float32.
    """
    with np.errstate(over="ignore"):  # numbers beyond float32 become infinite
        x = x.astype(np.float32, copy=False)
    finite = np.isfinite(x).reshape(len(x), -1).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"{place}: x is beyond float32 in {(~finite).sum()} of {len(x)} inputs, first in "
            f"row {int(np.argmin(finite))}; give x in another unit"
        )
    n_lost = n_distinct - (row_codes(x).max() + 1)
    if n_lost > 0:
        remedy = "Set standardise: feature"
        if how == "feature":
            remedy = "Subtract the common part of a feature's values before you save x"
        raise ValueError(
            f"{place}: networks compute in float32, in which {n_lost} of {n_distinct} distinct "
            f"inputs of x become equal to another one. {remedy}; or, if they may count as one, "
            "save x itself as float32"
        )
    return x


def _training_mean(x: np.ndarray, train: np.ndarray, axes: int | None, function) -> np.ndarray:
    """Mean of function(x) over the training inputs in float64, block by block."""
    total = 0.0
    for start in range(0, len(train), BLOCK):
        block = x[train[start : start + BLOCK]].astype(np.float64)
        total = total + function(block).sum(axis=axes)
    return total / (len(train) if axes == 0 else len(train) * x[0].size)


def classes(raw: Raw) -> np.ndarray:
    """(n_inputs,) codes of the first label, whose shares the subset keeps; zeros without a
    label."""
    for label in raw.labels.values():
        return label.codes
    return np.zeros(len(raw.x), dtype=np.int64)


def _roles(raw: Raw) -> np.ndarray:
    """(n_inputs,) 1 for the source's own training inputs, 2 for its test inputs, else 0."""
    role = np.zeros(len(raw.x), dtype=np.int64)
    if raw.train is not None:
        role[raw.train], role[raw.test] = 1, 2
    return role
