"""Layers of a trained network with noise on them: an AWGN channel with finite input.

T = f(X) + N(0, σ²I), X uniform over the 4,096 SZT patterns, f a layer of the net before and
after it has learnt. I(X;T) and I(T;Y) are from brute-force Monte Carlo
(channel_information.py). Estimators of two variables get the noisy T with the 12 bits of X, or
with the label. kde gets the noiseless f(X), and the noise variance as its setting. Estimators
of noisy layers (sp) get T with f(X) as its centres.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from infoplane.samples import Pair, Samples
from infoplane.settings import Settings
from infoplane.truth import channel_information, trained
from infoplane.truth.points import of_patterns
from infoplane.truth.task import Draw, Family, Prepared, Task, generator, rows


class ChannelsSettings(Settings):
    """Noisy layers of the SZT net."""

    family: Literal["channels"] = "channels"
    """This family has layers of the SZT net with noise."""
    network: trained.Training = trained.Training()
    """These settings choose the network, its layers and epochs."""
    sigmas: list[Annotated[float, Field(gt=0)]] = Field(default=[0.05, 0.2, 0.5], min_length=1)
    """The noise on every unit has these standard deviations, in units of activation."""
    standard_error: float = Field(default=0.0025, gt=0)
    """The truths are computed to this standard error, in bits."""
    seed: int = Field(default=0, ge=0)
    """The Monte Carlo of the truths uses this seed."""


class Channels(Family):
    """Noisy layers of the SZT net."""

    Settings = ChannelsSettings
    settings: ChannelsSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """Activations (4096, d) by layer and epoch, truths (4,) by layer, epoch and σ.

        A truth is I(X;T), its standard error, I(T;Y), its standard error, in bits.
        """
        x, y = trained.patterns()
        layers = trained.chosen_layers(self.settings.network)
        arrays = {}
        for epoch, weights in trained.networks(self.settings.network):
            h, activations = x, []
            for weight, bias in weights:
                h = np.tanh(h @ weight + bias)
                activations.append(h)
            for layer, position in layers.items():
                name, points = trained.name_of(layer, epoch), activations[position]
                arrays[name] = points
                for sigma in self.settings.sigmas:
                    arrays[_name(name, sigma)] = np.array(
                        channel_information.information(
                            points, y, sigma, self.settings.standard_error, self.settings.seed
                        )
                    )
        return arrays

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Three tasks for each layer, epoch and σ: T with X, T with Y, and the noisy layer."""
        x, y = trained.patterns()
        tasks = []
        for layer in trained.chosen_layers(self.settings.network):
            for epoch in sorted(self.settings.network.epochs):
                name = trained.name_of(layer, epoch)
                for sigma in self.settings.sigmas:
                    truth = channel_information.Truth(*prepared[_name(name, sigma)].tolist())
                    tasks += _tasks(_name(name, sigma), prepared[name], x, y, sigma, truth)
        return tasks


def _name(layer: str, sigma: float) -> str:
    return f"{layer}, σ = {sigma:g}"


def _tasks(name: str, points, x, y, sigma: float, truth) -> list[Task]:
    d = points.shape[1]
    of_layers = {
        "kde": {"noise": "absolute", "noise_variance": sigma**2},
        "sp": {},
        "certified": {"of": "inputs", "only_noise": True},
    }

    def drawing(kind: str) -> Callable[[int, int], Draw]:
        def draw(n: int, seed: int) -> Draw:
            rng = generator(f"channels {name} {kind}", n, seed)
            taken = rows(n, len(points), rng)
            s = points[taken]
            t = s + sigma * rng.standard_normal((n, d))
            layers = {}
            if n <= len(points):
                noisy = Samples.of(t, y[taken], centres=s, sigma=sigma, layer=name)
                layers = {"samples": Samples.of(s, y[taken], layer=name), "noisy": noisy}
            if kind == "inputs":
                return Draw(**layers)
            return Draw(
                Pair.of(t, x[taken] if kind == "continuous" else y[taken], name), **layers
            )

        return draw

    ixt, ity = (truth.ixt, truth.ixt_error), (truth.ity, truth.ity_error)
    return [
        Task(
            f"{name}, X",
            "continuous",
            d,
            x.shape[1],
            ixt[0],
            drawing("continuous"),
            ixt[1],
            law=of_patterns(points, x, sigma),
        ),
        Task(
            f"{name}, Y",
            "labels",
            d,
            0,
            ity[0],
            drawing("labels"),
            ity[1],
            settings=of_layers,
            law=of_patterns(points, y, sigma),
        ),
        Task(
            f"{name}, index of X",
            "inputs",
            d,
            0,
            ixt[0],
            drawing("inputs"),
            ixt[1],
            len(points),
            of_layers,
        ),
    ]
