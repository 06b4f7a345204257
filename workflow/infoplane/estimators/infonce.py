"""InfoNCE: how well a critic finds the true partner among a batch of others.

Source: van den Oord, Li & Vinyals 2018, arXiv 1807.03748, equation 4 and appendix A.1. With
mini-batches of K pairs and a critic f
    I(A;B) ≥ ln K + E[ln e^f(a_i, b_i) / Σ_j e^f(a_i, b_j)]
It has little variance and cannot exceed ln K.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from infoplane.estimators import critic_training
from infoplane.estimators.critic_training import CriticSettings
from infoplane.estimators.interface import PairEstimator
from infoplane.samples import Information, Pair

if TYPE_CHECKING:
    from torch import Tensor


class InfoNCESettings(CriticSettings):
    """Settings of InfoNCE."""

    estimator: Literal["infonce"] = "infonce"
    critic: Literal["separable", "concat"] = "separable"
    """separable: a network of each variable, and the inner product of their outputs; concat:
    one network of both, which contrasts a sample with `contrasts` others alone."""
    batch_size: int = Field(default=512, ge=2)
    """K of separable critics, in training and in the estimate: its largest value is log2 K
    bits. Where a held-out half has fewer samples, it is their number."""


class InfoNCE(PairEstimator):
    """How well a critic finds the true partner among others."""

    Settings = InfoNCESettings
    settings: InfoNCESettings
    together = True
    trains = True
    infinite_without_noise = True

    @property
    def remembers(self) -> bool:
        """With a warm start, critics go on from those of the epoch before."""
        return self.settings.warm_start

    def between_batch(
        self, pairs: Sequence[Pair], memory: dict | None = None
    ) -> list[Information]:
        """I(A;B) of each pair in bits: shapes, record and errors are
        critic_training.estimate's.

        lower is the value: on average over held-out samples it is below I(A;B). cap: log2 of
        the samples that a partner is found among: K, or those of a held-out half where it has
        fewer, or held_out_contrasts + 1 for concat critics.
        """
        return critic_training.estimate(
            pairs, self.settings, Objective(self.settings.batch_size), memory
        )


class Objective:
    """The InfoNCE bound. A concat critic contrasts a_i with as many b_j as it scores."""

    is_bound = True

    def __init__(self, batch_size: int):
        self.batch_size = batch_size

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        n = joint.shape[1]
        total = _log_sum_exp(joint, product)
        product.sub_(total[:, None]).clamp_(min=-80).exp_().div_(n)
        return ((joint - total).exp() - 1) / n, product, None

    def summary(self, joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
        terms = joint - _log_sum_exp(joint, product) + math.log(n_contrasts + 1)
        return terms[:, None]

    def bound(self, summary: Tensor):
        return summary[:, 0].mean(dim=1), summary[:, 0]

    def criterion(self, summary: Tensor) -> Tensor:
        return self.bound(summary)[0]

    def block(self, n_rows: int, largest: int) -> int:
        return min(self.batch_size, n_rows)

    def cap(self, n_rows: int, n_contrasts: int) -> float:
        return math.log(n_contrasts + 1)


def _log_sum_exp(joint: Tensor, product: Tensor) -> Tensor:
    return torch.logaddexp(joint, torch.logsumexp(product, dim=1))
