"""Have an estimator answer a family of problems: one tidy row for each task, size and seed."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import Field

from infoplane.estimators.interface import Estimator
from infoplane.estimators.tables import opinions
from infoplane.estimators.tables.calibration import OPINIONS, told_apart_by
from infoplane.estimators.tables.linear import linear_information
from infoplane.information import NOT_KNOWN, LayerInformation, entropy_of_counts
from infoplane.progress import Progress
from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.laws import Known
from infoplane.truth.quantities import Truths
from infoplane.truth.task import Draw, Family, Prepared, Task

COLUMNS = (
    "estimator",
    "method",
    "settings",
    "family",
    "task",
    "kind",
    "n",
    "d_a",
    "d_b",
    "seed",
    "information",
    "truth",
    "truth_error",
    "value",
    "interval_low",
    "interval_high",
    "interval_kind",
    "stderr",
    "cap",
    *OPINIONS,
    "flags",
    "refused",
    "seconds",
)
"""Columns of a table of estimates. All information is in bits. `estimator` and `family` are
names on the page, `method` is the estimator's own name. `settings` are those that affect its
accuracy (tables/calibration.py). `refused` is the estimator's message if it gave no answer.
`information` is I(A;B). `truth` is that of the estimator's own quantity on this draw; if it is
not known (quantities.py) it is NaN, and the answer is not judged. OPINIONS are second opinions
from the samples, to which calibrated intervals are fitted."""

AT_ONCE = 64
"""The most pairs in one call of an estimator."""
AT_ONCE_MB = 128
"""The most samples in one call, in MB; a larger pair has a call of its own."""


class Limits(Settings):
    """Questions that an estimator is not asked, with the reasons that the page gives."""

    largest_n: int | None = None
    """The estimator is asked for at most this many samples; null sets no limit."""
    largest_d: int | None = None
    """The wider variable has at most this many dimensions; null sets no limit."""
    seeds: int | None = Field(default=None, ge=1)
    """Each task is drawn at most this many times; null takes as many as the page."""
    reason: str | None = None
    """The page gives this reason for the other limits."""
    without: dict[str, str] = Field(default={})
    """Each entry is a problem that is left out, with the reason."""

    def admit(self, problem: str, task: Task, n: int) -> bool:
        """Whether the estimator is asked for n samples of this task."""
        return (
            problem not in self.without
            and (self.largest_n is None or n <= self.largest_n)
            and (self.largest_d is None or task.d <= self.largest_d)
        )


@dataclass(frozen=True)
class _Question:
    """One draw of a task, and the settings with which the estimator answers it."""

    task: Task
    n: int
    seed: int
    draw: Draw
    estimator: Estimator

    def truth(self, truths: Truths) -> Known:
        """The truth of the estimator's own quantity; NaN if it is not known."""
        known = truths.of(self.estimator, self.task, self.draw)
        return known or Known(math.nan, math.nan)


def run(
    name: str,
    estimator: Estimator,
    problem: str,
    tasks: Sequence[Task],
    sizes: Sequence[int],
    seeds: int,
    limits: Limits | None = None,
    title: str = "estimate",
) -> pd.DataFrame:
    """A row for every task for which the estimator is made, size and seed; columns COLUMNS.

    name, problem : names of the estimator and of the problem on the page
    sizes : numbers of samples; seeds : number of draws of each
    If the estimator refuses a task (ValueError), the reason is in `refused` and the value is
    NaN. Any other error is a mistake in the program and is raised.
    """
    limits = limits or Limits()
    seeds = min(seeds, limits.seeds or seeds)
    asked = [
        (task, n)
        for task in tasks
        for n in sizes
        if is_for(estimator, task)
        and (task.largest_n is None or n <= task.largest_n)
        and limits.admit(problem, task, n)
    ]
    rows, truths = [], Truths()
    with Progress(title, len(asked) * seeds, unit="estimate") as progress:
        for block in _blocks(asked, estimator, seeds):
            for question, record, seconds in _answers(block):
                truth = question.truth(truths)
                rows.append(_row(name, problem, question, record, truth, seconds))
                progress.advance()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def is_for(estimator: Estimator, task: Task) -> bool:
    """Whether the estimator estimates the task's information.

    An estimator of two variables answers every pair. An estimator of a layer's activations
    answers the tasks that give it the settings with which it estimates their quantity.
    """
    return _as_layer(estimator, task) or (task.kind != "inputs" and estimator.takes_pairs)


def _as_layer(estimator: Estimator, task: Task) -> bool:
    """Whether the estimator is asked for a layer of activations."""
    return estimator.takes_layers and estimator.name in task.settings


def _blocks(
    asked: Sequence[tuple[Task, int]], estimator: Estimator, seeds: int
) -> Iterator[list[_Question]]:
    """Questions of equal shapes and settings, as many together as fit into one call."""
    groups: dict[tuple, list[tuple[Task, int]]] = {}
    for task, n in asked:
        settings = _for_task(estimator, task).settings
        key = (n, task.d_a, task.d_b, task.kind, settings.canonical())
        groups.setdefault(key, []).append((task, n))
    for (n, d_a, d_b, *_), members in groups.items():
        megabytes = 8 * n * (d_a + max(d_b, 1)) / 1e6
        size = int(max(1, min(AT_ONCE, AT_ONCE_MB / megabytes)))
        each = [(task, n, seed) for task, n in members for seed in range(seeds)]
        for first in range(0, len(each), size):
            yield [
                _Question(task, n, seed, task.draw(n, seed), _for_task(estimator, task))
                for task, n, seed in each[first : first + size]
            ]


def _for_task(estimator: Estimator, task: Task) -> Estimator:
    """The estimator with the settings with which it estimates the task's quantity."""
    own: Mapping = task.settings.get(estimator.name, {})
    if not own:
        return estimator
    # only settings that were written: a default may depend on those of the task
    written = estimator.settings.model_dump(exclude_unset=True)
    return type(estimator)(estimator.Settings.model_validate({**written, **own}))


def _answers(block: list[_Question]):
    """Each question with its record, or with the message of a refusal, and its seconds."""
    start = time.perf_counter()
    try:
        records = _ask(block)
    except ValueError as error:
        if len(block) > 1:  # ask each alone, to find which one was refused
            return [answer for one in block for answer in _answers([one])]
        records = [" ".join(str(error).split())]
    seconds = (time.perf_counter() - start) / len(block)
    return [(q, record, seconds) for q, record in zip(block, records, strict=True)]


def _ask(block: list[_Question]) -> list:
    estimator = block[0].estimator
    session = estimator.session()
    if not _as_layer(estimator, block[0].task):
        return session.between([q.draw.pair for q in block])
    layers = [q.draw.noisy if estimator.needs_noise else q.draw.samples for q in block]
    if any(layer is None for layer in layers):
        raise ValueError(f"the layer has fewer than {block[0].n} inputs")
    return session(layers)


def _row(
    name: str, problem: str, question: _Question, record, truth: Known, seconds: float
) -> dict:
    task, estimator = question.task, question.estimator
    row = {
        "estimator": name,
        "method": estimator.name,
        "settings": told_apart_by(estimator),
        "family": problem,
        "task": task.name,
        "kind": task.kind,
        "n": question.n,
        "d_a": task.d_a,
        "d_b": task.d_b,
        "seed": question.seed,
        "information": task.truth,
        "truth": truth.bits,
        "truth_error": truth.error,
        "refused": "",
        "flags": "",
        **_references(question.draw.pair),
        "seconds": seconds,
    }
    if isinstance(record, str):
        return {**row, **NOT_KNOWN.numbers, "interval_kind": "none", "refused": record}
    told, flags = record, record.flags
    if isinstance(record, LayerInformation):
        told = record.ity if task.kind == "labels" else record.ixt
    kind = told.interval.kind
    return {**row, **told.numbers, "interval_kind": kind, "flags": "|".join(flags)}


def _references(pair: Pair | None) -> dict[str, float]:
    """The opinions to which calibrated intervals are fitted, in bits; NaN for the other
    kind."""
    found = dict.fromkeys(OPINIONS, math.nan)
    if pair is None:
        return found
    if pair.is_labelled:
        entropy = entropy_of_counts(np.bincount(pair.b.numpy()))
        neighbours, lines = opinions.of_labels(pair.a, pair.b)
        found |= {"entropy": entropy, "neighbours": neighbours, "lines": lines}
        return found | {"counted": opinions.counted(pair.a, pair.b)}
    linear = linear_information(pair.a, pair.b)
    return found | {"linear": linear, "coarse": opinions.coarse(pair.a, pair.b)}


def listed(tasks: Sequence[Task], problem: str) -> pd.DataFrame:
    """A table of the tasks: family, task, kind, dimensions, truth, its error and largest n."""
    return pd.DataFrame(
        [
            {
                "family": problem,
                "task": task.name,
                "kind": task.kind,
                "d_a": task.d_a,
                "d_b": task.d_b,
                "truth": task.truth,
                "truth_error": task.truth_error,
                "largest_n": task.largest_n,
            }
            for task in tasks
        ],
        columns=["family", "task", "kind", "d_a", "d_b", "truth", "truth_error", "largest_n"],
    )


def tasks_of(family: Family, prepared: Prepared) -> list[Task]:
    """The tasks of a family; none if it could not be prepared."""
    return [] if "left_out" in prepared else family.tasks(prepared)
