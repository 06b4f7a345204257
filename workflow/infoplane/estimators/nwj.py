"""NWJ: the bound of Nguyen, Wainwright and Jordan, also known as f-GAN KL or MINE-f.

Source: Nguyen, Wainwright & Jordan 2010, IEEE Trans. Inf. Theory 56, 5847; as written by
Poole et al. 2019, ICML, equation 7. With a critic f
    I(A;B) ≥ E_p(a,b)[f] − E_p(a)p(b)[e^(f − 1)]
Both terms are plain means, so mini-batches give its gradient without bias; its variance grows
with e^I, more than that of Donsker-Varadhan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from infoplane.estimators.critics import bounds
from infoplane.estimators.critics.estimator import CriticEstimator, CriticSettings

if TYPE_CHECKING:
    from torch import Tensor


class NWJSettings(CriticSettings):
    """Settings of the NWJ bound."""

    estimator: Literal["nwj"] = "nwj"
    """`nwj` is the lower bound of Nguyen, Wainwright & Jordan 2010 by a critic."""


class NWJ(CriticEstimator):
    """The NWJ bound."""

    Settings = NWJSettings

    def bound(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """E[f] − E[e^(f − 1)]."""
        return bounds.nguyen_wainwright_jordan(*summary.unbind(dim=1))
