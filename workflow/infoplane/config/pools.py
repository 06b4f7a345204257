"""Mistakes of a run's pools, given the rest of the run and its estimators."""

from collections.abc import Iterator, Mapping
from typing import Any

from infoplane.config.estimators import method_of
from infoplane.config.models import Run
from infoplane.config.problems import Problem, not_defined, shown
from infoplane.probes import PROBES


def pool_problems(run: Run, estimators: Mapping[str, Any]) -> Iterator[Problem]:
    """Pools that cannot be carried out.

    estimators : the settings of the experiment's estimators by name, as written
    """
    for name, pool in run.pools.items():
        place = ("pools", name)
        if not PROBES[run.measure.probe].fixed:
            text = f"is impossible: probe '{run.measure.probe}' gives each epoch its own inputs"
            yield Problem(place, text)
        if run.measure.y != "label":
            text = "does not go with measure.y: reconstruction, which differs between networks"
            yield Problem(place, text)
        if pool.estimators is not None:
            for i, wanted in enumerate(pool.estimators):
                if wanted not in run.estimators:
                    text = not_defined(wanted, "estimator", run.estimators, " of this run")
                    yield Problem((*place, "estimators", i), text)
        for by in estimators_of(run, name):
            reason = _cannot_pool(estimators.get(by))
            if reason:
                yield Problem((*place, "estimators"), f"cannot have '{by}': {reason}")
        most = len(run.training.numbers)
        if pool.over in ("epochs", "both") and pool.lengths[0] > most:
            text = f"must hold a length ≤ {most}, the number of epochs, not {pool.lengths}"
            yield Problem((*place, "lengths"), text)
        if pool.over == "seeds" and pool.lengths[-1] > len(run.seeds):
            text = f"must be ≤ {len(run.seeds)}, the number of seeds, not {pool.lengths[-1]}"
            yield Problem((*place, "lengths"), text)
        if pool.ends != "last" and pool.ends.schedule == "list":
            limit = run.training.numbers[-1]
            late = [epoch for epoch in pool.ends.epochs if epoch > limit]
            if late:
                which = run.training.last_is
                text = f"must be ≤ {limit}, which is {which}, not {shown(late)}"
                yield Problem((*place, "ends", "epochs"), text)


def estimators_of(run: Run, pool: str) -> list[str]:
    """Names of the run's estimators that measure the pool."""
    wanted = run.pools[pool].estimators
    return [n for n in run.estimators if wanted is None or n in wanted]


def _cannot_pool(written: Any) -> str:
    """Why this estimator cannot measure pooled draws; empty if it can."""
    method = method_of(written)
    if method is None:
        return ""  # reported elsewhere
    if method.not_pooled:
        return method.not_pooled
    try:
        estimator = method(method.Settings.model_validate(written))
    except ValueError:
        return ""  # reported elsewhere
    if estimator.remembers:
        forgets = f"; set {method.forgets_by}" if method.forgets_by else ""
        return f"it continues from epoch to epoch{forgets}"
    return ""
