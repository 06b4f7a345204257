"""Mixtures of full Gaussians along the first principal components, a Gaussian along all
others."""

from __future__ import annotations

import warnings

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits
from torch import Tensor

from infoplane.estimators.densities.fit import Fit, Spectrum
from infoplane.estimators.densities.gaussian import Gaussian

COMPONENTS = (3, 10, 30)
AXES = 16
"""A mixture has at most this many principal components."""
LEAST_VARIANCE = 0.5
"""Added to each variance, in units of the noise variance: no component is much narrower than
the noise."""


class Mixture:
    """Mixtures of 3, 10 and 30 Gaussians, fitted by expectation maximisation; for few inputs
    only the smaller ones."""

    def __init__(self, fit: Fit, spectrum: Spectrum, gaussian: Gaussian):
        self.spectrum, self.gaussian = spectrum, gaussian
        self.n_axes = min(AXES, len(spectrum.variances))
        rows = spectrum.coordinates(fit.t, self.n_axes).cpu().numpy()
        self.mixtures = []
        for n in COMPONENTS:
            if len(fit.places) < 4 * n:
                break
            model = GaussianMixture(
                n, max_iter=50, reg_covar=LEAST_VARIANCE, random_state=fit.seed
            )
            # for so few numbers two threads are slower than one
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore", ConvergenceWarning)  # valid wherever it stops
                self.mixtures.append(model.fit(rows))

    def logs(self, t: Tensor) -> Tensor:
        """ln q(t) in nats, one row for each mixture."""
        rows = self.spectrum.coordinates(t, self.n_axes).cpu().numpy()
        beyond = self.gaussian.beyond(t, self.n_axes)
        own = [torch.from_numpy(m.score_samples(rows)).to(t.device) for m in self.mixtures]
        return (
            torch.stack([beyond + one for one in own]) if own else beyond.new_empty(0, len(t))
        )
