"""Supervised training of classifiers, the seeds of a block stacked or one by one.

Everything random is drawn from (seed, epoch) alone, so a seed gets the same weights whichever
seeds train beside it, to float tolerance, and a resumed training the same bits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import Field, model_validator

from infoplane import streams
from infoplane.costs import Cost
from infoplane.datasets.source import Data, Shape
from infoplane.isolated import isolated
from infoplane.machine import DeviceName, Done, device_of, one_thread_each
from infoplane.networks.arrays import to_array, to_tensor
from infoplane.networks.dtypes import PLAIN, missing
from infoplane.networks.network import Network, initialise_seeds
from infoplane.progress import Progress
from infoplane.schedules.fixed import All, Schedule
from infoplane.settings import Settings as BaseSettings
from infoplane.training import augment as images
from infoplane.training.cost import of_training
from infoplane.training.optimizers import Adam, Optimizer
from infoplane.training.trainer import Arrays, Lost, Metric, Trainer, TrainerSettings

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

EVALUATION_BYTES = 2**27
"""Memory for the widest layer while loss and accuracy are evaluated."""
CALIBRATION_INPUTS = 4096
"""Most training inputs, the first ones, on which scales and ranges are measured."""
NOISE = 0x6E6F697365
"""Keeps the noise of an epoch apart from its order."""
AUGMENT = 0x637573
"""Keeps the crops and flips of an epoch apart from its order."""
PREFIT = 0x707265666974
"""Keeps epochs on random labels apart from the others."""
METRICS = (
    Metric("loss_train", "loss  [nats]", "lower"),
    Metric("loss_test", "loss  [nats]", "lower"),
    Metric("accuracy_train", "accuracy", "higher"),
    Metric("accuracy_test", "accuracy", "higher"),
    Metric("weight_norm", "‖weights‖", by_layer=True),
    Metric("gradient_mean", "‖mean gradient‖", by_layer=True),
    Metric("gradient_std", "‖sd of the gradient‖", by_layer=True),
)
BETTER = {metric.name: metric.better for metric in METRICS}
Watched = Literal[tuple(name for name, better in BETTER.items() if better)]
Judged = Literal[tuple(name for name, better in BETTER.items() if better == "higher")]


class Stop(BaseSettings):
    """A rule that ends a seed's training before its last epoch: a threshold or patience."""

    quantity: Watched
    """What is watched, after every epoch."""
    threshold: float | None = None
    """Stop when a loss is at most, or an accuracy at least, this."""
    patience: int | None = Field(default=None, ge=1)
    """Stop when the quantity has not improved for this many epochs."""

    @model_validator(mode="after")
    def _one_rule(self):
        if (self.threshold is None) == (self.patience is None):
            raise ValueError("give either threshold or patience, not both and not neither")
        return self


class Prefit(BaseSettings):
    """Epochs on random labels before training: a network that has to unlearn."""

    epochs: int = Field(ge=0)
    """How many. They come before epoch 0, which is then the network after them; the optimizer
    starts anew with the true labels."""
    seed: int = Field(default=0, ge=0)
    """With the network's own seed, that of the permutation of the training labels."""


class SetAside(BaseSettings):
    """When a network counts as not trained: it is kept, named, and not measured."""

    quantity: Judged = "accuracy_train"
    """What is judged, after the last epoch."""
    below: float = Field(gt=0, le=1)
    """Seeds that end below this are set aside."""


class Settings(TrainerSettings):
    trainer: Literal["supervised"] = "supervised"
    """How the network is trained: cross-entropy on the labels."""
    optimizer: Optimizer = Adam(method="adam")
    """Optimizer and its learning rate."""
    batch_size: int = Field(default=256, ge=1)
    """Inputs of a mini-batch; the last batch of an epoch may be smaller."""
    orthonormal_penalty: float = Field(default=0, ge=0)
    """λ of λ ‖W'W − I‖² in the loss, of each layer's matrix W (of WW' where it has more outputs
    than inputs): Goldfeld et al. 2019, after Cisse et al. 2017. 0: none."""
    l1: float = Field(default=0, ge=0)
    """λ of λ Σ|w| in the loss, over weights of layers, biases left out. 0: none."""
    l2: float = Field(default=0, ge=0)
    """λ of λ Σw² in the loss, over weights of layers, biases left out. 0: none."""
    label_smoothing: float = Field(default=0, ge=0, lt=1)
    """ε of targets (1 − ε) of the label and ε of all classes alike, in the loss of training
    alone; the losses that are written down are without it. 0: none."""
    augment: images.Settings | None = None
    """Crops and flips of training images; null: none."""
    label: str | None = None
    """Which of the data set's labels is learnt; null: the first."""
    epochs: int = Field(ge=1)
    """Epochs of training, at the most where there is a stopping rule."""
    stop: Stop | None = None
    """Stopping rule, applied to each seed by itself."""
    prefit: Prefit | None = None
    """Training on random labels before the first epoch; null: none."""
    set_aside: SetAside | None = None
    """Seeds that did not learn, to be left out by a named threshold; null: none."""
    keep: Schedule = All()
    """Epochs whose weights are kept; the first and the last always are."""
    device: DeviceName = "auto"
    """auto: CUDA where there is a GPU, else the CPU."""

    @property
    def numbers(self) -> range:
        return range(self.epochs + 1)

    @model_validator(mode="after")
    def _trains_after_warm_up(self):
        if self.optimizer.warm_up >= self.epochs:
            raise ValueError(
                f"optimizer.warm_up must be < {self.epochs}, which is epochs, not "
                f"{self.optimizer.warm_up}"
            )
        return self

    def check_inputs(self, shape: Sequence[int]) -> None:
        """ValueError where inputs of this shape cannot be trained on so."""
        if self.augment and len(shape) != 3:
            raise ValueError(
                "augment needs images (channels, height, width), not "
                f"{' × '.join(map(str, shape))} values; a data set gives images with "
                "flatten: false"
            )


class Supervised(Trainer):
    """The networks of a block: one stack of all, or one of each seed."""

    Settings = Settings
    metrics = METRICS

    @isolated()
    def __init__(self, settings: Settings, network: Network, data: Data, seeds: Sequence[int]):
        settings.check_inputs(network.input_shape)
        self.settings, self.network, self.seeds = settings, network, list(seeds)
        self.networks = {"network": network}
        self.epochs, self.keep = settings.numbers, settings.keep
        self.device = device_of(settings.device)
        y = data.label(settings.label).codes
        self.parts = {
            name: tuple(torch.from_numpy(a[rows]).to(self.device) for a in (data.x, y))
            for name, rows in {"train": data.train, "test": data.test}.items()
        }
        first = initialise_seeds(network, self.seeds)
        self.latest = {name: to_array(value) for name, value in first.items()}
        self.stacks = self._stacked(range(len(self.seeds)))
        for stack in self.stacks:
            stack.calibrate(self.parts["train"][0])
        self.failed: dict[int, int] = {}
        self.values = {m.name: self._unknown(m.by_layer) for m in METRICS}
        self.best = np.full(len(self.seeds), np.inf)
        self.waited = np.zeros(len(self.seeds), np.int64)
        self.epoch = -1

    @classmethod
    def output_size(cls, settings: Settings, data: Shape) -> int:
        """The classes of the label that is learnt."""
        return data.n_classes(settings.label)

    @classmethod
    def cost(
        cls, settings: Settings, network: Network, data: Shape, n_seeds: int, threads: int = 1
    ) -> Cost:
        before = settings.prefit.epochs if settings.prefit else 0
        n_epochs, batch = settings.epochs + before, settings.batch_size
        return of_training(network, data, n_seeds, n_epochs, settings.n_kept, batch, threads)

    @property
    def running(self) -> list[int]:
        """Rows of the seeds that go on."""
        return [row for stack in self.stacks for row in stack.rows]

    @property
    def over(self) -> bool:
        return not self.stacks

    @property
    def lost(self) -> dict[int, Lost]:
        found = {
            seed: Lost(f"the loss became NaN or infinite in epoch {epoch}")
            for seed, epoch in self.failed.items()
        }
        rule = self.settings.set_aside
        if rule is not None:
            for seed, value in zip(
                self.seeds, self.values[rule.quantity].tolist(), strict=True
            ):
                if value < rule.below:  # a NaN is not
                    found[seed] = Lost(f"{rule.quantity} {value:.4f}", set_aside=True)
        return found

    def advance(self, epoch: int) -> Arrays:
        if epoch == 0:
            self._prefit()
        for stack, found in zip(
            self.stacks, self._each(lambda stack: self._epoch_of(stack, epoch)), strict=True
        ):
            for name, value in found.items():
                self.values[name][stack.rows] = value
        self.epoch = epoch
        self._let_go(epoch)
        if len(self.failed) == len(self.seeds):
            raise FloatingPointError(
                f"the loss of every seed became NaN (seed: epoch {self.failed}); a smaller "
                "learning rate or another initialisation may help"
            )
        return {name: value.copy() for name, value in self.values.items()}

    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        self._take_down(self.running)
        return {"network": {name: value.copy() for name, value in self.latest.items()}}

    def state(self) -> dict[str, np.ndarray]:
        (latest,) = self.weights().values()
        return {
            "epoch": np.array(self.epoch),
            "running": np.array(self.running, np.int64),
            "failed": np.array(list(self.failed.items()), np.int64).reshape(-1, 2),
            "best": self.best,
            "waited": self.waited,
            **{f"latest.{name}": value for name, value in latest.items()},
            **{f"values.{name}": value for name, value in self.values.items()},
            **{
                f"stack.{i}.{name}": value
                for i, stack in enumerate(self.stacks)
                for name, value in stack.state().items()
            },
        }

    def restore(self, state: Arrays) -> None:
        self.epoch = int(state["epoch"])
        self.failed = {int(seed): int(epoch) for seed, epoch in state["failed"]}
        self.best, self.waited = state["best"].copy(), state["waited"].copy()
        self.latest = {n: v.copy() for n, v in _part(state, "latest.").items()}
        self.values = {n: v.copy() for n, v in _part(state, "values.").items()}
        self.stacks = self._stacked(state["running"].tolist())
        for i, stack in enumerate(self.stacks):
            stack.restore(_part(state, f"stack.{i}."))

    def _stacked(self, rows: Sequence[int]) -> list[Stack]:
        """Stacks of these seeds, as their latest weights are: all of them, or each."""
        together = self.network.stacks or self.device.type != "cpu"
        groups = [list(rows)] if together else [[row] for row in rows]
        dtypes = self.network.dtypes
        return [
            Stack(
                self.settings,
                self.network,
                group,
                [self.seeds[row] for row in group],
                {
                    name: to_tensor(value[group], dtypes.get(name, PLAIN)).to(self.device)
                    for name, value in self.latest.items()
                },
            )
            for group in groups
            if group
        ]

    def _each(self, work: Callable[[Stack], Done]) -> list[Done]:
        """work(stack) of every stack: seeds one by one share the job's threads, one each."""
        parallel = self.network.parallel and len(self.stacks) > 1
        n_threads = min(torch.get_num_threads(), len(self.stacks)) if parallel else 1
        return one_thread_each(work, self.stacks, n_threads)

    def _epoch_of(self, stack: Stack, epoch: int) -> dict[str, np.ndarray | float]:
        """Train a stack for an epoch, but for epoch 0, and measure it; metrics by name."""
        x, y = self.parts["train"]
        found = {"gradient_mean": np.nan, "gradient_std": np.nan}
        if epoch > 0:
            found = stack.train_epoch(x, y.expand(len(stack.rows), -1), epoch)
        squares = [flat.to(_at_least(flat)) ** 2 for flat in stack.flats]
        found["weight_norm"] = stack.norms(squares)
        for name, (inputs, labels) in self.parts.items():
            loss, accuracy = stack.evaluate(inputs, labels)
            found |= {f"loss_{name}": loss, f"accuracy_{name}": accuracy}
        return found

    def _unknown(self, by_layer: bool) -> np.ndarray:
        layers = (len(self.network.layers),) if by_layer else ()
        return np.full((len(self.seeds), *layers), np.nan, np.float32)

    def _prefit(self) -> None:
        """Epochs on labels that each network has permuted by itself."""
        chosen = self.settings.prefit
        if chosen is None or not chosen.epochs:
            return
        x, y = self.parts["train"]

        def fit(stack: Stack, epoch: int) -> None:
            drawn = [streams.order(len(y), s, PREFIT, chosen.seed) for s in stack.seeds]
            labels = y[torch.stack(drawn).to(self.device)]
            stack.train_epoch(x, labels, epoch, PREFIT, chosen.seed)

        with Progress("on random labels", chosen.epochs, unit="epoch") as progress:
            for epoch in range(1, chosen.epochs + 1):
                self._each(partial(fit, epoch=epoch))
                progress.advance()
        for stack in self.stacks:
            stack.start(stack.flats)

    def _take_down(self, rows: Iterable[int]) -> None:
        """Write these seeds' weights into the latest."""
        wanted = set(rows)
        for stack in self.stacks:
            own = [(i, row) for i, row in enumerate(stack.rows) if row in wanted]
            if own:
                places, into = map(list, zip(*own, strict=True))
                for name, value in stack.weights.items():
                    self.latest[name][into] = to_array(value[places])

    def _let_go(self, epoch: int) -> None:
        """Take seeds whose loss is NaN, and seeds whose training is over, out of the stacks."""
        lost, finished = [], []
        for row in self.running:
            if not np.isfinite(self.values["loss_train"][row]):
                self.failed[self.seeds[row]] = epoch
                log.error(
                    "seed %d: the loss became NaN or infinite in epoch %d; this seed stops "
                    "here, any others go on",
                    self.seeds[row],
                    epoch,
                )
                lost.append(row)
            elif self.settings.stop and self._is_over(self.settings.stop, row):
                log.info("seed %d: stopped by its rule in epoch %d", self.seeds[row], epoch)
                finished.append(row)
        if not lost and not finished:
            return
        self._take_down(finished)
        for name, value in self.latest.items():
            value[lost] = missing(self.network.dtypes.get(name, PLAIN))
        for value in self.values.values():
            value[lost] = np.nan
        for stack in self.stacks:
            stack.leave({*lost, *finished})
        self.stacks = [stack for stack in self.stacks if stack.rows]

    def _is_over(self, stop: Stop, row: int) -> bool:
        sign = 1 if BETTER[stop.quantity] == "lower" else -1  # smaller scores are better
        score = sign * float(self.values[stop.quantity][row])
        if stop.threshold is not None:
            return score <= sign * stop.threshold
        self.waited[row] = 0 if score < self.best[row] else self.waited[row] + 1
        self.best[row] = min(self.best[row], score)
        return bool(self.waited[row] >= stop.patience)


class Stack:
    """Networks of some seeds that train as one.

    rows, seeds : of each network, its row among all of the block and its seed
    weights : (n_networks, *shape) by name; the parameters among them are views of `flats`
    flats : all parameters of one type of number as a matrix, (n_networks, n_numbers): an
        optimizer's step and the statistics of the gradient are then a few operations, not a
        few for every array
    """

    def __init__(
        self,
        settings: Settings,
        network: Network,
        rows: Sequence[int],
        seeds: Sequence[int],
        weights: Mapping[str, Tensor],
    ):
        self.settings, self.network = settings, network
        self.rows, self.seeds = list(rows), list(seeds)
        self.device = next(iter(weights.values())).device
        of_type: dict[str, list[str]] = {}
        for name in network.parameters:
            of_type.setdefault(network.dtypes.get(name, PLAIN), []).append(name)
        self.names = list(of_type.values())
        self.buffers = {name: weights[name] for name in network.buffers}
        flats = [
            torch.cat([weights[n].flatten(1) for n in names], dim=1) for names in self.names
        ]
        self.start(flats)

    @property
    def weights(self) -> dict[str, Tensor]:
        return {**self.views, **self.buffers}

    def start(self, flats: Sequence[Tensor]) -> None:
        """Train these parameters from now on, with new optimizers."""
        self.flats = [flat.clone().contiguous() for flat in flats]
        self.optimizers = [self.settings.optimizer.on(flat) for flat in self.flats]
        self.views = self._views(self.flats)
        self.leaves = {n: v.detach().requires_grad_() for n, v in self.views.items()}

    def leave(self, rows: set[int]) -> None:
        """Go on without the networks of these rows."""
        stay = [i for i, row in enumerate(self.rows) if row not in rows]
        if len(stay) == len(self.rows):
            return
        states = [
            {name: v if v.ndim == 0 else v[stay] for name, v in optimizer.state[flat].items()}
            for optimizer, flat in zip(self.optimizers, self.flats, strict=True)
        ]
        self.rows = [self.rows[i] for i in stay]
        self.seeds = [self.seeds[i] for i in stay]
        self.buffers = {name: value[stay] for name, value in self.buffers.items()}
        self.start([flat[stay] for flat in self.flats])
        self._take_up(states)

    def state(self) -> dict[str, np.ndarray]:
        """State of the optimizers; the weights are kept beside it."""
        return {
            f"{i}.{name}": to_array(value)
            for i, optimizer in enumerate(self.optimizers)
            for name, value in optimizer.state[self.flats[i]].items()
        }

    def restore(self, state: Arrays) -> None:
        """Take up a state that `state` gave."""
        self._take_up(
            [
                {name: _like(value, flat) for name, value in _part(state, f"{i}.").items()}
                for i, flat in enumerate(self.flats)
            ]
        )

    def _take_up(self, states: Sequence[Mapping[str, Tensor]]) -> None:
        for optimizer, state in zip(self.optimizers, states, strict=True):
            if state:
                groups = optimizer.state_dict()["param_groups"]
                optimizer.load_state_dict({"state": {0: dict(state)}, "param_groups": groups})

    def train_epoch(self, x: Tensor, labels: Tensor, *key: int) -> dict[str, np.ndarray]:
        """One pass over the training set; the gradient's statistics, (n_networks, n_layers).

        labels : (n_networks, n); key : with the seed it decides all that is random
        """
        seeds = self.seeds
        order = torch.stack([streams.order(len(x), seed, *key) for seed in seeds]).to(
            self.device
        )
        sources = [streams.of_training(seed, *key, NOISE) for seed in seeds]
        random = self.network.random(len(x), sources, self.device)
        shown = self._augmentation(len(x), *key)
        totals = [torch.zeros_like(flat, dtype=_at_least(flat)) for flat in self.flats]
        squares = [torch.zeros_like(total) for total in totals]
        batches = order.split(self.settings.batch_size, dim=1)
        first = 0
        for step, batch in enumerate(batches):
            rows = first, first + batch.shape[1]
            first += batch.shape[1]
            part = None if random is None else random.rows(*rows)
            inputs = x[batch]
            if shown is not None:
                inputs = images.augmented(inputs, self.settings.augment, shown.rows(*rows))
            if len(key) == 1:  # epochs on random labels are trained at a constant rate
                self._set_rate((key[0] - 1) * len(batches) + step, len(batches))
            outputs, changed = self.network.run(
                {**self.leaves, **self.buffers}, inputs, training=True, random=part
            )
            loss = self.loss(outputs, labels.gather(1, batch))
            gradients = self._step(loss)
            for total, square, gradient in zip(totals, squares, gradients, strict=True):
                gradient = gradient.to(total.dtype)
                total += gradient
                square.addcmul_(gradient, gradient)
            self.buffers |= {name: value.detach() for name, value in changed.items()}
        self.calibrate(x)
        n = len(batches)
        means = [total / n for total in totals]
        variances = [
            (square / n - mean**2).clamp(min=0)
            for square, mean in zip(squares, means, strict=True)
        ]
        return {
            "gradient_mean": self.norms([mean**2 for mean in means]),
            "gradient_std": self.norms(variances),
        }

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """What is minimised, summed over networks: each keeps its own gradient.

        outputs : (n_networks, n, n_classes); labels : (n_networks, n)
        """
        loss = _cross_entropy(outputs, labels, self.settings.label_smoothing).mean(1).sum()
        return loss + self._penalty()

    def _augmentation(self, n: int, *key: int) -> images.Drawn | None:
        """What is done to the images of an epoch, by seed and key alone; None without."""
        if self.settings.augment is None:
            return None
        sources = [streams.of_training(seed, *key, AUGMENT) for seed in self.seeds]
        return images.draw(self.settings.augment, n, sources, self.device)

    def _set_rate(self, step: int, steps: int) -> None:
        """The learning rate of a step of the training, of so many in an epoch."""
        chosen = self.settings.optimizer
        rate = chosen.learning_rate * chosen.share(step, steps, self.settings.epochs)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def _step(self, loss: Tensor) -> list[Tensor]:
        """One step of the optimizers; gradients as the parameters are, in matrices."""
        found = torch.autograd.grad(
            loss, list(self.leaves.values()), allow_unused=True, materialize_grads=True
        )
        by_name = dict(zip(self.leaves, found, strict=True))
        gradients = [
            torch.cat([by_name[n].flatten(1) for n in names], dim=1) for names in self.names
        ]
        for flat, gradient, optimizer in zip(
            self.flats, gradients, self.optimizers, strict=True
        ):
            flat.grad = gradient
            optimizer.step()
        return gradients

    def calibrate(self, x: Tensor) -> None:
        """Measure what is measured between epochs, with the weights as they are."""
        with torch.no_grad():
            self.buffers |= self.network.calibrate(self.weights, x[:CALIBRATION_INPUTS])

    def _penalty(self) -> Tensor | float:
        """What the settings add to the loss, summed over networks and layers; a kernel counts
        as a matrix with a row for each of its outputs."""
        chosen = self.settings
        weights = [leaf.flatten(2) for leaf in self.leaves.values() if leaf.ndim > 2]
        penalty = 0.0
        if chosen.orthonormal_penalty:
            distances = sum(_distance_to_orthonormal(w) for w in weights)
            penalty = chosen.orthonormal_penalty * distances
        if chosen.l1:
            penalty = penalty + chosen.l1 * sum(w.abs().sum() for w in weights)
        if chosen.l2:
            penalty = penalty + chosen.l2 * sum(w.square().sum() for w in weights)
        return penalty

    def norms(self, squares: Sequence[Tensor]) -> np.ndarray:
        """Root of each layer's sum of these matrices, (n_networks, n_layers); NaN where no
        parameters belong to a layer."""
        parts = {name: v.flatten(1).sum(1) for name, v in self._views(squares).items()}
        nothing = torch.full((len(self.rows),), torch.nan, device=self.device)
        of = self.network.of_layer
        sums = [
            sum(parts[n] for n in of[layer.name]) if of.get(layer.name) else nothing
            for layer in self.network.layers
        ]
        return torch.stack(sums, 1).sqrt().numpy(force=True)

    def evaluate(self, x: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Cross-entropy in nats and accuracy, (n_networks,); NaN where there is no data."""
        n_networks, weights = len(self.rows), self.weights
        with torch.no_grad():
            widest = 4 * n_networks * max(*self.network.widths.values(), x[:1].numel())
            loss = torch.zeros(n_networks, dtype=torch.float64, device=self.device)
            right = torch.zeros_like(loss)
            step = max(1, EVALUATION_BYTES // widest)
            for begin in range(0, len(x), step):
                labels = y[begin : begin + step].expand(n_networks, -1)
                logits, _ = self.network.run(weights, x[begin : begin + step])
                loss += _cross_entropy(logits, labels).sum(1, dtype=torch.float64)
                found = logits.contiguous().argmax(2)  # of a strided array: 25 × slower
                right += (found == labels).sum(1)
            n = len(x) or np.nan
            return (loss / n).numpy(force=True), (right / n).numpy(force=True)

    def _views(self, flats: Sequence[Tensor]) -> dict[str, Tensor]:
        """Arrays by name, of matrices such as `flats`."""
        found = {}
        for flat, names in zip(flats, self.names, strict=True):
            shapes = [self.network.parameters[name] for name in names]
            parts = flat.split([torch.Size(shape).numel() for shape in shapes], dim=1)
            for name, part, shape in zip(names, parts, shapes, strict=True):
                found[name] = part.unflatten(1, shape) if shape else part[:, 0]
        return found


def _distance_to_orthonormal(weights: Tensor) -> Tensor:
    """Squared Frobenius norm of W'W − I, or of WW' − I where that is smaller, summed over
    weights (S, in, out)."""
    if weights.shape[1] < weights.shape[2]:
        weights = weights.transpose(1, 2)
    gram = weights.transpose(1, 2) @ weights
    eye = torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    return (gram - eye).square().sum()


def _cross_entropy(logits: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy in nats of every input, (S, n), of logits (S, n, n_classes)."""
    return torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), y, reduction="none", label_smoothing=smoothing
    )


def _at_least(flat: Tensor) -> torch.dtype:
    """The type in which numbers of this one are summed: float32, or float64 of its own."""
    return torch.promote_types(flat.dtype, torch.float32)


def _like(value: np.ndarray, flat: Tensor) -> Tensor:
    """A part of an optimizer's state: a number of steps, or of the parameters' type."""
    if value.ndim == 0:
        return torch.tensor(value)
    return to_tensor(value, str(flat.dtype).removeprefix("torch."))


def _part(state: Arrays, prefix: str) -> dict[str, np.ndarray]:
    """What stands under a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
