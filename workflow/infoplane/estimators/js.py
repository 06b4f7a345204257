"""JS: a critic trained by the Jensen-Shannon objective, put into the NWJ bound.

Source: Nowozin et al. 2016, NeurIPS, and Hjelm et al. 2019, ICLR, for the objective; Poole et
al. 2019, ICML, section 2.3, for the estimate. The critic f maximises
    −E_p(a,b)[softplus(−f)] − E_p(a)p(b)[softplus(f)]
which is stable, as no exponential of a score appears in it, and whose best critic is
f = ln p(a,b) / p(a)p(b). The NWJ bound is tight for 1 + f, so the estimate is
    I(A;B) ≥ 1 + E_p(a,b)[f] − E_p(a)p(b)[e^f]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from infoplane.estimators import critic_bounds, critic_training
from infoplane.estimators.critic_training import CriticSettings
from infoplane.estimators.interface import PairEstimator
from infoplane.samples import Information, Pair

if TYPE_CHECKING:
    from torch import Tensor


class JSSettings(CriticSettings):
    """Settings of the bound of a critic trained by Jensen-Shannon."""

    estimator: Literal["js"] = "js"


class JS(PairEstimator):
    """The NWJ bound of a critic trained by Jensen-Shannon."""

    Settings = JSSettings
    settings: JSSettings
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

        The NWJ bound; lower is the value: on average over held-out samples it is below I(A;B).
        """
        return critic_training.estimate(pairs, self.settings, Objective(), memory)


class Objective(critic_bounds.MeanExponential):
    """The NWJ bound of a critic trained by the Jensen-Shannon objective."""

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        return *critic_bounds.jensen_shannon_slopes(joint, product, n_contrasts), None

    def bound(self, summary: Tensor):
        joint, by_sample = summary.unbind(dim=1)
        terms = 1 + joint - by_sample.exp()
        return terms.mean(dim=1), terms
