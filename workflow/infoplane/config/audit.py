"""The audit of a file: the runs and estimators behind its names, and its mistakes."""

from typing import Any

from infoplane.config.estimators import Expanded, Line, informs
from infoplane.config.factors import Variants
from infoplane.config.problems import not_defined
from infoplane.invariance.settings import AuditSettings


def audited(
    settings: AuditSettings | None, variants: Variants, estimators: Expanded
) -> tuple[AuditSettings | None, list[Line]]:
    """The settings with names of runs and estimators in place of those of sweeps, and mistakes.

    settings : `audit`, if the file has it and it is valid by itself
    """
    if settings is None:
        return None, []
    runs = {name: run for found in variants.values() for name, run in found.items()}
    known = {name: list(found) for name, found in variants.items()} | {n: [n] for n in runs}
    names, lines = _named("runs", settings.runs, known, "run")
    variants_of = {name: estimators.names([name]) for name in estimators.known()}
    chosen, wrong = _named("estimators", settings.estimators, variants_of, "estimator")
    lines += wrong
    for one in chosen or ():
        if one in estimators.entries and not informs(estimators.entries[one]):
            lines.append(("audit.estimators", f"'{one}' estimates no information"))
    for name in runs if names is None else names:
        run = runs.get(name)
        if run is None:
            continue
        if settings.seeds > len(run.seeds):
            text = f"must be at most {len(run.seeds)}, the seeds of run '{name}'"
            lines.append(("audit.seeds", f"{text}, not {settings.seeds}"))
        if chosen is not None and not set(chosen) & set(run.estimators):
            measured = ", ".join(run.estimators)
            text = f"none of these measures run '{name}', only {measured}"
            lines.append(("audit.estimators", text))
    return settings.model_copy(update={"runs": names, "estimators": chosen}), lines


def _named(
    key: str, wanted: list[str] | None, known: dict[str, list[str]], kind: str
) -> tuple[list[str] | None, list[Line]]:
    """The things behind the names, each once, and the mistakes."""
    if wanted is None:
        return None, []
    lines: list[tuple[str, Any]] = [
        (f"audit.{key}[{i}]", not_defined(name, kind, known))
        for i, name in enumerate(wanted)
        if name not in known
    ]
    every = [one for name in wanted for one in known.get(name, [])]
    if twice := [name for name in every if every.count(name) > 1]:
        lines.append((f"audit.{key}", f"has the {kind} '{twice[0]}' twice"))
    return every, lines
