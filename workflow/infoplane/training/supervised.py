"""Supervised training of classifiers, all seeds of a block as one batched network.

Everything random is drawn from (seed, epoch) alone, so a seed gets the same weights whichever
seeds train beside it, to float tolerance, and a resumed training the same bits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import Field, model_validator

from infoplane.datasets.source import Data
from infoplane.isolated import isolated
from infoplane.machine import DeviceName, device_of
from infoplane.networks import noise as noises
from infoplane.networks.network import Network, initialise_seeds
from infoplane.networks.noise import Noise
from infoplane.progress import Progress
from infoplane.schedules.fixed import All, Schedule
from infoplane.settings import Settings as BaseSettings
from infoplane.training.optimizers import Adam, Optimizer
from infoplane.training.trainer import Arrays, Epoch, Trainer

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

EVALUATION_BYTES = 2**27
"""Memory for the widest layer while loss and accuracy are evaluated."""
CALIBRATION_INPUTS = 4096
"""Most training inputs, the first ones, on which scales and ranges are measured."""
NOISE = 0x6E6F697365
"""Keeps the noise of an epoch apart from its order."""
PREFIT = 0x707265666974
"""Keeps epochs on random labels apart from the others."""


class Stop(BaseSettings):
    """A rule that ends a seed's training before its last epoch: a threshold or patience."""

    quantity: Literal["loss_train", "loss_test", "accuracy_train", "accuracy_test"]
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

    quantity: Literal["accuracy_train", "accuracy_test"] = "accuracy_train"
    """What is judged, after the last epoch."""
    below: float = Field(gt=0, le=1)
    """Seeds that end below this are set aside."""


class Settings(BaseSettings):
    trainer: Literal["supervised"] = "supervised"
    """How the network is trained: cross-entropy on the labels."""
    optimizer: Optimizer = Adam(method="adam")
    """Optimizer and its learning rate."""
    batch_size: int = Field(default=256, ge=1)
    """Inputs of a mini-batch; the last batch of an epoch may be smaller."""
    orthonormal_penalty: float = Field(default=0, ge=0)
    """λ of λ ‖W'W − I‖² in the loss, of each layer's matrix W (of WW' where it has more outputs
    than inputs): Goldfeld et al. 2019, after Cisse et al. 2017. 0: none."""
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


class SupervisedTrainer(Trainer):
    """Stacked networks under one optimizer.

    All parameters of all seeds are one matrix, (n_seeds, n_parameters), and the network's
    arrays are views of it: an optimizer's step and the statistics of the gradient are then a
    few operations, not a few for every array.
    """

    def __init__(self, settings: Settings, network: Network, data: Data, seeds: Sequence[int]):
        self.settings, self.network, self.seeds = settings, network, list(seeds)
        self.parameters, self.layers = network.parameters, network.layers
        self.failed: dict[int, int] = {}
        self.device = device_of(settings.device)
        self.parts = {
            name: tuple(torch.from_numpy(a[rows]).to(self.device) for a in (data.x, data.y))
            for name, rows in {"train": data.train, "test": data.test}.items()
        }
        # Rows of the matrix below; a seed that fails or stops leaves it.
        self.running = list(range(len(self.seeds)))
        first = initialise_seeds(network, self.seeds)
        flat = torch.cat([first[n].flatten(1) for n in self.parameters], dim=1)
        self._adopt(flat.to(self.device), {})
        self._calibrate()
        self.latest = self.flat.numpy(force=True).copy()  # (n_seeds, n_parameters)
        self.metrics: dict[str, np.ndarray] = {}
        self.best = np.full(len(self.seeds), np.inf)
        self.waited = np.zeros(len(self.seeds), np.int64)
        self.epoch = -1

    def epochs(self) -> Iterator[Epoch]:
        if self.epoch < 0:
            self._prefit()
            yield self._measured(0, self._no_gradients())
        _, y = self.parts["train"]
        while self.epoch < self.settings.epochs and self.running:
            labels, epoch = y.expand(len(self.running), -1), self.epoch + 1
            yield self._measured(epoch, self._train_epoch(labels, epoch))
        if not self.running and len(self.failed) == len(self.seeds):
            raise FloatingPointError(
                f"the loss of every seed became NaN (seed: epoch {self.failed}); a smaller "
                "learning rate or another initialisation may help"
            )

    @property
    def set_aside(self) -> dict[int, float]:
        rule = self.settings.set_aside
        if rule is None:
            return {}
        last = zip(self.seeds, self.metrics[rule.quantity].tolist(), strict=True)
        return {seed: value for seed, value in last if value < rule.below}  # a NaN is not

    def state(self) -> dict[str, np.ndarray]:
        optimizer = self.optimizer.state[self.flat]
        return {
            "epoch": np.array(self.epoch),
            "running": np.array(self.running, np.int64),
            "failed": np.array(list(self.failed.items()), np.int64).reshape(-1, 2),
            "latest": self.latest,
            "best": self.best,
            "waited": self.waited,
            **{f"metrics.{name}": value for name, value in self.metrics.items()},
            **{f"optimizer.{name}": v.numpy(force=True) for name, v in optimizer.items()},
        }

    def restore(self, state: Arrays) -> None:
        def part(prefix: str) -> dict[str, np.ndarray]:
            return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}

        self.epoch = int(state["epoch"])
        self.running = state["running"].tolist()
        self.failed = {int(seed): int(epoch) for seed, epoch in state["failed"]}
        self.latest, self.best, self.waited = (
            state[name].copy() for name in ("latest", "best", "waited")
        )
        self.metrics = {name: value.copy() for name, value in part("metrics.").items()}
        flat = torch.tensor(self.latest[self.running], device=self.device)
        self._adopt(flat, {k: torch.tensor(v) for k, v in part("optimizer.").items()})

    def _adopt(self, flat: Tensor, optimizer_state: dict[str, Tensor]) -> None:
        """Train these parameters from now on, with this state of the optimizer."""
        self.flat = flat.clone().contiguous()
        self.optimizer = self.settings.optimizer.on(self.flat)
        if optimizer_state:
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict(
                {"state": {0: optimizer_state}, "param_groups": groups}
            )
        self.views = self._views(self.flat)
        self.leaves = {n: v.detach().requires_grad_() for n, v in self.views.items()}

    def _views(self, flat: Tensor) -> dict[str, Tensor]:
        sizes = [torch.Size(shape).numel() for shape in self.parameters.values()]
        parts = flat.split(sizes, dim=1)
        return {
            name: part.unflatten(1, shape)
            for (name, shape), part in zip(self.parameters.items(), parts, strict=True)
        }

    def _prefit(self) -> None:
        """Epochs on labels that each network has permuted by itself."""
        chosen = self.settings.prefit
        if chosen is None or not chosen.epochs:
            return
        _, y = self.parts["train"]
        drawn = [_shuffled(len(y), seed, PREFIT, chosen.seed) for seed in self.seeds]
        labels = y[torch.stack(drawn).to(self.device)]
        with Progress("on random labels", chosen.epochs, unit="epoch") as progress:
            for epoch in range(1, chosen.epochs + 1):
                self._train_epoch(labels, epoch, PREFIT, chosen.seed)
                progress.advance()
        self._adopt(self.flat, {})

    def _train_epoch(self, labels: Tensor, *key: int) -> dict[str, np.ndarray]:
        """One pass over the training set; the gradient's statistics, (n_running, n_layers).

        labels : (n_running, n); key : with the seed it decides all that is random
        """
        x, _ = self.parts["train"]
        order = torch.stack([_shuffled(len(x), self.seeds[row], *key) for row in self.running])
        order = order.to(self.device)
        noise = self._noise(len(x), *key)
        measured = {n: self.views[n].clone() for n in self.calibrated}
        total, squares = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        batches = order.split(self.settings.batch_size, dim=1)
        for step, batch in enumerate(batches):
            first = step * self.settings.batch_size
            part = noise and {
                n: z[:, :, first : first + batch.shape[1]] for n, z in noise.items()
            }
            logits = self.network.logits({**self.leaves, **measured}, x[batch], part)
            # The sum over seeds leaves each seed its own gradient.
            loss = _cross_entropy(logits, labels.gather(1, batch)).mean(1).sum()
            loss = loss + self._penalty()
            gradients = torch.autograd.grad(
                loss, list(self.leaves.values()), allow_unused=True, materialize_grads=True
            )
            gradient = torch.cat([g.flatten(1) for g in gradients], dim=1)
            self.flat.grad = gradient
            self.optimizer.step()
            total += gradient
            squares.addcmul_(gradient, gradient)
        self._calibrate()
        mean = total / len(batches)
        variance = (squares / len(batches) - mean**2).clamp(min=0)
        return {
            "gradient_mean": self._norms(mean**2),
            "gradient_std": self._norms(variance),
        }

    def _calibrate(self) -> None:
        """Measure what is not trained, with the weights as they are now."""
        with torch.no_grad():
            x = self.parts["train"][0][:CALIBRATION_INPUTS]
            found = self.network.calibrated(self.views, x)
            for name, value in found.items():
                self.views[name].copy_(value)
            self.calibrated = tuple(found)

    def _noise(self, n: int, *key: int) -> Noise | None:
        """Noise of every input in an epoch, by seed and key alone; None without."""
        if not self.network.noisy:
            return None
        seeds = [self.seeds[row] for row in self.running]
        sources = [noises.source(seed, *key, NOISE) for seed in seeds]
        return noises.draw(self.network.noisy, n, sources, self.device)

    def _penalty(self) -> Tensor | float:
        """The orthonormal penalty, summed over seeds: λ ‖W'W − I‖² of every layer."""
        strength = self.settings.orthonormal_penalty
        if not strength:
            return 0.0
        names = [n for of in self.network.parameters_of.values() for n in of]
        weights = [self.leaves[n].flatten(1, -2) for n in names if self.leaves[n].ndim > 2]
        return strength * sum(_distance_to_orthonormal(w) for w in weights)

    def _no_gradients(self) -> dict[str, np.ndarray]:
        nothing = np.full((len(self.running), len(self.layers)), np.nan, np.float32)
        return {"gradient_mean": nothing, "gradient_std": nothing}

    def _norms(self, squares: Tensor) -> np.ndarray:
        """Root of each layer's sum, (n_running, n_layers)."""
        parts = {name: v.flatten(1).sum(1) for name, v in self._views(squares).items()}
        sums = [sum(parts[n] for n in self.network.parameters_of[la]) for la in self.layers]
        return torch.stack(sums, 1).sqrt().numpy(force=True)

    def _measured(self, epoch: int, gradients: dict[str, np.ndarray]) -> Epoch:
        """The epoch's record of all seeds, after which failed and finished seeds leave."""
        rows = self.running
        found = {"weight_norm": self._norms(self.flat**2), **gradients}
        for name, (x, y) in self.parts.items():
            found[f"loss_{name}"], found[f"accuracy_{name}"] = self._evaluate(x, y)
        for name, value in found.items():
            if name not in self.metrics:
                shape = (len(self.seeds), *value.shape[1:])
                self.metrics[name] = np.full(shape, np.nan, np.float32)
            self.metrics[name][rows] = value
        self.latest[rows] = self.flat.numpy(force=True)
        self.epoch = epoch
        self._let_go(epoch)
        weights = self._views(torch.from_numpy(self.latest.copy()))
        return Epoch(
            epoch,
            {name: view.numpy() for name, view in weights.items()},
            {name: value.copy() for name, value in self.metrics.items()},
        )

    def _evaluate(self, x: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Cross-entropy in nats and accuracy, (n_running,) each; NaN where there is no data."""
        with torch.no_grad():
            widest = 4 * len(self.running) * max(*self.network.widths.values(), x[:1].numel())
            loss = torch.zeros(len(self.running), dtype=torch.float64, device=self.device)
            right = torch.zeros_like(loss)
            step = max(1, EVALUATION_BYTES // widest)
            for begin in range(0, len(x), step):
                labels = y[begin : begin + step].expand(len(self.running), -1)
                logits = self.network.logits(self.views, x[begin : begin + step])
                loss += _cross_entropy(logits, labels).sum(1, dtype=torch.float64)
                found = logits.contiguous().argmax(2)  # of a strided array: 25 × slower
                right += (found == labels).sum(1)
            n = len(x) or np.nan
            return (loss / n).numpy(force=True), (right / n).numpy(force=True)

    def _let_go(self, epoch: int) -> None:
        """Take seeds whose loss is NaN, and seeds whose training is over, out of the batch."""
        leaving = []
        for row in self.running:
            if not np.isfinite(self.metrics["loss_train"][row]):
                self.failed[self.seeds[row]] = epoch
                log.error(
                    "seed %d: the loss became NaN or infinite in epoch %d; this seed stops "
                    "here, any others go on",
                    self.seeds[row],
                    epoch,
                )
                self.latest[row] = np.nan
                for values in self.metrics.values():
                    values[row] = np.nan
                leaving.append(row)
            elif self.settings.stop and self._is_over(self.settings.stop, row):
                log.info("seed %d: stopped by its rule in epoch %d", self.seeds[row], epoch)
                leaving.append(row)
        if leaving:
            stay = [i for i, row in enumerate(self.running) if row not in leaving]
            self.running = [self.running[i] for i in stay]
            state = {
                name: value if value.ndim == 0 else value[stay]
                for name, value in self.optimizer.state[self.flat].items()
            }
            self._adopt(self.flat[stay], state)

    def _is_over(self, stop: Stop, row: int) -> bool:
        value = float(self.metrics[stop.quantity][row])
        score = value if stop.quantity.startswith("loss") else -value  # smaller is better
        if stop.threshold is not None:
            limit = stop.threshold if stop.quantity.startswith("loss") else -stop.threshold
            return score <= limit
        self.waited[row] = 0 if score < self.best[row] else self.waited[row] + 1
        self.best[row] = min(self.best[row], score)
        return bool(self.waited[row] >= stop.patience)


@isolated()
def build(settings: Settings, network: Network, data: Data, seeds: Sequence[int]) -> Trainer:
    """The trainer of these settings."""
    return SupervisedTrainer(settings, network, data, seeds)


def _shuffled(n: int, *key: int) -> Tensor:
    """An order of n inputs, by the key alone: seed and epoch."""
    return torch.randperm(n, generator=noises.source(*key))


def _distance_to_orthonormal(weights: Tensor) -> Tensor:
    """Squared Frobenius norm of W'W − I, or of WW' − I where that is smaller, summed over
    weights (S, in, out)."""
    if weights.shape[1] < weights.shape[2]:
        weights = weights.transpose(1, 2)
    gram = weights.transpose(1, 2) @ weights
    eye = torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    return (gram - eye).square().sum()


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy in nats of every input, (S, n), of logits (S, n, n_classes)."""
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), y, reduction="none")
