"""Sliced mutual information: the mean over random projections of both variables.

Sources: Goldfeld & Greenewald 2021 (NeurIPS), definition 1; with projections to k dimensions
Goldfeld, Greenewald, Nuradha & Reeves 2022 (NeurIPS). With Θ, Φ random directions, or random
orthonormal frames of `dimensions` directions,
    SI(A;B) = E_ΘΦ I(Θᵀ A; Φᵀ B)      with labels E_Θ I(Θᵀ A; B)
Each slice is estimated by k nearest neighbours in the max-norm (Kraskov et al. 2004, eq. 8;
labels: Ross 2014). They are accurate in so few dimensions, whatever the dimensions of A and
B.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import neighbour_terms, neighbours, scaled
from infoplane.estimators.kernels.threads import each
from infoplane.information import PAIRS, Quantity
from infoplane.samples import Information, Pair
from infoplane.settings import Settings


class SlicedSettings(Settings):
    """Settings of sliced mutual information."""

    estimator: Literal["sliced"] = "sliced"
    """`sliced` is the mean information over random projections (Goldfeld & Greenewald 2021)."""
    n_projections: int = Field(default=128, ge=1)
    """The value is a mean over this many pairs of random projections, independent for both
    variables."""
    dimensions: int = Field(default=1, ge=1)
    """A slice has this many dimensions; a variable with fewer dimensions is used whole."""
    neighbours: int = Field(default=3, ge=1)
    """Each slice uses this number k of nearest neighbours."""
    seed: int = Field(default=0, ge=0)
    """The projections, and the noise that separates ties, are drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting the samples."""


class Sliced(PairEstimator):
    """The mean over random projections of both variables."""

    Settings = SlicedSettings
    settings: SlicedSettings
    changes = (
        "projections of more dimensions see more of the dependence, and other projections"
        " move it within its error"
    )
    exempt_from_dpi = (
        "sliced information may grow under deterministic maps, which can turn what was spread "
        "over many directions into one"
    )
    not_invariant = (
        "it is the mean information of projections of standardised variables, and an "
        "invertible map may change what projections see"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rotate", "monotone", "permute")

    def quantity(self, of: str) -> Quantity:
        """The mean over projections, with their dimension."""
        whose = {"ixt": "X and T", "ity": "T, with Y"}[of]
        words = f"mean of I over {self.settings.dimensions}-dimensional projections of {whose}"
        return Quantity(words, rf"\mathrm{{S}}{PAIRS[of]}")

    def between(self, pair: Pair) -> Information:
        """Sliced information in bits.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels, which are not sliced. With
            pair.n_draws > 1, b is treated as the index of its row. Variables are standardised
            first and their ties separated (scaled.py): directions belong to the space in which
            every varying coordinate has variance 1, or its normal scores if its tails are heavy
            (tails.py). The only member of a class is left out.
        Returns Information in bits.
            value : may be negative; exactly 0 if a or b never varies, or b is one class
            stderr : root of the sum of two squares: the standard deviation over the slices
                divided by √n_projections, and the standard deviation over the samples of their
                mean terms divided by √n
            cap : ψ(n) − ψ(k), the cap of each slice; for labels ψ(n) − mean ψ(n_y(i))
        Raises ValueError if neighbours ≥ n, or if every label has only one sample.
        """
        neighbour_terms.require_neighbours(pair, self.settings.neighbours)
        generator = np.random.default_rng(self.settings.seed)
        if pair.is_labelled or pair.n_draws > 1:
            return _with_labels(pair, self.settings, generator)
        cap = neighbour_terms.cap_of_pair(pair.n, 1, 1, self.settings.neighbours, False)
        memory = self.settings.memory_mb * 10**6 // 2
        columns = scaled.Columns([pair.a, pair.b], None, self.settings.seed, memory=memory)

        def terms_of(slices: list[torch.Tensor], memory: int) -> torch.Tensor:
            return neighbour_terms.of_pair(*slices, self.settings.neighbours, False, memory)

        return _mean_over_slices(columns, pair.n, generator, terms_of, cap, self.settings)


def _with_labels(pair: Pair, settings: SlicedSettings, generator) -> Information:
    labels, kept = neighbour_terms.classes_of(pair)
    cap = neighbour_terms.cap_of_labels(labels)
    if len(labels.unique()) == 1:
        return neighbour_terms.nothing(cap)
    memory = settings.memory_mb * 10**6 // 2
    columns = scaled.Columns([pair.a], labels, settings.seed, kept, memory)

    def terms_of(slices: list[torch.Tensor], memory: int) -> torch.Tensor:
        (of_a,) = slices
        return neighbour_terms.of_labels(of_a, labels, settings.neighbours, "max", memory)

    return _mean_over_slices(columns, len(labels), generator, terms_of, cap, settings)


def _frames(generator: np.random.Generator, d: int, settings: SlicedSettings) -> torch.Tensor:
    """float64 (n_projections, d, dimensions or d): orthonormal columns in random directions."""
    normal = generator.standard_normal((settings.n_projections, d, settings.dimensions))
    if settings.dimensions >= d:
        return torch.eye(d, dtype=torch.float64).expand(settings.n_projections, d, d)
    # The sign of R's diagonal makes the factorisation unique, and Q uniform.
    q, r = np.linalg.qr(normal)
    signs = np.sign(np.diagonal(r, axis1=1, axis2=2))
    return torch.from_numpy(q * signs[:, None, :])


def _mean_over_slices(columns, n: int, generator, terms_of, cap: float, settings):
    """The record of the mean over slices of n samples of the variables in `columns`.

    terms_of(slices, memory) : the n terms, given one slice of each variable
    """
    if 0 in columns.widths:
        return neighbour_terms.nothing(cap)
    frames = [_frames(generator, d, settings) for d in columns.widths]
    n_slices, widths = settings.n_projections, [f.shape[2] for f in frames]
    memory = settings.memory_mb * 10**6 // 2
    at_once = max(1, min(n_slices, memory // (8 * n * (sum(widths) + 1))))
    means, total = [], torch.zeros(n, dtype=torch.float64)
    for start in range(0, n_slices, at_once):
        stop = min(n_slices, start + at_once)
        slices = _projected(columns, n, [f[start:stop] for f in frames])
        terms = torch.empty((stop - start, n), dtype=torch.float64)

        def one(s: int, slices=slices, terms=terms) -> None:
            terms[s] = terms_of([of_part[:, s] for of_part in slices], memory).cpu()

        # A slice of one dimension is one compiled call; the others use all threads.
        if max(widths) == 1 and not neighbours.in_torch(slices[0]):
            each(one, stop - start)
        else:
            for s in range(stop - start):
                one(s)
        means += terms.mean(dim=1).tolist()
        total += terms.sum(dim=0)
    of_samples = total / n_slices
    by_samples = of_samples.std(correction=0).item() / math.sqrt(n)
    by_projections = np.std(means, ddof=min(1, n_slices - 1)) / math.sqrt(n_slices)
    return neighbour_terms.record(of_samples, cap, math.hypot(by_samples, by_projections))


def _projected(columns, n: int, frames: list[torch.Tensor]) -> list[torch.Tensor]:
    """Slices (n, n_slices, k) of each part, standardised again so that they have one scale.
    frames : (n_slices, d, k) for each part"""
    slices, done = [None for _ in frames], [0 for _ in frames]
    for part, rows in columns:
        along = frames[part][:, done[part] : done[part] + rows.shape[1]]
        along = along.permute(1, 0, 2).flatten(1).to(rows.device)
        done[part] += rows.shape[1]
        if slices[part] is None:
            slices[part] = rows.new_zeros((n, along.shape[1]))
        slices[part].addmm_(rows, along)
    for part, values in enumerate(slices):
        values -= values.mean(dim=0)
        values /= torch.linalg.vector_norm(values, dim=0) / math.sqrt(n)
        slices[part] = values.unflatten(1, (-1, frames[part].shape[2]))
    return slices
