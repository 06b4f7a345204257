"""Maps, position by position: each position is Gaussian around a prediction from earlier ones.

    q(t) = Π_p N(t_p; b + Σ_o W_o t_{p+o}, R)
over positions p in reading order. t_p are the channels at p, and o runs over the offsets above
and to the left within a radius. W, b and R are the same at all positions, so few inputs suffice
to fit them, by least squares. This is an affine autoregressive flow with the shared
weights of a convolution (van den Oord et al. 2016, Papamakarios et al. 2017). Beyond the edge
there are zeros, and each offset has its own weight for being inside.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from infoplane.estimators.densities.fit import Fit
from infoplane.estimators.kernels.noisy_layers import LOG_2PI

RADII = (1, 2, 3)
MOST_FEATURES = 800
"""A radius above 1 is left out if its prediction has more features than this."""
MOST_PLACES = 2**17
"""A prediction is fitted to at most about this many positions, 160 for each of 800 features."""
AT_ONCE = 2**21
"""At most this many values of the features are in memory at once."""
VALUE_BYTES = 24
RIDGE = 1e-6


class Maps:
    """Linear predictions of each position from earlier ones, one for each radius."""

    def __init__(self, fit: Fit):
        self.shape = fit.layer.shape
        self.values = min(AT_ONCE, fit.memory // VALUE_BYTES)
        self.fitted = []
        _, height, width = self.shape
        places = fit.t[
            torch.randperm(len(fit.t), generator=_generator(fit.seed)).to(fit.t.device)
        ]
        places = places[: max(1, MOST_PLACES // (height * width))]
        for radius in RADII:
            offsets = _before(radius)
            if radius > 1 and len(offsets) * (self.shape[0] + 1) > MOST_FEATURES:
                break
            self.fitted.append((offsets, *self._fit(places, offsets)))

    def logs(self, t: Tensor) -> Tensor:
        """ln q(t) in nats, one row for each radius."""
        return torch.stack([self._logs(t, *fitted) for fitted in self.fitted])

    def _fit(self, t: Tensor, offsets) -> tuple[Tensor, Tensor]:
        """Weights (n_features, channels), and the inverse of a Cholesky factor of R."""
        channels = self.shape[0]
        n = len(offsets) * (channels + 1) + 1
        gram = torch.zeros(n + channels, n + channels, dtype=torch.float64, device=t.device)
        count = 0
        for part in t.split(self._at_once(offsets)):
            rows = torch.cat(self._places(part, offsets), dim=1)
            gram += rows.T @ rows
            count += len(rows)
        gram /= count
        own = gram[:n, :n] + RIDGE * torch.eye(n, dtype=torch.float64, device=t.device)
        weights = torch.linalg.solve(own, gram[:n, n:])
        cross = weights.T @ gram[:n, n:]
        left = gram[n:, n:] - cross - cross.T + weights.T @ gram[:n, :n] @ weights
        root = torch.linalg.cholesky((left + left.T) / 2)
        return weights, torch.linalg.inv(root)

    def _logs(self, t: Tensor, offsets, weights: Tensor, inverse_root: Tensor) -> Tensor:
        places = self.shape[1] * self.shape[2]
        constant = inverse_root.diagonal().log().sum() - self.shape[0] * LOG_2PI / 2
        step = self._at_once(offsets)
        found = t.new_empty(len(t))
        for part, own in zip(t.split(step), found.split(step), strict=True):
            features, values = self._places(part, offsets)
            left = (values - features @ weights) @ inverse_root.T
            own.copy_(-left.square().sum(1).view(len(part), places).sum(1) / 2)
        return found + places * constant

    def _at_once(self, offsets) -> int:
        size = self.shape[1] * self.shape[2] * (len(offsets) + 1) * (self.shape[0] + 1)
        return max(1, self.values // size)

    def _places(self, t: Tensor, offsets) -> tuple[Tensor, Tensor]:
        """Features (n · positions, n_features) and values (n · positions, channels)."""
        channels, height, width = self.shape
        radius = max(-row for row, _ in offsets)
        maps = t.view(-1, channels, height, width)
        inside = pad(maps.new_ones(1, 1, height, width), (radius,) * 4)
        around = pad(maps, (radius,) * 4)
        parts = []
        for row, column in offsets:
            window = (
                slice(radius + row, radius + row + height),
                slice(radius + column, radius + column + width),
            )
            parts.append(around[:, :, *window])
            parts.append(inside[:, :, *window].expand(len(maps), -1, -1, -1))
        parts.append(maps.new_ones(1, 1, 1, 1).expand(len(maps), 1, height, width))
        features = torch.cat(parts, dim=1).permute(0, 2, 3, 1).flatten(0, 2)
        return features, maps.permute(0, 2, 3, 1).reshape(-1, channels)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _before(radius: int) -> list[tuple[int, int]]:
    """Offsets (row, column) of earlier positions within the radius."""
    above = [
        (-row, column) for row in range(1, radius + 1) for column in range(-radius, radius + 1)
    ]
    return above + [(0, -column) for column in range(1, radius + 1)]
