"""Claims about which signal identifies the better of two networks, tried on every family and
stratum."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from infoplane.claims.settings import NO_INTERVAL, OrderClaim
from infoplane.compare.networks import Family, column_name
from infoplane.compare.sample import Sample, resampled
from infoplane.compare.scores import AGREE, WITHOUT_INTERVAL, Judged, interval, why_none
from infoplane.compare.settings import Settings
from infoplane.signals.layers import LAST_HIDDEN, NETWORK, SUMMARIES

NO_VALUE = {"value": np.nan, "low": np.nan, "high": np.nan, "interval_kind": "none"}
RESAMPLED = "resampled"
"""Kind of an interval: the central part of the scores of resampled networks."""

FEWEST = 10
"""Resamples of at least this many networks give an interval. With 4 networks, all 6 pairs may
be in order by chance, and are then in order in every resample."""


def tried(
    claim: OrderClaim, families: Sequence[Family], settings: Settings
) -> Iterator[dict[str, Any]]:
    """One record per family (`run`), stratum and signal (`estimator`): these, and layer,
    quantity, value, low, high, interval_kind, and note, the reason for no value or no interval.

    If a claim compares two signals, the value is the difference of their scores over the
    networks that have both, and its interval is from the same resamples for both.
    Raises ValueError if a signal has no such layer.
    """
    for family in families:
        if claim.families is not None and family.name not in claim.families:
            continue
        for stratum in claim.strata or settings.strata:
            yield from _of_stratum(claim, family, stratum, settings)


def _of_stratum(
    claim: OrderClaim, family: Family, stratum: str, settings: Settings
) -> Iterator[dict[str, Any]]:
    table, values = family.in_stratum(stratum)
    why = why_none(table, family.name, stratum, claim.target)
    judged = None
    if not why:
        weights = resampled(len(table), settings.resamples, settings.seed)
        judged = Judged.of(family, table, claim.target, weights)
    for signal in claim.signals:
        column = _column(family, signal, claim.layer)
        nothing = why or "the signals have no value for two networks of different targets"
        found = NO_VALUE | {"note": nothing}
        if judged is not None:
            against = _column(family, claim.than, claim.layer) if claim.than else None
            samples = _samples(judged, family, values, [column, against])
            compared = _compared(claim, judged, samples, settings)
            found = compared if np.isfinite(compared["value"]) else found
        yield {
            "run": family.name,
            "stratum": stratum,
            "estimator": signal,
            "layer": "" if column[1] == NETWORK else column[1].removeprefix("@"),
            "quantity": _label(family, signal),
            **found,
        }


def _samples(judged: Judged, family: Family, values, columns: list) -> list[Sample]:
    """The signals of these columns, for networks that have all of them."""
    columns = [column for column in columns if column is not None]
    there = values[columns].notna().all(axis=1)
    return [judged.sample(family, one[0], values[one].where(there)) for one in columns]


def _compared(
    claim: OrderClaim, judged: Judged, samples: list[Sample], settings: Settings
) -> dict[str, Any]:
    name = claim.statistic
    found = [judged.scores(one, settings.folds, [name])[name] for one in samples]
    several = found[0] - found[1] if len(found) > 1 else found[0]
    value, low, high = interval(several, settings.confidence)
    if why := _without_interval(name, int(samples[0].there.sum()), low, settings):
        return NO_VALUE | {"value": value, "note": f"{NO_INTERVAL}{why}"}
    return {"value": value, "low": low, "high": high, "interval_kind": RESAMPLED, "note": ""}


def _without_interval(score: str, n: int, low: float, settings: Settings) -> str:
    """Why a score of n networks has no interval; "" if it has one. low : its lower end"""
    if not settings.resamples:
        return "`resamples` of `compare` is 0"
    if n < FEWEST:
        return f"fewer than {FEWEST} networks have a value"
    if score in WITHOUT_INTERVAL:
        return WITHOUT_INTERVAL[score]
    return "" if np.isfinite(low) else AGREE


def _label(family: Family, signal: str) -> str:
    """A signal in words, with its name if another signal has the same words."""
    labels = [one.get("label") for one in family.about.values()]
    label = family.about[signal].get("label")
    if not label:
        return signal.replace("_", " ")
    return label if labels.count(label) == 1 else f"{label} [{signal.replace('_', ' ')}]"


def _column(family: Family, signal: str, layer: str | None) -> tuple[str, str]:
    """The column of a signal: that of the network, or that of the claim's layer."""
    columns = list(family.values.columns)
    if (signal, NETWORK) in columns:
        return signal, NETWORK
    wanted = SUMMARIES.get(layer, layer) or LAST_HIDDEN
    if (signal, wanted) not in columns:
        known = ", ".join(column_name(*one) for one in columns if one[0] == signal)
        raise ValueError(f"family {family.name} has no {signal}[{wanted}]; it has {known}")
    return signal, wanted
