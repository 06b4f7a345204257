"""A layer with known noise: samples of it, and their densities around measured inputs.

T = S + noise, where S are the centres (n_inputs, n_draws, n_units), and the noise is Gaussian
with its own standard deviation for each entry. Everything is in units of the noise: each unit
is divided by the root mean square of its standard deviations, which cancels in all differences
of log densities. An entry without noise (a ReLU unit that is off under multiplicative noise,
with centre 0) is a point mass at 0. Densities are then relative to this mass at 0, and to the
Lebesgue measure elsewhere.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

LOG_2PI = math.log(2 * math.pi)
LARGEST_ERROR = 1e-3
"""Largest rounding error of a squared distance; if it could be larger, direct differences are
used."""


LOWEST = -700.0
"""Log of the smallest share of the largest term that a sum includes, about 1e-304."""


class Rows(NamedTuple):
    """Noisy samples.

    t : (n, n_units); place : (n,) int64, position of each sample's centre
    own : (n,), log density of each sample given its centre, in nats
    """

    t: Tensor
    place: Tensor
    own: Tensor

    def of(self, chosen: slice) -> Rows:
        """Those, without a copy."""
        return Rows(self.t[chosen], self.place[chosen], self.own[chosen])


class NoisyLayer:
    """Centres and sizes of the noise, in units of the noise, float64.

    centres : (n_inputs · n_draws, n_units); sizes : in the same shape, or None if all are 1
    silent : in the same shape, 1 for entries without noise; None if all entries have noise
    """

    def __init__(self, centres: Tensor, sigma: float | Tensor, shape: tuple[int, ...] = ()):
        self.n_inputs, self.n_draws, self.d = centres.shape
        rows = centres.flatten(0, 1).to(torch.float64)
        self.shape = shape
        if isinstance(sigma, torch.Tensor):
            sizes = sigma.flatten(0, 1).to(torch.float64)
            noisy = (sizes > 0).sum(dim=0)
            scale = (sizes.square().sum(dim=0) / noisy.clamp(min=1)).sqrt()
            scale = torch.where(noisy > 0, scale, 1.0)
            self.centres, self.sizes = rows / scale, sizes / scale
            silent = self.sizes == 0
            self.silent = silent.to(torch.float64) if bool(silent.any()) else None
        else:
            # Centred: a constant unit is exactly 0. Above, centres stay: 0 may mean no noise.
            self.centres = (rows - rows.mean(dim=0)).div_(sigma)
            self.sizes = self.silent = None

    @property
    def input_of(self) -> Tensor:
        """The input of each centre."""
        return torch.arange(self.n_inputs, device=self.centres.device).repeat_interleave(
            self.n_draws
        )

    def rows(self, per_centre: int, generator: torch.Generator) -> Rows:
        """Noisy samples, `per_centre` (an even number) for each centre; one half has the
        opposite noise of the other half. Input by input, centre by centre."""
        n, d = self.centres.shape
        z = torch.randn(n, per_centre // 2, d, generator=generator, dtype=torch.float64)
        z = z.to(self.centres.device)
        centres, every = self.centres[:, None], torch.arange(n, device=z.device)
        if self.silent is not None:
            z.masked_fill_(self.sizes[:, None] == 0, 0.0)
        own = -(_square_sums(z) / 2 + self.constants(every)[0][:, None])
        if self.sizes is not None:
            z.mul_(self.sizes[:, None])
        t = torch.empty(n, per_centre, d, dtype=torch.float64, device=z.device)
        torch.add(centres, z, out=t[:, : per_centre // 2])
        torch.sub(centres, z, out=t[:, per_centre // 2 :])
        place = every.repeat_interleave(per_centre)
        return Rows(t.flatten(0, 1), place, torch.cat([own, own], dim=1).flatten())

    def around(self, t: Tensor, chosen: Tensor) -> Tensor:
        """ln p(t | centre) (n, n_chosen) of samples t around chosen centres, in nats."""
        centres = self.centres[chosen]
        if self.sizes is None:
            return _squares(t, centres).mul_(-0.5).sub_(self.d * LOG_2PI / 2)
        sizes = self.sizes[chosen]
        silent = sizes == 0
        inverse = torch.where(silent, 0.0, 1 / torch.where(silent, 1.0, sizes).square())
        scaled = centres * inverse
        constant = (centres * scaled).sum(1) + 2 * self.constants(chosen)[0]
        logs = t.square() @ inverse.T
        logs.addmm_(t, scaled.T, alpha=-2).add_(constant).mul_(-0.5)
        if self.silent is not None:
            off, own = self.silent[chosen], (t == 0).to(torch.float64)
            differ = own.sum(1, keepdim=True) + off.sum(1)
            logs.masked_fill_(differ.addmm_(own, off.T, alpha=-2) > 0.5, -math.inf)
        return logs

    def constants(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """For the Gaussian around each chosen centre, −ln of its largest density, and the
        number of entries with noise."""
        if self.sizes is None:
            dimensions = torch.full_like(chosen, self.d, dtype=torch.float64)
            return dimensions * LOG_2PI / 2, dimensions
        sizes = self.sizes[chosen]
        noisy = sizes > 0
        dimensions = noisy.sum(1).to(torch.float64)
        logs = torch.where(noisy, sizes, 1.0).log().sum(1)
        return logs + dimensions * LOG_2PI / 2, dimensions


class Sums(NamedTuple):
    """Log mean densities of noisy samples, in nats, (n,) each, and shares of inputs.

    of_input : over the draws of the sample's input; of_others : over these without its own
        centre, −∞ if there is no other; of_label : over the centres of its label; of_all : over
        all centres
    share : (n_inputs,), the mean over all samples of p(t | input) / p(t)
    share_of_label : (n_inputs,), the mean of p(t | input) / p(t | label) over the samples of
        the input's label
    """

    of_input: Tensor
    of_others: Tensor
    of_label: Tensor
    of_all: Tensor
    share: Tensor
    share_of_label: Tensor


def sums(layer: NoisyLayer, rows: Rows, labels: Tensor, memory: int) -> Sums:
    """The sums for all samples of a layer. labels : (n_inputs,) int64; memory : bytes"""
    n, r = layer.n_inputs, layer.n_draws
    every = torch.arange(n * r, device=rows.t.device)
    of_centre = labels[layer.input_of]
    sizes = torch.bincount(labels)[labels] * r
    shares = torch.zeros(2, n, dtype=torch.float64, device=rows.t.device)
    # One array for all: arrays between the blocks would prevent the reuse of freed memory.
    logs = torch.empty(4, len(rows.t), dtype=torch.float64, device=rows.t.device)
    height = max(1, memory // (40 * n * r))
    for start in range(0, len(rows.t), height):
        own = slice(start, start + height)
        part = rows.of(own)
        x = layer.around(part.t, every)
        x.scatter_(1, part.place[:, None], part.own[:, None])
        inputs = part.place // r
        group = x.view(-1, n, r)[torch.arange(len(x), device=x.device), inputs]
        others = group.scatter(1, (part.place % r)[:, None], -math.inf)
        # exponentials far below the largest are slow and negligible
        largest = x.amax(1, keepdim=True)
        x.sub_(largest).clamp_(min=LOWEST).exp_()
        total = x.sum(1, keepdim=True)
        shares[0] += (x.view(-1, n, r).sum(2) / total).sum(0)
        x.masked_fill_(of_centre != labels[inputs][:, None], 0.0)
        of_its_label = x.sum(1, keepdim=True)
        shares[1] += (x.view(-1, n, r).sum(2) / of_its_label).sum(0)
        of_all, of_label = ((sum_.log() + largest)[:, 0] for sum_ in (total, of_its_label))
        logs[0, own] = group.logsumexp(1) - math.log(r)
        logs[1, own] = others.logsumexp(1) - math.log(max(1, r - 1))
        logs[2, own] = of_label - sizes[inputs].log()
        logs[3, own] = of_all - math.log(n * r)
    return Sums(*logs, *(shares * n / len(rows.t)))


def _square_sums(values: Tensor) -> Tensor:
    """Σ of squares along the last axis, without a copy of them."""
    return torch.linalg.vector_norm(values, dim=-1).square()


def _squares(a: Tensor, b: Tensor) -> Tensor:
    """‖a_i − b_j‖²."""
    a2, b2 = _square_sums(a), _square_sums(b)
    largest = float(max(a2.max(), b2.max()))
    if not largest * 8 * torch.finfo(torch.float64).eps < LARGEST_ERROR:
        return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square_()
    return torch.addmm(a2[:, None] + b2, a, b.T, alpha=-2).clamp_(min=0)
