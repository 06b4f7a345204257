"""The terms of information by nearest neighbours, one for each sample, in nats.

Samples must be standardised and without ties (scaled.py). The mean of the terms is the
estimate; the cap is the largest mean that these numbers of samples allow.
"""

from __future__ import annotations

import math

import torch
from scipy.special import digamma

from infoplane.estimators.kernels import neighbours
from infoplane.samples import BIT, Information, Pair

Norm = neighbours.Norm


def require_neighbours(pair: Pair, k: int) -> None:
    """Raises ValueError if there are too few samples for k neighbours."""
    if k >= pair.n:
        raise ValueError(
            f"{pair.place}: k = {k} neighbours need more than {k} samples; there are {pair.n}"
        )


def classes_of(pair: Pair) -> tuple[torch.Tensor, torch.Tensor]:
    """The samples whose class has other members: their labels and their positions.

    For a continuous b with several draws, the index of the row is the label. Returns labels
    and positions, int64 (m,) each, on the CPU. Raises ValueError if no class has two samples.
    """
    labels = pair.b if pair.is_labelled else torch.arange(pair.n) // pair.n_draws
    labels = labels.cpu()
    kept = torch.nonzero(class_sizes(labels) > 1).flatten()
    if len(kept) == 0:
        raise ValueError(
            f"{pair.place}: each of the {pair.n} samples is the only one of its class; "
            "neighbours within a class need at least two"
        )
    return labels[kept], kept


def class_sizes(labels: torch.Tensor) -> torch.Tensor:
    """int64 (n,), the size of each sample's class."""
    _, codes, counts = torch.unique(labels, return_inverse=True, return_counts=True)
    return counts[codes]


def cap_of_pair(n: int, d_a: int, d_b: int, k: int, improved: bool) -> float:
    """The largest mean of `of_pair`.

    All k neighbours but the farthest are strictly nearer than the farthest in both variables.
    If b is a copy of a, the farthest has the same distance in both. So with the max-norm the
    smallest counts are k − 1, which gives ψ(n) − ψ(k). Euclidean balls include their boundary,
    so their smallest counts are k.
    """
    if not improved:
        return float(digamma(n) - digamma(k))
    return float(digamma(k) + math.log(n) + _volumes(d_a, d_b) - 2 * math.log(k))


def of_pair(a, b, k: int, improved: bool, memory: int) -> torch.Tensor:
    """Terms (n,) of Kraskov et al. 2004, eq. 8, or, improved, of Gao et al. 2018.
    a : (n, d_a); b : (n, d_b)"""
    norm = "euclidean" if improved else "max"
    # If rounding makes distances equal, the neighbours themselves still count.
    least = k if improved else k - 1
    in_a, in_b = (
        counts.clamp(min=least) for counts in neighbours.joint_counts(a, b, k, norm, memory)
    )
    n = len(a)
    if improved:
        constant = digamma(k) + math.log(n) + _volumes(a.shape[1], b.shape[1])
        return constant - in_a.double().log() - in_b.double().log()
    return digamma(k) + digamma(n) - psi(in_a + 1) - psi(in_b + 1)


def cap_of_labels(labels: torch.Tensor) -> float:
    """The largest mean of `of_labels`: m(i) includes at least k_i samples, so that
    ψ(k_i) − ψ(m(i)) ≤ 0."""
    found = float(digamma(len(labels)) - psi(class_sizes(labels)).mean())
    return max(0.0, found)  # a single class gives 0 but for rounding


def of_labels(a, labels, k: int, norm: Norm, memory: int) -> torch.Tensor:
    """Terms (n,) of Ross 2014. a : (n, d); labels : (n,), each class with at least two
    samples"""
    sizes = class_sizes(labels)
    ks = (sizes - 1).clamp(max=k)
    nearer = neighbours.group_counts(a, labels, ks, norm, memory).cpu()
    nearer = torch.maximum(nearer, ks - 1)  # as in of_pair
    return digamma(len(labels)) + psi(ks) - psi(sizes) - psi(nearer + 1)


def record(terms: torch.Tensor, cap: float, stderr: float | None = None, extra=None):
    """The record, in bits, from terms, a cap and extras in nats. stderr : in nats; by default
    that of the mean of the terms"""
    if stderr is None:
        stderr = terms.std(correction=0).item() / math.sqrt(len(terms))
    return Information(
        value=float(BIT * terms.mean().item()),
        stderr=float(BIT * stderr),
        cap=float(BIT * cap),
        extra={name: float(BIT * value) for name, value in (extra or {}).items()},
    )


def nothing(cap: float) -> Information:
    """The record if a variable never varies: exactly 0 bits. cap : in nats"""
    return Information(0.0, stderr=0.0, cap=float(BIT * cap))


def psi(counts: torch.Tensor) -> torch.Tensor:
    """Digamma of integers."""
    return torch.digamma(counts.to(torch.float64))


def ln_ball(d: int, norm: Norm) -> float:
    """ln of the volume of the unit ball in d dimensions."""
    if norm == "max":
        return d * math.log(2)
    return d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)


def _volumes(d_a: int, d_b: int) -> float:
    apart = ln_ball(d_a, "euclidean") + ln_ball(d_b, "euclidean")
    return apart - ln_ball(d_a + d_b, "euclidean")
