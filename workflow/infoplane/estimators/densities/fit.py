"""The data that densities are fitted to, and helpers that several densities share."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from infoplane.estimators.kernels.noisy_layers import NoisyLayer

LEAST_WEIGHT = 1e-3
"""Smallest weight of the density with heavy tails; it costs at most 0.0014 bit."""
VALUES = 2**22
"""Values of samples whose densities are computed at once: each density holds copies of them."""
ROUNDS = 100
"""Number of steps of expectation maximisation that weight the variants."""


class Fit(NamedTuple):
    """The data that a density is fitted to.

    layer : in units of the noise; places : int64, positions of the fitted inputs' centres
    t : (n, n_units), noisy samples of these inputs
    chosen : (n, n_units), noisy samples of the inputs that weight the densities; some
        densities use them to select a variant or to stop their training
    seed : of all random numbers
    memory : bytes for the blocks of a computation
    """

    layer: NoisyLayer
    places: Tensor
    t: Tensor
    chosen: Tensor
    seed: int
    memory: int = 512 * 10**6


class Density(Protocol):
    """A kind of density."""

    def logs(self, t: Tensor) -> Tensor:
        """ln q(t) in nats, (n_variants, n), at samples (n, n_units)."""


def log_weights(logs: Tensor, least: int) -> Tensor:
    """Log weights (n_variants,) of the mixture under which the samples are most likely.

    logs : (n_variants, n), log densities; least : the variant with at least LEAST_WEIGHT
    """
    n = len(logs)
    weights = torch.full((n,), -math.log(n), dtype=torch.float64, device=logs.device)
    floor = torch.zeros(n, dtype=torch.float64, device=logs.device)
    floor[least] = LEAST_WEIGHT
    for _ in range(ROUNDS):
        joint = logs + weights[:, None]
        shares = (joint - joint.logsumexp(0)).exp().mean(1)
        weights = ((1 - LEAST_WEIGHT) * shares + floor).log()
    return weights


class Spectrum:
    """Principal components of the centres.

    mean : (n_units,); axes : (n_units, k)
    variances : (k,), variances of the centres along the axes, largest first
    d : n_units; total : sum of the variances
    """

    def __init__(self, fit: Fit):
        rows = fit.layer.centres[fit.places]
        self.mean = rows.mean(0)
        shifted = rows - self.mean
        n, d = shifted.shape
        if n < d:
            values, vectors = torch.linalg.eigh(shifted @ shifted.T / (n - 1))
            kept = values > 1e-12 * values[-1].clamp(min=1e-300)
            axes = shifted.T @ vectors[:, kept]
            axes /= axes.norm(dim=0)
            values = values[kept]
        else:
            values, axes = torch.linalg.eigh(shifted.T @ shifted / (n - 1))
        self.variances, self.axes = values.flip(0).clamp(min=0), axes.flip(1)
        self.d = d

    @cached_property
    def total(self) -> float:
        return float(self.variances.sum())

    def coordinates(self, t: Tensor, n: int | None = None) -> Tensor:
        """Coordinates (n_samples, n) of samples along the first n axes, or along all."""
        parts = t.split(max(1, VALUES // t.shape[1]))
        return torch.cat([(part - self.mean) @ self.axes[:, :n] for part in parts])
