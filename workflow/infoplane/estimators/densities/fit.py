"""What densities are fitted to, and what several of them need."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from infoplane.estimators.kernels.noisy_layers import NoisyLayer

LEAST_WEIGHT = 1e-3
"""Weight that the density of heavy tails keeps in any case: 0.0014 bit."""
ROUNDS = 100
"""Steps of expectation maximisation, by which variants are weighed."""


class Fit(NamedTuple):
    """What a density is fitted to.

    layer : in units of the noise; places : of the fitted inputs' centres
    t (n, n_units) : noisy samples of these inputs
    chosen (n, n_units) : noisy samples of the inputs by which densities are weighed, for those
        that stop by them
    seed : of whatever is random
    memory : bytes of blocks
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
        """ln q(t) in nats, (n_variants, n), of samples (n, n_units)."""


def log_weights(logs: Tensor, least: int) -> Tensor:
    """Logarithms of the weights (n_variants,) of the mixture under which samples are most
    likely.

    logs (n_variants, n) : of their densities; least : the variant that keeps LEAST_WEIGHT
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

    mean (n_units,), axes (n_units, k), variances (k,) of T along them, which are 1, of the
    noise, and that of the centres, largest first; rest : mean variance of the centres along all
    other directions
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
        """Along the first n axes."""
        return (t - self.mean) @ self.axes[:, :n]
