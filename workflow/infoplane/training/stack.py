"""Networks of several seeds that train as one: steps, epochs and evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from infoplane import streams
from infoplane.machine import one_thread_each
from infoplane.networks.functions import Keyed
from infoplane.networks.network import Draws, Network
from infoplane.training import augment as images
from infoplane.training import denoise
from infoplane.training.captured import Captured
from infoplane.training.parameters import Parameters, at_least
from infoplane.training.targets import Target
from infoplane.training.trainer import NETWORK, Arrays

if TYPE_CHECKING:
    from torch import Tensor

EVALUATION_BYTES = {"cpu": 2**23, "cuda": 2**27}
"""Memory for the widest layer during the evaluation of loss and accuracy, by device. On a CPU
it should stay in cache: LeNet-5 is evaluated three times as fast as with 2^27."""
THREAD_BYTES = 2**21
"""The same for each thread that evaluates a network of convolutions. On two threads that share
larger blocks, LeNet-5 takes twice as much CPU time, because they wait for one another."""
NOISE = 0x6E6F697365
"""Key of the noise of an epoch, which is separate from its order."""
AUGMENT = 0x637573
"""Key of the crops and flips of an epoch."""
DENOISE = 0x64656E
"""Key of the corruption of an epoch's inputs."""


class Stack(Parameters):
    """Networks of some seeds that learn as one, with the settings of Supervised.

    captured : gradients of whole mini-batches as one CUDA graph, on a GPU and for passes
        without random numbers, which come from the CPU so that they are the same on every
        device
    """

    def __init__(
        self,
        settings,
        network: Network,
        target: Target,
        rows: Sequence[int],
        seeds: Sequence[int],
        weights: Mapping[str, Tensor],
    ):
        super().__init__(settings.optimizer, settings.epochs, network, rows, seeds, weights)
        self.settings, self.target = settings, target
        self.players = {NETWORK: self}

    def start(self, flats: Sequence[Tensor]) -> None:
        super().start(flats)
        self.captured = Captured(self._differentiate)

    def epoch(self, parts: Mapping[str, tuple[Tensor, Tensor]], epoch: int) -> Arrays:
        """Train for an epoch, except epoch 0, and measure; metrics by name, (n_networks,) or
        (n_networks, n_layers). parts : inputs and labels; "train" holds those for training"""
        x, y = parts["train"]
        found = {"gradient_mean": np.array(np.nan), "gradient_std": np.array(np.nan)}
        if epoch > 0:
            found = self.train_epoch(x, y.expand(len(self.rows), -1), epoch)
        found["weight_norm"] = self.norms([flat.to(at_least(flat)) ** 2 for flat in self.flats])
        for name, (inputs, labels) in parts.items():
            scores = self.evaluate(inputs, labels)
            found |= {f"{score}_{name}": value for score, value in scores.items()}
        return found

    def train_epoch(self, x: Tensor, labels: Tensor, *key: int) -> dict[str, np.ndarray]:
        """One pass over the training set; the gradient's statistics, (n_networks, n_layers).

        labels : (n_networks, n); key : with the seed it decides all random numbers
        """
        seeds = self.seeds
        order = torch.stack([streams.order(len(x), seed, *key) for seed in seeds]).to(
            self.device
        )
        sources = [streams.of_training(seed, *key, NOISE) for seed in seeds]
        random = self.network.random(len(x), sources, self.device)
        shown, corruption = self._augmentation(len(x), *key), self._corruption(len(x), *key)
        totals = [torch.zeros_like(flat, dtype=at_least(flat)) for flat in self.flats]
        squares = [torch.zeros_like(total) for total in totals]
        batches = order.split(self.settings.batch_size, dim=1)
        whole = len(x) - len(x) % self.settings.batch_size
        first = 0
        for step, batch in enumerate(batches):
            rows = first, first + batch.shape[1]
            first += batch.shape[1]
            part = None if random is None else random.rows(*rows)
            inputs = x[batch]
            if shown is not None:
                inputs = images.augmented(inputs, self.settings.augment, shown.rows(*rows))
            wanted = self.target.wanted(inputs, labels.gather(1, batch))
            if corruption is not None:
                drawn = corruption.rows(*rows)
                inputs = denoise.corrupted(inputs, self.settings.denoise, drawn)
            if len(key) == 1:  # epochs on random labels have a constant learning rate
                self.set_rate((key[0] - 1) * len(batches) + step, len(batches))
            if part is None and self.device.type == "cuda" and rows[1] <= whole:
                gradients, changed = self.captured(x=inputs, wanted=wanted, **self.buffers)
            else:
                gradients, changed = self._differentiate(inputs, wanted, part, **self.buffers)
            self.follow(gradients)
            for total, square, gradient in zip(totals, squares, gradients, strict=True):
                gradient = gradient.to(total.dtype)
                total += gradient
                square.addcmul_(gradient, gradient)
            self.buffers |= changed
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

    def _differentiate(
        self, x: Tensor, wanted: Tensor, random: Draws | None = None, **buffers: Tensor
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Gradients of a mini-batch in matrices, and the buffers that its pass changes."""
        weights = {**self.leaves, **buffers}
        outputs, changed = self.network.run(weights, x, training=True, random=random)
        gradients = self.gradients(self.loss(outputs, wanted))
        return gradients, {name: value.detach() for name, value in changed.items()}

    def loss(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        """The loss, summed over networks; each keeps its own gradient.

        outputs : (n_networks, n, …), from `run`; wanted : the target's values
        """
        return self.target.loss(outputs, wanted).mean(1).sum() + self._penalty()

    def _augmentation(self, n: int, *key: int) -> images.Drawn | None:
        """The changes of an epoch's images, by seed and key alone; None without augment."""
        if self.settings.augment is None:
            return None
        sources = [streams.of_training(seed, *key, AUGMENT) for seed in self.seeds]
        return images.draw(self.settings.augment, n, sources, self.device)

    def _corruption(self, n: int, *key: int) -> Keyed | None:
        """The corruption of an epoch's inputs, by seed and key; None without denoise."""
        if self.settings.denoise is None:
            return None
        sources = [streams.of_training(seed, *key, DENOISE) for seed in self.seeds]
        return Keyed.of(sources, n, self.device, batch=0)

    def _penalty(self) -> Tensor | float:
        """The penalties in the loss, summed over networks and layers; a kernel counts as a
        matrix with one row per output."""
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

    def evaluate(self, x: Tensor, labels: Tensor) -> dict[str, np.ndarray]:
        """The target's scores, means over inputs (n_networks,); NaN without data."""
        n_networks, weights = len(self.rows), self.weights
        widest = 4 * n_networks * max(*self.network.widths.values(), x[:1].numel())
        parallel = self.network.parallel and self.device.type == "cpu"
        most = THREAD_BYTES if parallel else EVALUATION_BYTES[self.device.type]
        step = max(1, most // widest)

        def scores_of(begin: int) -> dict[str, Tensor]:
            part = x[begin : begin + step]
            inputs = part.expand(n_networks, -1, *x.shape[1:])
            own = labels[begin : begin + step].expand(n_networks, -1)
            with torch.no_grad():  # each thread has its own
                outputs, _ = self.network.run(weights, part)
                scores = self.target.scores(outputs, self.target.wanted(inputs, own))
            return {name: v.sum(1, dtype=torch.float64) for name, v in scores.items()}

        begins = range(0, len(x), step)
        n_threads = min(torch.get_num_threads(), max(1, len(begins))) if parallel else 1
        nothing = torch.zeros(n_networks, dtype=torch.float64, device=self.device)
        sums = {score.name: nothing for score in self.target.scored}
        for found in one_thread_each(scores_of, begins, n_threads):
            sums = {name: value + found[name] for name, value in sums.items()}
        return {name: (v / (len(x) or np.nan)).numpy(force=True) for name, v in sums.items()}


def _distance_to_orthonormal(weights: Tensor) -> Tensor:
    """Squared Frobenius norm of W'W − I, or of WW' − I if that is smaller, summed over weights
    (S, in, out)."""
    if weights.shape[1] < weights.shape[2]:
        weights = weights.transpose(1, 2)
    gram = weights.transpose(1, 2) @ weights
    eye = torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    return (gram - eye).square().sum()
