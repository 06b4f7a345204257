"""Logarithms of densities of noisy samples, as in sp_densities.py, of noise of many sizes.

For a sample t around centre s of input x and label y, where number k of centre j has noise of
deviation σ_jk,
    ln Σ_j exp(−Σ_k [ (t_k − s_jk)² / 2σ_jk² + ln σ_jk ])
over the draws of x, the centres of label y, and all centres: a mixture of Gaussians of
diagonal covariances, but for a constant. A number without noise (σ_jk = s_jk = 0, as a ReLU
unit that is off under multiplicative noise) is a point mass at 0: a centre with noise there has
no mass at a t_k of 0, and one without has nothing elsewhere, so that both are passed over.

The squares are products of matrices, t² · 1/σ² − 2t · s/σ² + s²/σ². What they lose by rounding
is some 1e-16 of the largest (t/σ)²; where a centre counts that is (s/σ + 10)², and little even
for a noise of a thousandth of its number.
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
    """Whether centres and their noise (n_inputs, n_draws, n_units) are those that come first,
    (n_inputs, 1, n_units) or (1, 1, n_units), up to rounding."""
    room = MOST_DEVIATION * of_first / math.sqrt(centres.shape[2])
    return all(
        bool(((values - own).abs() <= room).all())
        for values, own in ((centres, first), (sigma, of_first))
    )


class EachItsOwn:
    """Logarithms from all centres in blocks, on their own device.

    order (n_inputs · n_draws,) int64 : places input · n_draws + draw, those of one label in
    succession
    """

    def __init__(self, centres: Tensor, labels: np.ndarray, sigma: Tensor, memory: int):
        """centres, sigma (n_inputs, n_draws, n_units); labels (n_inputs,) int64; memory : bytes
        beside six copies of the centres"""
        self.points, self.memory = centres, memory
        self.n_draws = centres.shape[1]
        self.centres = centres.flatten(0, 1).to(torch.float64)
        self.sigma = sigma.flatten(0, 1).to(torch.float64)
        self.labels = torch.from_numpy(np.repeat(labels, self.n_draws)).to(centres.device)
        self.order = np.argsort(np.repeat(labels, self.n_draws), kind="stable")
        self.silent = self.sigma == 0
        square = torch.where(self.silent, 1.0, self.sigma).square()
        self.inverse = torch.where(self.silent, 0.0, 1 / square)
        self.scaled = self.centres * self.inverse
        self.constant = (self.centres * self.scaled).sum(dim=1) + square.log().sum(dim=1)
        self.masks = self.silent.to(torch.float64) if self.silent.any() else None

    def logarithms(self, chosen: np.ndarray, z: np.ndarray) -> Logarithms:
        """Of the centres `chosen` (n,) int64 plus their noise times z (n, n_units)."""
        places = torch.from_numpy(chosen).to(self.centres.device)
        points = self.centres[places] + self.sigma[places] * torch.from_numpy(z).to(
            places.device
        )
        # some four values of 8 bytes a pair of a point and a centre are alive at once
        height = max(1, self.memory // (32 * len(self.centres)))
        parts = [
            self._of(t, at)
            for t, at in zip(points.split(height), places.split(height), strict=True)
        ]
        return Logarithms(*torch.cat(parts, dim=1).cpu().numpy())

    def _of(self, points: Tensor, places: Tensor) -> Tensor:
        """(4, n) in the order of Logarithms."""
        x = points.square() @ self.inverse.T
        x.addmm_(points, self.scaled.T, alpha=-2).add_(self.constant).mul_(-0.5)
        if self.masks is not None:
            own = self.masks[places]
            differ = own.sum(dim=1, keepdim=True) + self.masks.sum(dim=1)
            differ.addmm_(own, self.masks.T, alpha=-2)
            x.masked_fill_(differ > 0.5, -math.inf)
        inputs, draws = places // self.n_draws, places % self.n_draws
        group = inputs[:, None] * self.n_draws + torch.arange(self.n_draws, device=x.device)
        of_group = x.gather(1, group)
        others = of_group.scatter(1, draws[:, None], -math.inf)
        same = self.labels[places][:, None] == self.labels
        of_all = x.logsumexp(1)
        of_label = x.masked_fill_(~same, -math.inf).logsumexp(1)
        return torch.stack([of_group.logsumexp(1), others.logsumexp(1), of_label, of_all])
