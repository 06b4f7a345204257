"""Families of networks that are compared pair by pair: from axes to runs, and their
mistakes."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from infoplane.compare.strata import At
from infoplane.config.estimators import informs
from infoplane.config.merge import short_keys, text_of
from infoplane.config.models import Compare, Compared, Member, Run, WrittenRun
from infoplane.config.problems import Problem, dotted, has, not_defined, shown
from infoplane.config.runs import (
    Entry,
    Line,
    Surroundings,
    Variant,
    checked_variants,
    known_keys,
)
from infoplane.schedules.fixed import kept_epochs
from infoplane.signals import by_default
from infoplane.table import nearest, unknown
from infoplane.training.supervised import Supervised

CHANGED = ("dataset", "network", "training")
"""Sections of a run that an axis may change."""
RESERVED = (
    *("family", "run", "seed", "stratum", "epoch", "signal", "layer", "value"),
    *("state", "why", "left_out", "lost", "target", "score"),
)
"""Names of columns of the tables of networks and scores."""
FEW = 2
"""The smallest family is a pair of networks."""


@dataclass
class Axis:
    """A way in which networks differ.

    points : values by dotted key, by the point's name; place : its key in the file
    listed : whether it is a list of values of one key; the axis has the key's name
    """

    points: dict[str, dict[str, Any]]
    place: str
    listed: bool = False

    @property
    def keys(self) -> list[str]:
        """Every key that a point sets."""
        return list(dict.fromkeys(key for values in self.points.values() for key in values))


def families_of(
    written: Any, around: Surroundings
) -> tuple[dict[str, dict[str, Run | None]], dict[str, list[Member]], list[Line]]:
    """The runs of each family by name (None for an invalid one), their places, and mistakes.

    written : the section `compare` as in the file
    """
    section = written if isinstance(written, Mapping) else {}
    common, lines = _axes(section.get("axes") or {}, "compare.axes")
    families = section.get("families")
    runs, members = {}, {}
    for name, own in families.items() if isinstance(families, Mapping) else ():
        if own is not None and not isinstance(own, Mapping):
            continue  # reported with its type
        own = dict(own or {})
        place = dotted(("compare", "families", name))
        axes, wrong = _axes_of(own.pop("axes", None), common, place)
        lines += wrong
        if "sweep" in own:
            text = "has no place in a family; put the keys in which networks differ under axes"
            lines.append((f"{place}.sweep", text))
            continue
        runs[name], members[name], wrong = _family(name, own, axes, around)
        lines += wrong
    return runs, members, lines


def signals_of(written: Any, estimators: Mapping[str, Any]) -> tuple[Any, list[Line]]:
    """Signals as written, with estimators in place of their names; the default ones if none are
    written."""
    if written is None:
        chosen = dict(by_default())
        for name, settings in estimators.items():
            if informs(settings):
                for of in ("ixt", "ity"):
                    entry = {"signal": "information", "of": of, "estimator": settings}
                    chosen[f"{of}_{name}"] = entry
        return chosen, []
    if not isinstance(written, Mapping):
        return written, []
    chosen, lines = {}, []
    for name, entry in written.items():
        by = entry.get("estimator") if isinstance(entry, Mapping) else None
        if isinstance(by, str) and by in estimators:
            entry = {**entry, "estimator": estimators[by]}
        elif isinstance(by, str):
            place = dotted(("compare", "signals", name, "estimator"))
            lines.append((place, not_defined(by, "estimator", estimators)))
        chosen[name] = entry
    return chosen, lines


def compared(
    settings: Compare, signals: Mapping[str, Any], members: Mapping[str, list[Member]]
) -> Compared:
    """The comparison of a valid section."""
    shared = settings.model_dump(include=set(Compared.model_fields) - {"families", "signals"})
    own = {name: getattr(settings, name) for name in shared}
    return Compared(**own, families=dict(members), signals=dict(signals))


def problems_of(
    settings: Compare,
    members: Mapping[str, Sequence[Member]],
    runs: Mapping[str, Run],
    around: Surroundings,
) -> Iterator[Line]:
    """Mistakes that show only in several runs of a family or in the section as a whole."""
    for name, own in members.items():
        place = dotted(("compare", "families", name))
        chosen = {member.run: runs[member.run] for member in own}
        yield from _too_few(chosen, place)
        yield from _without_effect(own, chosen, place)
        yield from _other_tests(chosen, around, place)
        yield from _untold(chosen, place)
        yield from _strata(settings, chosen, place)


@dataclass(frozen=True)
class _Places:
    """The places in the file of the values of a family's runs."""

    name: str
    own: Mapping[str, Any]
    axes: Mapping[str, Axis]

    @property
    def many(self) -> str:
        return dotted(("compare", "families", self.name))

    def is_of_all(self, key: str) -> bool:
        return any(key.startswith(axis.place) for axis in self.axes.values())

    def of(self, problem: Problem, chosen: Mapping[str, Any]) -> str:
        full = dotted(problem.path)
        for key, value in chosen.items():
            if full == key or full.startswith((f"{key}.", f"{key}[")):
                return self._of_point(key, value) + full.removeprefix(key)
        stands = problem.path[:-1] if problem.missing else problem.path
        in_own = problem.missing or has(self.own, stands)
        above = ("compare", "families", self.name) if in_own else ("defaults",)
        return dotted((*above, *problem.path))

    def _of_point(self, key: str, value: Any) -> str:
        for axis in self.axes.values():
            for label, values in axis.points.items():
                if key in values and values[key] == value:
                    return axis.place if axis.listed else f"{axis.place}.{label}.{key}"
        return self.many


def _axes(written: Any, place: str) -> tuple[dict[str, Axis | None], list[Line]]:
    """Axes by their name in tables; None for one that a family leaves out."""
    if not isinstance(written, Mapping):
        return {}, []  # reported with its type
    found: dict[str, Axis | None] = {}
    lines: list[Line] = []
    names = short_keys([name for name, points in written.items() if isinstance(points, list)])
    for key, points in written.items():
        at = f"{place}.{key}"
        name = names.get(key, key)
        if name in RESERVED:
            lines.append(
                (at, f"'{name}' is a column of the tables; give the axis another name")
            )
        elif points is None:
            found[name] = None
        elif isinstance(points, list):
            found[name] = Axis({text_of(value): {key: value} for value in points}, at, True)
            lines += _values(key, points, at)
        elif isinstance(points, Mapping):
            own = {label: dict(values or {}) for label, values in points.items()}
            found[name] = Axis(own, at)
            lines += _points(own, at)
    bad = {line[0].removeprefix(f"{place}.").split(".")[0] for line in lines}
    return {name: axis for name, axis in found.items() if name not in bad}, lines


def _values(key: str, values: list, place: str) -> Iterator[Line]:
    """Mistakes of an axis that is a list of values of one key."""
    if wrong := _key(key):
        hint = (
            ""
            if "." in key or key == "dataset"
            else (
                " Put a list under the dotted key whose values it holds; points that set "
                "several keys are a mapping."
            )
        )
        yield place, wrong + hint
    elif len(values) < FEW:
        yield place, f"must have at least two values, not {shown(values)}"
    texts = [text_of(value) for value in values]
    for value, text in zip(values, texts, strict=True):
        if texts.count(text) > 1:
            yield place, f"{shown(value)} is listed twice; each value makes one point"
            return


def _points(points: Mapping[str, Mapping[str, Any]], place: str) -> Iterator[Line]:
    """Mistakes of an axis of points that each set some keys."""
    if len(points) < FEW:
        yield place, f"must have at least two points, not {', '.join(points) or 'none'}"
    for label, values in points.items():
        for key in values:
            if wrong := _key(key):
                yield f"{place}.{label}.{key}", wrong


def _key(key: str) -> str:
    """The mistake of a dotted key of an axis; "" if there is none."""
    head = key.partition(".")[0]
    if head in WrittenRun.model_fields and head not in CHANGED:
        return f"cannot be an axis; only keys of {', '.join(CHANGED)} can"
    known = known_keys()
    if key in known:
        return ""
    above = key.rpartition(".")[0]
    return unknown(key, [k for k in known if k.rpartition(".")[0] == above], known)


def _axes_of(
    written: Any, common: Mapping[str, Axis], place: str
) -> tuple[dict[str, Axis], list[Line]]:
    """A family's axes: the common ones; its own axes add to them, replace them or remove
    them."""
    if written is not None and not isinstance(written, Mapping):
        text = f"must be a mapping of axes, or left out, not {shown(written)}"
        return dict(common), [(f"{place}.axes", text)]
    own, lines = _axes(written or {}, f"{place}.axes")
    for name, axis in own.items():
        if axis is None and name not in common:
            text = f"no common axis has this name.{nearest(name, common)}"
            lines.append((f"{place}.axes.{name}", text))
    axes = {name: axis for name, axis in {**common, **own}.items() if axis is not None}
    for (a, first), (b, second) in itertools.combinations(axes.items(), 2):
        for key, other in itertools.product(first.keys, second.keys):
            if f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}."):
                text = f"sets {other}, and the axis {a} sets {key}: each key has one axis"
                lines.append((second.place, text))
                axes = {name: axis for name, axis in axes.items() if name != b}
                break
    return axes, lines


def _family(
    name: str, own: Mapping[str, Any], axes: Mapping[str, Axis], around: Surroundings
) -> tuple[dict[str, Run | None], list[Member], list[Line]]:
    """The runs of one family, the place of each, and mistakes."""
    made, members = [], []
    for labels in itertools.product(*(axis.points for axis in axes.values())):
        point = dict(zip(axes, labels, strict=True))
        chosen: dict[str, Any] = {}
        for axis, label in point.items():
            chosen |= axes[axis].points[label]
        parts = [name, *(f"{axis}_{text_of(point[axis])}" for axis in sorted(point))]
        made.append(Variant("-".join(parts), chosen))
        members.append(Member(run=made[-1].name, point=point))
    entry = Entry.of(own, around)
    entry.settings.pop("sweep", None)
    runs, lines = checked_variants(entry, made, _Places(name, own, axes), around)
    return runs, members, lines


def _too_few(runs: Mapping[str, Run], place: str) -> Iterator[Line]:
    n = sum(len(run.seeds) for run in runs.values())
    if n < FEW:
        yield place, (f"has {n} network and so no pair; give axes, or more seeds")


def _without_effect(
    members: Sequence[Member], runs: Mapping[str, Run], place: str
) -> Iterator[Line]:
    """Points of an axis that give the same networks for all values of the other axes."""
    made = {
        name: (run.dataset, run.network.canonical(), run.training.canonical())
        for name, run in runs.items()
    }
    for axis in members[0].point if members else ():
        by_label: dict[str, list] = {}
        for member in members:
            by_label.setdefault(member.point[axis], []).append(made[member.run])
        for a, b in itertools.combinations(by_label, 2):
            if by_label[a] == by_label[b]:
                text = (
                    f"the points {a} and {b} give the same settings, so that the axis changes "
                    "nothing between them; take one away, or leave the axis out of this family "
                    f"({axis}: null)"
                )
                yield f"{place}.axes.{axis}", text


def _other_tests(runs: Mapping[str, Run], around: Surroundings, place: str) -> Iterator[Line]:
    """Networks of a family with different test inputs."""
    judged: dict[Any, str] = {}
    for run in runs.values():
        written = around.datasets.get(run.dataset)
        if isinstance(written, Mapping):
            rest = {k: v for k, v in written.items() if k != "training_share"}
            judged.setdefault(repr(sorted(rest.items())), run.dataset)
            if written.get("training_fraction") == 1:
                text = f"data set '{run.dataset}' has training_fraction 1 and no test inputs"
                yield place, f"{text}, which judge the networks"
                return
    if len(judged) > 1:
        yield (
            place,
            (
                f"its data sets {', '.join(judged.values())} differ in more than "
                "training_share: the same test inputs must judge all networks of a family"
            ),
        )


def _untold(runs: Mapping[str, Run], place: str) -> Iterator[Line]:
    """Trainings without a training loss and a test accuracy."""
    for run in runs.values():
        learns = run.training
        if not isinstance(learns, Supervised.Settings) or learns.target != "label":
            text = "must be supervised, of labels: networks are compared by test accuracy"
            yield f"{place}.training", text
            return


def _strata(settings: Compare, runs: Mapping[str, Run], place: str) -> Iterator[Line]:
    """Epochs of strata that a training of the family does not reach or keep."""
    schedules = {(run.training.canonical()): run.training for run in runs.values()}
    for name, stratum in settings.strata.items():
        if not isinstance(stratum, At):
            continue
        key = dotted(("compare", "strata", name, "epoch"))
        for training in schedules.values():
            if stratum.epoch > training.numbers[-1]:
                text = f"must be ≤ {training.numbers[-1]}, training.epochs of {place}"
                yield key, f"{text}, not {stratum.epoch}"
                return
            kept = kept_epochs(training.keep, np.array(training.numbers))
            if stratum.epoch not in kept:
                text = f"must be an epoch whose weights training.keep of {place} keeps"
                yield key, f"{text}, not {stratum.epoch}"
                return
