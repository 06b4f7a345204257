"""A trained network at one epoch, for signals: with its training inputs and no others."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import torch

from infoplane import streams
from infoplane.measurement.activations import read_layers, samples_of
from infoplane.probes.probe import Inputs
from infoplane.signals.interface import NotMeasurable

if TYPE_CHECKING:
    from infoplane.measurement.readings import Reader
    from infoplane.networks.network import Network, Weights
    from infoplane.samples import Samples

Found = TypeVar("Found")

BATCH = 1024
"""The inputs of one pass; larger sets are split."""


class TrainingInputs(NamedTuple):
    """The training inputs that are measured.

    x : float32 (n, *shape); y : int64 (n,), the index of the label's score of each input
    samples : the same for estimators, with labels without gaps
    """

    x: torch.Tensor
    y: torch.Tensor
    samples: Inputs

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> TrainingInputs:
        """From arrays x (n, *shape) and codes y (n,) of the learnt label."""
        samples = Inputs.of(x, y)
        return cls(samples.x, torch.from_numpy(np.ascontiguousarray(y, np.int64)), samples)


class Trained:
    """One network of a run at one epoch. Each quantity is computed at its first use, once for
    all signals.

    run, seed, epoch : the network's name
    network : its layers and functions, in evaluation mode: no dropout, batch norm by its
        running statistics
    weights, initial : arrays (1, *shape) by name, at this epoch and before training
    x, y : training inputs (n, *input_shape), and the indices (n,) of their labels' scores
    """

    def __init__(
        self,
        network: Network,
        weights: Weights,
        inputs: TrainingInputs,
        reader: Reader,
        *,
        run: str = "",
        seed: int = 0,
        epoch: int = 0,
        initial: Weights | None = None,
        metrics: Mapping[str, float] | None = None,
        noise_seed: int = 0,
    ):
        """metrics : on training inputs at this epoch, by name"""
        self.network, self.weights, self.reader = network, weights, reader
        self.run, self.seed, self.epoch = run, seed, epoch
        self.inputs, self.x, self.y = inputs, inputs.x, inputs.y
        self._initial, self._metrics = initial, dict(metrics or {})
        self._noise_seed = noise_seed
        self._remembered: dict[Hashable, Any] = {}

    @property
    def place(self) -> str:
        """The network's name, for messages."""
        return f"run {self.run}, seed {self.seed}, epoch {self.epoch}"

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        """The arrays that the optimizer trains, (1, *shape)."""
        return {name: self.weights[name] for name in self.network.parameters}

    @property
    def initial(self) -> Weights:
        """Weights before training, for signals that declare `needs = ("initial",)`."""
        if self._initial is None:
            raise NotMeasurable("the weights before training are not kept")
        return self._initial

    def metric(self, name: str) -> float:
        """A metric at this epoch on all training inputs: loss_train, accuracy_train."""
        if name not in self._metrics:
            raise NotMeasurable(f"its training records no {name}")
        return self._metrics[name]

    @cached_property
    def logits(self) -> torch.Tensor:
        """Scores of the classes before a softmax, (n, n_classes), without noise."""
        with torch.no_grad():
            parts = [self.scores(self.weights, part) for part in self.x.split(BATCH)]
        return torch.cat(parts)

    def margin(self, share: float) -> float:
        """The margin f_y − max_{j≠y} f_j below which this share of the inputs lies."""
        scores, rows = self.logits.double(), torch.arange(len(self.y), device=self.y.device)
        if scores.shape[1] < 2:
            raise NotMeasurable("it has a single score, and a margin needs two")
        own = scores[rows, self.y]
        others = scores.clone()
        others[rows, self.y] = -torch.inf
        return float(np.quantile((own - others.amax(1)).cpu().numpy(), share))

    def scores(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        """Scores (n, n_classes) of inputs x with other weights of this network."""
        scores = self.network.run(weights, x)[0][0]
        if scores.ndim != 2 or scores.shape[1] <= int(self.y.max()):
            raise NotMeasurable(
                f"its outputs of shape {tuple(scores.shape[1:])} are not scores of classes"
            )
        return scores

    def loss(
        self, weights: Weights, x: torch.Tensor | None = None, y: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Mean cross-entropy, in nats, of inputs x with labels y for other weights of this
        network; gradients are recorded if the weights require them. x, y : None means all"""
        x, y = (self.x, self.y) if x is None else (x, y)
        return torch.nn.functional.cross_entropy(self.scores(weights, x), y)

    def gradient(
        self, x: torch.Tensor | None = None, y: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Gradient of `loss` with respect to each parameter, (1, *shape)."""
        own = {
            name: array.detach().clone().requires_grad_()
            for name, array in self.parameters.items()
            if array.is_floating_point()
        }
        loss = self.loss({**self.weights, **own}, x, y)
        found = torch.autograd.grad(loss, list(own.values()), allow_unused=True)
        # A bias that batch norm subtracts again is not trained and has no gradient.
        return {
            name: torch.zeros_like(array) if gradient is None else gradient
            for (name, array), gradient in zip(own.items(), found, strict=True)
        }

    def some(self, n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """x and y of n inputs in a random order by this seed, or of all if there are fewer."""
        rows = streams.order(len(self.x), seed)[:n].to(self.x.device)
        return self.x[rows], self.y[rows]

    def layers(self) -> Iterator[Samples]:
        """Every measured layer in order, one at a time, with the noise that the network has."""
        network, n = self.network, len(self.x)
        random = None
        if network.draws:
            key = streams.of_training(self._noise_seed, self.seed, self.epoch)
            random = network.random(n, [key], self.x.device)
        with torch.no_grad():
            readings = network.read(self.weights, self.x, random)
            for name, t, noise in read_layers(self.reader, readings):
                if not bool(torch.isfinite(t).all()):
                    raise NotMeasurable(f"activations of layer {name} are not finite")
                own = noise and noise.of(0)
                where = (self.reader, name, self.seed, self.epoch)
                yield samples_of(self.inputs.samples, self.inputs.samples.y, t[0], own, *where)

    def remember(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """The result of `find`, computed once for this key, because several signals share
        it."""
        if key not in self._remembered:
            self._remembered[key] = find()
        return self._remembered[key]


def squares(arrays: Iterable[torch.Tensor]) -> float:
    """Sum of the squares of all numbers."""
    return sum(float(array.double().square().sum()) for array in arrays)


def norm(arrays: Iterable[torch.Tensor]) -> float:
    """Euclidean norm of all numbers."""
    return squares(arrays) ** 0.5
