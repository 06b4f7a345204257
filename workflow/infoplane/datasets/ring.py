"""A mixture of Gaussians on a ring, in two dimensions: data with a known density."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.special import logsumexp

from infoplane.datasets.options import generator
from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings

DIMENSIONS = 2


class Settings(SourceSettings):
    """Points of a mixture of Gaussians on a ring; needs no files."""

    source: Literal["ring"]
    """`ring` draws points in two dimensions around modes that are evenly spaced on a ring; the
    label is the mode."""
    n: int = Field(default=4000, ge=2)
    """The source draws this many points, equally many from each mode."""
    modes: int = Field(default=8, ge=1)
    """The ring has this many Gaussians."""
    radius: float = Field(default=1.0, ge=0)
    """The centres of the modes have this distance from 0."""
    deviation: float = Field(default=0.1, gt=0)
    """Each Gaussian has this standard deviation in both directions."""


class Ring(Source):
    """Points (n, 2), float32, and the mode from which each was drawn."""

    Settings = Settings

    @property
    def centres(self) -> np.ndarray:
        """Centres of the modes, (modes, 2)."""
        angles = 2 * np.pi * np.arange(self.settings.modes) / self.settings.modes
        return self.settings.radius * np.stack([np.cos(angles), np.sin(angles)], 1)

    def load(self, places: Sequence[Path]) -> Raw:
        chosen = self.settings
        source = generator(chosen.seed, "ring")
        modes = np.arange(chosen.n) % chosen.modes
        drawn = source.normal(size=(chosen.n, DIMENSIONS))
        x = self.centres[modes] + chosen.deviation * drawn
        names = tuple(f"mode {i}" for i in range(chosen.modes))
        order = source.permutation(chosen.n)
        return Raw(x[order].astype(np.float32), {"mode": Label(modes[order], names)})

    def shape(self, places: Sequence[Path]) -> Shape:
        """The shape from its settings."""
        return Shape(self.settings.n, (DIMENSIONS,), {"mode": self.settings.modes})

    def log_density(self, x: np.ndarray) -> np.ndarray:
        chosen = self.settings
        squares = ((x[:, None] - self.centres) ** 2).sum(2)
        each = -squares / (2 * chosen.deviation**2)
        normed = np.log(2 * np.pi * chosen.deviation**2) + np.log(chosen.modes)
        return logsumexp(each, axis=1) - normed
