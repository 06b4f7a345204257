"""Critics trained until their bound on held-out pairs stops rising, many at once.

The samples are split by input, with the seed, into a part to train on and two held-out
halves. A critic is trained by Adam on mini-batches; from time to time its bound is evaluated on
both halves. The best of many evaluations on the same pairs would be too high. So each half
chooses for the other: where half 1 is best, the bound on half 2 is reported, and the other
way round, and the value is the mean of the two. No pair has a say in when it is looked at.

Within a block of held-out samples, separable critics are evaluated on all pairs of different
samples, which leaves little variance to the product term: for the true critic it is a
degenerate U-statistic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from infoplane import settings
from infoplane.estimators import critic_samples, critics
from infoplane.estimators.adam import Adam
from infoplane.estimators.critic_bounds import Objective
from infoplane.estimators.critic_samples import Group, Split
from infoplane.estimators.threads import one_thread_each
from infoplane.samples import BIT, Information, Pair

if TYPE_CHECKING:
    from torch import Tensor

EVALUATED = 4096
"""Held-out samples from which on further draws of the same inputs are not evaluated."""


CACHED = 2**22
"""Numbers that a CPU's last cache holds."""


class CriticSettings(settings.Settings):
    """Settings that all estimators with critics share."""

    critic: Literal["separable", "concat"] = "concat"
    """concat: one network of both variables joined; separable: a network of each, and the
    inner product of their outputs, with all pairs of a mini-batch compared."""
    width: int = Field(default=64, ge=1)
    """Units of each hidden layer, and dimensions of the space of a separable critic."""
    depth: int = Field(default=2, ge=1)
    """Hidden layers."""
    contrasts: int = Field(default=4, ge=1)
    """Product pairs that a concat critic scores for each joint pair in training."""
    held_out_contrasts: int = Field(default=64, ge=1)
    """And in evaluation."""
    batch_size: int = Field(default=128, ge=2)
    """Samples of a mini-batch; fewer where there are not as many to train on."""
    learning_rate: float = Field(default=5e-3, gt=0, allow_inf_nan=False)
    """Of Adam."""
    weight_averaging: float = Field(default=0.98, ge=0, lt=1)
    """What is evaluated are weights averaged over the latest 1 / (1 − weight_averaging)
    mini-batches or so (Polyak & Juditsky 1992): the noise of single steps is gone. 0: none."""
    max_steps: int = Field(default=5000, ge=1)
    """Mini-batches after which training ends in any case."""
    evaluate_every: int = Field(default=100, ge=1)
    """Mini-batches between evaluations on the held-out halves."""
    patience: int = Field(default=4, ge=1)
    """Evaluations without a better one on either half after which training ends."""
    held_out: float = Field(default=0.3, gt=0, lt=1)
    """Share of the inputs in the two held-out halves together."""
    warm_start: bool = False
    """Start from the critic of the same layer and seed at the epoch measured before."""
    seed: int = Field(default=0, ge=0)
    """Of the split, the first weights and the order of the mini-batches."""
    memory_mb: int = Field(default=512, ge=1)
    """Working memory in MB, which says how many critics are trained at a time; a single one
    takes what it takes, mainly a copy of its samples."""


@dataclass
class Outcome:
    """What training one critic came to, in nats."""

    value: float
    stderr: float
    cap: float
    steps: int
    exploded: bool
    converged: bool
    weights: dict[str, Tensor] | None

    def record(self, is_bound: bool) -> Information:
        flags = (["exploded"] if self.exploded else []) + (
            [] if self.converged else ["not_converged"]
        )
        value = BIT * self.value
        return Information(
            value,
            lower=value if is_bound else math.nan,
            stderr=BIT * self.stderr,
            cap=BIT * self.cap,
            flags=tuple(flags),
            extra={"steps": float(self.steps)},
        )


def remembers(settings: CriticSettings) -> bool:
    """Whether critics go on from those of the epoch before."""
    return settings.warm_start


def estimate(
    pairs: Sequence[Pair],
    settings: CriticSettings,
    objective: Objective,
    memory: dict | None = None,
) -> list[Information]:
    """One record in bits a pair, from one critic each, trained as stacks.

    pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels, one coordinate a class. With
    pair.n_draws > 1 the samples are split by input, a mini-batch holds one draw of an input,
    and b's features are what the critic sees.
    memory : with settings.warm_start, the critics' weights by pair.key; of several pairs of
        one key, each goes on from the epoch before
    Returns
        value : on held-out pairs; may be negative. 0 exactly where a or b never varies.
        lower : the value of a bound, NaN of what is none
        stderr : standard deviation over the held-out samples by √ of their number, for these
            critics: what another training would change is not in it
        cap : of the objective, on a held-out half
        flags : 'exploded' where the bound left ± the cap and did not come back: the value is
            the best before, or 0, of a constant critic, where there is none;
            'not_converged' after max_steps
        extra : steps, the number of mini-batches (without unit)
    Raises ValueError naming the pair where there are fewer than 12 inputs.
    """
    records: dict[int, Information] = {}
    memory = (memory if memory is not None else {}) if settings.warm_start else None
    for chosen in _rounds(pairs, memory is not None):
        for i, outcome in _outcomes(pairs, chosen, settings, objective, memory):
            records[i] = outcome.record(objective.is_bound)
    return [records[i] for i in range(len(pairs))]


def _rounds(pairs: Sequence[Pair], in_order: bool) -> list[list[int]]:
    """Numbers of the pairs to train together: all, or one epoch of each key after another."""
    if not in_order:
        return [list(range(len(pairs)))]
    rounds: list[list[int]] = []
    done: dict[tuple, int] = {}
    epochs = [-1 if pair.epoch is None else pair.epoch for pair in pairs]
    for i in sorted(range(len(pairs)), key=epochs.__getitem__):
        key = pairs[i].key
        turn = done.get(key, 0) if key else 0
        done[key] = turn + 1
        rounds += [[]] if turn == len(rounds) else []
        rounds[turn].append(i)
    return rounds


def _outcomes(pairs, chosen, settings, objective, memory):
    """(number, outcome) of the chosen pairs, a group at a time."""
    varying = []
    for i in chosen:
        if critic_samples.is_constant(pairs[i]):
            yield i, Outcome(0.0, 0.0, 0.0, 0, False, True, None)
        else:
            critic_samples.require_enough(pairs[i])
            varying.append(i)
    for group in critic_samples.grouped([pairs[i] for i in varying]):
        numbers = [varying[i] for i in group]
        n_threads = 1 if pairs[numbers[0]].a.is_cuda else torch.get_num_threads()
        most = _together([pairs[i] for i in numbers], settings, n_threads)
        step = min(most, math.ceil(len(numbers) / n_threads))
        parts = [numbers[start : start + step] for start in range(0, len(numbers), step)]

        def train(part: list[int]) -> list[Outcome]:
            stack = critic_samples.stacked([pairs[i] for i in part])
            first = [(memory or {}).get(pairs[i].key) for i in part]
            return Training(stack, settings, objective, first, memory is not None).run()

        single = n_threads == 1 or len(parts) == 1
        trained = map(train, parts) if single else one_thread_each(train, parts, n_threads)
        for part, outcomes in zip(parts, trained, strict=True):
            for i, outcome in zip(part, outcomes, strict=True):
                if memory is not None and pairs[i].key:
                    memory[pairs[i].key] = outcome.weights
                yield i, outcome


def _together(pairs: Sequence[Pair], settings: CriticSettings, n_stacks: int) -> int:
    """How many critics of a group fit into one of so many stacks in memory; at least one."""
    n, n_draws = pairs[0].n, pairs[0].n_draws
    d_a = max(pair.a.shape[1] for pair in pairs)
    d_b = max(
        critic_samples.n_classes(pair) if pair.is_labelled else pair.b.shape[1]
        for pair in pairs
    )
    n_inputs = n // n_draws
    net = _critics(settings, d_a, d_b)
    split = Split.of(n_inputs, settings.held_out, settings.seed)
    batch = min(settings.batch_size, len(split.train))
    block = min(max(net.block, settings.batch_size), len(split.halves[0]))
    samples = n * d_a + n_inputs * (d_a + 2 * d_b)
    floats = samples + 6 * net.n_weights + max(net.floats(batch), net.floats(block, True))
    return max(1, int(settings.memory_mb * 1e6 / (4 * floats * n_stacks)))


def _critics(settings: CriticSettings, d_a: int, d_b: int):
    """The architecture for variables of (at most) d_a and d_b dimensions."""
    s = settings
    if s.critic == "separable":
        return critics.Separable(d_a, d_b, s.width, s.depth)
    return critics.Concat(d_a, d_b, s.width, s.depth, s.contrasts, s.held_out_contrasts)


class Training:
    """One stack of critics from first weights to outcomes."""

    def __init__(self, group: Group, settings, objective, first: list, keep: bool):
        self.group, self.settings, self.objective = group, settings, objective
        self.device = group.a.device
        n_critics = len(group.widths)
        self.net = _critics(settings, group.a.shape[3], group.b.shape[2])
        self.values, self.weights = self.net.flat(n_critics, self.device)
        for i, (widths, weights) in enumerate(zip(group.widths, first, strict=True)):
            own = _critics(settings, *widths)
            if weights is None or {k: tuple(v.shape) for k, v in weights.items()} != own.shapes:
                weights = self._fresh(widths)
            self.net.put(self.weights, i, weights)
        self.average = self.values.clone()
        self.averaged = self.net.views(self.average, n_critics)
        self.split = Split.of(group.n_inputs, settings.held_out, settings.seed)
        self.alive = torch.arange(n_critics, device=self.device)
        self.best = torch.full((2, n_critics), -math.inf, dtype=torch.float64)
        self.reported = torch.full((2, 2, n_critics), math.nan, dtype=torch.float64)
        self.waited = torch.zeros(n_critics, dtype=torch.int64)
        self.steps = torch.zeros(n_critics, dtype=torch.int64)
        self.exploded = torch.zeros(n_critics, dtype=torch.bool)
        self.kept: list | None = [None] * n_critics if keep else None
        self.best_mean = torch.full((n_critics,), -math.inf, dtype=torch.float64)
        self._prepare_held_out()

    def _fresh(self, widths: tuple[int, int]) -> dict[str, Tensor]:
        generator = critic_samples.generator(self.settings.seed, 1)
        return _critics(self.settings, *widths).initial(generator)

    def run(self) -> list[Outcome]:
        """Trains until every critic has stopped."""
        n_critics = len(self.group.widths)
        lost = (~self._evaluate(0)).nonzero()[:, 0].tolist()
        if lost:  # weights of another epoch that explode on this one
            for i in lost:
                self.net.put(self.weights, i, self._fresh(self.group.widths[i]))
            self.average.copy_(self.values)
            self._evaluate(0)
        self.adam = Adam(self.values)
        self.slopes_flat, self.slopes = self.net.flat(n_critics, self.device)
        state, step = None, 0
        for a, b in self._batches():
            joint, product, cache = self.net.scores(self.weights, a, b)
            n_contrasts = self.net.n_contrasts(a.shape[2])
            by_joint, by_product, state = self.objective.slopes(
                joint, product, n_contrasts, state
            )
            self.net.backward(self.weights, cache, by_joint, by_product, self.slopes)
            step += 1
            self.adam.step(self.values, self.slopes_flat, self.settings.learning_rate)
            kept = min(self.settings.weight_averaging, step / (step + 10))
            self.average.lerp_(self.values, 1 - kept)
            if step % self.settings.evaluate_every and step < self.settings.max_steps:
                continue
            stay = self._evaluate(step)
            if step >= self.settings.max_steps or not stay.any():
                break
            if not stay.all():
                state = self._leave(stay, state)
        converged = (self.waited >= self.settings.patience) | self.exploded
        # a critic that was never sound is as good as one that is constant: 0 nat, by any bound
        value = self.reported[0].mean(dim=0).nan_to_num(0.0)
        stderr = self.reported[1].square().sum(dim=0).sqrt().nan_to_num(0.0) / 2
        cap = self._cap()
        return [
            Outcome(
                float(value[i]),
                float(stderr[i]),
                cap,
                int(self.steps[i]),
                bool(self.exploded[i]),
                bool(converged[i]),
                self.kept[i] if self.kept else None,
            )
            for i in range(n_critics)
        ]

    def _block(self) -> int:
        return self.objective.block(len(self.split.halves[0]), self.net.block)

    def _cap(self) -> float:
        n_contrasts = self.net.n_contrasts(self._block(), held_out=True)
        return self.objective.cap(len(self.split.halves[0]), n_contrasts)

    # Samples

    def _batches(self):
        """Mini-batches a (C, d_a, B), b (C, d_b, B) without end: passes over the inputs in
        new orders, each with one of its draws; what is left of a pass is dropped."""
        generator = critic_samples.generator(self.settings.seed, 2)
        n_train, n_draws = len(self.split.train), self.group.n_draws
        size = min(self.settings.batch_size, n_train)
        while True:
            order = self.split.train[torch.randperm(n_train, generator=generator)]
            draw = torch.randint(n_draws, (n_train,), generator=generator)
            a = b = members = None
            for start in range(0, n_train - size + 1, size):
                if members is not self.alive:
                    a, b = self._rows(order, draw)
                    members = self.alive
                part = slice(start, start + size)
                yield a[:, :, part], b[:, :, part]

    def _rows(self, inputs: Tensor, draw: Tensor) -> tuple[Tensor, Tensor]:
        """(C, d_a, rows) and (C, d_b, rows) of these inputs and draws."""
        inputs, draw = inputs.to(self.device), draw.to(self.device)
        a = self.group.a[:, inputs, draw].transpose(1, 2).contiguous()
        b = self.group.b[:, inputs].transpose(1, 2).contiguous()
        return a, b

    def _prepare_held_out(self) -> None:
        half = len(self.split.halves[0])
        draws = min(self.group.n_draws, max(1, EVALUATED // half))
        self.held_out = [
            [self._rows(rows, torch.full_like(rows, draw)) for draw in range(draws)]
            for rows in self.split.halves
        ]

    def _leave(self, stay: Tensor, state: Tensor | None) -> Tensor | None:
        """Takes the critics that have stopped out of the stack."""
        stay = stay.to(self.device)
        chosen = stay.nonzero()[:, 0]
        self.alive = self.alive[chosen]
        self.group = self.group.only(chosen)
        self.held_out = [[(a[chosen], b[chosen]) for a, b in half] for half in self.held_out]
        self.values, self.average, self.adam.mean, self.adam.square = (
            self._chosen(values, chosen, len(stay))
            for values in (self.values, self.average, self.adam.mean, self.adam.square)
        )
        self.weights = self.net.views(self.values, len(chosen))
        self.averaged = self.net.views(self.average, len(chosen))
        self.slopes_flat, self.slopes = self.net.flat(len(chosen), self.device)
        return None if state is None else state[chosen]

    def _chosen(self, values: Tensor, chosen: Tensor, n_critics: int) -> Tensor:
        """What a flat tensor of n_critics holds of the chosen ones."""
        result, parts = self.net.flat(len(chosen), self.device)
        for name, old in self.net.views(values, n_critics).items():
            torch.index_select(old, 0, chosen, out=parts[name])
        return result

    # Held-out bounds

    def _evaluate(self, step: int) -> Tensor:
        """Takes note of the bounds; returns which of the stack go on."""
        alive = self.alive.cpu()
        bounds, stderrs, criteria = zip(*(self._held_out_bound(h) for h in (0, 1)), strict=True)
        bound, stderr, criterion = map(torch.stack, (bounds, stderrs, criteria))
        fine = bound.isfinite() & (bound <= self._cap()) & criterion.isfinite()
        fine = fine.all(dim=0)
        # A collapsed half says nothing either, though training may recover from it; left in, it
        # would be reported where the other half happens to be at its best.
        sound = fine & (bound >= -self._cap()).all(dim=0)
        best = self.best[:, alive]
        better = sound & (criterion > best)
        for half in (0, 1):
            at = alive[better[half]]
            self.best[half, at] = criterion[half, better[half]]
            self.reported[0, 1 - half, at] = bound[1 - half, better[half]]
            self.reported[1, 1 - half, at] = stderr[1 - half, better[half]]
        self.waited[alive] = torch.where(better.any(dim=0), 0, self.waited[alive] + 1)
        self.steps[alive] = step
        self.exploded[alive] = ~sound
        self._keep(alive, torch.where(sound, criterion.mean(dim=0), -math.inf))
        return fine & (self.waited[alive] < self.settings.patience)

    def _keep(self, alive: Tensor, criterion: Tensor) -> None:
        """Copies the weights that are best on both halves together, where they are wanted."""
        if self.kept is None:
            return
        for row, i in enumerate(alive.tolist()):
            if criterion[row] > self.best_mean[i] or self.kept[i] is None:
                self.best_mean[i] = criterion[row]
                self.kept[i] = self.net.taken(self.averaged, row, *self.group.widths[row])

    def _few_at_a_time(self, n_rows: int) -> Iterator[slice]:
        """Parts of the stack: on a CPU so many critics that their scores stay in its cache."""
        n_critics = len(self.alive)
        at_once = n_critics
        if self.device.type == "cpu":
            at_once = max(1, CACHED // self.net.floats(n_rows, held_out=True))
        for first in range(0, n_critics, at_once):
            yield slice(first, min(first + at_once, n_critics))

    def _held_out_bound(self, half: int) -> tuple[Tensor, Tensor, Tensor]:
        """Bound, its standard error, criterion, each (C,) float64 on the CPU, in nats."""
        n_rows = len(self.split.halves[half])
        size = self._block()
        starts = torch.linspace(0, n_rows - size, math.ceil(n_rows / size)).long().tolist()
        n_contrasts = self.net.n_contrasts(size, held_out=True)
        summaries = []
        for few in self._few_at_a_time(size):
            weights = {name: values[few] for name, values in self.averaged.items()}
            parts = []
            for a, b in self.held_out[half]:
                for start in starts:
                    rows = slice(start, start + size)
                    joint, product, _ = self.net.scores(
                        weights, a[few, :, rows], b[few, :, rows], held_out=True
                    )
                    parts.append(self.objective.summary(joint, product, n_contrasts))
            summaries.append(torch.cat(parts, dim=2))
        summary = torch.cat(summaries).to("cpu", torch.float64)
        bound, terms = self.objective.bound(summary)
        terms = terms.view(len(terms), len(self.held_out[half]), -1).mean(dim=1)
        stderr = terms.std(dim=1) / math.sqrt(n_rows)
        return bound, stderr, self.objective.criterion(summary)
