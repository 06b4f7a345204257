"""Factors of a file: rows of planes that differ in one thing only."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from infoplane.config.estimators import Expanded, Line, informs
from infoplane.config.models import Factor, Level, Run
from infoplane.config.problems import dotted, not_defined

SECTIONS = ("network", "training", "measure")
"""Sections of a run that decide the numbers of one seed, together with its data set."""
DATASET = "dataset"
Variants = Mapping[str, Mapping[str, Run | None]]
"""The runs of each entry of a file, by name; None for an invalid one."""


def factors_of(
    written: Mapping[str, Any],
    variants: Variants,
    estimators: Expanded,
    datasets: Mapping[str, Any],
) -> tuple[dict[str, list[Level]], list[Line]]:
    """The levels of each factor, and their mistakes.

    written : `figures.factors`; mistakes of an entry's own keys are reported elsewhere
    datasets : settings by name
    """
    factors, lines = {}, []
    for name, entry in written.items():
        try:
            factor = Factor.model_validate(entry)
        except ValidationError:
            continue
        of = _of_estimators if factor.run is not None else _of_runs
        key = dotted(("figures", "factors", name))
        levels, wrong = of(factor, variants, estimators, datasets)
        lines += [(f"{key}.{inner}", text) for inner, text in wrong]
        if not wrong:
            factors[name] = levels
    runs = {name: run for found in variants.values() for name, run in found.items()}
    if lines or not factors or not all(runs.values()):
        return factors, lines
    if not common_estimators(factors, runs, estimators.entries):
        text = "no estimator measures the information of all their runs"
        lines.append(("figures.factors", text))
    return factors, lines


def common_estimators(
    factors: Mapping[str, Iterable[Level]],
    runs: Mapping[str, Run],
    estimators: Mapping[str, Any],
) -> list[str]:
    """Estimators of information that measure every run whose level names no estimator; if all
    levels name one, the first of them.

    estimators : settings by name, as written or checked
    """
    levels = [level for found in factors.values() for level in found]
    open_to_any = [runs[level.run] for level in levels if level.estimator is None]
    if not open_to_any:
        return [levels[0].estimator] if levels else []
    return [
        name
        for name in estimators
        if all(name in run.estimators for run in open_to_any) and informs(estimators[name])
    ]


def _of_estimators(
    factor: Factor, variants: Variants, estimators: Expanded, datasets: Mapping[str, Any]
) -> tuple[list[Level], list[Line]]:
    runs = {name: [name] for found in variants.values() for name in found}
    known = {name: list(found) for name, found in variants.items()} | runs
    if factor.run not in known:
        return [], [("run", not_defined(factor.run, "run", known))]
    if len(known[factor.run]) > 1:
        text = f"must be one run; '{factor.run}' stands for {', '.join(known[factor.run])}"
        return [], [("run", text)]
    (name,) = known[factor.run]
    run = next(found[name] for found in variants.values() if name in found)
    lines, names = [], []
    for i, wanted in enumerate(factor.estimators):
        for one in estimators.sweeps.get(wanted, [wanted]):
            if one not in estimators.entries:
                text = not_defined(one, "estimator", estimators.known())
            elif run is not None and one not in run.estimators:
                text = f"'{one}' does not measure run '{name}'"
            elif not informs(estimators.entries[one]):
                text = f"'{one}' estimates no information"
            else:
                names.append(one)
                continue
            lines.append((f"estimators[{i}]", text))
    if lines:
        return [], lines
    labels, lines = _labels(factor, names, "estimators")
    levels = [
        Level(label=label, run=name, estimator=by)
        for label, by in zip(labels, names, strict=True)
    ]
    return levels, lines


def _of_runs(
    factor: Factor, variants: Variants, estimators: Expanded, datasets: Mapping[str, Any]
) -> tuple[list[Level], list[Line]]:
    runs = {name: run for found in variants.values() for name, run in found.items()}
    known = {name: list(found) for name, found in variants.items()} | {n: [n] for n in runs}
    lines = [
        (f"runs[{i}]", not_defined(name, "run", known))
        for i, name in enumerate(factor.runs)
        if name not in known
    ]
    if lines:
        return [], lines
    names = [run for wanted in factor.runs for run in known[wanted]]
    if twice := [name for name in names if names.count(name) > 1]:
        text = f"has the run '{twice[0]}' twice, by itself and as a variant"
        return [], [("runs", text)]
    if len(names) > 1 and all(runs[name] for name in names):
        compared = {name: _decisive(runs[name], datasets) for name in names}
        key, lines = _factor_key(factor, compared)
        if lines:
            return [], lines
        values = [_at(compared[name], key) for name in names]
        for i, value in enumerate(values):
            if value in values[:i]:
                first = names[values.index(value)]
                text = f"'{first}' and '{names[i]}' have the same {key}: {_text(value)}"
                return [], [("runs", text)]
        if factor.labels is None:
            if all(_is_number(value) for value in values):
                order = sorted(range(len(values)), key=values.__getitem__)
                names, values = ([of[i] for i in order] for of in (names, values))
            return [
                Level(label=_label(key, value, name, runs[name]), run=name)
                for value, name in zip(values, names, strict=True)
            ], []
    labels, lines = _labels(factor, names, "runs")
    return [
        Level(label=label, run=name) for label, name in zip(labels, names, strict=False)
    ], lines


def _labels(factor: Factor, names: list[str], of: str) -> tuple[list[str], list[Line]]:
    """Names of levels that the file names, in place of their values."""
    if len(names) < 2:
        return names, [(of, f"must be at least two levels of a factor, not {len(names)}")]
    labels = names if factor.labels is None else factor.labels
    if len(labels) != len(names):
        text = (
            f"must be {len(names)} texts, one per level ({', '.join(names)}), not {len(labels)}"
        )
        return [], [("labels", text)]
    if twice := [label for label in labels if labels.count(label) > 1]:
        return [], [("labels", f"'{twice[0]}' is listed twice")]
    return labels, []


def _decisive(run: Run, datasets: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run that decide the numbers of one seed, with those of its data set."""
    settings = {name: getattr(run, name).model_dump(mode="json") for name in SECTIONS}
    dataset = datasets.get(run.dataset)
    return settings | {DATASET: dataset.model_dump(mode="json") if dataset else run.dataset}


def _factor_key(
    factor: Factor, compared: Mapping[str, Mapping[str, Any]]
) -> tuple[str, list[Line]]:
    """The one key in which the runs differ, apart from those that the file names."""
    found = differing(list(compared.values()))
    named = {
        key: [one for one in found if one == key or one.startswith(f"{key}.")]
        for key in factor.besides
    }
    everything = ", ".join(found) or "nothing"
    lines = [
        (f"besides[{i}]", f"the runs do not differ in '{key}'; they differ in {everything}")
        for i, key in enumerate(factor.besides)
        if not named[key]
    ]
    if lines:
        return "", lines
    left = [one for one in found if not any(one in inside for inside in named.values())]
    if len(left) == 1:
        return left[0], []
    if left:
        text = (
            f"differ in {', '.join(left)}; a factor is one of them, and `besides` names the "
            "others"
        )
    else:
        text = "differ in nothing that could be the factor" + (
            ", apart from the keys of `besides`" if factor.besides else ""
        )
    return "", [("runs", text)]


def differing(values: list[Any], above: str = "") -> list[str]:
    """Dotted keys in which some of these settings differ.

    Mappings with different keys, such as two optimizers or data sets of two sources, differ as
    a whole.
    """
    if all(value == values[0] for value in values):
        return []
    alike = all(isinstance(value, Mapping) for value in values)
    if not alike or any(value.keys() != values[0].keys() for value in values):
        return [above]
    if above == DATASET and len({value["source"] for value in values}) > 1:
        return [above]
    dot = f"{above}." if above else ""
    return [
        key
        for name in values[0]
        for key in differing([value[name] for value in values], f"{dot}{name}")
    ]


def _at(value: Any, key: str) -> Any:
    for part in key.split("."):
        value = value[part]
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _label(key: str, value: Any, name: str, run: Run) -> str:
    """The usual name of a level: its value, its data set's name, or, if its settings have many
    keys (an optimizer's), its run's name."""
    if key == DATASET:
        return run.dataset
    return name if isinstance(value, Mapping) else _text(value)


def _text(value: Any) -> str:
    """A value in few characters: 0.05, 10-7-5, tanh, none."""
    if isinstance(value, list):
        return "-".join(map(_text, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
