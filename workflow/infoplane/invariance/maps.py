"""Invertible maps of a layer's activations: no information changes under them.

A map is drawn for some samples, and acts on rows t, noise included. Rows that are equal before
are equal after, to the last bit: counts see nothing but what they should. Linear maps are told
of the layer's own noise too, where an estimator needs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from infoplane.datasets.contents import row_codes
from infoplane.invariance.settings import MapName
from infoplane.samples import Samples

MOST_TURNED = 256
"""Units that are turned together; of more, random groups of so many are, each by itself."""
SKEW, TAILS = 0.5, 2.0
"""Largest shift and factor of asinh z under `monotone`, z of mean 0 and variance 1."""


def mapped(
    samples: Samples,
    name: MapName,
    random: np.random.Generator,
    factor: float,
    with_noise: bool = False,
) -> Samples:
    """The same samples in other coordinates.

    name : of MAPS; factor : the largest of `rescale`
    with_noise : whether centres and sigma follow, for estimators that need them
    Raises ValueError where they cannot: the noise would be Gaussian of independent units no
    longer.
    """
    if not with_noise:
        return replace(samples, t=_MAPS[name](samples, random, factor)(samples.t))
    sigma = samples.sigma
    if name == "monotone" or (name == "rotate" and isinstance(sigma, torch.Tensor)):
        raise ValueError(
            "needs the size of Gaussian noise on each unit, which this map does not leave so"
        )
    function = _MAPS[name](samples, random, factor)
    t, centres = function(samples.t), function(samples.centres)
    if name != "rotate" and sigma is not None:
        whole = isinstance(sigma, torch.Tensor)
        sigma = sigma if whole else torch.full_like(samples.t, sigma)
        # what is linear and keeps the axes does to noise what it does to the difference
        sigma = function(sigma).abs()
    return replace(samples, t=t, centres=centres, sigma=sigma)


Rows = Callable[[torch.Tensor], torch.Tensor]
"""From values (n_inputs, n_draws, n_units) to such values."""


def _rescale(samples: Samples, random: np.random.Generator, factor: float) -> Rows:
    logs = math.log(factor) * random.uniform(-1, 1, samples.n_units)
    factors = _like(samples.t, np.exp(logs))
    return lambda values: (values * factors).to(values.dtype)


def _permute(samples: Samples, random: np.random.Generator, factor: float) -> Rows:
    order = _order(samples, random)
    return lambda values: values[..., order].contiguous()


def _monotone(samples: Samples, random: np.random.Generator, factor: float) -> Rows:
    """Sinh-arcsinh functions (Jones & Pewsey 2009), each unit with its own."""
    d = samples.n_units
    widths = _like(samples.t, TAILS ** random.uniform(-1, 1, d))
    shifts = _like(samples.t, SKEW * random.uniform(-1, 1, d))
    rows = samples.t.flatten(0, 1).double()
    mean, deviation = rows.mean(0), rows.std(0, correction=0)
    deviation = deviation.where(deviation > 0, 1.0)

    def bent(values: torch.Tensor) -> torch.Tensor:
        z = (values.double() - mean) / deviation
        z = torch.sinh(widths * torch.asinh(z) + shifts)
        return (z * deviation + mean).to(values.dtype)

    return bent


def _rotate(samples: Samples, random: np.random.Generator, factor: float) -> Rows:
    """Around the mean; channels of a map at each place alike."""
    n_turned = samples.shape[0] if samples.shape else samples.n_units
    order = random.permutation(n_turned)
    groups = np.array_split(order, -(-n_turned // MOST_TURNED))
    turns = [(group, _like(samples.t, _rotation(len(group), random))) for group in groups]
    mean = samples.t.flatten(0, 1).double().mean(0)

    def turned(values: torch.Tensor) -> torch.Tensor:
        rows = values.flatten(0, 1)
        # a product of matrices may round equal rows differently: each distinct one once
        codes = row_codes(rows.numpy(force=True))
        first = np.unique(codes, return_index=True)[1]
        distinct = rows[torch.from_numpy(first).to(rows.device)].double() - mean
        places = distinct.unflatten(1, (n_turned, -1))
        result = torch.empty_like(places)
        for group, turn in turns:
            result[:, group] = torch.einsum("ij,njp->nip", turn, places[:, group])
        result = (result.flatten(1) + mean).to(values.dtype)
        return result[torch.from_numpy(codes).to(rows.device)].view_as(values)

    return turned


_MAPS = {
    "rescale": _rescale,
    "rotate": _rotate,
    "monotone": _monotone,
    "permute": _permute,
}


def _order(samples: Samples, random: np.random.Generator) -> torch.Tensor:
    """A new order of units; of a map, of channels, each with all its places."""
    places = np.arange(samples.n_units)
    if samples.shape:
        places = places.reshape(samples.shape[0], -1)
    order = places[random.permutation(len(places))].ravel()
    return torch.from_numpy(order).to(samples.t.device)


def _rotation(d: int, random: np.random.Generator) -> np.ndarray:
    """A random orthogonal matrix, any as likely as any other (Mezzadri 2007)."""
    q, r = np.linalg.qr(random.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def _like(t: torch.Tensor, values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values).to(t.device)
