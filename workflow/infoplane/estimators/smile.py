"""SMILE: the Donsker-Varadhan estimate with its second term clipped.

Source: Song & Ermon 2020, ICLR, equation 15 and algorithm 2. The critic f is trained by the
Jensen-Shannon objective (see `js`); the estimate is
    I(A;B) ≈ E_p(a,b)[f] − ln E_p(a)p(b)[clip(e^f, e^−τ, e^τ)]
Clipping bounds the variance of the second term, but makes it too small if pairs with e^f > e^τ
matter. So the estimate is neither a lower nor an upper bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from infoplane.estimators.critics import bounds
from infoplane.estimators.critics.estimator import CriticEstimator, CriticSettings

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.estimators.critics.networks import Scores


class SMILESettings(CriticSettings):
    """Settings of SMILE."""

    estimator: Literal["smile"] = "smile"
    """`smile` is a critic's bound whose marginal term is clipped (Song & Ermon 2020)."""
    clip: float = Field(default=5, gt=0, allow_inf_nan=False)
    """Scores of product pairs are clipped to [−τ, τ] in the estimate, where τ is this many
    nats."""


class SMILE(CriticEstimator):
    """The clipped estimate of a critic trained with the Jensen-Shannon objective. A larger
    estimate is not a better one, so training stops at the best Jensen-Shannon objective."""

    Settings = SMILESettings
    settings: SMILESettings
    changes = (
        "a larger clip trades bias for variance; another training (seed, max_steps, "
        "learning_rate, width) moves it, and more samples mostly raise it"
    )

    def loss(self, scores: Scores, state: dict[str, Tensor]) -> Tensor:
        """Minus the Jensen-Shannon objective."""
        return bounds.jensen_shannon(scores).mean(dim=1)

    def summary(self, scores: Scores) -> Tensor:
        """The Donsker-Varadhan terms with clipped scores, and the sample's share in the loss,
        (C, 3, n)."""
        clipped = scores.clipped(self.settings.clip)
        terms = [scores.joint, clipped.log_mean_exp(), bounds.jensen_shannon(scores)]
        return torch.stack(terms, dim=1)

    def bound(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """E[f] − ln E[clip(e^f)]."""
        return bounds.donsker_varadhan(summary[:, 0], summary[:, 1])

    def criterion(self, summary: Tensor) -> Tensor:
        """The Jensen-Shannon objective."""
        return -summary[:, 2].mean(dim=1)
