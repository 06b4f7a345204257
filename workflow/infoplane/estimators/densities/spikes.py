"""Independent units that are exactly 0 or not, for noise that leaves some entries unchanged.

    q(t) = Π_k [ π_k δ(t_k) + (1 − π_k) ½ ( N(t_k; μ_k, v_k) + t_3(t_k; μ_k, v_k) ) ]
where t_3 is the Student distribution with 3 degrees of freedom, which has heavy tails.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from infoplane.estimators.densities.fit import Fit
from infoplane.estimators.kernels.noisy_layers import LOG_2PI


class Spikes:
    """Independent units."""

    def __init__(self, fit: Fit):
        on = fit.t != 0
        n, n_on = len(fit.t), on.sum(0)
        self.off = (n - n_on + 0.5) / (n + 1)
        self.mean = fit.t.sum(0) / n_on.clamp(min=1)
        squares = torch.where(on, fit.t - self.mean, 0.0).square().sum(0)
        # as if there were two more samples with the variance of the noise
        self.variance = (squares + 2) / (n_on + 2)

    def logs(self, t: Tensor) -> Tensor:
        """ln q(t) in nats, (1, n)."""
        squares = (t - self.mean).square() / self.variance
        scale = self.variance.log() / 2
        normal = -squares / 2 - LOG_2PI / 2 - scale
        student = math.log(2 / (math.pi * math.sqrt(3))) - 2 * torch.log1p(squares / 3) - scale
        on = torch.logaddexp(normal, student) - math.log(2) + torch.log1p(-self.off)
        return torch.where(t == 0, self.off.log(), on).sum(1)[None]
