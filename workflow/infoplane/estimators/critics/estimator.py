"""What estimators with critics share: settings, and how pairs become stacks."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field

from infoplane import settings
from infoplane.estimators.critics import convolutions, samples
from infoplane.estimators.critics.networks import Scores
from infoplane.estimators.critics.training import CONSTANT, Outcome, Training, how_many
from infoplane.estimators.interface import PairEstimator
from infoplane.machine import one_thread_each
from infoplane.samples import BIT, Information, Pair

if TYPE_CHECKING:
    from torch import Tensor


class CriticSettings(settings.Settings):
    """Settings that all estimators with critics share."""

    critic: Literal["separable", "concat"] = "concat"
    """`concat` is one network that takes both variables joined. separable is one network for
    each variable and the inner product of their outputs; it compares all pairs of a
    mini-batch."""
    margins: Literal["normal_scores", "standardised"] = "normal_scores"
    """This prepares each coordinate of two continuous vectors for a critic: normal_scores gives
    it normal margins by ranks, standardised a mean of 0 and a variance of 1. With labels, and
    for maps, coordinates are always standardised."""
    width: int = Field(default=64, ge=1)
    """Each hidden layer of a critic has this many units; the outputs of a separable critic's
    networks have as many dimensions."""
    depth: int = Field(default=2, ge=1)
    """A critic has this many hidden layers."""
    network: Literal["auto", "dense", "convolutional"] = "auto"
    """This chooses what a critic has before its hidden layers. auto: convolutions for a
    variable with a shape (channels, height, width), which maps and images have under
    measure.reading: whole, and nothing for vectors and labels. dense: nothing; maps are read as
    vectors. convolutional: as auto, but an error if no variable has a shape."""
    channels: list[Annotated[int, Field(ge=1)]] = Field(default=[16, 16], min_length=1)
    """Each convolution of a critic has this many output channels; the list has one number for
    each convolution."""
    kernel: int = Field(default=3, ge=1)
    """The kernels of a critic's convolutions have this height and width in positions; a map
    that is smaller is an error."""
    stride: int = Field(default=2, ge=1)
    """The kernels of a critic's convolutions move by this many positions in both directions."""
    contrasts: int = Field(default=4, ge=1)
    """A concat critic scores this many product pairs for each joint pair in training."""
    held_out_contrasts: int = Field(default=64, ge=1)
    """A concat critic scores this many product pairs for each joint pair in evaluation."""
    batch_size: int = Field(default=128, ge=2)
    """A mini-batch of a critic has this many samples, or all training samples if there are
    fewer."""
    learning_rate: float = Field(default=5e-3, gt=0, allow_inf_nan=False)
    """Adam trains the critic at this learning rate."""
    weight_averaging: float = Field(default=0.98, ge=0, lt=1)
    """Evaluation uses weights averaged over about the latest 1 / (1 − weight_averaging)
    mini-batches (Polyak & Juditsky 1992), which removes the noise of single steps; 0 turns
    averaging off."""
    max_steps: int = Field(default=5000, ge=1)
    """A critic's training ends after this many mini-batches at the latest."""
    evaluate_every: int = Field(default=100, ge=1)
    """A critic is evaluated on both held-out halves once in this many mini-batches."""
    patience: int = Field(default=4, ge=1)
    """A critic's training ends after this many successive evaluations without a new best on
    either held-out half."""
    held_out: float = Field(default=0.3, gt=0, lt=1)
    """This share of the inputs is held out, in two halves."""
    warm_start: bool = False
    """`true` starts from the critic of the same layer and seed at the previous measured
    epoch."""
    curves: bool = False
    """`true` keeps the bound of every evaluation, in bits, the mean of both held-out halves, in
    the store of information, for figures of convergence; results of pools have none."""
    seed: int = Field(default=0, ge=0)
    """The split, the first weights and the order of the mini-batches are drawn with this
    seed."""
    memory_mb: int = Field(default=512, ge=1)
    """As many critics train together as fit into this many MB of working memory; a single
    critic takes what it needs, mainly a copy of its samples."""


class CriticEstimator(PairEstimator):
    """I(A;B) from a critic f(a, b), trained on some samples and evaluated on others.

    A subclass defines the estimate from a critic's scores (`bound`) and the loss that trains
    the critic, if this is not minus the bound (`loss`).
    """

    settings: CriticSettings
    together = True
    forgets_by = "warm_start to false"
    trains = True
    infinite_without_noise = True
    idle_with_labels = frozenset({"margins"})
    changes = (
        "another training (seed, max_steps, learning_rate, width) moves it, and more "
        "samples mostly raise it"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        """All but rescalings; with normal scores, monotone functions of units leave I(X;T) as
        it is too."""
        scores = of == "ixt" and self.settings.margins == "normal_scores"
        return ("rotate", "permute") if scores else ("rotate", "monotone", "permute")

    def loss(self, scores: Scores, state: dict[str, Tensor]) -> Tensor:
        """The loss of each of C stacked critics on a mini-batch, (C,); by default minus the
        bound. state : tensors (C,) by name, kept for the next mini-batch; empty at first"""
        return -self.bound(self.summary(scores))[0]

    @abstractmethod
    def bound(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """The estimate in nats, (C,), from summaries (C, S, n) of n held-out samples, and the
        terms (C, n) whose scatter gives its standard error."""

    def summary(self, scores: Scores) -> Tensor:
        """What `bound` needs of held-out scores, (C, S, n): S numbers for each sample. By
        default two: f of the joint pair, and ln of the mean e^f of the product pairs."""
        return torch.stack([scores.joint, scores.log_mean_exp()], dim=1)

    def criterion(self, summary: Tensor) -> Tensor:
        """(C,) numbers that are largest when training should stop."""
        return self.bound(summary)[0]

    def block(self, n: int, most: int) -> int:
        """The size of the equal parts of n held-out samples whose members are compared with one
        another; at most `most`."""
        return math.ceil(n / math.ceil(n / most))

    def cap(self, n: int, n_contrasts: int) -> float:
        """The largest value in nats that counts as an estimate, for n held-out samples with
        n_contrasts product pairs each: ln of the number of pairs. A larger value would need
        joint scores above all product scores, and the samples then do not determine the mean
        exponential of product scores; such a value counts as an explosion."""
        return math.log(n * n_contrasts)

    @property
    def remembers(self) -> bool:
        """With a warm start, critics continue from those of the epoch before."""
        return self.settings.warm_start

    @property
    def keeps_curves(self) -> bool:
        """Whether the settings ask for curves."""
        return self.settings.curves

    def without_memory(self) -> CriticSettings:
        """The settings without a warm start."""
        return self.settings.model_copy(update={"warm_start": False})

    @property
    def idle(self) -> frozenset[str]:
        """The settings of convolutions, unless the network must be convolutional."""
        of_maps = frozenset({"network", "channels", "kernel", "stride"})
        return frozenset() if self.settings.network == "convolutional" else of_maps

    def takes_as_maps(self, shapes: Sequence[tuple[int, ...]]) -> bool:
        """Whether convolutions read a variable of one of these shapes."""
        return self.settings.network != "dense" and any(map(convolutions.is_map, shapes))

    def why_not(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, str]:
        """The message if a map is smaller than the kernel, or if there is no map but the
        network must be convolutional."""
        if self.settings.network == "dense":
            return "", ""
        maps = {name: shape for name, shape in shapes.items() if convolutions.is_map(shape)}
        if not maps and self.settings.network == "convolutional":
            text = "must be auto or dense, not 'convolutional': neither X nor a layer is a map"
            return "network", f"{text} that is read with its shape (measure.reading: whole)"
        for name, shape in maps.items():
            if why := convolutions.why_too_small(shape, self.settings):
                return "kernel", f"{why.removeprefix('kernel ')} ({name})"
        return "", ""

    def between_batch(
        self, pairs: Sequence[Pair], memory: dict | None = None
    ) -> list[Information]:
        """One record in bits for each pair, from one critic each; critics train as stacks.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels, one coordinate for each class.
            With pair.n_draws > 1 the samples are split by input, a mini-batch has one draw of
            each of its inputs, and the critic sees b's features
        memory : with a warm start, the critics' weights by pair.key; if several pairs have one
            key, each continues from the epoch before
        Returns
            value : on held-out pairs; may be negative. Exactly 0 if a or b never varies
            interval : none. A bound lies below the truth on average over held-out samples, but
                not always on these
            stderr : standard deviation over the held-out samples divided by √ of their number,
                for these critics: it does not include what another training would change
            cap : on a held-out half
            flags : 'exploded' if the bound left ± the cap and did not return: the value is then
                the best one before, or without one 0, the value of a constant critic;
                'not_converged' after max_steps
            extra : steps, the number of mini-batches, and with a warm start carried, 1 if it
                continued from the epoch before and 0 if not (both without unit)
            curve : with `curves`, the bound at every evaluation
        Raises ValueError that names the pair if there are fewer than 12 inputs, if the network
        must be convolutional and no variable has a shape, or if the kernel is larger than a
        map.
        """
        memory = ({} if memory is None else memory) if self.remembers else None
        outcomes: dict[int, Outcome] = {}
        for numbers in [range(len(pairs))] if memory is None else _rounds(pairs):
            outcomes |= self._outcomes(pairs, numbers, memory)
        return [self._record(outcomes[i]) for i in range(len(pairs))]

    def _outcomes(
        self, pairs: Sequence[Pair], numbers: Sequence[int], memory: dict | None
    ) -> dict[int, Outcome]:
        """Outcomes by number of the pair; pairs that can be stacked train together."""
        constant = [i for i in numbers if samples.is_constant(pairs[i])]
        outcomes = dict.fromkeys(constant, CONSTANT)
        for group in samples.grouped(
            pairs, [i for i in numbers if i not in outcomes], self.settings
        ):
            n_threads = 1 if pairs[group[0]].a.is_cuda else torch.get_num_threads()
            at_once = self._at_once([pairs[i] for i in group], n_threads)
            stacks = [group[i : i + at_once] for i in range(0, len(group), at_once)]

            def train(stack: list[int]) -> list[Outcome]:
                first = [(memory or {}).get(pairs[i].key) for i in stack]
                data = samples.stacked([pairs[i] for i in stack], self.settings)
                return Training(self, data, first, keep=memory is not None).run()

            n_threads = min(n_threads, len(stacks))
            for stack, trained in zip(
                stacks, one_thread_each(train, stacks, n_threads), strict=True
            ):
                outcomes |= zip(stack, trained, strict=True)
        if memory is not None:
            kept = {pairs[i].key: outcomes[i].weights for i in numbers if pairs[i].key}
            memory |= {key: weights for key, weights in kept.items() if weights}
        return outcomes

    def _at_once(self, pairs: Sequence[Pair], n_threads: int) -> int:
        """How many pairs train as one stack, so that one stack for each thread fits into the
        memory."""
        d_a = max(pair.a.shape[1] for pair in pairs)
        d_b = max(samples.width_of_b(pair) for pair in pairs)
        n, n_inputs = pairs[0].n, pairs[0].n // pairs[0].n_draws
        maps = convolutions.maps_of(self.settings, pairs[0])
        most = how_many(self.settings, n, n_inputs, d_a, d_b, maps) // n_threads
        return max(1, min(most, math.ceil(len(pairs) / n_threads)))

    def _record(self, outcome: Outcome) -> Information:
        flags = ("exploded",) if outcome.exploded else ()
        flags += () if outcome.converged else ("not_converged",)
        extra = {"steps": float(outcome.steps)}
        if self.settings.warm_start:
            extra["carried"] = float(outcome.carried)
        return Information(
            BIT * outcome.value,
            stderr=BIT * outcome.stderr,
            cap=BIT * outcome.cap,
            flags=flags,
            extra=extra,
            curve=tuple((step, BIT * bound) for step, bound in outcome.curve),
        )


def _rounds(pairs: Sequence[Pair]) -> Iterator[list[int]]:
    """Numbers of the pairs that train together, in rounds; a round has one epoch of each
    key."""
    epochs = [-1 if pair.epoch is None else pair.epoch for pair in pairs]
    waiting = sorted(range(len(pairs)), key=epochs.__getitem__)
    while waiting:
        by_key = {pairs[i].key or i: i for i in reversed(waiting)}
        yield sorted(turn := set(by_key.values()))
        waiting = [i for i in waiting if i not in turn]
