"""The claims of a file, with the runs and estimators behind their names, and their mistakes."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from infoplane.claims.settings import Claim, OrderClaim, PhaseClaim, statistic_of
from infoplane.config.estimators import Expanded, Line, informs
from infoplane.config.factors import Variants
from infoplane.config.models import Compare, Run
from infoplane.config.problems import dotted, not_defined
from infoplane.signals import SIGNALS

KINDS = {"phase": PhaseClaim, "order": OrderClaim}
BY_ITSELF = ("ity_end", "turn")
"""Statistics for which no other networks choose the epoch, so that one network is enough."""
RANGES = {"share": 1.0, "tau": 1.0}
"""Largest threshold in a unit, and largest difference of two numbers of it."""


def claims_of(
    written: Mapping[str, Any],
    variants: Variants,
    estimators: Expanded,
    compared: Compare | None,
) -> tuple[dict[str, Claim], list[Line]]:
    """Each claim with names of runs and estimators in place of those of sweeps, and mistakes.

    written : `claims`; mistakes of an entry's own keys are reported elsewhere
    compared : `compare`, if the file has it and it is valid by itself
    """
    claims, lines = {}, []
    for name, entry in written.items():
        kind = KINDS.get(entry.get("claim")) if isinstance(entry, Mapping) else None
        try:
            claim = kind and kind.model_validate(entry)
        except ValidationError:
            continue
        if claim is None:
            continue
        key = dotted(("claims", name))
        if isinstance(claim, PhaseClaim):
            claim, wrong = _of_phases(claim, variants, estimators)
        else:
            wrong = list(_of_orders(claim, compared))
        lines += [(f"{key}.{inner}", text) for inner, text in [*wrong, *_threshold(claim)]]
        claims[name] = claim
    return claims, lines


def _threshold(claim: Claim) -> Iterator[Line]:
    unit = statistic_of(claim).unit
    if claim.unit != unit:
        yield "unit", f"must be {unit}, the unit of {claim.statistic}, not '{claim.unit}'"
    elif most := RANGES.get(unit):
        least = 0.0 if unit == "share" and claim.than is None else -most
        if not least <= claim.threshold <= most:
            text = f"must be from {least:g} to {most:g} for {claim.statistic}"
            yield "threshold", f"{text}, not {claim.threshold:g}"


def _of_phases(
    claim: PhaseClaim, variants: Variants, estimators: Expanded
) -> tuple[PhaseClaim, list[Line]]:
    runs = {name: run for found in variants.values() for name, run in found.items()}
    known = {name: list(found) for name, found in variants.items()} | {n: [n] for n in runs}
    lines = [
        (f"runs[{i}]", not_defined(name, "run", known))
        for i, name in enumerate(claim.runs)
        if name not in known
    ]
    names = [run for wanted in claim.runs for run in known.get(wanted, [])]
    if twice := [name for name in names if names.count(name) > 1]:
        lines.append(("runs", f"has the run '{twice[0]}' twice"))
    chosen, wrong = _estimators(claim, estimators)
    lines += wrong
    for name in dict.fromkeys(names):
        if runs[name] is not None:
            lines += _of_run(claim, name, runs[name], chosen, estimators)
    own = {"runs": names, "estimators": chosen}
    return claim.model_copy(update=own), lines


def _estimators(claim: PhaseClaim, estimators: Expanded) -> tuple[list[str] | None, list[Line]]:
    """Estimators that test a claim, sweeps as their variants."""
    if claim.estimators is None:
        return None, []
    chosen, lines = [], []
    for i, wanted in enumerate(claim.estimators):
        for one in estimators.names([wanted]):
            if one not in estimators.entries:
                text = not_defined(one, "estimator", estimators.known())
                lines.append((f"estimators[{i}]", text))
            elif not informs(estimators.entries[one]):
                lines.append((f"estimators[{i}]", f"'{one}' estimates no information"))
            elif one in chosen:
                lines.append((f"estimators[{i}]", f"'{one}' is listed twice"))
            else:
                chosen.append(one)
    return chosen, lines


def _of_run(
    claim: PhaseClaim,
    name: str,
    run: Run,
    chosen: list[str] | None,
    estimators: Expanded,
) -> Iterator[Line]:
    """Mistakes of a claim about one run."""
    tried = [by for by in run.estimators if informs(estimators.entries.get(by))]
    if chosen is not None and not set(chosen) & set(tried):
        measured = ", ".join(run.estimators)
        yield "estimators", f"none of these measures run '{name}', only {measured}"
    elif not tried:
        yield "runs", f"run '{name}' is measured by no estimator of information"
    if claim.statistic not in BY_ITSELF and len(run.seeds) < 2:
        yield (
            "runs",
            f"run '{name}' has 1 network; {claim.statistic} needs two or more, because each "
            "is judged at the epoch that the networks before it choose",
        )
    if run.n_measured < 2:
        yield "runs", f"run '{name}' is measured at 1 epoch; phases need two or more"
    if claim.statistic == "gradient_snr" and not run.training.gradients:
        yield "statistic", f"the training of run '{name}' measures no gradients"


def _of_orders(claim: OrderClaim, compared: Compare | None) -> Iterator[Line]:
    if compared is None:
        yield "claim", "'order' needs networks of a valid `compare`, which the file lacks"
        return
    known = {
        "signals": list(compared.signals or {}),
        "families": list(compared.families),
        "strata": list(compared.strata),
    }
    for key, what in {"signals": "signal", "families": "family", "strata": "stratum"}.items():
        names = getattr(claim, key) or []
        for i, name in enumerate(names):
            if name not in known[key]:
                yield f"{key}[{i}]", not_defined(name, what, known[key])
            elif name in names[:i]:
                yield f"{key}[{i}]", f"'{name}' is listed twice"
    if claim.than is not None and claim.than not in known["signals"]:
        yield "than", not_defined(claim.than, "signal", known["signals"])
    if claim.than in claim.signals:
        yield "than", f"'{claim.than}' is among the signals that are compared with it"
    if claim.target not in compared.targets:
        targets = ", ".join(compared.targets)
        yield "target", f"must be one of compare.targets, {targets}, not '{claim.target}'"
    used = [compared.signals[n] for n in (*claim.signals, claim.than) if n in known["signals"]]
    if claim.layer is not None and not any(SIGNALS[one.signal].by_layer for one in used):
        yield "layer", "has no effect: no signal of the claim has one value per layer"
