"""Critics trained until their bound on held-out pairs stops rising, many at once.

The samples are split by input, with the seed, into a part to train on and two held-out
halves. A critic is trained by Adam on mini-batches; from time to time its bound is evaluated on
both halves. The best of many evaluations on the same pairs would be too high. So each half
chooses for the other: the bound on half 2 is taken at the step where half 1 is best, and the
other way round, and the value is the mean of the two. No pair chooses its own step.

Within a block of held-out samples, separable critics are evaluated on all pairs of different
samples, which leaves little variance to the product term: for the true critic it is a
degenerate U-statistic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from infoplane import streams
from infoplane.estimators.critics.adam import Adam
from infoplane.estimators.critics.convolutions import NO_MAP, Convolutions, Shape
from infoplane.estimators.critics.networks import Concat, Critics, Separable, Weights
from infoplane.estimators.critics.samples import Group, Split

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.estimators.critics.estimator import CriticEstimator, CriticSettings

EVALUATED = 4096
"""With this many held-out samples or more, one draw of each input is evaluated; with fewer,
further draws are added up to this many."""

CACHED = 2**21
"""Numbers that fit into a CPU's cache: critics are scored a few at a time, so that theirs
fit."""


@dataclass
class Outcome:
    """The result of training one critic, in nats.

    curve : (step, mean of both halves' bound) of every evaluation; empty if not asked for
    carried : whether it continued from the weights that it was given
    """

    value: float
    stderr: float
    cap: float
    steps: int
    exploded: bool
    converged: bool
    weights: Weights | None
    curve: tuple[tuple[int, float], ...] = ()
    carried: bool = False


CONSTANT = Outcome(0.0, 0.0, 0.0, 0, False, True, None)
"""The result if a variable is constant: no information."""


def critics_of(
    settings: CriticSettings, d_a: int, d_b: int, maps: tuple[Shape, Shape] = (NO_MAP, NO_MAP)
) -> Critics:
    """The architecture for variables of (at most) d_a and d_b dimensions.

    maps : shapes (channels, height, width) of a and b, for variables with convolutions
    """
    s = settings
    fronts = {
        side: Convolutions(side, shape, s)
        for side, shape in zip("ab", maps, strict=True)
        if shape
    }
    d_a, d_b = (
        fronts[side].n_features if side in fronts else d for side, d in (("a", d_a), ("b", d_b))
    )
    if s.critic == "separable":
        return Separable(d_a, d_b, s.width, s.depth, fronts)
    return Concat(d_a, d_b, s.width, s.depth, s.contrasts, s.held_out_contrasts, fronts)


def how_many(
    settings: CriticSettings,
    n: int,
    n_inputs: int,
    d_a: int,
    d_b: int,
    maps: tuple[Shape, Shape] = (NO_MAP, NO_MAP),
) -> int:
    """Number of critics that train together on n samples within settings.memory_mb; at least
    one."""
    net = critics_of(settings, d_a, d_b, maps)
    split = Split.of(n_inputs, settings.held_out, settings.seed)
    batch = min(settings.batch_size, len(split.train))
    block = min(max(net.block, settings.batch_size), len(split.halves[0]))
    samples = n * d_a + n_inputs * (d_a + 2 * d_b)
    floats = samples + 6 * net.n_weights + max(net.floats(batch), net.floats(block, True))
    return max(1, int(settings.memory_mb * 1e6 / (4 * floats)))


class Training:
    """One stack of critics from first weights to outcomes.

    first : the first weights of each critic; None, or weights that do not fit the pair: fresh
        ones
    keep : whether the best weights are kept
    """

    def __init__(
        self,
        estimator: CriticEstimator,
        group: Group,
        first: list[Weights | None],
        keep: bool = False,
    ):
        self.estimator, self.settings = estimator, estimator.settings
        self.group, self.first, self.keep = group, first, keep
        self.net = critics_of(self.settings, group.a.shape[2], group.b.shape[2], group.maps)
        self.split = Split.of(group.n_inputs, self.settings.held_out, self.settings.seed)
        self.n_held_out = len(self.split.halves[0])
        self.block = estimator.block(self.n_held_out, self.net.block)
        n_contrasts = self.net.n_contrasts(self.block, held_out=True)
        self.cap = estimator.cap(self.n_held_out, n_contrasts)
        self.alive = torch.arange(len(first))

    def run(self) -> list[Outcome]:
        """Train until every critic has stopped."""
        with torch.no_grad():
            return self._run()

    def _run(self) -> list[Outcome]:
        settings = self.settings
        self._begin()
        if lost := (~self._evaluate(0)).nonzero()[:, 0].tolist():
            # weights of an earlier epoch whose bound explodes at this one
            self.first = [None if i in lost else one for i, one in enumerate(self.first)]
            self._begin()
            self._evaluate(0)
        for step, (inputs, draws) in enumerate(self._batches(), 1):
            slopes = self._slopes(*self.group.rows(inputs, draws))
            self.adam.step(self.values, slopes, settings.learning_rate)
            kept = min(settings.weight_averaging, step / (step + 10))
            self.average.lerp_(self.values, 1 - kept)
            if step % settings.evaluate_every and step < settings.max_steps:
                continue
            stay = self._evaluate(step)
            if step == settings.max_steps or not stay.any():
                return self.reports.outcomes(self.carried)
            if not stay.all():
                self._leave(stay)
        raise AssertionError("mini-batches have no end")

    def _begin(self) -> None:
        device = self.group.a.device
        self.values = torch.zeros(len(self.first), self.net.n_weights, device=device)
        self.carried = [False] * len(self.first)
        for i, (widths, weights) in enumerate(zip(self.group.widths, self.first, strict=True)):
            own = critics_of(self.settings, *widths, self.group.maps)
            shapes = {k: tuple(v.shape) for k, v in (weights or {}).items()}
            self.carried[i] = shapes == own.shapes
            if not self.carried[i]:
                weights = own.initial(streams.of_estimator(self.settings.seed, 1))
            self.net.put(self.values, i, weights)
        self.average = self.values.clone()
        self.adam = Adam(self.values)
        self.state: dict[str, Tensor] = {}
        self.reports = Reports(
            len(self.first), self.cap, self.settings.patience, self.settings.curves
        )

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Mini-batches without end: inputs (B,) and one draw (B,) of each. Each pass over the
        inputs has a new order; its last, incomplete mini-batch is dropped."""
        random = streams.of_estimator(self.settings.seed, 2)
        train = self.split.train
        size = min(self.settings.batch_size, len(train))
        while True:
            order = train[torch.randperm(len(train), generator=random)]
            draws = torch.randint(self.group.n_draws, (len(train),), generator=random)
            for start in range(0, len(train) - size + 1, size):
                yield order[start : start + size], draws[start : start + size]

    def _slopes(self, a: Tensor, b: Tensor) -> Tensor:
        """The gradient of each critic's loss, (C, n_weights)."""
        slopes, states = [], []
        for few in self._few_at_a_time(a.shape[1]):
            values = self.values[few].detach().requires_grad_()
            states.append({name: of_all[few] for name, of_all in self.state.items()})
            with torch.enable_grad():
                scores = self.net.scores(self.net.views(values), a[few], b[few])
                loss = self.estimator.loss(scores, states[-1]).sum()
            slopes += torch.autograd.grad(loss, values)
        self.state = {name: torch.cat([one[name] for one in states]) for name in states[0]}
        return torch.cat(slopes)

    def _few_at_a_time(self, n_rows: int, held_out: bool = False) -> Iterator[slice]:
        """Parts of the stack; on a CPU, few enough critics for their scores to stay in
        cache."""
        n_critics = len(self.alive)
        at_once = n_critics
        if self.values.device.type == "cpu":
            at_once = max(1, CACHED // self.net.floats(n_rows, held_out))
        for first in range(0, n_critics, at_once):
            yield slice(first, min(first + at_once, n_critics))

    def _evaluate(self, step: int) -> Tensor:
        """Note the held-out bounds; returns which critics of the stack continue, (C,)."""
        both = [self._held_out_bound(half) for half in (0, 1)]
        bound, stderr, criterion = (torch.stack(one) for one in zip(*both, strict=True))
        go_on, best = self.reports.note(step, self.alive, bound, stderr, criterion)
        if self.keep:
            for row in best.nonzero()[:, 0].tolist():
                weights = self.net.taken(self.average, row, *self.group.widths[row])
                self.reports.weights[int(self.alive[row])] = weights
        return go_on

    def _held_out_bound(self, half: int) -> tuple[Tensor, Tensor, Tensor]:
        """The bound, its standard error and the criterion, each (C,) float64 on the CPU,
        nats."""
        inputs = self.split.halves[half]
        draws = min(self.group.n_draws, max(1, EVALUATED // self.n_held_out))
        n_blocks = math.ceil(self.n_held_out / self.block)
        starts = torch.linspace(0, self.n_held_out - self.block, n_blocks).long().tolist()
        summaries = []
        for few in self._few_at_a_time(self.block, held_out=True):
            weights, parts = self.net.views(self.average[few]), []
            for draw in range(draws):
                a, b = self.group.rows(inputs, draw, few)
                for start in starts:
                    rows = slice(start, start + self.block)
                    scores = self.net.scores(weights, a[:, rows], b[:, rows], held_out=True)
                    parts.append(self.estimator.summary(scores))
            summaries.append(torch.cat(parts, dim=2))
        summary = torch.cat(summaries).to("cpu", torch.float64)
        bound, terms = self.estimator.bound(summary)
        terms = terms.view(len(terms), draws, -1).mean(dim=1)
        stderr = terms.std(dim=1) / math.sqrt(self.n_held_out)
        return bound, stderr, self.estimator.criterion(summary)

    def _leave(self, stay: Tensor) -> None:
        """Remove the critics that have stopped from the stack."""
        self.alive = self.alive[stay]
        chosen = stay.nonzero()[:, 0].to(self.values.device)
        self.group = self.group.only(chosen)
        self.values, self.average = self.values[chosen], self.average[chosen]
        self.adam.keep(chosen)
        self.state = {name: values[chosen] for name, values in self.state.items()}


class Reports:
    """What is reported of each of n critics, updated at each evaluation.

    cap : the largest bound that counts as an estimate, in nats
    patience : training ends after this many evaluations without a new best on either half
    curves : whether every evaluation is reported
    """

    def __init__(self, n: int, cap: float, patience: int, curves: bool = False):
        self.cap, self.patience = cap, patience
        self.curves: list[list] | None = [[] for _ in range(n)] if curves else None
        self.best = torch.full((2, n), -math.inf, dtype=torch.float64)
        self.bound = torch.full((2, n), math.nan, dtype=torch.float64)
        self.stderr = torch.full((2, n), math.nan, dtype=torch.float64)
        self.best_of_both = torch.full((n,), -math.inf, dtype=torch.float64)
        self.waited, self.steps = torch.zeros(2, n, dtype=torch.int64)
        self.exploded = torch.zeros(n, dtype=torch.bool)
        self.weights: list[Weights | None] = [None] * n

    def note(
        self, step: int, alive: Tensor, bound: Tensor, stderr: Tensor, criterion: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Note an evaluation of the critics `alive` (C,) on both halves; all others (2, C).

        Returns which critics continue, and which have a new best on both halves together.
        """
        fine = (bound.isfinite() & (bound <= self.cap) & criterion.isfinite()).all(dim=0)
        # A collapsed half is no estimate either, though training may recover from it; otherwise
        # it would be reported whenever the other half happens to be at its best.
        sound = fine & (bound >= -self.cap).all(dim=0)
        better = sound & (criterion > self.best[:, alive])
        for half in (0, 1):
            chosen = better[half]
            at = alive[chosen]
            self.best[half, at] = criterion[half, chosen]
            self.bound[1 - half, at] = bound[1 - half, chosen]
            self.stderr[1 - half, at] = stderr[1 - half, chosen]
        self.waited[alive] = torch.where(better.any(dim=0), 0, self.waited[alive] + 1)
        self.steps[alive] = step
        if self.curves is not None:
            for i, both in zip(alive.tolist(), bound.mean(dim=0).tolist(), strict=True):
                self.curves[i].append((step, both))
        self.exploded[alive] = ~sound
        of_both = torch.where(sound, criterion.mean(dim=0), -math.inf)
        best = of_both > self.best_of_both[alive]
        self.best_of_both[alive] = torch.maximum(of_both, self.best_of_both[alive])
        return fine & (self.waited[alive] < self.patience), best

    def outcomes(self, carried: list[bool]) -> list[Outcome]:
        """One outcome for each critic. A critic that was never sound counts as a constant one,
        for which any bound is 0 nats.
        carried : for each critic, whether it began with the weights that it was given"""
        converged = (self.waited >= self.patience) | self.exploded
        value = self.bound.mean(dim=0).nan_to_num(0.0)
        stderr = self.stderr.square().sum(dim=0).sqrt().nan_to_num(0.0) / 2
        said = (value, stderr, self.steps, self.exploded, converged)
        curves = [()] * len(carried) if self.curves is None else map(tuple, self.curves)
        return [
            Outcome(value, stderr, self.cap, steps, exploded, converged, weights, *rest)
            for value, stderr, steps, exploded, converged, weights, *rest in zip(
                *(values.tolist() for values in said),
                self.weights,
                curves,
                carried,
                strict=True,
            )
        ]
