"""Plain versions of the published algorithms, with which ours are compared."""

import math

import numpy as np
import torch

EXP_FLOOR = -80.0
"""Below this, torch's float32 exponential is up to 300 times slower; peers do not pay for
it."""


def kde(t: torch.Tensor, y: torch.Tensor, variance: float) -> dict[str, float]:
    """Kolchinsky-Tracey bounds as published, in bits: an n × n distance matrix for H(T) and one
    for each H(T | y), computed again for the upper and for the lower bound. t (n, d)."""
    classes = [t[y == label] for label in y.unique()]
    shares = [len(rows) / len(t) for rows in classes]
    information = {}
    for bound, share_of_variance in (("upper", 2), ("lower", 8)):
        whole = _entropy(t, share_of_variance * variance)
        parts = [_entropy(rows, share_of_variance * variance) for rows in classes]
        information[f"ixt_{bound}"] = whole
        information[f"ity_{bound}"] = whole - sum(
            p * h for p, h in zip(shares, parts, strict=True)
        )
    return information


def _entropy(t: torch.Tensor, denominator: float) -> float:
    squares = (t * t).sum(dim=1)
    distances = squares[:, None] + squares[None, :] - 2 * t @ t.T
    exponents = (-distances.clamp(min=0) / denominator).clamp(min=EXP_FLOOR)
    logs = torch.logsumexp(exponents, dim=1) - math.log(len(t))
    return -float(logs.mean()) / math.log(2)


def binned(t: np.ndarray, y: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """I(X;T) and I(T;Y) in bits of rows binned by np.digitize."""
    return counted(np.digitize(t, edges), y)


def counted(codes: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """I(X;T) and I(T;Y) in bits of rows, which np.unique counts through a void view."""
    whole = _entropy_of_rows(codes)
    labels, counts = np.unique(y, return_counts=True)
    given = [_entropy_of_rows(codes[y == label]) for label in labels]
    return whole, whole - float(counts / len(y) @ np.array(given))


def _entropy_of_rows(codes: np.ndarray) -> float:
    rows = np.ascontiguousarray(codes)
    rows = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    p = np.unique(rows, return_counts=True)[1] / len(rows)
    return -float(p @ np.log2(p))
