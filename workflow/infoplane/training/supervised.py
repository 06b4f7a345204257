"""Training of networks to predict labels, or their inputs: a block's seeds stacked or one by
one.

All random numbers depend on (seed, epoch) alone, so a seed gets the same weights whichever
seeds train with it, to float tolerance, and a resumed training gives the same bits.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, model_validator

from infoplane import streams
from infoplane.costs import Cost
from infoplane.datasets.source import Data, Shape
from infoplane.isolated import isolated
from infoplane.machine import device_of
from infoplane.networks.description import build
from infoplane.networks.network import Misfit, Network, initialise_seeds
from infoplane.progress import Progress
from infoplane.settings import Settings as BaseSettings
from infoplane.training import augment as images
from infoplane.training import denoise as corruption
from infoplane.training.cost import of_training
from infoplane.training.grouped import Grouped, Weights
from infoplane.training.optimizers import Adam, Optimizer
from infoplane.training.stack import Stack
from infoplane.training.targets import Classes, Reconstruction, Target
from infoplane.training.trainer import NETWORK, Arrays, Lost, Metric, TrainerSettings

log = logging.getLogger(__name__)

PREFIT = 0x707265666974
"""Key of the random numbers of epochs on random labels."""
BY_LAYER = (
    Metric("weight_norm", "‖weights‖", by_layer=True),
    Metric("gradient_mean", "‖mean gradient‖", by_layer=True),
    Metric("gradient_std", "‖sd of the gradient‖", by_layer=True),
)
INPUTS, UNITS = 784, 256
"""`auto` takes compiled loops up to this many numbers in an input and units in a layer. Up to
there they are 1.4 to 28 times as fast as torch on one thread with AVX2, and 1.8 to 50 times
with AVX-512. torch gains more from further threads if a wide network trains alone."""
Watched = Literal["loss_train", "loss_test", "accuracy_train", "accuracy_test"]


class Stop(BaseSettings):
    """A rule that ends a seed's training early: a threshold or patience."""

    quantity: Watched
    """The rule watches this quantity after every epoch."""
    threshold: float | None = None
    """Training stops when the loss is at most, or the accuracy at least, this."""
    patience: int | None = Field(default=None, ge=1)
    """Training stops when the quantity has not improved for this many epochs."""

    @model_validator(mode="after")
    def _one_rule(self):
        if (self.threshold is None) == (self.patience is None):
            raise ValueError("give exactly one of threshold and patience")
        return self


class Prefit(BaseSettings):
    """Epochs on random labels before training, which the network must unlearn."""

    epochs: int = Field(ge=0)
    """The network first trains on permuted labels for this many epochs. Epoch 0 is then the
    network after them, and the optimizer starts anew with the true labels."""
    seed: int = Field(default=0, ge=0)
    """The training labels are permuted with this seed and the network's own."""


class SetAside(BaseSettings):
    """The rule by which a network counts as not trained: it is kept and named, but not
    measured."""

    quantity: Watched = "accuracy_train"
    """Seeds are judged by this quantity after the last epoch."""
    below: float | None = Field(default=None, gt=0, le=1)
    """Seeds that end with an accuracy below this are set aside."""
    above: float | None = Field(default=None, gt=0)
    """Seeds that end with a loss above this are set aside."""

    @model_validator(mode="after")
    def _one_threshold(self):
        right, wrong = ("above", "below") if "loss" in self.quantity else ("below", "above")
        if getattr(self, right) is None or getattr(self, wrong) is not None:
            raise ValueError(f"give {right}, not {wrong}, for {self.quantity}")
        return self

    def judges(self, value: float) -> bool:
        """Whether a seed that ended with this value is set aside; a NaN never is."""
        return value < self.below if self.above is None else value > self.above


class Settings(TrainerSettings):
    gradients: ClassVar[bool] = True
    shaping: ClassVar[tuple[str, ...]] = ("target", "loss", "label", "augment")

    trainer: Literal["supervised"] = "supervised"
    """`supervised` trains the network on examples to predict labels or to reconstruct its
    inputs."""
    target: Literal["label", "input"] = "label"
    """The network learns the label, or the input itself like an autoencoder."""
    loss: Literal["cross_entropy", "squared"] | None = None
    """Training minimises this loss. squared: the mean of (x − x̂)² over the numbers of an
    input. cross_entropy: of labels, or the mean over the numbers of an input in [0, 1]. null:
    cross_entropy for labels, squared for inputs."""
    denoise: corruption.Settings | None = None
    """Training inputs get this noise, or lose these numbers, and the network learns the inputs
    without it; null means neither."""
    optimizer: Optimizer = Adam(method="adam")
    """The optimizer has a method, a learning rate and the method's settings."""
    batch_size: int = Field(default=256, ge=1)
    """A mini-batch has this many inputs; the last one of an epoch may have fewer."""
    orthonormal_penalty: float = Field(default=0, ge=0)
    """With this λ, λ ‖W'W − I‖² is added to the loss for each layer's matrix W, or λ ‖WW' − I‖²
    if it has more outputs than inputs (Goldfeld et al. 2019, after Cisse et al. 2017); 0 adds
    nothing."""
    l1: float = Field(default=0, ge=0)
    """With this λ, λ Σ|w| over the weights of layers, without biases, is added to the loss; 0
    adds nothing."""
    l2: float = Field(default=0, ge=0)
    """With this λ, λ Σw² over the weights of layers, without biases, is added to the loss; 0
    adds nothing."""
    label_smoothing: float = Field(default=0, ge=0, lt=1)
    """With this ε, the training loss has targets of 1 − ε for the label plus ε shared equally
    by all classes; reported losses have none. 0 smooths nothing."""
    augment: images.Settings | None = None
    """This section sets how training images are cropped and flipped at random; null means
    neither."""
    label: str | None = None
    """The network learns this label of the data set; null means the first."""
    epochs: int = Field(ge=1)
    """Training has this many epochs, or fewer if a stopping rule ends it."""
    kernel: Literal["auto", "compiled", "torch"] = "auto"
    """Compiled loops can train perceptrons with few units on a CPU; torch's operators train all
    networks. auto takes compiled loops if they are faster, which depends on the network and
    these settings alone, so that every machine chooses alike. The weights of both agree to
    float32 rounding."""
    stop: Stop | None = None
    """This rule stops the training of each seed by itself; null trains all epochs."""
    prefit: Prefit | None = None
    """This section sets a training on random labels before the first epoch; null means none."""
    set_aside: SetAside | None = None
    """Seeds that did not learn, by this threshold, are named and not measured; null leaves out
    none."""

    @property
    def numbers(self) -> range:
        return range(self.epochs + 1)

    @property
    def wanted_label(self) -> str | None:
        return self.label

    @property
    def watched(self) -> dict[tuple[str, ...], str]:
        rules = {"stop": self.stop, "set_aside": self.set_aside}
        return {(key, "quantity"): rule.quantity for key, rule in rules.items() if rule}

    @model_validator(mode="after")
    def _trains_after_warm_up(self):
        self.optimizer.check(self.epochs)
        return self

    @model_validator(mode="after")
    def _goes_with_the_target(self):
        only = {"input": ("denoise",), "label": ("label", "label_smoothing", "prefit")}
        others = [key for target in only if target != self.target for key in only[target]]
        for key in others:
            if getattr(self, key):
                raise ValueError(
                    f"{key} has no effect with target: {self.target}; leave it out"
                )
        if self.target == "label" and self.loss == "squared":
            raise ValueError("loss must be cross_entropy with target: label, not 'squared'")
        for rule in ("stop", "set_aside"):
            chosen = getattr(self, rule)
            if self.target == "input" and chosen and "accuracy" in chosen.quantity:
                raise ValueError(
                    f"{rule}.quantity must be loss_train or loss_test with target: input, not "
                    f"'{chosen.quantity}': inputs have no accuracy"
                )
        return self

    @property
    def how(self) -> str:
        """The loss, given or by default."""
        return self.loss or {"label": "cross_entropy", "input": "squared"}[self.target]

    def check(self, network: Network) -> None:
        """Raises Misfit if this network cannot be trained with these settings."""
        if self.kernel == "compiled" and not self._can_be_compiled(network):
            raise _misfit(
                "kernel",
                "must be auto or torch, not 'compiled': compiled loops train perceptrons "
                "without noise, quantisation, batch norm and dropout, on labels, without "
                "augment, and not with device: cuda",
            )
        family, links = network.settings.family, network.links
        if self.augment and len(network.input_shape) != 3:
            raise _misfit(
                "augment",
                "must be left out, or have images (channels, height, width); a data set keeps "
                "images as they are with flatten: false",
                of_shape=True,
            )
        if "policy_value" in links:
            raise _misfit("trainer", f"must be selfplay for network.family {family}")
        if self.target == "label" and "softmax" not in links:
            raise _misfit(
                "target",
                f"must be input, not 'label': network.family {family} reconstructs its inputs",
            )
        if self.target == "input" and not {"sigmoid", "linear"} & {*links}:
            raise _misfit(
                "target",
                f"must be label, not 'input': network.family {family} gives scores of classes; "
                "autoencoder reconstructs its inputs",
            )
        if self.target == "input" and self.how == "cross_entropy" and "sigmoid" not in links:
            raise _misfit(
                "loss",
                "must be squared, not 'cross_entropy', which needs outputs between 0 and 1, "
                "such as those of an autoencoder with output: sigmoid",
            )

    def compiles(self, network: Network) -> bool:
        """Whether compiled loops compute the epochs of such networks, whatever the machine."""
        small = math.prod(network.input_shape) <= INPUTS
        small = small and max(network.widths.values()) <= UNITS
        return (small or self.kernel == "compiled") and self._can_be_compiled(network)

    def _can_be_compiled(self, network: Network) -> bool:
        plain = self.target == "label" and not self.augment
        elsewhere = self.kernel == "torch" or self.device == "cuda"
        return plain and not elsewhere and network.is_perceptron

    def gpus(self, network: Network) -> int:
        return 0 if self.compiles(network) else super().gpus(network)

    def target_of(self, network: Network) -> Target:
        """The target of the training."""
        if self.target == "input":
            return Reconstruction(self.how, network)
        return Classes(self.label_smoothing)


class Supervised(Grouped):
    """The networks of a block: one stack for all, or one for each seed."""

    Settings = Settings
    losses = ("loss_train",)
    may_help = "a smaller learning rate or another initialisation"

    @isolated()
    def __init__(self, settings: Settings, network: Network, data: Data, seeds: Sequence[int]):
        settings.check(network)
        self.target = settings.target_of(network)
        self.metrics = (*self.target.metrics, *BY_LAYER)
        self.settings, self.network, self.seeds = settings, network, list(seeds)
        self.networks = {NETWORK: network}
        self.epochs, self.keep = settings.numbers, settings.keep
        self.compiled = settings.compiles(network)
        self.device = device_of("cpu" if self.compiled else settings.device)
        y = np.zeros(len(data.x), np.int64)
        if settings.target == "label":
            y = data.label(settings.label).codes
        elif "sigmoid" in network.links:
            _require_unit_range(data.x)
        self.parts = {
            name: tuple(torch.from_numpy(a[rows]).to(self.device) for a in (data.x, y))
            for name, rows in {"train": data.train, "test": data.test}.items()
        }
        n = len(self.seeds)
        self.begin(
            {NETWORK: initialise_seeds(network, self.seeds)},
            {"best": np.full(n, np.inf), "waited": np.zeros(n, np.int64)},
        )
        for stack in self.groups:
            stack.calibrate(self.parts["train"][0])

    @classmethod
    def networks_of(
        cls, settings: Settings, network: BaseSettings, data: Shape
    ) -> dict[str, Network]:
        """One network, with an output for each class of the learnt label, or for each number of
        an input."""
        n_classes = data.n_classes(settings.label)
        size = data.d if settings.target == "input" else n_classes
        found = build(network, data.of_input, size)
        settings.check(found)
        return {NETWORK: found}

    @classmethod
    def cost(
        cls, settings: Settings, network: Network, data: Shape, n_seeds: int, threads: int = 1
    ) -> Cost:
        before = settings.prefit.epochs if settings.prefit else 0
        sizes = n_seeds, settings.epochs + before, settings.n_kept, settings.batch_size
        return of_training(network, data, *sizes, threads, settings.compiles(network))

    @property
    def lost(self) -> dict[int, Lost]:
        found = super().lost
        rule = self.settings.set_aside
        if rule is not None:
            for seed, value in zip(
                self.seeds, self.values[rule.quantity].tolist(), strict=True
            ):
                if rule.judges(value):
                    found[seed] = Lost(f"{rule.quantity} {value:.4f}", set_aside=True)
        return found

    def advance(self, epoch: int) -> Arrays:
        if epoch == 0:
            self._prefit()
        return super().advance(epoch)

    def group(self, rows: Sequence[int], seeds: Sequence[int], weights: Weights) -> Stack:
        kind = Stack
        if self.compiled:
            from infoplane.training.compiled_stack import CompiledStack as kind
        return kind(self.settings, self.network, self.target, rows, seeds, weights[NETWORK])

    def epoch_of(self, stack: Stack, epoch: int) -> dict[str, np.ndarray | float]:
        return stack.epoch(self.parts, epoch)

    def _prefit(self) -> None:
        """Epochs on labels that each network permutes by its own seed."""
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
                self.each(partial(fit, epoch=epoch))
                progress.advance()
        for stack in self.groups:
            stack.start(stack.flats)

    def is_over(self, row: int) -> bool:
        stop, best, waited = self.settings.stop, self.books["best"], self.books["waited"]
        if stop is None:
            return False
        better = {metric.name: metric.better for metric in self.metrics}
        sign = 1 if better[stop.quantity] == "lower" else -1  # smaller scores are better
        score = sign * float(self.values[stop.quantity][row])
        if stop.threshold is not None:
            return score <= sign * stop.threshold
        waited[row] = 0 if score < best[row] else waited[row] + 1
        best[row] = min(best[row], score)
        return bool(waited[row] >= stop.patience)


def _misfit(key: str, text: str, of_shape: bool = False) -> Misfit:
    """A network that does not fit this key of the training."""
    return Misfit((key,), text, of_shape, at=("training",))


def _require_unit_range(x: np.ndarray) -> None:
    """Raises ValueError for inputs that no sigmoid can reconstruct."""
    low, high = x.min(), x.max()
    if low < 0 or high > 1:
        raise ValueError(
            "network.output must be linear, not 'sigmoid', which gives numbers between 0 and "
            f"1: inputs are {low:.4g} to {high:.4g}"
        )
