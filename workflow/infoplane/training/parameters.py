"""Networks of several seeds; an optimizer trains their parameters as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from infoplane.networks.arrays import to_array, to_tensor
from infoplane.networks.dtypes import PLAIN
from infoplane.networks.network import Network
from infoplane.training.optimizers import Optimizer
from infoplane.training.trainer import Arrays

if TYPE_CHECKING:
    from torch import Tensor

CALIBRATION_INPUTS = 4096
"""Scales and ranges are measured on at most this many training inputs, the first ones."""


class Parameters:
    """Networks of some seeds that are stepped as one.

    optimizer : its settings; epochs : of the training, over which the learning rate may fall
    rows, seeds : for each network, its row in the block and its seed
    weights : (n_networks, *shape) by name; the parameters among them are views of `flats`
    flats : all parameters of one type of number as a matrix, (n_networks, n_numbers), so that
        an optimizer's step and the gradient's statistics take a few operations, not a few for
        every array
    """

    def __init__(
        self,
        optimizer: Optimizer,
        epochs: int,
        network: Network,
        rows: Sequence[int],
        seeds: Sequence[int],
        weights: Mapping[str, Tensor],
    ):
        self.optimizer, self.epochs, self.network = optimizer, epochs, network
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
        self.optimizers = [self.new_optimizer(flat) for flat in self.flats]
        self.views = self._views(self.flats)
        self.leaves = {n: v.detach().requires_grad_() for n, v in self.views.items()}

    def new_optimizer(self, flat: Tensor):
        """The optimizer of this matrix: torch's, or an object with a `state` like it."""
        return self.optimizer.on(flat)

    def leave(self, rows: set[int]) -> None:
        """Continue without the networks of these rows."""
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
        """State of the optimizers; the weights are stored separately."""
        return {
            f"{i}.{name}": to_array(value)
            for i, optimizer in enumerate(self.optimizers)
            for name, value in optimizer.state[self.flats[i]].items()
        }

    def restore(self, state: Arrays) -> None:
        """Restore a state from `state`."""
        self._take_up(
            [
                {name: _like(value, flat) for name, value in part_of(state, f"{i}.").items()}
                for i, flat in enumerate(self.flats)
            ]
        )

    def set_rate(self, step: int, steps: int) -> None:
        """The learning rate of a step of the training; steps : number per epoch."""
        chosen = self.optimizer
        rate = chosen.learning_rate * chosen.share(step, steps, self.epochs)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def step(self, loss: Tensor) -> None:
        """One step of the optimizers."""
        self.follow(self.gradients(loss))

    def gradients(self, loss: Tensor) -> list[Tensor]:
        """Gradients of a loss, in matrices like the parameters."""
        found = torch.autograd.grad(
            loss, list(self.leaves.values()), allow_unused=True, materialize_grads=True
        )
        by_name = dict(zip(self.leaves, found, strict=True))
        return [
            torch.cat([by_name[n].flatten(1) for n in names], dim=1) for names in self.names
        ]

    def follow(self, gradients: Sequence[Tensor]) -> None:
        """One step of the optimizers along gradients."""
        for flat, gradient, optimizer in zip(
            self.flats, gradients, self.optimizers, strict=True
        ):
            flat.grad = gradient
            optimizer.step()

    def calibrate(self, x: Tensor) -> None:
        """Measure scales and ranges between epochs, with the present weights."""
        with torch.no_grad():
            self.buffers |= self.network.calibrate(self.weights, x[:CALIBRATION_INPUTS])

    def norms(self, squares: Sequence[Tensor]) -> np.ndarray:
        """Root of each layer's sum of these matrices, (n_networks, n_layers); NaN for a layer
        without parameters."""
        parts = {name: v.flatten(1).sum(1) for name, v in self._views(squares).items()}
        nothing = torch.full((len(self.rows),), torch.nan, device=self.device)
        of = self.network.of_layer
        sums = [
            sum(parts[n] for n in of[layer.name]) if of.get(layer.name) else nothing
            for layer in self.network.layers
        ]
        return torch.stack(sums, 1).sqrt().numpy(force=True)

    def _take_up(self, states: Sequence[Mapping[str, Tensor]]) -> None:
        for optimizer, state in zip(self.optimizers, states, strict=True):
            if state:
                groups = optimizer.state_dict()["param_groups"]
                optimizer.load_state_dict({"state": {0: dict(state)}, "param_groups": groups})

    def _views(self, flats: Sequence[Tensor]) -> dict[str, Tensor]:
        """Arrays by name, from matrices such as `flats`."""
        found = {}
        for flat, names in zip(flats, self.names, strict=True):
            shapes = [self.network.parameters[name] for name in names]
            parts = flat.split([torch.Size(shape).numel() for shape in shapes], dim=1)
            for name, part, shape in zip(names, parts, shapes, strict=True):
                found[name] = part.unflatten(1, shape) if shape else part[:, 0]
        return found


def at_least(flat: Tensor) -> torch.dtype:
    """The type for sums of numbers of this type: float32, or float64 for float64."""
    return torch.promote_types(flat.dtype, torch.float32)


def _like(value: np.ndarray, flat: Tensor) -> Tensor:
    """A part of an optimizer's state: a number of steps, or numbers in the parameters' type."""
    if value.ndim == 0:
        return torch.tensor(value)
    return to_tensor(value, str(flat.dtype).removeprefix("torch."))


def part_of(state: Arrays, prefix: str) -> dict[str, np.ndarray]:
    """The entries under a prefix, without the prefix."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def copies(arrays: Arrays) -> dict[str, np.ndarray]:
    """Arrays that later steps do not change."""
    return {name: value.copy() for name, value in arrays.items()}
