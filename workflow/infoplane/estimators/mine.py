"""MINE: the Donsker-Varadhan bound with the gradient corrected for small mini-batches.

Source: Belghazi et al. 2018, ICML, equations 5 and 12, section 3.2 for the gradient. With a
critic f
    I(A;B) ≥ E_p(a,b)[f] − ln E_p(a)p(b)[e^f]
The gradient of the second term is E[e^f ∇f] / E[e^f]; its denominator is an exponential
moving average over mini-batches, because a quotient of two means of one batch is biased.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from infoplane.estimators.critics import bounds
from infoplane.estimators.critics.estimator import CriticEstimator, CriticSettings

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.estimators.critics.networks import Scores


class MINESettings(CriticSettings):
    """Settings of MINE."""

    estimator: Literal["mine"] = "mine"
    """`mine` is the Donsker-Varadhan lower bound of a critic (Belghazi et al. 2018)."""
    averaging: float = Field(default=0.1, gt=0, lt=1)
    """The newest mini-batch has this share in the moving average of E[e^f]."""


class MINE(CriticEstimator):
    """The Donsker-Varadhan bound. The logarithm of a mean over finitely many product pairs is
    slightly too small on average, so the value is slightly too large."""

    Settings = MINESettings
    settings: MINESettings

    def loss(self, scores: Scores, state: dict[str, Tensor]) -> Tensor:
        """E[e^f] / its moving average − E[f]: its gradient is the corrected one."""
        now = bounds.log_mean(scores.log_mean_exp())  # ln E[e^f]
        newest = now.detach()
        share = self.settings.averaging
        before = state.get("average", newest) + math.log1p(-share)
        state["average"] = torch.logaddexp(before, newest + math.log(share))
        return (now - state["average"]).exp() - scores.joint.mean(dim=1)

    def bound(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """E[f] − ln E[e^f]."""
        return bounds.donsker_varadhan(*summary.unbind(dim=1))
