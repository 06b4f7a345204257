"""Mixtures of Gaussians around the centres of the fitted inputs, as wide as the noise or
wider."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from infoplane.estimators.densities.fit import Fit
from infoplane.estimators.kernels.noisy_layers import LOWEST

WIDTHS = (0.25, 1.0)
"""Added variance, as a share of the median squared distance to the nearest input for each
dimension."""
AT_ONCE = 2**22
"""At most this many pairs of a sample and a centre are computed at once."""
PAIR_BYTES = 96
"""Memory in use for each such pair."""


class Centres:
    """Mixtures of Gaussians around the fitted centres, for all inputs and for each label.

    One mixture for each width: the variance of the noise is multiplied by 1 + width. Widths are
    0 and shares of the distance between inputs.
    """

    def __init__(self, fit: Fit, labels: Tensor, n_labels: int):
        """labels (n_fitted,) int64 : labels of the centres, 0 … n_labels − 1"""
        self.layer, self.places = fit.layer, fit.places
        pairs = min(AT_ONCE, fit.memory // PAIR_BYTES)
        self.at_once = max(1, pairs // len(self.places))
        self.n_labels = n_labels
        self.constants, self.dimensions = fit.layer.constants(fit.places)
        self.of_label = torch.nn.functional.one_hot(labels, n_labels).to(torch.float64)
        some = fit.places[:: max(1, len(fit.places) // 256)]
        apart = -2 * (self.layer.around(self.layer.centres[some], self.places) + self.constants)
        apart[apart <= 1e-9] = math.inf  # the centre itself, and equal draws
        nearest = apart.amin(1) / self.dimensions.mean().clamp(min=1)
        finite = nearest[torch.isfinite(nearest)]
        scale = float(finite.median()) if len(finite) else 0.0
        self.widths = (0.0, *(width * scale for width in WIDTHS if scale > 0))

    def joint(self, t: Tensor) -> Tensor:
        """ln q(t, y) in nats, (n_widths, n_labels, n)."""
        # One array for all: arrays between the blocks would prevent the reuse of freed memory.
        found = t.new_empty((len(self.widths), self.n_labels, len(t)))
        for part, own in zip(
            t.split(self.at_once), found.split(self.at_once, dim=2), strict=True
        ):
            own.copy_(self._of(part))
        return found

    def logs(self, t: Tensor) -> Tensor:
        """ln q(t) in nats, (n_widths, n)."""
        return self.joint(t).logsumexp(1)

    def _of(self, t: Tensor) -> Tensor:
        around = self.layer.around(t, self.places)
        found = []
        for width in self.widths:
            own = (around + self.constants) / (1 + width) - self.constants
            own -= self.dimensions * math.log1p(width) / 2
            largest = own.amax(1, keepdim=True).clamp(min=-1e300)
            terms = own.sub_(largest).clamp_(min=LOWEST).exp_()
            found.append(((terms @ self.of_label).log() + largest).T)
        return torch.stack(found) - math.log(len(self.places))
