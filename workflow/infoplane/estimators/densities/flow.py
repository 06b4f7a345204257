"""A small normalising flow along the first principal components, a Gaussian along all others.

Source: Dinh, Sohl-Dickstein & Bengio 2017 (ICLR), "Density estimation using Real NVP". The
coordinates u, divided by their standard deviations, pass through affine couplings. In each, one
half of the coordinates, in a random order, enters a small network, which gives the shift b and
the log scale a of the other half:
    v = u exp(a) + b,        ln q(u) = ln N(v) + Σ a.
Adam trains the flow on the samples of the fitted inputs, until the samples that weight the
densities become no likelier.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from infoplane.estimators.densities.fit import Fit, Spectrum
from infoplane.estimators.densities.gaussian import Gaussian
from infoplane.estimators.kernels.noisy_layers import LOG_2PI

AXES = 16
"""The flow has at most this many principal components."""
COUPLINGS, WIDTH = 6, 64
LARGEST_SCALE = 3.0
"""Largest change of a log scale by one coupling."""
BATCH, MOST_STEPS, LOOK, PATIENCE = 512, 3000, 100, 4
LEARNING_RATE = 2e-3


class Flow:
    """Affine couplings."""

    def __init__(self, fit: Fit, spectrum: Spectrum, gaussian: Gaussian):
        self.spectrum, self.gaussian = spectrum, gaussian
        self.n_axes = min(AXES, len(spectrum.variances))
        self.scale = (spectrum.variances[: self.n_axes] + 1).sqrt()
        self.couplings = None
        if self.n_axes > 1:
            self._train(*(self._coordinates(t).float() for t in (fit.t, fit.chosen)), fit.seed)

    def logs(self, t: Tensor) -> Tensor:
        """ln q(t) in nats, (1, n); (0, n) with a single axis, which cannot be halved."""
        if self.couplings is None:
            return t.new_empty(0, len(t))
        with torch.no_grad():
            own = self.couplings(self._coordinates(t).float()).double()
        own -= self.scale.log().sum()
        return (own + self.gaussian.beyond(t, self.n_axes))[None]

    def _coordinates(self, t: Tensor) -> Tensor:
        return self.spectrum.coordinates(t, self.n_axes) / self.scale

    def _train(self, rows: Tensor, chosen: Tensor, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        flow = _Couplings(self.n_axes, generator).to(rows.device)
        best, kept, since = float("-inf"), None, 0
        optimizer = torch.optim.Adam(flow.parameters(), lr=LEARNING_RATE)
        for step in range(1, MOST_STEPS + 1):
            batch = torch.randint(len(rows), (BATCH,), generator=generator).to(rows.device)
            loss = -flow(rows[batch]).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(flow.parameters(), 10.0)
            optimizer.step()
            if step % LOOK:
                continue
            with torch.no_grad():
                now = float(flow(chosen).mean())
            since += 1
            if now > best:
                best, kept, since = now, copy.deepcopy(flow), 0
            if since == PATIENCE or now != now:
                break
        self.couplings = kept


class _Couplings(nn.Module):
    """Affine couplings: ln q(u) (n,) at coordinates (n, d)."""

    def __init__(self, d: int, generator: torch.Generator):
        super().__init__()
        self.orders = [torch.randperm(d, generator=generator) for _ in range(COUPLINGS)]
        self.half = d // 2
        self.networks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(self.half, WIDTH),
                nn.Tanh(),
                nn.Linear(WIDTH, WIDTH),
                nn.Tanh(),
                nn.Linear(WIDTH, 2 * (d - self.half)),
            )
            for _ in range(COUPLINGS)
        )
        with torch.no_grad():
            for network in self.networks:
                for layer in network[::2]:
                    bound = layer.in_features**-0.5
                    layer.weight.uniform_(-bound, bound, generator=generator)
                    layer.bias.zero_()
                network[-1].weight.zero_()  # the flow starts as a Gaussian

    def forward(self, u: Tensor) -> Tensor:
        logs = torch.zeros_like(u[:, 0])
        for order, network in zip(self.orders, self.networks, strict=True):
            given, changed = u[:, order].split([self.half, u.shape[1] - self.half], dim=1)
            a, b = network(given).chunk(2, dim=1)
            a = LARGEST_SCALE * torch.tanh(a / LARGEST_SCALE)
            u = torch.cat([given, changed * a.exp() + b], dim=1)
            logs = logs + a.sum(1)
        return logs - (u.square().sum(1) + u.shape[1] * LOG_2PI) / 2
