"""SMILE: the Donsker-Varadhan estimate with its second term clipped.

Source: Song & Ermon 2020, ICLR, equation 15 and algorithm 2. The critic f is trained by the
Jensen-Shannon objective (see `js`); the estimate is
    I(A;B) ≈ E_p(a,b)[f] − ln E_p(a)p(b)[clip(e^f, e^−τ, e^τ)]
Clipping bounds the variance of the second term, and makes it too small where e^f > e^τ
matters: the estimate is no bound, of neither side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from infoplane.estimators import critic_bounds, critic_training
from infoplane.estimators.critic_training import CriticSettings
from infoplane.estimators.critics import MASKED
from infoplane.estimators.interface import PairEstimator
from infoplane.samples import Information, Pair

if TYPE_CHECKING:
    from torch import Tensor


class SMILESettings(CriticSettings):
    """Settings of SMILE."""

    estimator: Literal["smile"] = "smile"
    clip: float = Field(default=5, gt=0, allow_inf_nan=False)
    """τ in nats: scores of product pairs are clipped to [−τ, τ] in the estimate."""


class SMILE(PairEstimator):
    """The clipped Donsker-Varadhan estimate of a trained critic."""

    Settings = SMILESettings
    settings: SMILESettings
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

        lower is NaN: SMILE is no bound.
        """
        return critic_training.estimate(
            pairs, self.settings, Objective(self.settings.clip), memory
        )


class Objective(critic_bounds.MeanExponential):
    """The clipped estimate of a critic trained by the Jensen-Shannon objective. As more is
    not better here, training stops where the Jensen-Shannon objective is best."""

    is_bound = False

    def __init__(self, clip: float = 5):
        self.clip = clip

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        return *critic_bounds.jensen_shannon_slopes(joint, product, n_contrasts), None

    def summary(self, joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
        separation = critic_bounds.jensen_shannon(joint, product, n_contrasts)
        counts = product > MASKED
        product = torch.where(counts, product.clamp(-self.clip, self.clip), product)
        return torch.stack(
            [joint, critic_bounds.log_mean_exp(product, n_contrasts), separation], dim=1
        )

    def bound(self, summary: Tensor):
        joint, by_sample, _ = summary.unbind(dim=1)
        return critic_bounds.donsker_varadhan(joint, by_sample)

    def criterion(self, summary: Tensor) -> Tensor:
        return summary[:, 2].mean(dim=1)
