"""From the content of an experiment file to an experiment or to all of its mistakes."""

import math
from collections.abc import Mapping
from typing import Any

from infoplane.config import compare
from infoplane.config.allowed import allowed_by
from infoplane.config.audit import audited
from infoplane.config.claims import claims_of
from infoplane.config.estimators import Expanded
from infoplane.config.factors import factors_of
from infoplane.config.models import Experiment, File, Run
from infoplane.config.problems import ConfigError, dotted, not_defined, validated
from infoplane.config.runs import Line, Surroundings, checked_defaults, runs_of
from infoplane.datasets.prepare import known_shape_of
from infoplane.datasets.source import Shape
from infoplane.estimators import estimator_of

SIDE_BY_SIDE = range(2, 13)
"""Numbers of runs that are compared by default."""


def load(config: Mapping[str, Any], file: str) -> Experiment:
    """The experiment of a parsed file; `file` is its name, for messages.

    Raises ConfigError with every mistake of the file, one per line.
    """
    written, not_json = _plain(config)
    estimators = Expanded(_mapping(written, "estimators"))
    if isinstance(written, dict) and estimators.entries:
        written = {**written, "estimators": estimators.entries}
    written, lines_of_signals = _with_signals(written, estimators)
    head, problems = validated(File, written)
    lines = [(dotted(estimators.place(p.path)), p.text) for p in problems] + estimators.lines
    lines += lines_of_signals + _neither(written)
    around = Surroundings(
        _mapping(written, "datasets"),
        estimators,
        _mapping(written, "defaults"),
        _fixed_epochs(head),
        _shapes(head),
    )
    lines += checked_defaults(around.defaults)
    variants: dict[str, dict[str, Run | None]] = {}
    for name, own in _mapping(written, "runs").items():
        variants[name] = {name: None}
        if own is None or isinstance(own, Mapping):
            variants[name], wrong = runs_of(name, own or {}, around)
            lines += wrong
    of_families, members, wrong = compare.families_of(_mapping(written, "compare"), around)
    lines += wrong
    lines += _collisions(variants) + _taken(of_families, variants)
    figures = _mapping(written, "figures")
    comparisons, wrong = _comparisons(figures, variants)
    lines += wrong
    datasets = head.datasets if head is not None else {}
    factors, wrong = factors_of(_mapping(figures, "factors"), variants, estimators, datasets)
    lines += wrong
    section = head.compare if head is not None else None
    claims, wrong = claims_of(_mapping(written, "claims"), variants, estimators, section)
    lines += wrong
    audit, wrong = audited(head.audit if head is not None else None, variants, estimators)
    lines += wrong
    compared = None
    made = {name: run for found in of_families.values() for name, run in found.items()}
    if head is not None and head.compare is not None and all(made.values()):
        compared = compare.compared(head.compare, head.compare.signals, members)
        lines += compare.problems_of(head.compare, members, made, around)
    # A value that is not JSON is reported as that alone.
    keys = {key for key, _ in not_json}
    lines = not_json + [line for line in lines if line[0] not in keys]
    if lines:
        texts = dict.fromkeys(f"{key}: {text}" if key else text for key, text in lines)
        raise ConfigError("\n".join(f"{file}: {text}" for text in texts))
    return Experiment(
        name=head.experiment,
        datasets=head.datasets,
        estimators=head.estimators,
        runs={name: run for found in variants.values() for name, run in found.items()} | made,
        comparisons=comparisons,
        factors=factors,
        figures_per_run=head.figures is None or head.figures.per_run,
        own_figures=head.figures.own if head.figures else {},
        sweeps=estimators.sweeps,
        compare=compared,
        claims=claims,
        audit=audit,
        truth=head.truth,
    )


def _with_signals(written: Any, estimators: Expanded) -> tuple[Any, list[Line]]:
    """The file with the settings of estimators where its signals name them."""
    section = _mapping(written, "compare")
    if not section:
        return written, []
    signals, lines = compare.signals_of(section.get("signals"), estimators.entries)
    return {**written, "compare": {**section, "signals": signals}}, lines


def _neither(written: Any) -> list[Line]:
    """The mistake of a file without runs and without families."""
    if not isinstance(written, Mapping):
        return []
    if any(written.get(key) is not None for key in ("runs", "compare")):
        return []
    allowed = allowed_by(File)
    options = allowed.root["properties"]["runs"]["anyOf"]
    is_there = "is empty" if "runs" in written else "is missing"
    return [("runs", f"{is_there}; give {allowed.words(options[0])}, or compare")]


def _taken(
    families: Mapping[str, Mapping[str, Any]], variants: Mapping[str, Mapping[str, Any]]
) -> list[Line]:
    """Runs of families with the name of another run."""
    owner = {full: f"runs.{name}" for name, found in variants.items() for full in found}
    lines = []
    for family, found in families.items():
        for name in found:
            if name in owner:
                text = f"makes a run named '{name}', which {owner[name]} makes too"
                lines.append((dotted(("compare", "families", family)), text))
            owner[name] = dotted(("compare", "families", family))
    return lines


def _shapes(head: File | None) -> dict[str, Shape]:
    """The known shapes of data sets."""
    chosen = head.datasets if head is not None else {}
    found = {name: known_shape_of(settings) for name, settings in chosen.items()}
    return {name: shape for name, shape in found.items() if shape is not None}


def _fixed_epochs(head: File | None) -> dict[str, str]:
    """Estimators that do not work with an adaptive schedule, with the reason."""
    chosen = head.estimators if head is not None else {}
    why = {name: estimator_of(one).needs_fixed_epochs for name, one in chosen.items()}
    return {name: reason for name, reason in why.items() if reason}


def _plain(value: Any, path: tuple = ()) -> tuple[Any, list[Line]]:
    """The value in JSON's types, and values that YAML misread."""
    if isinstance(value, Mapping):
        lines = [
            (dotted((*path, str(key))), f"YAML does not read the name {key} as text; quote it")
            for key in value
            if not isinstance(key, str)
        ]
        entries = {str(key): _plain(inner, (*path, str(key))) for key, inner in value.items()}
        inner_lines = [line for _, wrong in entries.values() for line in wrong]
        return {key: inner for key, (inner, _) in entries.items()}, lines + inner_lines
    if isinstance(value, list | tuple):
        items = [_plain(inner, (*path, i)) for i, inner in enumerate(value)]
        return [inner for inner, _ in items], [line for _, wrong in items for line in wrong]
    if isinstance(value, float) and not math.isfinite(value):
        return None, [(dotted(path), f"must be finite, not {value}")]
    if value is None or isinstance(value, str | int | float):
        return value, []
    kind = type(value).__name__
    return str(value), [(dotted(path), f"YAML reads {value} as a {kind}; quote it")]


def _mapping(value: Any, key: str) -> dict:
    """A section of the file; empty if it is missing or not a mapping."""
    section = value.get(key) if isinstance(value, Mapping) else None
    return section if isinstance(section, dict) else {}


def _collisions(variants: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    """Names that two runs share, so that both would write to the same place."""
    owner: dict[str, str] = {}
    lines = []
    for name, found in variants.items():
        for full_name in found:
            if full_name in owner:
                # Report the one with the sweep: the user loses less by changing it.
                first, swept = sorted([owner[full_name], name], key=lambda n: n != full_name)
                text = f"makes a variant named '{full_name}', the name of runs.{first} too"
                lines.append((f"runs.{swept}.sweep", text))
            owner.setdefault(full_name, name)
    return lines


def _comparisons(
    figures: Mapping[str, Any], variants: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, list[str]], list[Line]]:
    """The runs of each comparison, and mistakes of their names."""
    runs = {full_name: [full_name] for found in variants.values() for full_name in found}
    if figures.get("comparisons") is None:
        return ({"all": list(runs)} if len(runs) in SIDE_BY_SIDE else {}), []
    known = {**{name: list(found) for name, found in variants.items()}, **runs}
    comparisons, lines = {}, []
    for title, names in _mapping(figures, "comparisons").items():
        key = dotted(("figures", "comparisons", title))
        names = names if isinstance(names, list) else []
        lines += [
            (f"{key}[{i}]", not_defined(name, "run", known))
            for i, name in enumerate(names)
            if isinstance(name, str) and name not in known
        ]
        side_by_side = [run for n in names if isinstance(n, str) for run in known.get(n, [n])]
        twice = [run for run in side_by_side if side_by_side.count(run) > 1]
        if twice and len(set(names)) == len(names):
            lines.append((key, f"has the run '{twice[0]}' twice, by itself and as a variant"))
        elif len(side_by_side) < 2:
            text = f"must have at least two runs, side by side, not {len(side_by_side)}"
            lines.append((key, text))
        comparisons[title] = side_by_side
    return comparisons, lines
