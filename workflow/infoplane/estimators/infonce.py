"""InfoNCE: how well a critic finds the true partner among a batch of others.

Source: van den Oord, Li & Vinyals 2018, arXiv 1807.03748, equation 4 and appendix A.1. With
mini-batches of K pairs and a critic f
    I(A;B) ≥ ln K + E[ln e^f(a_i, b_i) / Σ_j e^f(a_i, b_j)]
It has little variance and cannot exceed ln K.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from infoplane.estimators.critics.estimator import CriticEstimator, CriticSettings

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.estimators.critics.networks import Scores


class InfoNCESettings(CriticSettings):
    """Settings of InfoNCE."""

    estimator: Literal["infonce"] = "infonce"
    """`infonce` is the lower bound of a critic that contrasts samples (van den Oord et al.
    2018)."""
    critic: Literal["separable", "concat"] = "separable"
    """`separable` is the inner product of the outputs of two networks, one for each variable;
    concat is one network of both variables, which contrasts a sample with only `contrasts`
    others."""
    batch_size: int = Field(default=512, ge=2)
    """Separable critics contrast this many samples K, in training and in the estimate, whose
    largest value is log2 K bits. If a held-out half has fewer samples, K is their number."""


class InfoNCE(CriticEstimator):
    """The InfoNCE bound. The critic finds a sample's partner among K samples, or among those of
    a held-out half if it has fewer; concat critics among held_out_contrasts + 1."""

    Settings = InfoNCESettings
    settings: InfoNCESettings
    changes = (
        "a larger batch_size raises its cap; another training (seed, max_steps, "
        "learning_rate, width) moves it, and more samples mostly raise it"
    )

    def summary(self, scores: Scores) -> Tensor:
        """ln K + ln of the share of e^f(a_i, b_i) in the sum over all b_j, (C, 1, n)."""
        total = torch.logaddexp(scores.joint, torch.logsumexp(scores.product, dim=1))
        return (scores.joint - total + math.log(scores.n_contrasts + 1))[:, None]

    def bound(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """The mean over the samples."""
        terms = summary[:, 0]
        return terms.mean(dim=1), terms

    def block(self, n: int, most: int) -> int:
        """K."""
        return min(self.settings.batch_size, n)

    def cap(self, n: int, n_contrasts: int) -> float:
        """ln K."""
        return math.log(n_contrasts + 1)
