"""Second opinions on two variables: cheap numbers that predict the error of an estimate.

`linear` is in linear.py. The others use at most ROWS samples, evenly spaced among all, with
every variable replaced by its normal scores, and take some milliseconds; `counted` uses all
samples as they are.

    coarse      for continuous variables, from common neighbours: if each sample has k near ones
                in A and k in B,
                    log2 ((n − 1) · mean number of samples near in both / k²) bits
                with k a twentieth of n: about 0 for independent variables, at most log2 20
    neighbours  for labels: H(B) minus the cross-entropy of a prediction of each label from
                the K nearest neighbours of its sample. On average at most I(A;B)
    lines       for labels: the same with a linear discriminant, normal classes of one
                covariance; each half of the samples is predicted by a fit to the other half
    counted     for labels, if a variable of A takes few values: the plug-in I(A;B) of equal
                rows of A, which on average is too large; NaN if A is continuous, because
                then all rows differ
"""

from __future__ import annotations

import math

import numpy as np
import torch

from infoplane.estimators.kernels import counting
from infoplane.estimators.tables import linear
from infoplane.information import entropy_of_counts

ROWS = 600
"""The most samples of coarse, neighbours and lines; `linear` uses more."""
K = 8
"""Neighbours that predict a label."""
PART = 20
"""Of n samples, n / PART are near."""
PRIOR = 1.0
"""The class frequencies count as this many samples, added to the K neighbours."""
SHRINK = 0.1
"""Share of the mean variance in a class covariance, which makes it invertible."""


def coarse(a: torch.Tensor, b: torch.Tensor) -> float:
    """coarse, in bits; a (n, d_a) and b (n, d_b), floating point. 0 if one of them is
    constant."""
    rows = [scores(part) for part in (a, b)]
    if 0 in (rows[0].shape[1], rows[1].shape[1]):
        return 0.0
    near = [_near(_distances(part)) for part in rows]
    both = max((near[0] & near[1]).sum(), 0.5)
    expected = (near[0].sum(axis=1) * near[1].sum(axis=1)).sum()
    return math.log2((len(near[0]) - 1) * both / expected)


def of_labels(a: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """neighbours and lines, in bits; a (n, d_a) and labels (n,), whole numbers from 0. Both are
    0 if A is constant. n must exceed K."""
    rows, codes = scores(a), np.unique(_some(labels).numpy(force=True), return_inverse=True)[1]
    if rows.shape[1] == 0:
        return 0.0, 0.0
    entropy = entropy_of_counts(np.bincount(codes))
    told = _said_by_neighbours(_distances(rows), codes), _said_by_lines(rows, codes)
    return entropy - told[0], entropy - told[1]


def counted(a: torch.Tensor, labels: torch.Tensor) -> float:
    """counted, in bits; a (n, d_a) and labels (n,), whole numbers from 0."""
    if linear.is_continuous(a):
        return math.nan
    y = labels.numpy(force=True).astype(np.int64)
    h = counting.tally_rows(a.detach().cpu()[None, :, None], y[None]).entropies()[0]
    return float(h[counting.T] + h[counting.Y] - h[counting.TY])


def told(neighbours, lines, entropy):
    """The larger of both, between 0 and H(B); numbers or arrays."""
    return np.clip(np.fmax(neighbours, lines), 0, entropy)


def scores(rows: torch.Tensor) -> np.ndarray:
    """Normal scores of the variables that vary, for ROWS samples: (ROWS or n, d)."""
    found = _some(rows).double().numpy(force=True)
    return linear.normal_scores(found[:, (found != found[0]).any(axis=0)])


def _some(rows: torch.Tensor) -> torch.Tensor:
    step = max(1, len(rows) // ROWS)
    return rows.detach()[: step * ROWS : step]


def _distances(rows: np.ndarray) -> np.ndarray:
    """Squared distances (n, n); infinite from each sample to itself."""
    squares = np.square(rows).sum(axis=1)
    found = squares[:, None] + squares - 2 * rows @ rows.T
    np.fill_diagonal(found, np.inf)
    return np.maximum(found, 0)


def _near(distances: np.ndarray) -> np.ndarray:
    """Which samples are among the k nearest of each, (n, n)."""
    k = max(2, len(distances) // PART)
    return distances <= np.partition(distances, k - 1, axis=1)[:, k - 1 : k]


def _said_by_neighbours(distances: np.ndarray, codes: np.ndarray) -> float:
    """Cross-entropy of a label in bits, as its nearest neighbours predict it."""
    nearest = np.argpartition(distances, K, axis=1)[:, :K]
    share = np.bincount(codes) / len(codes)
    counts = (codes[nearest] == codes[:, None]).sum(axis=1)
    p = (counts + PRIOR * share[codes]) / (K + PRIOR)
    return float(-np.log2(p).mean())


def _said_by_lines(rows: np.ndarray, codes: np.ndarray) -> float:
    """Cross-entropy of a label in bits, as a linear discriminant predicts it; the mean of both
    halves, each predicted by a fit to the other."""
    halves = np.arange(len(rows)) % 2
    bits = []
    for half in (0, 1):
        fitted, asked = halves != half, halves == half
        bits.append(_by_lines(rows[fitted], codes[fitted], rows[asked], codes[asked]))
    return float(np.mean(np.concatenate(bits)))


def _by_lines(rows, codes, asked, truth) -> np.ndarray:
    """−log2 p(label | a) of the samples `asked` with labels `truth`, by a fit to `rows` with
    labels `codes`."""
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
    share = 0.98  # mixed with 2 % of a uniform distribution, so that no sample costs many bits
    p = share * np.exp(logs) + (1 - share) / n_classes
    return -np.log2(p[np.arange(len(truth)), truth])
