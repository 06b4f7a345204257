"""Log densities of noisy samples, as in sp_densities.py, for noise of several sizes.

For a sample t around the centre s of input x and label y, where the noise on entry k of centre
j has the standard deviation σ_jk,
    ln Σ_j exp(−Σ_k [ (t_k − s_jk)² / 2σ_jk² + ln σ_jk ])
over the draws of x, the centres of label y, and all centres. Up to a constant, this is the log
density of a mixture of Gaussians with diagonal covariances. An entry without noise
(σ_jk = s_jk = 0, for example a ReLU unit that is off under multiplicative noise) is a point
mass at 0. If t_k is 0, centres with noise on entry k have no mass there; if t_k is not 0,
centres without noise have none. Such centres are skipped.

The squares are computed as products of matrices, t² · 1/σ² − 2t · s/σ² + s²/σ². Their rounding
error is about 1e-16 of the largest (t/σ)². If a centre matters, this is about (s/σ + 10)², and
the error is small even for noise of a thousandth of the entry.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from infoplane.estimators.kernels.sp_densities import MOST_DEVIATION, Logarithms

if TYPE_CHECKING:
    from torch import Tensor


def coincide(centres: Tensor, sigma: Tensor, first: Tensor, of_first: Tensor) -> bool:
    """Whether centres and sigma (n_inputs, n_draws, n_units) equal `first` and `of_first`,
    (n_inputs, 1, n_units) or (1, 1, n_units), up to rounding."""
    room = MOST_DEVIATION * of_first / math.sqrt(centres.shape[2])
    return all(
        bool(((values - own).abs() <= room).all())
        for values, own in ((centres, first), (sigma, of_first))
    )


class EachItsOwn:
    """Logarithms from all centres of the mixture, in blocks, on the device of the centres.

    order (n_inputs · n_draws,) int64 : positions input · n_draws + draw, sorted by label
    """

    def __init__(
        self,
        centres: Tensor,
        labels: np.ndarray,
        sigma: Tensor,
        memory: int,
        mixture: np.ndarray | None = None,
    ):
        """centres, sigma (n_inputs, n_draws, n_units); labels (n_inputs,) int64
        memory : bytes in addition to six copies of the centres
        mixture : int64, inputs whose centres are used for `of_label` and `of_all`; None for all
        """
        self.points, self.memory, self.whole = centres, memory, mixture is None
        self.n_draws = centres.shape[1]
        self.centres, self.sigma = centres.to(torch.float64), sigma.to(torch.float64)
        self.labels = torch.from_numpy(labels).to(centres.device)
        self.order = np.argsort(np.repeat(labels, self.n_draws), kind="stable")
        chosen = (
            slice(None) if mixture is None else torch.from_numpy(mixture).to(centres.device)
        )
        of_mixture, sizes = (v[chosen].flatten(0, 1) for v in (self.centres, self.sigma))
        self.of_mixture = self.labels[chosen].repeat_interleave(self.n_draws)
        silent = sizes == 0
        square = torch.where(silent, 1.0, sizes).square()
        self.inverse = torch.where(silent, 0.0, 1 / square)
        self.scaled = of_mixture * self.inverse
        self.constant = (of_mixture * self.scaled).sum(dim=1) + square.log().sum(dim=1)
        self.masks = silent.to(torch.float64) if silent.any() else None

    def logarithms(self, chosen: np.ndarray, z: np.ndarray) -> Logarithms:
        """Logarithms at the centres `chosen` (n,) int64 plus their noise σ times z (n,
        n_units)."""
        places = torch.from_numpy(chosen).to(self.centres.device)
        inputs, draws = places // self.n_draws, places % self.n_draws
        noise = self.sigma[inputs, draws] * torch.from_numpy(z).to(places.device)
        points = self.centres[inputs, draws] + noise
        # about four values of 8 bytes are in memory for each pair of a point and a centre
        widest = max(len(self.inverse), 2 * self.n_draws * points.shape[1])
        height = max(1, self.memory // (32 * widest))
        parts = [
            torch.stack([*self._of_group(t, i, draw), *self._of_mixture(t, i)])
            for t, i, draw in zip(
                points.split(height), inputs.split(height), draws.split(height), strict=True
            )
        ]
        of_input, of_others, of_label, of_all = torch.cat(parts, dim=1).cpu().numpy()
        if self.whole:  # corrected for rounding: a sum over more centres is not smaller
            of_label = np.maximum(of_label, of_input)
            of_all = np.maximum(of_all, of_label)
        return Logarithms(of_input, of_others, of_label, of_all)

    def _of_group(self, points: Tensor, inputs: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        centres, sigma, t = self.centres[inputs], self.sigma[inputs], points[:, None]
        silent = sigma == 0
        sizes = torch.where(silent, 1.0, sigma)
        logs = -((t - centres) / sizes).square() / 2 - sizes.log()
        x = logs.masked_fill_(silent != (t == 0), -math.inf).sum(dim=2)
        return x.logsumexp(1), x.scatter(1, draws[:, None], -math.inf).logsumexp(1)

    def _of_mixture(self, points: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        x = points.square() @ self.inverse.T
        x.addmm_(points, self.scaled.T, alpha=-2).add_(self.constant).mul_(-0.5)
        if self.masks is not None:
            own = (points == 0).to(torch.float64)
            differ = own.sum(dim=1, keepdim=True) + self.masks.sum(dim=1)
            x.masked_fill_(differ.addmm_(own, self.masks.T, alpha=-2) > 0.5, -math.inf)
        of_all = x.logsumexp(1)
        same = self.labels[inputs][:, None] == self.of_mixture
        return x.masked_fill_(~same, -math.inf).logsumexp(1), of_all
