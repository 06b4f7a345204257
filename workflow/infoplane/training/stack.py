"""Networks of several seeds that train as one: a step, an epoch, an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from infoplane import streams
from infoplane.networks.arrays import to_array, to_tensor
from infoplane.networks.dtypes import PLAIN
from infoplane.networks.functions import Keyed
from infoplane.networks.network import Network
from infoplane.training import augment as images
from infoplane.training import denoise
from infoplane.training.targets import Target
from infoplane.training.trainer import Arrays

if TYPE_CHECKING:
    from torch import Tensor

EVALUATION_BYTES = 2**27
"""Memory for the widest layer while loss and accuracy are evaluated."""
CALIBRATION_INPUTS = 4096
"""Most training inputs, the first ones, on which scales and ranges are measured."""
NOISE = 0x6E6F697365
"""Keeps the noise of an epoch apart from its order."""
AUGMENT = 0x637573
"""Keeps the crops and flips of an epoch apart from its order."""
DENOISE = 0x64656E
"""Keeps what an epoch's inputs are corrupted with apart from its order."""


class Stack:
    """Networks of some seeds that train as one.

    settings : of Supervised; target : what is learnt
    rows, seeds : of each network, its row among all of the block and its seed
    weights : (n_networks, *shape) by name; the parameters among them are views of `flats`
    flats : all parameters of one type of number as a matrix, (n_networks, n_numbers): an
        optimizer's step and the statistics of the gradient are then a few operations, not a
        few for every array
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
        self.settings, self.network, self.target = settings, network, target
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
                {name: _like(value, flat) for name, value in part_of(state, f"{i}.").items()}
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
        shown, corruption = self._augmentation(len(x), *key), self._corruption(len(x), *key)
        totals = [torch.zeros_like(flat, dtype=at_least(flat)) for flat in self.flats]
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
            wanted = self.target.wanted(inputs, labels.gather(1, batch))
            if corruption is not None:
                drawn = corruption.rows(*rows)
                inputs = denoise.corrupted(inputs, self.settings.denoise, drawn)
            if len(key) == 1:  # epochs on random labels are trained at a constant rate
                self._set_rate((key[0] - 1) * len(batches) + step, len(batches))
            outputs, changed = self.network.run(
                {**self.leaves, **self.buffers}, inputs, training=True, random=part
            )
            loss = self.loss(outputs, wanted)
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

    def loss(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        """What is minimised, summed over networks: each keeps its own gradient.

        outputs : (n_networks, n, …), as `run` gives them; wanted : as the target wants them
        """
        return self.target.loss(outputs, wanted).mean(1).sum() + self._penalty()

    def _augmentation(self, n: int, *key: int) -> images.Drawn | None:
        """What is done to the images of an epoch, by seed and key alone; None without."""
        if self.settings.augment is None:
            return None
        sources = [streams.of_training(seed, *key, AUGMENT) for seed in self.seeds]
        return images.draw(self.settings.augment, n, sources, self.device)

    def _corruption(self, n: int, *key: int) -> Keyed | None:
        """What the inputs of an epoch are corrupted with, by seed and key; None without."""
        if self.settings.denoise is None:
            return None
        sources = [streams.of_training(seed, *key, DENOISE) for seed in self.seeds]
        return Keyed.of(sources, n, self.device, batch=0)

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

    def evaluate(self, x: Tensor, labels: Tensor) -> dict[str, np.ndarray]:
        """The target's scores, means over inputs (n_networks,); NaN where there is no data."""
        n_networks, weights = len(self.rows), self.weights
        widest = 4 * n_networks * max(*self.network.widths.values(), x[:1].numel())
        step = max(1, EVALUATION_BYTES // widest)
        nothing = torch.zeros(n_networks, dtype=torch.float64, device=self.device)
        sums = {score.name: nothing for score in self.target.scored}
        with torch.no_grad():
            for begin in range(0, len(x), step):
                inputs = x[begin : begin + step].expand(n_networks, -1, *x.shape[1:])
                own = labels[begin : begin + step].expand(n_networks, -1)
                outputs, _ = self.network.run(weights, x[begin : begin + step])
                scores = self.target.scores(outputs, self.target.wanted(inputs, own))
                sums = {n: sums[n] + v.sum(1, dtype=torch.float64) for n, v in scores.items()}
        return {name: (v / (len(x) or np.nan)).numpy(force=True) for name, v in sums.items()}

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


def at_least(flat: Tensor) -> torch.dtype:
    """The type in which numbers of this one are summed: float32, or float64 of its own."""
    return torch.promote_types(flat.dtype, torch.float32)


def _like(value: np.ndarray, flat: Tensor) -> Tensor:
    """A part of an optimizer's state: a number of steps, or of the parameters' type."""
    if value.ndim == 0:
        return torch.tensor(value)
    return to_tensor(value, str(flat.dtype).removeprefix("torch."))


def part_of(state: Arrays, prefix: str) -> dict[str, np.ndarray]:
    """What stands under a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
