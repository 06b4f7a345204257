"""The runs behind one entry of a file, and their mistakes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from infoplane.config.allowed import allowed_by
from infoplane.config.estimators import Expanded
from infoplane.config.fits import misfits
from infoplane.config.merge import merged, replaced, text_of, variants
from infoplane.config.models import Run, WrittenRun
from infoplane.config.pools import pool_problems
from infoplane.config.problems import Problem, dotted, has, not_defined, shown, validated
from infoplane.datasets import SOURCES, labels_of
from infoplane.datasets.source import Shape
from infoplane.networks.autoencoder import Autoencoder
from infoplane.schedules.adaptive import Adaptive
from infoplane.schedules.fixed import kept_epochs
from infoplane.stores.series import SeriesError
from infoplane.table import unknown
from infoplane.training.adopt import Adopt
from infoplane.training.supervised import Supervised

SWEPT = ("dataset", "network", "training", "measure")
"""Sections of a run that a sweep may change: those that decide the numbers of one seed."""
LONGEST_NAME = 200
"""Characters of a variant's name; file systems stop at 255, suffixes included."""

Line = tuple[str, str]
"""A key as in the file, and its mistake."""


@dataclass(frozen=True)
class Surroundings:
    """The parts of the rest of the file that a run needs."""

    datasets: Mapping[str, Any]
    estimators: Expanded
    defaults: Mapping[str, Any]
    fixed_epochs: Mapping[str, str]
    """Estimators that do not work with an adaptive schedule, with the reason."""
    shapes: Mapping[str, Shape]
    """Shapes of the data sets whose shape is known."""


def checked_defaults(defaults: Mapping[str, Any]) -> list[Line]:
    """Mistakes of defaults that no run can correct.

    A run may supply a missing key or correct one that does not fit another.
    """
    written = {key: value for key, value in _filled(defaults).items() if key != "sweep"}
    _, problems = validated(Run, written, WrittenRun)
    wrong = [problem for problem in problems if not (problem.missing or problem.whole)]
    return [(dotted(("defaults", *problem.path)), problem.text) for problem in wrong]


def runs_of(
    name: str, own: Mapping[str, Any], around: Surroundings
) -> tuple[dict[str, Run | None], list[Line]]:
    """The run, or every variant of its sweep, by name (None for a wrong one), and mistakes."""
    entry = Entry.of(own, around)
    places = _Places(name, own, around.defaults)
    sweep, lines = _swept(entry.settings.pop("sweep", {}), places)
    made = [
        Variant(f"{name}-{end}" if end else name, chosen) for end, chosen in variants(sweep)
    ]
    runs, wrong = checked_variants(entry, made, places, around)
    return runs, lines + wrong


class Variant(NamedTuple):
    """One of the runs behind an entry: its name, and its own values by dotted key."""

    name: str
    chosen: Mapping[str, Any]


class Places(Protocol):
    """The places in the file of the values of an entry's runs."""

    @property
    def many(self) -> str:
        """The key that makes the entry several runs."""

    def of(self, problem: Problem, chosen: Mapping[str, Any]) -> str:
        """The key, as written, of a problem of the run with these values."""

    def is_of_all(self, key: str) -> bool:
        """Whether the mistake is in all runs: the message then names none."""


class Entry(NamedTuple):
    """An entry over the defaults, before it is several runs.

    settings : with variants in place of estimators that have a sweep; wanted : the estimators
        as written; elsewhere : keys whose mistakes are reported at their origin
    """

    settings: dict[str, Any]
    wanted: Any
    elsewhere: frozenset[str]

    @classmethod
    def of(cls, own: Mapping[str, Any], around: Surroundings) -> "Entry":
        """The entry in the file."""
        allowed = allowed_by(WrittenRun)
        whole = _filled(merged(around.defaults, own, allowed, allowed.root))
        elsewhere = {"dataset"} if "estimators" in whole else {"dataset", "estimators"}
        whole.setdefault("estimators", sorted(around.estimators.entries))
        wanted = whole["estimators"]
        whole["estimators"] = around.estimators.names(wanted)
        whole["pools"] = _expanded(whole.get("pools", {}), around.estimators)
        return cls(whole, wanted, frozenset(elsewhere))


def checked_variants(
    entry: Entry, made: Sequence[Variant], places: Places, around: Surroundings
) -> tuple[dict[str, Run | None], list[Line]]:
    """The runs behind an entry by name (None for an invalid one), and mistakes."""
    runs: dict[str, Run | None] = {}
    found: dict[Line, list[str]] = {}
    lines: list[Line] = []
    for full_name, chosen in made:
        variant = entry.settings
        for key, value in chosen.items():
            variant = replaced(variant, key, value)
        if full_name in runs:
            lines.append((places.many, f"makes two variants named '{full_name}'"))
        if len(full_name) > LONGEST_NAME:
            text = f"makes a name of {len(full_name)} characters, more than {LONGEST_NAME}"
            lines.append((places.many, f"{text}: '{full_name}'"))
        runs[full_name], problems = validated(Run, variant, WrittenRun)
        problems = [
            problem for problem in problems if not {*problem.path[:1]} & entry.elsewhere
        ]
        problems += _references({**variant, "estimators": entry.wanted}, around)
        if runs[full_name] is not None:
            runs[full_name], wrong = _adopted(runs[full_name], variant)
            problems += wrong
        if runs[full_name] is not None:
            run = runs[full_name]
            problems += [*_epochs(run), *_test_inputs(run, around), *_unit_range(run, around)]
            shape = around.shapes.get(run.dataset)
            problems += misfits(run, shape, around.estimators.entries)
            problems += pool_problems(run, around.estimators.entries)
            problems += _adaptive(run, around)
            problems += _labels(run, around)
        for problem in problems:
            line = (places.of(problem, chosen), problem.text)
            found.setdefault(line, []).append(full_name)
    for (key, text), where in found.items():
        everywhere = len(where) == len(runs) or places.is_of_all(key)
        few = ", ".join(where[:3]) + (f" and {len(where) - 3} more" if len(where) > 3 else "")
        lines.append((key, text if everywhere else f"{text} (in {few})"))
    return runs, lines


def _adopted(run: Run, written: Mapping[str, Any]) -> tuple[Run | None, list[Problem]]:
    """The run; if it adopts files and names no seeds, with the seeds of the files. Or None and
    the mistakes of the files."""
    if not isinstance(run.training, Adopt.Settings):
        return run, []
    try:
        found = run.training.seeds
    except SeriesError as error:
        return None, [Problem(("training", "files"), str(error))]
    if written.get("seeds") is None:
        return run.model_copy(update={"seeds": found}), []
    if missing := [seed for seed in run.seeds if seed not in found]:
        text = (
            f"must be seeds of training.files, not {shown(missing)}; these are {shown(found)}"
        )
        return None, [Problem(("seeds",), text)]
    return run, []


@dataclass(frozen=True)
class _Places:
    """The places in the file of a run's values."""

    name: str
    own: Mapping[str, Any]
    defaults: Mapping[str, Any]

    def of(self, problem: Problem, chosen: Mapping[str, Any]) -> str:
        """The key as written: under the run, its sweep, or the defaults."""
        full = dotted(problem.path)
        for key in chosen:
            if full == key or full.startswith((f"{key}.", f"{key}[")):
                return self.of_sweep(key) + full.removeprefix(key)
        # A missing key is reported at the place of its neighbours.
        stands = problem.path[:-1] if problem.missing else problem.path
        in_defaults = has(self.defaults, stands) and not has(self.own, stands)
        return f"defaults.{full}" if in_defaults else dotted(("runs", self.name, *problem.path))

    @property
    def many(self) -> str:
        return f"runs.{self.name}.sweep"

    def is_of_all(self, key: str) -> bool:
        return ".sweep." in key

    def of_sweep(self, key: str) -> str:
        """The place of a swept key."""
        is_own = key in (self.own.get("sweep") or {})
        above = f"runs.{self.name}" if is_own else "defaults"
        return f"{above}.sweep.{key}"


def _expanded(pools: Any, estimators: Expanded) -> Any:
    """Pools with variants in place of estimators that have a sweep."""
    if not isinstance(pools, Mapping):
        return pools
    return {
        name: {**pool, "estimators": estimators.names(pool["estimators"])}
        if isinstance(pool, Mapping) and "estimators" in pool
        else pool
        for name, pool in pools.items()
    }


def _filled(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run without the sections that are written, but empty."""
    empty = ("measure", "estimators", "sweep")
    return {k: v for k, v in run.items() if v is not None or k not in empty}


def _swept(sweep: Any, places: _Places) -> tuple[dict[str, list], list[Line]]:
    """The valid part of a sweep, and the mistakes of the rest."""
    if not isinstance(sweep, Mapping):
        text = f"must be a mapping of dotted keys to lists of values, not {shown(sweep)}"
        in_own = "sweep" in places.own
        return {}, [(f"runs.{places.name}.sweep" if in_own else "defaults.sweep", text)]
    if not sweep:
        return {}, []
    known, good, lines = known_keys(), {}, []
    for key, values in sweep.items():
        if any(key.startswith(f"{other}.") for other in sweep):
            continue  # reported for the other
        text = _wrong_with(key, values, known, sweep)
        if text:
            lines.append((places.of_sweep(key), text))
        else:
            good[key] = values
    return good, lines


@cache
def known_keys() -> list[str]:
    """Every dotted key, of every kind, of the sections that a sweep may change."""
    keys = [key for key, _ in allowed_by(WrittenRun).dotted()]
    return [key for key in dict.fromkeys(keys) if key.partition(".")[0] in SWEPT]


def _wrong_with(
    key: str, values: Any, known: list[str], sweep: Mapping[str, Any]
) -> str | None:
    head = key.partition(".")[0]
    if head in WrittenRun.model_fields and head not in SWEPT:
        return f"cannot be swept; only keys of {', '.join(SWEPT)} can"
    if key not in known:
        above = key.rpartition(".")[0]
        while above and above not in known:
            above = above.rpartition(".")[0]
        return unknown(key, [k for k in known if k.rpartition(".")[0] == above], known)
    inside = [other for other in sweep if other.startswith(f"{key}.")]
    if inside:
        return f"is swept as a whole, and {inside[0]} inside it; sweep one of them"
    if not isinstance(values, list) or not values:
        return f"must be a list of at least one value, not {shown(values)}"
    texts = [text_of(value) for value in values]
    twice = [value for value, text in zip(values, texts, strict=True) if texts.count(text) > 1]
    return f"{shown(twice[0])} is listed twice; each value makes one run" if twice else None


def _references(run: Mapping[str, Any], around: Surroundings) -> Iterator[Problem]:
    """Names in a run that nothing in the file has."""
    dataset = run.get("dataset")
    if dataset is None:
        text = (
            f"is missing; give one of the experiment's data sets: {', '.join(around.datasets)}"
        )
        yield Problem(("dataset",), text, missing=True)
    elif not isinstance(dataset, str) or dataset not in around.datasets:
        yield Problem(("dataset",), not_defined(dataset, "data set", around.datasets))
    estimators = run["estimators"] if isinstance(run["estimators"], list) else []
    for i, name in enumerate(estimators):
        known = around.estimators.known()
        if isinstance(name, str) and name not in known:
            text = not_defined(name, "estimator", known)
            yield Problem(("estimators", i), text)


def _epochs(run: Run) -> Iterator[Problem]:
    """Listed epochs that training does not reach, or does not keep."""
    last = run.training.numbers[-1]
    keep, measured, place = run.training.keep, run.measure.epochs, ("measure", "epochs")
    if isinstance(measured, Adaptive):
        measured, place = measured.survey, (*place, "survey")
    place = (*place, "epochs")
    lists = {("training", "keep", "epochs"): keep, place: measured}
    late = {
        path: [epoch for epoch in schedule.epochs if epoch > last]
        for path, schedule in lists.items()
        if schedule.schedule == "list"
    }
    for path, epochs in late.items():
        if epochs:
            yield Problem(
                path, f"must be ≤ {last}, which is {run.training.last_is}, not {shown(epochs)}"
            )
    if measured.schedule == "list" and not any(late.values()):
        lost = sorted(
            set(measured.epochs).difference(
                kept_epochs(keep, np.array(run.training.numbers)).tolist()
            )
        )
        if lost:
            text = f"must be epochs whose weights training.keep keeps, not {shown(lost)}"
            yield Problem(place, text)


def _test_inputs(run: Run, around: Surroundings) -> Iterator[Problem]:
    """Uses of a test set if every input trains."""
    dataset = around.datasets.get(run.dataset)
    if not isinstance(dataset, Mapping) or dataset.get("training_fraction") != 1:
        return
    why = f"data set '{run.dataset}' has training_fraction 1 and so no test inputs"
    if run.measure.tests:
        yield Problem(("measure", "inputs"), f"must be train or all, not 'test': {why}")
    for path, metric in run.training.watched.items():
        if metric.endswith("_test"):
            text = f"must be of the training inputs, not '{metric}': {why}"
            yield Problem(("training", *path), text)


def _unit_range(run: Run, around: Surroundings) -> Iterator[Problem]:
    """Outputs between 0 and 1 that should reconstruct standardised inputs, which lie on both
    sides of 0. The range of other inputs is known once they are read."""
    dataset = around.datasets.get(run.dataset)
    how = dataset.get("standardise", "none") if isinstance(dataset, Mapping) else "none"
    learns = isinstance(run.training, Supervised.Settings) and run.training.target == "input"
    gives = isinstance(run.network, Autoencoder.Settings) and run.network.output == "sigmoid"
    if learns and gives and how != "none":
        text = (
            "must be linear, not 'sigmoid', which gives numbers between 0 and 1: data set "
            f"'{run.dataset}' is standardised ({how}) and so has negative ones"
        )
        yield Problem(("network", "output"), text)


def _labels(run: Run, around: Surroundings) -> Iterator[Problem]:
    """Labels that the data set does not have, if that is known before it is prepared."""
    wanted = {"measure": run.measure.wanted_label, "training": run.training.wanted_label}
    if not any(wanted.values()):
        return
    try:
        written = around.datasets[run.dataset]
        settings = SOURCES[written["source"]].Settings.model_validate(written)
    except (LookupError, TypeError, ValueError):
        return  # reported elsewhere
    known = labels_of(settings)
    for section, label in wanted.items():
        if label is not None and known is not None and label not in known:
            text = not_defined(label, "label", known, f" of data set '{run.dataset}'")
            yield Problem((section, "label"), text)


def _adaptive(run: Run, around: Surroundings) -> Iterator[Problem]:
    """Settings that do not fit an adaptive schedule."""
    schedule = run.measure.epochs
    if not isinstance(schedule, Adaptive):
        return
    name = schedule.schedule
    for estimator in run.estimators:
        if estimator in around.fixed_epochs:
            yield Problem(
                ("measure", "epochs", "schedule"),
                f"must be all, every, logarithmic or list, not '{name}', which measures epochs "
                f"in no order: estimator '{estimator}' {around.fixed_epochs[estimator]}",
            )
    if run.measure.share_activations == "always":
        yield Problem(
            ("measure", "share_activations"),
            f"must be auto or never with the schedule {name}: estimators ask for epochs "
            "of their own",
        )
