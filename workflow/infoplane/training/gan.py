"""Generative adversarial networks (Goodfellow et al. 2014, arXiv:1406.2661).

The run's own network is the discriminator; a generator learns against it. All random numbers
depend on (seed, epoch) alone: a seed gets the same weights whichever seeds train with it, to
float tolerance, and a resumed training gives the same bits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field

from infoplane import streams
from infoplane.choice import Choice
from infoplane.costs import Cost
from infoplane.datasets.source import Data, Shape
from infoplane.isolated import isolated
from infoplane.machine import device_of
from infoplane.networks import FAMILIES
from infoplane.networks.description import build
from infoplane.networks.network import Misfit, Network, initialise_seeds
from infoplane.settings import Settings as BaseSettings
from infoplane.training.cost import of_training
from infoplane.training.grouped import Grouped, Weights
from infoplane.training.optimizers import Adam, Optimizer
from infoplane.training.parameters import Parameters, part_of
from infoplane.training.trainer import NETWORK, Arrays, Metric, TrainerSettings

log = logging.getLogger(__name__)

GENERATOR = "generator"
"""Name of the second network."""
FIRST, LATENT, STEPS, BETWEEN, NOISE, EVALUATED = range(0x67616E, 0x67616E + 6)
"""Keys of random numbers by purpose: first weights of the generator, z of the discriminator's
steps and of the generator's, points between real inputs and fakes, noise and dropout of the
networks, z of the metrics."""
METRICS = (
    Metric("loss_discriminator", "loss"),
    Metric("loss_generator", "loss"),
    Metric("output_real", "mean output of the discriminator"),
    Metric("output_fake", "mean output of the discriminator"),
    Metric("accuracy", "accuracy, real or generated"),
    Metric("diversity", "diversity of fakes", "higher"),
    Metric("deviation", "sd of the discriminator's outputs"),
)
BOUND = Metric("bound", "lower bound of I(X;Y)  [bits]")
"""A further metric if outputs are log-odds, as with the non-saturating loss."""
Loss = Literal["non_saturating", "wasserstein", "hinge"]
DISCRIMINATOR_BETAS = (0.5, 0.999)
"""Default settings of Adam: Radford et al. 2016."""


class Collapse(BaseSettings):
    """Thresholds for a remark on a seed after its last epoch; the seed is still measured."""

    distance: float = Field(default=0.1, ge=0)
    """The generator has collapsed if the mean distance of two fakes is below this share of the
    mean distance of two real inputs."""
    deviation: float = Field(default=1e-3, ge=0)
    """The discriminator is constant if the standard deviation of its outputs, on real inputs
    and fakes together, is below this."""


class Settings(TrainerSettings):
    """A generator against the run's network, its discriminator."""

    shaping: ClassVar[tuple[str, ...]] = ("generator", "latent")

    trainer: Literal["gan"]
    """`gan` trains the network to distinguish real inputs from fakes, which a generator learns
    to make."""
    generator: Annotated[Any, Choice(FAMILIES, "family", "generator")]
    """The second network has a family, generator if none is given, and the settings of this
    family."""
    latent: int = Field(default=16, ge=1)
    """A fake is made from this many numbers z."""
    distribution: Literal["normal", "uniform"] = "normal"
    """Each number of z has this distribution: standard normal, or uniform between −1 and 1."""
    loss: Loss = "non_saturating"
    """Both networks minimise this loss. non_saturating: Goodfellow et al. 2014; wasserstein:
    with a gradient penalty, Gulrajani et al. 2017; hinge: Lim & Ye 2017."""
    gradient_penalty: float = Field(default=10.0, ge=0)
    """With this λ, λ (‖∇D‖ − 1)² at points between real inputs and fakes is added to the
    Wasserstein loss."""
    critic_steps: int = Field(default=1, ge=1)
    """The discriminator takes this many steps for each step of the generator."""
    optimizer: Optimizer = Adam(method="adam", learning_rate=2e-4, betas=DISCRIMINATOR_BETAS)
    """The discriminator has this optimizer, and the generator one with the same settings."""
    generator_learning_rate: float | None = Field(default=None, gt=0)
    """The generator has this learning rate; null means the optimizer's."""
    batch_size: int = Field(default=64, ge=1)
    """A mini-batch has this many real inputs, and as many fakes."""
    epochs: int = Field(ge=1)
    """The discriminator passes over the training inputs this many times."""
    evaluated: int = Field(default=512, ge=2)
    """The metrics are computed on at most this many real inputs, and as many fakes."""
    collapse: Collapse = Collapse()
    """These thresholds say when a generator counts as collapsed and a discriminator as
    constant."""

    @property
    def numbers(self) -> range:
        return range(self.epochs + 1)

    @property
    def networks(self) -> tuple[BaseSettings, ...]:
        return (self.generator,)

    def drawn(self, n: int, *key: int) -> torch.Tensor:
        """z of n fakes, (n, latent), by the key alone."""
        source = streams.of_training(*key)
        if self.distribution == "normal":
            return torch.randn(n, self.latent, generator=source)
        return 2 * torch.rand(n, self.latent, generator=source) - 1


def of_discriminator(loss: Loss, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """The discriminator's loss, (S,), in nats or without unit, from its outputs (S, n)."""
    relu, softplus = torch.relu, torch.nn.functional.softplus
    if loss == "non_saturating":
        return softplus(-real).mean(1) + softplus(fake).mean(1)
    if loss == "hinge":
        return relu(1 - real).mean(1) + relu(1 + fake).mean(1)
    return fake.mean(1) - real.mean(1)


def of_generator(loss: Loss, fake: torch.Tensor) -> torch.Tensor:
    """The generator's loss, (S,), from the discriminator's outputs (S, n)."""
    if loss == "non_saturating":
        return torch.nn.functional.softplus(-fake).mean(1)
    return -fake.mean(1)


class Inputs(NamedTuple):
    """Inputs of the metrics, (m, *shape): from the training set, and from the test set, which
    may be empty. distance : the mean distance of two training inputs"""

    train: torch.Tensor
    test: torch.Tensor
    distance: float


class Duel:
    """Discriminators and generators of some seeds that train as one."""

    def __init__(
        self,
        settings: Settings,
        networks: Mapping[str, Network],
        rows: Sequence[int],
        seeds: Sequence[int],
        weights: Weights,
    ):
        self.settings = settings
        own, rate = settings.optimizer, settings.generator_learning_rate
        other = own.model_copy(update={"learning_rate": rate or own.learning_rate})
        optimizers = {NETWORK: own, GENERATOR: other}
        self.players = {
            name: Parameters(
                optimizers[name], settings.epochs, network, rows, seeds, weights[name]
            )
            for name, network in networks.items()
        }
        self.discriminator, self.generator = self.players[NETWORK], self.players[GENERATOR]

    @property
    def rows(self) -> list[int]:
        return self.discriminator.rows

    @property
    def seeds(self) -> list[int]:
        return self.discriminator.seeds

    def train_epoch(self, x: torch.Tensor, epoch: int) -> None:
        """One pass of the discriminator over the training inputs."""
        chosen, n, device = self.settings, len(x), x.device
        orders = [streams.order(n, seed, epoch) for seed in self.seeds]
        batches = torch.stack(orders).to(device).split(chosen.batch_size, dim=1)
        z, steps = (self._drawn(n, epoch, key).to(device) for key in (LATENT, STEPS))
        noise = self._noise(self.discriminator, 2 * n, epoch)
        first = 0
        for i, batch in enumerate(batches):
            rows = slice(first, first + batch.shape[1])
            first = rows.stop
            for player in self.players.values():
                player.set_rate((epoch - 1) * len(batches) + i, len(batches))
            own = None if noise is None else noise.rows(2 * rows.start, 2 * rows.stop)
            between = self._between(batch.shape[1], epoch, i).to(device)
            self._judge(x[batch], z[:, rows], own, between)
            if ((epoch - 1) * len(batches) + i + 1) % chosen.critic_steps == 0:
                self._deceive(steps[:, rows])
        self.calibrate(x)

    def calibrate(self, x: torch.Tensor) -> None:
        """Measure scales and ranges of networks that have any."""
        self.discriminator.calibrate(x)
        z = self.settings.drawn(self.settings.evaluated, EVALUATED)
        self.generator.calibrate(z.to(x.device))

    def evaluate(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """Metrics by name, (n_networks,)."""
        loss = self.settings.loss
        with torch.no_grad():
            z = self._drawn(len(inputs.train), 0, EVALUATED).to(inputs.train.device)
            fakes = self._made(self.generator.weights, z)
            fake = self._told(fakes)
            real, unseen = self._told(inputs.train), self._told(inputs.test)
            both = torch.cat([real, fake], 1)
            # The zero of a critic's outputs has no meaning.
            middle = (
                (real.mean(1) + fake.mean(1)) / 2 if loss == "wasserstein" else 0 * real[:, 0]
            )
            right = (real > middle[:, None]).double().mean(1)
            right = (right + (fake <= middle[:, None]).double().mean(1)) / 2
            found = {
                "loss_discriminator": of_discriminator(loss, real, fake),
                "loss_generator": of_generator(loss, fake),
                "output_real": real.mean(1),
                "output_fake": fake.mean(1),
                "accuracy": right,
                "deviation": both.std(1),
                "diversity": _distances(fakes) / inputs.distance,
            }
            if loss == "non_saturating":
                # 1 − half of the cross-entropy in bits: Goodfellow et al. 2014, eq. 4. On
                # inputs that it was not trained on it gives at most the divergence.
                nats = of_discriminator(loss, unseen, fake)
                found[BOUND.name] = 1 - nats / (2 * np.log(2))
        return {name: value.numpy(force=True) for name, value in found.items()}

    def leave(self, rows: set[int]) -> None:
        """Continue without the networks of these rows."""
        for player in self.players.values():
            player.leave(rows)

    def state(self) -> dict[str, np.ndarray]:
        return {
            f"{of}.{name}": value
            for of, player in self.players.items()
            for name, value in player.state().items()
        }

    def restore(self, state: Arrays) -> None:
        for of, player in self.players.items():
            player.restore(part_of(state, f"{of}."))

    def _judge(self, real, z, noise, between) -> None:
        """A step of the discriminators: real (S, n, *shape), z (S, n, latent)."""
        player, n = self.discriminator, real.shape[1]
        with torch.no_grad():
            fake = self._made(self.generator.weights, z, training=True)
        own = {**player.leaves, **player.buffers}
        outputs, changed = player.network.run(
            own, torch.cat([real, fake], 1), training=True, random=noise
        )
        told = outputs.squeeze(2)
        loss = of_discriminator(self.settings.loss, told[:, :n], told[:, n:]).sum()
        if self.settings.loss == "wasserstein":
            loss = loss + self._penalty(own, real, fake, between)
        player.step(loss)
        player.buffers |= {name: value.detach() for name, value in changed.items()}

    def _deceive(self, z) -> None:
        """A step of the generators."""
        player = self.generator
        fake, changed = player.network.run(
            {**player.leaves, **player.buffers}, z, training=True
        )
        told = self._told(fake, training=True)
        player.step(of_generator(self.settings.loss, told).sum())
        player.buffers |= {name: value.detach() for name, value in changed.items()}

    def _penalty(self, weights, real, fake, between) -> torch.Tensor:
        """λ (‖∇D‖ − 1)² at points between real inputs and fakes, summed over networks."""
        share = between.reshape(*between.shape, *[1] * (real.ndim - 2))
        places = (share * real + (1 - share) * fake).requires_grad_()
        outputs, _ = self.discriminator.network.run(weights, places, training=True)
        (slopes,) = torch.autograd.grad(outputs.sum(), places, create_graph=True)
        norms = slopes.flatten(2).norm(dim=2)
        return self.settings.gradient_penalty * (norms - 1).square().mean(1).sum()

    def _told(self, x: torch.Tensor, training: bool = False) -> torch.Tensor:
        """Outputs of the discriminators, (S, n), for x (n, *shape) or (S, n, *shape)."""
        outputs, _ = self.discriminator.network.run(
            self.discriminator.weights, x, training=training
        )
        return outputs.squeeze(2)

    def _made(self, weights, z: torch.Tensor, training: bool = False) -> torch.Tensor:
        """Fakes (S, n, *shape) from z (S, n, latent)."""
        return self.generator.network.run(weights, z, training=training)[0]

    def _drawn(self, n: int, epoch: int, purpose: int) -> torch.Tensor:
        """z (S, n, latent)."""
        return torch.stack([self.settings.drawn(n, s, epoch, purpose) for s in self.seeds])

    def _between(self, n: int, epoch: int, step: int) -> torch.Tensor:
        """Shares of real inputs in the points of the gradient penalty, (S, n)."""
        keys = [(seed, epoch, BETWEEN, step) for seed in self.seeds]
        return torch.stack([torch.rand(n, generator=streams.of_training(*k)) for k in keys])

    def _noise(self, player: Parameters, n: int, epoch: int):
        sources = [streams.of_training(seed, epoch, NOISE) for seed in self.seeds]
        return player.network.random(n, sources, player.device)


class GAN(Grouped):
    """The duels of a block: one for all seeds, or one for each."""

    Settings = Settings
    losses = ("loss_discriminator", "loss_generator")
    may_help = "a smaller learning rate or another loss"

    @isolated()
    def __init__(self, settings: Settings, network: Network, data: Data, seeds: Sequence[int]):
        self.settings, self.seeds = settings, list(seeds)
        self.networks = {NETWORK: network, GENERATOR: _generator(settings, data.shape)}
        self.metrics = METRICS + (BOUND,) * (settings.loss == "non_saturating")
        self.epochs, self.keep = settings.numbers, settings.keep
        self.device = device_of(settings.device)
        self.x = torch.from_numpy(data.x[data.train]).to(self.device)
        parts = [_evenly(data.x[rows], settings.evaluated) for rows in (data.train, data.test)]
        train, test = (torch.from_numpy(part).to(self.device) for part in parts)
        self.inputs = Inputs(train, test, float(_distances(train[None])))
        own = [streams.of_training(seed, FIRST).initial_seed() for seed in self.seeds]
        first = {
            name: initialise_seeds(net, own if name == GENERATOR else self.seeds)
            for name, net in self.networks.items()
        }
        self.begin(first, {rule: np.full(len(self.seeds), -1, np.int64) for rule in _RULES})
        for duel in self.groups:
            duel.calibrate(self.x)

    @classmethod
    def networks_of(
        cls, settings: Settings, network: BaseSettings, data: Shape
    ) -> dict[str, Network]:
        """A discriminator with one output, and a generator with outputs like the data."""
        judge = build(network, data.of_input, 1)
        if judge.output_shape != (1,):
            text = f"must give one number per input, not numbers of shape {judge.output_shape}"
            raise Misfit(("family",), text, of_shape=False)
        return {NETWORK: judge, GENERATOR: _generator(settings, data)}

    @classmethod
    def cost(
        cls, settings: Settings, network: Network, data: Shape, n_seeds: int, threads: int = 1
    ) -> Cost:
        """The cost of three passes of the discriminator (on real inputs, on fakes and for the
        generator; twice as many with a gradient penalty) and of the generator's passes."""
        kept, batch = settings.n_kept, settings.batch_size
        passes = 6 if settings.loss == "wasserstein" else 3
        of = [(network, passes), (_generator(settings, data), 2)]
        costs = [
            of_training(net, data, n_seeds, n * settings.epochs, kept, batch, threads)
            for net, n in of
        ]
        return Cost(max(c.mb for c in costs), sum(c.seconds for c in costs))

    @property
    def remarks(self) -> dict[int, str]:
        found: dict[int, list[str]] = {}
        for rule, least in self.settings.collapse:
            metric, text = _RULES[rule]
            for row in np.flatnonzero(self.books[rule] >= 0).tolist():
                value, epoch = self.values[metric][row], self.books[rule][row]
                said = text.format(value=value, least=least, epoch=epoch)
                found.setdefault(self.seeds[row], []).append(said)
        return {seed: "; ".join(said) for seed, said in sorted(found.items())}

    def advance(self, epoch: int) -> Arrays:
        found = super().advance(epoch)
        self._remark(epoch)
        return found

    def group(self, rows: Sequence[int], seeds: Sequence[int], weights: Weights) -> Duel:
        return Duel(self.settings, self.networks, rows, seeds, weights)

    def epoch_of(self, duel: Duel, epoch: int) -> dict[str, np.ndarray]:
        if epoch > 0:
            duel.train_epoch(self.x, epoch)
        return duel.evaluate(self.inputs)

    def _remark(self, epoch: int) -> None:
        """Note, for every seed, the epoch since which a rule has held."""
        for rule, least in self.settings.collapse:
            metric, _ = _RULES[rule]
            low = self.values[metric] < least  # a NaN does not count
            since = self.books[rule]
            self.books[rule] = np.where(low, np.where(since < 0, epoch, since), -1)


_RULES = {
    "distance": (
        "diversity",
        "collapsed generator: the mean distance of two fakes is {value:.3g} times that of two "
        "real inputs, below {least:g}, since epoch {epoch}",
    ),
    "deviation": (
        "deviation",
        "constant discriminator: its outputs have a standard deviation of {value:.3g}, below "
        "{least:g}, since epoch {epoch}",
    ),
}
"""Keys of `Collapse`: the judged metric, and the remark."""


def _generator(settings: Settings, data: Shape) -> Network:
    """Raises Misfit if it does not make such data."""
    chosen, at = settings.generator, ("training", "generator")
    if not FAMILIES[chosen.family].generates:
        text = f"must be of a family that makes data, not '{chosen.family}'"
        raise Misfit(("family",), text, of_shape=False, at=at)
    try:
        found = build(chosen, (settings.latent,), data.of_input)
    except Misfit as misfit:
        raise Misfit(misfit.path, misfit.text, misfit.of_shape, at) from None
    if found.output_shape != data.of_input:
        text = f"must make data of shape {data.of_input}, not of {found.output_shape}"
        raise Misfit(("family",), text, at=at)
    return found


def _evenly(x: np.ndarray, most: int) -> np.ndarray:
    """At most `most` inputs, evenly spread over all of them."""
    return x[np.linspace(0, len(x) - 1, min(most, len(x)), dtype=np.int64)] if len(x) else x


def _distances(x: torch.Tensor) -> torch.Tensor:
    """Mean distance of two different inputs, (S,), from x (S, n, *shape)."""
    return torch.stack([torch.pdist(one.flatten(1)).mean() for one in x])
