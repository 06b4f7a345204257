"""Second opinions on two variables: cheap numbers by which the error of an estimate is told.

Beside `linear`, what correlations of ranks carry (linear.py), these are of at most ROWS
samples, evenly spaced among all, with every variable replaced by its normal scores; some
milliseconds.

    coarse      bits that common neighbours carry: with k of n samples near each, in A and in B,
                    log2 (n · mean number of samples near in both / k²)
                with k a twentieth of n: about 0 of independent variables, and at most log2 20
    neighbours  of labels: H(B) less the cross-entropy of what the K nearest neighbours of each
                sample say of its label, itself left out. On average no more than I(A;B)
    lines       of labels: the same of classes as normals of one covariance, each half of the
                samples by what was fitted to the other
    counted     of labels, where a variable of A takes few values: what equal rows of A, of all
                samples, tell of them. It is all that there is, and on average more; NaN where A
                is continuous, as its rows are all different
"""

from __future__ import annotations

import math

import numpy as np
import torch

from infoplane.estimators.kernels import counting
from infoplane.estimators.tables import linear
from infoplane.information import entropy_of_counts

ROWS = 600
"""Samples of the opinions by neighbours; `linear` looks at more."""
K = 8
"""Neighbours that speak of a label."""
PART = 20
"""Of n samples, n / PART are near."""
PRIOR = 1.0
"""Samples that every label has in the class frequencies beside the K neighbours."""
SHRINK = 0.1
"""Share of the mean variance in a class covariance: it can then be inverted."""


def coarse(a: torch.Tensor, b: torch.Tensor) -> float:
    """Bits; a (n, d_a) and b (n, d_b), floating point. 0 where one of them never varies."""
    rows = [scores(part) for part in (a, b)]
    if 0 in (rows[0].shape[1], rows[1].shape[1]):
        return 0.0
    near = [_near(_distances(part)) for part in rows]
    both = max((near[0] & near[1]).sum(), 0.5)
    expected = (near[0].sum(axis=1) * near[1].sum(axis=1)).sum()
    return math.log2((len(near[0]) - 1) * both / expected)


def of_labels(a: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """neighbours and lines, bits; a (n, d_a) and labels (n,), whole numbers from 0. Both 0
    where A never varies. More than K samples."""
    rows, codes = scores(a), np.unique(_some(labels).numpy(force=True), return_inverse=True)[1]
    if rows.shape[1] == 0:
        return 0.0, 0.0
    entropy = entropy_of_counts(np.bincount(codes))
    told = _said_by_neighbours(_distances(rows), codes), _said_by_lines(rows, codes)
    return entropy - told[0], entropy - told[1]


def counted(a: torch.Tensor, labels: torch.Tensor) -> float:
    """Bits; a (n, d_a) and labels (n,), whole numbers from 0."""
    if linear.is_continuous(a):
        return math.nan
    y = labels.numpy(force=True).astype(np.int64)
    h = counting.tally_rows(a.detach().cpu()[None, :, None], y[None]).entropies()[0]
    return float(h[counting.T] + h[counting.Y] - h[counting.TY])


def told(neighbours, lines, entropy):
    """The larger of both, between 0 and H(B); numbers or arrays."""
    return np.clip(np.fmax(neighbours, lines), 0, entropy)


def scores(rows: torch.Tensor) -> np.ndarray:
    """Normal scores of the variables that vary, of ROWS samples: (ROWS or n, d)."""
    found = _some(rows).double().numpy(force=True)
    return linear.normal_scores(found[:, (found != found[0]).any(axis=0)])


def _some(rows: torch.Tensor) -> torch.Tensor:
    step = max(1, len(rows) // ROWS)
    return rows.detach()[: step * ROWS : step]


def _distances(rows: np.ndarray) -> np.ndarray:
    """Squared distances (n, n); infinite from each to itself."""
    squares = np.square(rows).sum(axis=1)
    found = squares[:, None] + squares - 2 * rows @ rows.T
    np.fill_diagonal(found, np.inf)
    return np.maximum(found, 0)


def _near(distances: np.ndarray) -> np.ndarray:
    """Which samples (n, n) are among the nearest k of each."""
    k = max(2, len(distances) // PART)
    return distances <= np.partition(distances, k - 1, axis=1)[:, k - 1 : k]


def _said_by_neighbours(distances: np.ndarray, codes: np.ndarray) -> float:
    """Bits of a label, told its nearest neighbours."""
    nearest = np.argpartition(distances, K, axis=1)[:, :K]
    share = np.bincount(codes) / len(codes)
    counts = (codes[nearest] == codes[:, None]).sum(axis=1)
    p = (counts + PRIOR * share[codes]) / (K + PRIOR)
    return float(-np.log2(p).mean())


def _said_by_lines(rows: np.ndarray, codes: np.ndarray) -> float:
    """Bits of a label, told the best of normal classes of one covariance; the mean of both
    halves, each by what was fitted to the other."""
    halves = np.arange(len(rows)) % 2
    bits = []
    for half in (0, 1):
        fitted, asked = halves != half, halves == half
        bits.append(_by_lines(rows[fitted], codes[fitted], rows[asked], codes[asked]))
    return float(np.mean(np.concatenate(bits)))


def _by_lines(rows, codes, asked, truth) -> np.ndarray:
    """−log2 p(label | a) of each that is asked for."""
    n_classes = max(codes.max(), truth.max()) + 1
    counts = np.bincount(codes, minlength=n_classes)
    means = np.zeros((n_classes, rows.shape[1]))
    np.add.at(means, codes, rows)
    means /= np.maximum(counts, 1)[:, None]
    within = rows - means[codes]
    covariance = within.T @ within / len(rows)
    spread = np.trace(covariance) / len(covariance) + 1e-9
    covariance = (1 - SHRINK) * covariance + SHRINK * spread * np.eye(len(covariance))
    solved = np.linalg.solve(covariance, means.T)
    logs = asked @ solved - (means.T * solved).sum(axis=0) / 2
    logs += np.log((counts + PRIOR / n_classes) / (len(codes) + PRIOR))
    logs -= logs.max(axis=1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    share = 0.98  # and 2 % of ignorance: no single sample costs more than some bits
    p = share * np.exp(logs) + (1 - share) / n_classes
    return -np.log2(p[np.arange(len(truth)), truth])
