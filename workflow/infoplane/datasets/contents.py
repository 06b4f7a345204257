"""Entropies and information of a data set, in bits, and a digest of its bytes."""

import hashlib
from collections.abc import Mapping

import numpy as np

from infoplane.datasets.source import Label
from infoplane.information import entropy_of_counts


def row_codes(x: np.ndarray) -> np.ndarray:
    """(n_inputs,) one integer for each distinct row of x (n_inputs, *shape).

    Rows are compared by a hash of 128 bits, because sorting 60,000 images would take several
    times their memory.
    """
    seen: dict[bytes, int] = {}
    # + 0 turns −0.0 into 0.0, which is equal but has other bytes
    keys = (hashlib.blake2b((row + 0).tobytes(), digest_size=16).digest() for row in x)
    return np.array([seen.setdefault(key, len(seen)) for key in keys])


def information(
    codes: np.ndarray, labels: Mapping[str, Label]
) -> dict[str, float | dict[str, float]]:
    """entropy_x, and entropy_y and information_xy by label; in bits, with equally likely
    inputs.

    codes : (n_inputs,) the value of X of each input, from `row_codes`

    If a label has probabilities, information_xy is computed from p(y | x), not from the drawn
    labels.
    """
    entropy_x = entropy_of_counts(np.bincount(codes))
    entropy_y = {
        name: entropy_of_counts(np.bincount(label.codes)) for name, label in labels.items()
    }
    information_xy = {}
    for name, label in labels.items():
        if label.probabilities is None:
            pairs = np.stack([codes, label.codes])
            _, counts = np.unique(pairs, axis=1, return_counts=True)
            information_xy[name] = entropy_y[name] - (entropy_of_counts(counts) - entropy_x)
        else:
            given = _mean_of_equal_rows(label.probabilities, codes)
            information_xy[name] = information_of(given)
    return {
        "entropy_x": entropy_x,
        "entropy_y": entropy_y,
        "information_xy": information_xy,
    }


def information_of(probabilities: np.ndarray) -> float:
    """I(X;Y), in bits, from p(y | x) (n_inputs, n_classes) with equally likely x."""
    logarithms = np.log2(np.where(probabilities > 0, probabilities, 1.0))
    noise = -(probabilities * logarithms).sum(axis=1).mean()
    return float(entropy_of_counts(probabilities.mean(axis=0)) - noise)


def digest(**arrays: np.ndarray) -> str:
    """SHA-256 of named arrays: names, types, shapes and values."""
    sha = hashlib.sha256()
    for name, array in arrays.items():
        sha.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        sha.update(np.ascontiguousarray(array))
    return sha.hexdigest()


def _mean_of_equal_rows(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """p(y | x), averaged over inputs with the same x."""
    total = np.zeros((codes.max() + 1, probabilities.shape[1]))
    np.add.at(total, codes, probabilities)
    return (total / np.bincount(codes)[:, None])[codes]
