"""Small perceptrons whose epochs are compiled calls, equal to `Stack` up to rounding."""

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


AHEAD, AHEAD_BYTES = 16, 2**20
"""One call trains at most this many epochs, whose states take at most this memory. A seed that
a rule ends has trained some of them for nothing."""


class Method(NamedTuple):
    """An optimizer in the form for `cpu.epochs`.

    number : its number; moments : torch's names of the two moments, whose state is kept as in
        torch
    numbers : its settings except weight decay, in order
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


class Moments(NamedTuple):
    """An optimizer's state for each matrix, like that of torch's optimizers, which take a
    second to import."""

    state: dict[Tensor, dict[str, Tensor]]


class Held(NamedTuple):
    """The arguments of `cpu.epochs` for these networks, constant over epochs.

    theta, first, second : (n_networks, n_numbers), which share the memory of torch's tensors
    seeds : (n_networks,)
    parts : networks of each thread; scratch : its memory
    """

    theta: np.ndarray
    first: np.ndarray
    second: np.ndarray
    seeds: np.ndarray
    widths: np.ndarray
    kinds: np.ndarray
    numbers: np.ndarray
    parts: list[slice]
    scratch: list[np.ndarray]


class Trained(NamedTuple):
    """What an epoch leaves behind.

    number : of the epoch; steps : that it took
    states : the parameters and their two moments, (n_networks, 3, n_numbers)
    scores : loss and accuracy of training and test inputs, (n_networks, 4)
    norms : of weights, mean gradient and its standard deviation, (n_networks, 3, n_layers)
    """

    number: int
    steps: int
    states: np.ndarray
    scores: np.ndarray
    norms: np.ndarray

    def of(self, rows: list[int]) -> Trained:
        """The same of some of the networks."""
        parts = (values[rows] for values in (self.states, self.scores, self.norms))
        return Trained(self.number, self.steps, *parts)


class CompiledStack(Stack):
    """A stack of perceptrons without noise, dropout, batch norm and quantisation. torch trains
    those: to draw noise takes it longer than all other work takes compiled loops.

    One call trains several epochs, so that threads wait for one another only after these. The
    stack itself is always at the epoch that was asked for last.
    """

    _held: Held | None = None
    _ahead: Sequence[Trained] = ()
    _evaluated: list[tuple[np.ndarray, np.ndarray, int]] | None = None
    _shown: tuple[Tensor, np.ndarray] | None = None
    _pool: ThreadPoolExecutor | None = None

    def start(self, flats: Sequence[Tensor]) -> None:
        super().start(flats)
        self._held, self._ahead = None, ()

    def leave(self, rows: set[int]) -> None:
        stay = [i for i, row in enumerate(self.rows) if row not in rows]
        ahead = [one.of(stay) for one in self._ahead]
        super().leave(rows)
        self._ahead = ahead

    def new_optimizer(self, flat: Tensor) -> Moments:
        moments = {name: torch.zeros_like(flat) for name in self.method.moments if name}
        return Moments({flat: {"step": torch.tensor(0.0), **moments}})

    @property
    def method(self) -> Method:
        """The optimizer's state."""
        return METHODS[self.optimizer.method]

    def epoch(self, parts: Mapping[str, tuple[Tensor, Tensor]], epoch: int) -> Arrays:
        if not self._ahead or self._ahead[0].number != epoch:
            x, y = parts["train"]
            if self._evaluated is None:
                self._evaluated = [_turned(*part) for part in parts.values()]
            last = min(epoch + self._at_once, self.epochs + 1) if epoch > 0 else 1
            keys = [(number,) for number in range(epoch, last)]
            self._ahead = self._train(x, y[None], self._evaluated, keys, trains=epoch > 0)
        now, *self._ahead = self._ahead
        self._follow(now)
        norms = now.norms.swapaxes(0, 1)
        found = dict(zip(("weight_norm", "gradient_mean", "gradient_std"), norms, strict=True))
        names = (f"{score}_{part}" for part in parts for score in ("loss", "accuracy"))
        return found | dict(zip(names, now.scores.T, strict=True))

    def train_epoch(self, x: Tensor, labels: Tensor, *key: int) -> Arrays:
        nothing = _turned(x[:0], labels[0, :0])
        (now,) = self._train(x, labels, (nothing, nothing), [key])
        self._follow(now)
        _, mean, std = now.norms.swapaxes(0, 1)
        return {"gradient_mean": mean, "gradient_std": std}

    @property
    def _at_once(self) -> int:
        """Number of epochs that one call trains."""
        n_bytes = 3 * self.flats[0].numel() * self.flats[0].element_size()
        return min(max(1, AHEAD_BYTES // n_bytes), AHEAD)

    def _train(self, x, labels, evaluated, keys, trains: bool = True) -> list[Trained]:
        """The epochs of these keys, in order, from where the stack is.

        labels : (n_networks or 1, n); evaluated : arguments of `cpu.epochs`
        """
        if self._held is None:
            self._held = self._hold(x)
        if self._shown is None or self._shown[0] is not x:
            self._shown = x, _columns(x)
        held, chosen = self._held, self.settings
        inputs, y = self._shown[1], labels.numpy()
        steps = -(-len(x) // chosen.batch_size) if trains else 0
        rates = np.array([self._rates(steps, key) for key in keys])
        words = np.array([[[seed, *words_of(key)] for key in keys] for seed in held.seeds])
        words = words.astype(np.uint32)
        n_networks, n_numbers = held.theta.shape
        sizes = n_networks, len(keys)
        states = np.empty((*sizes, 3, n_numbers), np.float32)
        scores = np.empty((*sizes, 4))
        norms = np.empty((*sizes, 3, len(held.widths) - 1), np.float32)
        t = int(self.optimizers[0].state[self.flats[0]]["step"])

        def work(own: slice, scratch: np.ndarray) -> None:
            cpu.epochs(
                inputs,
                y[own] if len(y) > 1 else y,
                *evaluated,
                words[own],
                held.theta[own],
                held.first[own],
                held.second[own],
                t,
                held.widths,
                held.kinds,
                chosen.batch_size,
                rates,
                self.method.number,
                held.numbers,
                float(chosen.label_smoothing),  # of one type: each type is a compilation
                float(chosen.l1),
                float(chosen.l2),
                float(chosen.orthonormal_penalty),
                scratch,
                states[own],
                scores[own],
                norms[own],
            )

        self._share(work)
        return [
            Trained(key[0], steps, states[:, i], scores[:, i], norms[:, i])
            for i, key in enumerate(keys)
        ]

    def _follow(self, now: Trained) -> None:
        """Put the stack where this epoch ended."""
        (flat,), (optimizer,) = self.flats, self.optimizers
        state = optimizer.state[flat]
        moments = (state[name] for name in self.method.moments if name)
        for i, numbers in enumerate((flat, *moments)):
            numbers.numpy()[:] = now.states[:, i]
        state["step"] += now.steps

    def _hold(self, x: Tensor) -> Held:
        (flat,), (optimizer,) = self.flats, self.optimizers
        state, n_networks = optimizer.state[flat], len(self.rows)
        first, second = (
            state.get(name, torch.zeros_like(flat)).numpy() for name in self.method.moments
        )
        widths = np.array([x[0].numel(), *self.network.widths.values()])
        kinds = np.array([KINDS[name] for name in self.network.activation_names])
        n_threads = min(torch.get_num_threads(), n_networks)
        ends = np.linspace(0, n_networks, n_threads + 1).astype(int)
        parts = [slice(*pair) for pair in pairwise(ends.tolist())]
        batch = min(self.settings.batch_size, len(x))
        scratch = [cpu.scratch(widths, batch) for _ in parts]
        seeds = np.array(self.seeds, np.uint32)
        return Held(
            flat.numpy(), first, second, seeds, widths, kinds, self._numbers, parts, scratch
        )

    def _share(self, work: Callable[[slice, np.ndarray], None]) -> None:
        """The networks divided among the job's threads, this thread included."""
        (own, memory), *others = zip(self._held.parts, self._held.scratch, strict=True)
        if others and self._pool is None:
            self._pool = ThreadPoolExecutor(len(others))
        waiting = [self._pool.submit(work, *other) for other in others]
        work(own, memory)
        for one in waiting:
            one.result()

    def _take_up(self, states: Sequence[Mapping[str, Tensor]]) -> None:
        ((flat,), (optimizer,), (state,)) = self.flats, self.optimizers, states
        optimizer.state[flat] = {name: value.clone() for name, value in state.items()}
        self._held = None

    @property
    def _numbers(self) -> np.ndarray:
        chosen = self.optimizer
        own = np.hstack([getattr(chosen, name) for name in self.method.numbers] or [[]])
        return np.array([chosen.weight_decay, *own, *[0.0] * (3 - len(own))])

    def _rates(self, steps: int, key: tuple[int, ...]) -> np.ndarray:
        """The learning rate of every step of an epoch; it is constant on random labels."""
        rate, share = self.optimizer.learning_rate, self.optimizer.share
        if len(key) > 1 or not (self.optimizer.schedule or self.optimizer.warm_up):
            return np.full(steps, rate)
        before = (key[0] - 1) * steps
        return np.array([rate * share(before + i, steps, self.epochs) for i in range(steps)])


def _turned(x: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray, int]:
    """Inputs (features + 1, n) and labels for an evaluation, padded, and their number."""
    n, features = len(x), math.prod(x.shape[1:])
    inputs = np.zeros((features + 1, cpu.filled(n)), np.float32)
    inputs[:features, :n] = x.flatten(1).T.numpy()
    inputs[features] = 1
    labels = np.full(cpu.filled(n), -1)
    labels[:n] = y.numpy()
    return inputs, labels, n


def _columns(x: Tensor) -> np.ndarray:
    """Inputs (n, features), each followed by a one and by zeros up to a multiple of eight."""
    n, features = len(x), math.prod(x.shape[1:])
    found = np.zeros((n, -(-(features + 1) // 8) * 8), np.float32)
    found[:, :features] = x.flatten(1).numpy()
    found[:, features] = 1
    return found
