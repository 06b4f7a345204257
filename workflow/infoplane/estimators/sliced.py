"""Sliced mutual information: the mean over random projections of both variables.

Sources: Goldfeld & Greenewald 2021 (NeurIPS), definition 1; with projections to k dimensions
Goldfeld, Greenewald, Nuradha & Reeves 2022 (NeurIPS). With Θ, Φ random directions, or
orthonormal frames of `dimensions` of them,
    SI(A;B) = E_ΘΦ I(Θᵀ A; Φᵀ B)      with labels E_Θ I(Θᵀ A; B)
each slice by k nearest neighbours in the max-norm (Kraskov et al. 2004, eq. 8; labels: Ross
2014), which are accurate in so few dimensions, however many A and B have.
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
    n_projections: int = Field(default=128, ge=1)
    """Pairs of random projections, each drawn anew for both variables."""
    dimensions: int = Field(default=1, ge=1)
    """Of the slices; a variable of fewer dimensions is taken whole."""
    neighbours: int = Field(default=3, ge=1)
    """k of the nearest neighbours of each slice."""
    seed: int = Field(default=0, ge=0)
    """Of the projections, and of the noise that parts ties (scaled.py)."""
    memory_mb: int = Field(default=512, ge=1)
    """Working memory beside copies of the samples, in MB."""


class Sliced(PairEstimator):
    """The mean over random projections of both variables."""

    Settings = SlicedSettings
    settings: SlicedSettings
    exempt_from_dpi = (
        "sliced information may grow under deterministic maps, which can turn what was spread "
        "over many directions into one"
    )

    def quantity(self, of: str) -> Quantity:
        """The mean over projections, with their dimension."""
        whose = {"ixt": "X and T", "ity": "T, with Y"}[of]
        words = f"mean of I over {self.settings.dimensions}-dimensional projections of {whose}"
        return Quantity(words, rf"\mathrm{{S}}{PAIRS[of]}")

    def between(self, pair: Pair) -> Information:
        """Sliced information in bits.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels, which are not sliced. With
        pair.n_draws > 1, b is treated as the index of its row.
        Variables are standardised first and their ties parted (scaled.py): directions are those
        of the space in which every variable that varies has variance 1, or is given by its
        normal scores where its tails are heavy (tails.py). The only member of its
        class is left out.
        Returns
            value : may be negative. 0 exactly where a or b never varies, or b is one class.
            stderr : of the drawing of projections, standard deviation over the slices by
                √n_projections, and of the samples, standard deviation over the samples of their
                mean terms by √n: the root of the sum of squares
            cap : ψ(n) − ψ(k), as of each slice; for labels ψ(n) − mean ψ(n_y(i))
        Raises ValueError where neighbours ≥ n, or every label has one sample only.
        """
        neighbour_terms.require_neighbours(pair, self.settings.neighbours)
        generator = np.random.default_rng(self.settings.seed)
        if pair.is_labelled or pair.n_draws > 1:
            return _with_labels(pair, self.settings, generator)
        a, b = (scaled.of_one_scale(part) for part in (pair.a, pair.b))
        cap = neighbour_terms.cap_of_pair(pair.n, 1, 1, self.settings.neighbours, False)
        if 0 in (a.shape[1], b.shape[1]):
            return neighbour_terms.nothing(cap)
        a, b = scaled.without_ties([a, b], None, self.settings.seed)
        frames = [_frames(generator, part.shape[1], self.settings) for part in (a, b)]

        def terms_of(slices: list[torch.Tensor], memory: int) -> torch.Tensor:
            return neighbour_terms.of_pair(*slices, self.settings.neighbours, False, memory)

        return _mean_over_slices([a, b], frames, terms_of, cap, self.settings)


def _with_labels(pair: Pair, settings: SlicedSettings, generator) -> Information:
    labels, kept = neighbour_terms.classes_of(pair)
    cap = neighbour_terms.cap_of_labels(labels)
    a = scaled.of_one_scale(pair.a[kept.to(pair.a.device)])
    if a.shape[1] == 0 or len(labels.unique()) == 1:
        return neighbour_terms.nothing(cap)
    (a,) = scaled.without_ties([a], labels, settings.seed)
    frames = _frames(generator, a.shape[1], settings)

    def terms_of(slices: list[torch.Tensor], memory: int) -> torch.Tensor:
        (of_a,) = slices
        return neighbour_terms.of_labels(of_a, labels, settings.neighbours, "max", memory)

    return _mean_over_slices([a], [frames], terms_of, cap, settings)


def _frames(generator: np.random.Generator, d: int, settings: SlicedSettings) -> torch.Tensor:
    """float64 (n_projections, d, dimensions or d), orthonormal columns of any direction."""
    normal = generator.standard_normal((settings.n_projections, d, settings.dimensions))
    if settings.dimensions >= d:
        return torch.eye(d, dtype=torch.float64).expand(settings.n_projections, d, d)
    # The sign of R's diagonal makes the factorisation unique, and Q uniform.
    q, r = np.linalg.qr(normal)
    signs = np.sign(np.diagonal(r, axis1=1, axis2=2))
    return torch.from_numpy(q * signs[:, None, :])


def _mean_over_slices(parts, frames, terms_of, cap: float, settings: SlicedSettings):
    """The record of the mean over slices of parts (n, d) by frames (n_projections, d, k);
    terms_of(slices, memory) gives the n terms of one slice of each part."""
    n, n_slices = len(parts[0]), settings.n_projections
    widths = [f.shape[2] for f in frames]
    memory = settings.memory_mb * 10**6 // 2
    at_once = max(1, min(n_slices, memory // (8 * n * (3 * sum(widths) + 1))))
    means, total = [], torch.zeros(n, dtype=torch.float64)
    for start in range(0, n_slices, at_once):
        stop = min(n_slices, start + at_once)
        slices = [_projected(p, f[start:stop]) for p, f in zip(parts, frames, strict=True)]
        terms = torch.empty((stop - start, n), dtype=torch.float64)

        def one(s: int, slices=slices, terms=terms) -> None:
            terms[s] = terms_of([of_part[s] for of_part in slices], memory).cpu()

        # A slice of one dimension is one compiled call; the others use all threads.
        if max(widths) == 1 and not neighbours.in_torch(parts[0]):
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


def _projected(rows: torch.Tensor, frames: torch.Tensor) -> list[torch.Tensor]:
    """Each slice (n, k), its variables standardised again: they are to have one scale."""
    n_slices, d, k = frames.shape
    columns = frames.permute(1, 0, 2).reshape(d, n_slices * k).to(rows.device)
    values = rows @ columns
    values = values - values.mean(dim=0)
    values = values / values.square().mean(dim=0).sqrt()
    return list(values.reshape(len(rows), n_slices, k).unbind(dim=1))
