"""All densities together, with weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from infoplane.estimators.densities.centres import Centres
from infoplane.estimators.densities.fit import VALUES, Density, Fit, Spectrum, log_weights
from infoplane.estimators.densities.flow import Flow
from infoplane.estimators.densities.gaussian import Gaussian
from infoplane.estimators.densities.labels import Labels
from infoplane.estimators.densities.maps import Maps
from infoplane.estimators.densities.mixture import Mixture
from infoplane.estimators.densities.spikes import Spikes

KINDS = {"mixture": Mixture, "flow": Flow}
"""The densities that settings choose from."""


class Stack:
    """The mixture of all variants of some densities, with the weights that make samples most
    likely.

    The last variant of the last density has heavy tails and at least LEAST_WEIGHT, so that no
    sample has zero density.
    """

    def __init__(self, densities: list[Density], chosen: Tensor):
        """chosen : (n, n_units), noisy samples that weight the densities"""
        self.densities = densities
        self.log_weights = log_weights(self._each(chosen), least=-1)

    def logs(self, t: Tensor) -> Tensor:
        """ln q(t) in nats, (n,)."""
        return torch.logsumexp(self._each(t) + self.log_weights[:, None], dim=0)

    def _each(self, t: Tensor) -> Tensor:
        parts = t.split(max(1, VALUES // t.shape[1]))
        logs = [[density.logs(part) for density in self.densities] for part in parts]
        return torch.cat([torch.cat(part) for part in logs], dim=1)


def fitted(
    fit: Fit, labels: Tensor, known: Tensor, chosen: Tensor, kinds: Sequence[str]
) -> tuple[Stack, Labels]:
    """q(t) and q(y | t), fitted and weighted.

    labels : (n_inputs,) int64, of all inputs; known, chosen : labels of the samples fit.t and
        fit.chosen
    kinds : names in KINDS
    """
    layer, spectrum = fit.layer, Spectrum(fit)
    of_places = labels[fit.places // layer.n_draws]
    centres = Centres(fit, of_places, int(labels.max()) + 1)
    densities: list[Density] = [centres]
    if layer.silent is not None:
        densities.append(Spikes(fit))
    else:
        gaussian = Gaussian(fit, spectrum)
        if layer.shape and layer.sizes is None:
            densities.append(Maps(fit))
        densities += [KINDS[kind](fit, spectrum, gaussian) for kind in kinds]
        densities.append(gaussian)
    return Stack(densities, fit.chosen), Labels(fit, spectrum, centres, known, chosen)
