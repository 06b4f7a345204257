"""Small perceptrons whose epochs are compiled calls: as `Stack` trains them, to rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from infoplane.streams_cpu import words_of
from infoplane.training import perceptron_cpu as cpu
from infoplane.training.stack import Stack

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.training.trainer import Arrays

KINDS = {
    "tanh": cpu.TANH,
    "relu": cpu.RELU,
    "leaky_relu": cpu.LEAKY,
    "sigmoid": cpu.SIGMOID,
    "softsign": cpu.SOFTSIGN,
    "softplus": cpu.SOFTPLUS,
    "linear": cpu.LINEAR,
}


class Method(NamedTuple):
    """An optimizer as `cpu.epochs` takes it.

    number : its own; moments : what torch calls the two, whose state is kept as torch keeps it
    numbers : its settings after weight decay, in order
    """

    number: int
    moments: tuple[str, str]
    numbers: tuple[str, ...] = ()


METHODS = {
    "sgd": Method(cpu.SGD, ("momentum_buffer", "")),
    "momentum": Method(cpu.SGD, ("momentum_buffer", ""), ("momentum", "nesterov")),
    "adam": Method(cpu.ADAM, ("exp_avg", "exp_avg_sq"), ("betas", "epsilon")),
    "adamw": Method(cpu.ADAMW, ("exp_avg", "exp_avg_sq"), ("betas", "epsilon")),
    "rmsprop": Method(
        cpu.RMSPROP, ("momentum_buffer", "square_avg"), ("smoothing", "momentum", "epsilon")
    ),
}


class CompiledStack(Stack):
    """A stack of perceptrons without noise, dropout, batch norm or quantisation."""

    _turned: list | None = None
    _pool: ThreadPoolExecutor | None = None

    def start(self, flats: Sequence[Tensor]) -> None:
        super().start(flats)
        (flat,), (optimizer,) = self.flats, self.optimizers
        moments = {name: torch.zeros_like(flat) for name in self.method.moments if name}
        optimizer.state[flat] = {"step": torch.tensor(0.0), **moments}

    @property
    def method(self) -> Method:
        """The optimizer's."""
        return METHODS[self.optimizer.method]

    def epoch(self, parts: Mapping[str, tuple[Tensor, Tensor]], epoch: int) -> Arrays:
        x, y = parts["train"]
        evaluated = self._evaluated(parts)
        norms, scores = self._call(x, y[None], evaluated, (epoch,), trains=epoch > 0)
        found = dict(zip(("weight_norm", "gradient_mean", "gradient_std"), norms, strict=True))
        names = (f"{score}_{part}" for part in parts for score in ("loss", "accuracy"))
        return found | dict(zip(names, scores, strict=True))

    def train_epoch(self, x: Tensor, labels: Tensor, *key: int) -> Arrays:
        nothing = x[:0].flatten(1).T.numpy(), labels[0, :0].numpy()
        (_, mean, std), _ = self._call(x, labels, (nothing, nothing), key)
        return {"gradient_mean": mean, "gradient_std": std}

    def _evaluated(self, parts) -> list[tuple[np.ndarray, np.ndarray]]:
        """Inputs (features, n) and labels of each part."""
        if self._turned is None:
            self._turned = [
                (x.flatten(1).T.contiguous().numpy(), y.numpy()) for x, y in parts.values()
            ]
        return self._turned

    def _call(self, x, labels, evaluated, key: tuple[int, ...], trains: bool = True):
        """Norms (3, n_networks, n_layers) and scores (4, n_networks) after an epoch."""
        (flat,), (optimizer,), chosen = self.flats, self.optimizers, self.settings
        state, n_networks = optimizer.state[flat], len(self.rows)
        first, second = (
            state.get(name, torch.zeros_like(flat)).numpy() for name in self.method.moments
        )
        words = np.empty((n_networks, 1 + len(words_of(key))), np.uint32)
        words[:, 0], words[:, 1:] = self.seeds, words_of(key)
        rates = self._rates(-(-len(x) // chosen.batch_size), key) if trains else np.empty(0)
        kinds = [KINDS[name] for name in self.network.activation_names]
        scores = np.empty((n_networks, 4))
        norms = np.empty((n_networks, 3, len(self.network.layers)), np.float32)
        x, y, theta, t = x.flatten(1).numpy(), labels.numpy(), flat.numpy(), int(state["step"])

        def work(own: slice) -> None:
            cpu.epochs(
                x,
                y[own] if len(y) > 1 else y,
                *evaluated,
                words[own],
                theta[own],
                first[own],
                second[own],
                t,
                self._widths,
                np.array(kinds),
                chosen.batch_size,
                rates,
                self.method.number,
                self._numbers,
                chosen.label_smoothing,
                chosen.l1,
                chosen.l2,
                scores[own],
                norms[own],
            )

        self._share(work, n_networks)
        state["step"] += len(rates)
        return norms.swapaxes(0, 1), scores.T

    def _share(self, work: Callable[[slice], None], n_networks: int) -> None:
        """The networks dealt out to the job's threads."""
        n_threads = min(torch.get_num_threads(), n_networks)
        ends = np.linspace(0, n_networks, n_threads + 1).astype(int)
        parts = [slice(*pair) for pair in pairwise(ends.tolist())]
        if n_threads == 1:
            return work(*parts)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(n_threads)
        [*_] = self._pool.map(work, parts)

    @property
    def _widths(self) -> np.ndarray:
        """Numbers of an input, units of every layer."""
        return np.array([math.prod(self.network.input_shape), *self.network.widths.values()])

    @property
    def _numbers(self) -> np.ndarray:
        chosen = self.optimizer
        own = np.hstack([getattr(chosen, name) for name in self.method.numbers] or [[]])
        return np.array([chosen.weight_decay, *own, *[0.0] * (3 - len(own))])

    def _rates(self, steps: int, key: tuple[int, ...]) -> np.ndarray:
        """The learning rate of every step of an epoch; on random labels it is constant."""
        rate, share = self.optimizer.learning_rate, self.optimizer.share
        if len(key) > 1 or not (self.optimizer.schedule or self.optimizer.warm_up):
            return np.full(steps, rate)
        before = (key[0] - 1) * steps
        return np.array([rate * share(before + i, steps, self.epochs) for i in range(steps)])
