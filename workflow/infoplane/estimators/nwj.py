"""NWJ: the bound of Nguyen, Wainwright and Jordan, also known as f-GAN KL or MINE-f.

Source: Nguyen, Wainwright & Jordan 2010, IEEE Trans. Inf. Theory 56, 5847; as written by
Poole et al. 2019, ICML, equation 7. With a critic f
    I(A;B) ≥ E_p(a,b)[f] − E_p(a)p(b)[e^(f − 1)]
Both terms are plain means, so mini-batches give its gradient without bias; its variance grows
with e^I, more than that of Donsker-Varadhan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch

from infoplane.estimators import critic_bounds, critic_training
from infoplane.estimators.critic_training import CriticSettings
from infoplane.estimators.interface import PairEstimator
from infoplane.samples import Information, Pair

if TYPE_CHECKING:
    from torch import Tensor


class NWJSettings(CriticSettings):
    """Settings of the NWJ bound."""

    estimator: Literal["nwj"] = "nwj"


class NWJ(PairEstimator):
    """The bound of Nguyen, Wainwright and Jordan of a trained critic."""

    Settings = NWJSettings
    settings: NWJSettings
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

        lower is the value: on average over held-out samples it is below I(A;B).
        """
        return critic_training.estimate(pairs, self.settings, Objective(), memory)


class Objective(critic_bounds.MeanExponential):
    """The NWJ bound."""

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        n = joint.shape[1]
        product.sub_(1 + math.log(n * n_contrasts)).clamp_(-80, 80).exp_()
        return torch.full_like(joint, -1 / n), product, None

    def bound(self, summary: Tensor):
        joint, by_sample = summary.unbind(dim=1)
        terms = joint - (by_sample - 1).exp()
        return terms.mean(dim=1), terms
