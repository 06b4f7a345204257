"""Activations to measure, with the sizes of the field's two standard experiments."""

import itertools

import numpy as np
import torch

from infoplane.samples import Samples

SZT_UNITS = (10, 7, 5, 4, 3, 2)
SZT_CHECKPOINTS = 400


def szt_layers(n_checkpoints: int = SZT_CHECKPOINTS) -> dict[int, list[Samples]]:
    """Hidden layers of a 12-10-7-5-4-3-2 tanh net on all 4096 patterns, by number of units.
    From checkpoint to checkpoint the weights grow as in training, from nearly linear to
    saturated."""
    bits = (np.arange(4096)[:, None] >> np.arange(11, -1, -1)) & 1
    y = torch.from_numpy((bits.sum(axis=1) > 6).astype(np.int64))
    rng = np.random.default_rng(0)
    widths = (12, *SZT_UNITS)
    weights = [rng.standard_normal((a, b)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    # One tensor for each layer; samples are views of it, as in `activations.Activations`.
    layers = {units: torch.empty(n_checkpoints, 4096, 1, units) for units in SZT_UNITS}
    for epoch, gain in enumerate(np.geomspace(1, 8, n_checkpoints)):
        t = bits - 0.5
        for units, weight in zip(SZT_UNITS, weights, strict=True):
            t = np.tanh(gain * t @ weight)
            layers[units][epoch, :, 0] = torch.from_numpy(t)
    return {
        units: [Samples(one, y, layer=f"{units} units", epoch=e) for e, one in enumerate(t)]
        for units, t in layers.items()
    }


def pooled_layer(n_units: int, n_draws: int) -> Samples:
    """One of these layers at many epochs: its values scatter by 2 % of their range."""
    single = szt_layers(3)[n_units][1]
    generator = torch.Generator().manual_seed(0)
    shape = (1, n_draws, n_units)
    drift = 1 + 0.02 * torch.randn(shape, generator=generator)
    shift = 0.02 * torch.randn(shape, generator=generator)
    return Samples((single.t * drift + shift).contiguous(), single.y, layer="pooled")


def tanh_layers(n_inputs: int, n_units: int, n_checkpoints: int) -> list[Samples]:
    """A tanh layer on Gaussian clusters of ten classes, from nearly linear to saturated."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n_inputs) % 10
    centres = torch.randn((10, n_units), generator=generator)
    weight = torch.randn((n_units, n_units), generator=generator)
    z = (torch.randn((n_inputs, n_units), generator=generator) + 3 * centres[y]) @ weight
    gains = np.geomspace(0.05, 1, n_checkpoints).tolist()
    t = torch.stack([torch.tanh(gain * z) for gain in gains])[:, :, None]
    return [Samples(one, y, epoch=epoch) for epoch, one in enumerate(t)]


def relu_layer(n_inputs: int, n_units: int, n_classes: int = 10) -> Samples:
    """A ReLU layer on Gaussian clusters, one for each class, as in a net on images."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n_inputs) % n_classes
    centres = torch.randn((n_classes, n_units), generator=generator)
    t = torch.randn((n_inputs, n_units), generator=generator)
    t.add_(centres[y]).mul_(0.5).relu_()
    return Samples(t[:, None, :], y, layer=f"ReLU {n_units}")


def noisy_layers(sigma: float, n_draws: int) -> tuple[Samples, Samples]:
    """The first layer with 10 units and a deeper one with 4, both with noise, of a tanh net on
    all 4096 patterns. The deeper layer has one centre for each pattern and draw of the noise
    before it."""
    first = szt_layers(3)[10][1]
    generator = torch.Generator().manual_seed(0)

    def noisy(centres: torch.Tensor, layer: str) -> Samples:
        t = centres + sigma * torch.randn(centres.shape, generator=generator)
        return Samples(t, first.y, layer=layer, sigma=sigma, centres=centres)

    before = noisy(first.t.expand(-1, n_draws, -1), "first").t
    weight = torch.randn((10, 4), generator=generator) * 2 / 10**0.5
    return noisy(first.t, "first"), noisy(torch.tanh(before @ weight), "deep")
