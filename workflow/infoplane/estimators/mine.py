"""MINE: the Donsker-Varadhan bound with the gradient corrected for small mini-batches.

Source: Belghazi et al. 2018, ICML, equations 5 and 12, section 3.2 for the gradient. With a
critic f
    I(A;B) ≥ E_p(a,b)[f] − ln E_p(a)p(b)[e^f]
The gradient of the second term is E[e^f ∇f] / E[e^f]; its denominator is an exponential
moving average over mini-batches, because a quotient of two means of one batch is biased.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from infoplane.estimators import critic_bounds, critic_training
from infoplane.estimators.critic_training import CriticSettings
from infoplane.estimators.interface import PairEstimator
from infoplane.samples import Information, Pair

if TYPE_CHECKING:
    from torch import Tensor


class MINESettings(CriticSettings):
    """Settings of MINE."""

    estimator: Literal["mine"] = "mine"
    averaging: float = Field(default=0.1, gt=0, lt=1)
    """Share of the newest mini-batch in the moving average of E[e^f]."""


class MINE(PairEstimator):
    """The Donsker-Varadhan bound of a trained critic."""

    Settings = MINESettings
    settings: MINESettings
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

        lower is the value: on average over held-out samples it is below I(A;B), but for the
        logarithm of a mean of finitely many product pairs, which is a little too small on
        average.
        """
        return critic_training.estimate(
            pairs, self.settings, Objective(self.settings.averaging), memory
        )


class Objective(critic_bounds.MeanExponential):
    """The Donsker-Varadhan bound."""

    def __init__(self, averaging: float = 0.1):
        self.averaging = averaging

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        n = joint.shape[1]
        shift = product.amax(dim=(1, 2)) if state is None else state
        product.sub_(shift[:, None, None]).clamp_(-80, 80).exp_()
        now = (product.sum(dim=(1, 2)) / (n * n_contrasts)).log_().add_(shift)
        old = now if state is None else state
        state = torch.logaddexp(
            old + math.log1p(-self.averaging), now + math.log(self.averaging)
        )
        product.mul_(((shift - state).exp_() / (n * n_contrasts))[:, None, None])
        return torch.full_like(joint, -1 / n), product, state

    def bound(self, summary: Tensor):
        joint, by_sample = summary.unbind(dim=1)
        return critic_bounds.donsker_varadhan(joint, by_sample)
