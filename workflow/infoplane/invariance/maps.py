"""Invertible maps of a layer's activations: no information changes under them.

A map is drawn for some samples and acts on rows t, with their noise. Rows that are equal before
are equal after, to the last bit, so that counts of equal rows do not change. For an estimator
that needs the layer's own noise, linear maps act on the noise too.
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
"""At most this many units are rotated together; more units are split into random groups."""
SKEW, TAILS = 0.5, 2.0
"""Largest shift and factor of asinh z under `monotone`; z has mean 0 and variance 1."""


def mapped(
    samples: Samples,
    name: MapName,
    random: np.random.Generator,
    factor: float,
    with_noise: bool = False,
) -> Samples:
    """The same samples in other coordinates.

    name : one of MAPS; factor : the largest factor of `rescale`
    with_noise : whether centres and sigma are mapped too, for estimators that need them
    Raises ValueError if they cannot be mapped: the noise would no longer be Gaussian and
    independent between units.
    """
    if not with_noise:
        return replace(samples, t=_MAPS[name](samples, random, factor)(samples.t))
    sigma = samples.sigma
    if name == "monotone" or (name == "rotate" and isinstance(sigma, torch.Tensor)):
        raise ValueError(
            "needs the size of Gaussian noise on each unit, and under this map the noise is no "
            "longer Gaussian and independent between units"
        )
    function = _MAPS[name](samples, random, factor)
    t, centres = function(samples.t), function(samples.centres)
    if name != "rotate" and sigma is not None:
        whole = isinstance(sigma, torch.Tensor)
        sigma = sigma if whole else torch.full_like(samples.t, sigma)
        # t − centres = noise, and the map is linear and keeps the axes: sigma is mapped as t is
        sigma = function(sigma).abs()
    return replace(samples, t=t, centres=centres, sigma=sigma)


Rows = Callable[[torch.Tensor], torch.Tensor]
"""A function from values (n_inputs, n_draws, n_units) to values of the same shape."""


def _rescale(samples: Samples, random: np.random.Generator, factor: float) -> Rows:
    logs = math.log(factor) * random.uniform(-1, 1, samples.n_units)
    factors = _like(samples.t, np.exp(logs))
    return lambda values: (values * factors).to(values.dtype)


def _permute(samples: Samples, random: np.random.Generator, factor: float) -> Rows:
    order = _order(samples, random)
    return lambda values: values[..., order].contiguous()


def _monotone(samples: Samples, random: np.random.Generator, factor: float) -> Rows:
    """Sinh-arcsinh functions (Jones & Pewsey 2009), one for each unit."""
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
    """A rotation around the mean; for a map it acts on channels, equally at each place."""
    n_turned = samples.shape[0] if samples.shape else samples.n_units
    order = random.permutation(n_turned)
    groups = np.array_split(order, -(-n_turned // MOST_TURNED))
    turns = [(group, _like(samples.t, _rotation(len(group), random))) for group in groups]
    mean = samples.t.flatten(0, 1).double().mean(0)

    def turned(values: torch.Tensor) -> torch.Tensor:
        rows = values.flatten(0, 1)
        # a matrix product may round equal rows differently: each distinct row is mapped once
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
    """A new order of units; for a map, of channels, each with all its places."""
    places = np.arange(samples.n_units)
    if samples.shape:
        places = places.reshape(samples.shape[0], -1)
    order = places[random.permutation(len(places))].ravel()
    return torch.from_numpy(order).to(samples.t.device)


def _rotation(d: int, random: np.random.Generator) -> np.ndarray:
    """A random orthogonal matrix, uniformly distributed (Mezzadri 2007)."""
    q, r = np.linalg.qr(random.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def _like(t: torch.Tensor, values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values).to(t.device)
