"""Have an estimator answer a family of problems: one tidy row a task, size and seed."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pandas as pd
from pydantic import Field

from infoplane.estimators import interface, regime
from infoplane.estimators.traits import traits_of
from infoplane.progress import Progress
from infoplane.settings import Settings
from infoplane.truth.task import Draw, Prepared, Task

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
    "truth",
    "truth_error",
    "value",
    "lower",
    "upper",
    "stderr",
    "cap",
    "flags",
    "refused",
    "own",
    "seconds",
)
"""Of a table of estimates. All information in bits. `estimator` and `family` are names on the
page, `method` is the estimator's own; `settings` are those that decide accuracy
(regime.told_apart_by); `refused` is what the estimator said where it would not answer. `own`
is false where settings choose what the estimator estimates (its trait `quantity`: bins, a noise
variance) and the task is about something else: such an answer is shown, and proves nothing of
it."""

AT_ONCE = 64
"""Most pairs in one call of an estimator."""
AT_ONCE_MB = 128
"""Most samples in one call, in MB; a pair that is larger goes alone."""


class Limits(Settings):
    """Where an estimator is not asked, each with the reason that the page gives."""

    largest_n: int | None = None
    """Most samples."""
    largest_d: int | None = None
    """Most dimensions of the wider variable."""
    seeds: int | None = Field(default=None, ge=1)
    """Draws of each task, where they are fewer than the page's."""
    reason: str | None = None
    """Why there is a largest n or d, or fewer draws."""
    without: dict[str, str] = Field(default={})
    """Problems that are left out, and why."""

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
    settings: object


def run(
    estimator: str,
    module: ModuleType,
    settings,
    problem: str,
    tasks: Sequence[Task],
    sizes: Sequence[int],
    seeds: int,
    limits: Limits | None = None,
    title: str = "estimate",
) -> pd.DataFrame:
    """A row for every task that the estimator is for, size and seed; columns COLUMNS.

    estimator, problem : their names on the page; sizes : numbers of samples; seeds : how many
    draws of each
    A task that the estimator refuses (ValueError) has its reason in `refused` and NaN as its
    value; any other error is a mistake in a program, and passes through.
    """
    limits = limits or Limits()
    seeds = min(seeds, limits.seeds or seeds)
    asked = [
        (task, n)
        for task in tasks
        for n in sizes
        if is_for(module, settings, task)
        and (task.largest_n is None or n <= task.largest_n)
        and limits.admit(problem, task, n)
    ]
    rows = []
    with Progress(title, len(asked) * seeds, unit="estimate") as progress:
        for block in _blocks(asked, settings, module, seeds):
            for question, record, seconds in _answers(module, block):
                rows.append(_row(estimator, module, problem, question, record, seconds))
                progress.advance()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def is_for(module: ModuleType, settings, task: Task) -> bool:
    """Whether the task's information is what the estimator estimates.

    An estimator of two variables answers for every pair. One of a layer's activations answers
    the tasks that give it the settings with which it estimates their quantity.
    """
    if _as_layer(module, settings, task):
        return True
    return task.kind != "inputs" and _takes_pairs(module)


def _as_layer(module: ModuleType, settings, task: Task) -> bool:
    """Whether the estimator is asked for a layer of activations."""
    takes_layers = hasattr(module, "estimate") or hasattr(module, "estimate_batch")
    return takes_layers and settings.estimator in task.settings


def _takes_pairs(module: ModuleType) -> bool:
    return hasattr(module, "between") or hasattr(module, "between_batch")


def _blocks(
    asked: Sequence[tuple[Task, int]], settings, module: ModuleType, seeds: int
) -> Iterator[list[_Question]]:
    """Questions of equal shapes and settings together, as many as fit into one call."""
    groups: dict[tuple, list[tuple[Task, int]]] = {}
    for task, n in asked:
        chosen = _settings(module, settings, task)
        key = (n, task.d_a, task.d_b, task.kind, chosen.canonical())
        groups.setdefault(key, []).append((task, n))
    for (n, d_a, d_b, *_), members in groups.items():
        megabytes = 8 * n * (d_a + max(d_b, 1)) / 1e6
        size = int(max(1, min(AT_ONCE, AT_ONCE_MB / megabytes)))
        each = [(task, n, seed) for task, n in members for seed in range(seeds)]
        for first in range(0, len(each), size):
            yield [
                _Question(task, n, seed, task.draw(n, seed), _settings(module, settings, task))
                for task, n, seed in each[first : first + size]
            ]


def _settings(module: ModuleType, settings, task: Task):
    """The estimator's settings, with those that make the task's quantity its own."""
    own: Mapping = task.settings.get(settings.estimator, {})
    if not own:
        return settings
    # only what was written: a default may depend on what the task sets
    written = settings.model_dump(exclude_unset=True)
    return module.Settings.model_validate({**written, **own})


def _answers(module: ModuleType, block: list[_Question]):
    """Each question with its record, or with the words of a refusal, and its seconds."""
    start = time.perf_counter()
    try:
        records = _ask(module, block)
    except ValueError as error:
        if len(block) > 1:  # which of them was it?
            return [answer for one in block for answer in _answers(module, [one])]
        records = [" ".join(str(error).split())]
    seconds = (time.perf_counter() - start) / len(block)
    return [(q, record, seconds) for q, record in zip(block, records, strict=True)]


def _ask(module: ModuleType, block: list[_Question]) -> list:
    settings = block[0].settings
    if not _as_layer(module, settings, block[0].task):
        return interface.between_batch(module, [q.draw.pair for q in block], settings)
    noisy = bool(traits_of(module).needs_noise)
    layers = [q.draw.noisy if noisy else q.draw.samples for q in block]
    if any(layer is None for layer in layers):
        raise ValueError(f"the layer has fewer than {block[0].n} inputs")
    return interface.estimate_batch(module, layers, settings)


def _row(
    estimator: str, module: ModuleType, problem: str, question: _Question, record, seconds
) -> dict:
    task, method = question.task, question.settings.estimator
    row = {
        "estimator": estimator,
        "method": method,
        "settings": regime.told_apart_by(module, question.settings),
        "family": problem,
        "task": task.name,
        "kind": task.kind,
        "n": question.n,
        "d_a": task.d_a,
        "d_b": task.d_b,
        "seed": question.seed,
        "truth": task.truth,
        "truth_error": task.truth_error,
        "refused": "",
        "flags": "",
        "own": not traits_of(module).quantity or task.settings.get(method) is not None,
        "seconds": seconds,
    }
    if isinstance(record, str):
        nan = dict.fromkeys(("value", "lower", "upper", "stderr", "cap"), np.nan)
        return {**row, **nan, "refused": record}
    return {**row, **_numbers(record, task.kind), "flags": "|".join(record.flags)}


def _numbers(record, kind: str) -> dict[str, float]:
    """The numbers of a record that speak of the task: I(T;Y) of a layer with labels."""
    if hasattr(record, "value"):
        value, bounds, stderr = record.value, (record.lower, record.upper), record.stderr
    elif kind == "labels":
        value, stderr = record.ity, record.ity_stderr
        bounds = (record.ity_lower, record.ity_upper)
    else:
        value, stderr = record.ixt, record.stderr
        bounds = (record.ixt_lower, record.ixt_upper)
    # the cap of a layer's record is that of I(X;T)
    cap = np.nan if kind == "labels" and not hasattr(record, "value") else record.cap
    return {
        "value": value,
        "lower": bounds[0],
        "upper": bounds[1],
        "stderr": stderr,
        "cap": cap,
    }


def listed(tasks: Sequence[Task], problem: str) -> pd.DataFrame:
    """A table of the tasks themselves: problem, task, kind, d_a, d_b, truth and its error."""
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


def tasks_of(family: ModuleType, settings, prepared: Prepared) -> list[Task]:
    """The tasks of a family; none where it could not be prepared."""
    return [] if "left_out" in prepared else family.tasks(settings, prepared)
