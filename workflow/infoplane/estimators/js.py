"""JS: the NWJ bound of a critic that is trained with the Jensen-Shannon objective.

Source: Nowozin et al. 2016, NeurIPS, and Hjelm et al. 2019, ICLR, for the objective; Poole et
al. 2019, ICML, section 2.3, for the estimate. The critic f maximises
    −E_p(a,b)[softplus(−f)] − E_p(a)p(b)[softplus(f)]
This objective is stable, because it has no exponential of a score. Its best critic is
f = ln p(a,b) / p(a)p(b). The NWJ bound is tight for 1 + f, so the estimate is
    I(A;B) ≥ 1 + E_p(a,b)[f] − E_p(a)p(b)[e^f]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from infoplane.estimators.critics import bounds
from infoplane.estimators.critics.estimator import CriticEstimator, CriticSettings

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.estimators.critics.networks import Scores


class JSSettings(CriticSettings):
    """Settings of the bound of a critic trained by Jensen-Shannon."""

    estimator: Literal["js"] = "js"
    """`js` is the NWJ bound of a critic trained with the Jensen-Shannon objective (Hjelm et al.
    2019)."""


class JS(CriticEstimator):
    """The NWJ bound of a critic trained by the Jensen-Shannon objective."""

    Settings = JSSettings

    def loss(self, scores: Scores, state: dict[str, Tensor]) -> Tensor:
        """Minus the Jensen-Shannon objective."""
        return bounds.jensen_shannon(scores).mean(dim=1)

    def bound(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """1 + E[f] − E[e^f]."""
        return bounds.nguyen_wainwright_jordan(*(1 + summary).unbind(dim=1))
