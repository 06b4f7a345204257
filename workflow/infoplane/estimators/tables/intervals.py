"""Calibrated intervals for the records of a session (calibration.py), or why there is none.

A record that has an interval from a theorem or from counting keeps it, and so does a record
whose estimator gives its own reason for having none. No calibrated interval is given
- for I(X;T) if T is a function of X: it is infinite, or H(X), whatever the samples say;
- for several draws of an input, and for channels × pixels that the estimator reads as such: the
  calibration page has neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from infoplane.estimators.tables import calibration, opinions
from infoplane.estimators.tables.calibration import (
    LABELS,
    OF_FEW,
    OF_MANY,
    Asked,
    Known,
    group,
)
from infoplane.estimators.tables.limits import Limits
from infoplane.estimators.tables.linear import linear_information
from infoplane.information import Information, LayerInformation
from infoplane.samples import Pair, Samples

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator


def of_layers(
    estimator: Estimator,
    batch: Sequence[Samples],
    records: Sequence[LayerInformation],
    limits: Limits,
) -> list[LayerInformation]:
    """The records with calibrated intervals, or with the reason why they have none.

    limits : the limits of the batch, for H(Y)
    """
    known = calibration.known(estimator)
    both = zip(batch, records, strict=True)
    return [_of_layer(estimator, known, *one, limits) for one in both]


def of_pair(estimator: Estimator, pair: Pair, record: Information) -> Information:
    """The record of two variables with a calibrated interval, or with the reason why it has
    none."""
    known = calibration.known(estimator)
    why = "maps" if estimator.takes_as_maps(pair.shapes) else ""
    entropy = partial(Limits().of_labels, pair.b)
    return _given(known, lambda: pair, _groups(pair), record, why, entropy)


def _of_layer(
    estimator: Estimator,
    known: Known,
    samples: Samples,
    record: LayerInformation,
    limits: Limits,
) -> LayerInformation:
    entropy = partial(limits.of_labels, samples.y)
    draws = "draws" if samples.n_draws > 1 else ""
    why = "maps" if estimator.takes_as_maps([samples.shape]) else draws
    ity = _given(known, samples.with_y, _groups(samples), record.ity, why, entropy)
    ixt, infinite = record.ixt, samples.is_deterministic
    if infinite and estimator.infinite_without_noise and not math.isnan(ixt.value):
        ixt = ixt.without_interval("infinite")
    alone = estimator.takes_layers or samples.x is None
    whole = estimator.takes_as_maps([samples.shape, samples.shape_x])
    why = "infinite" if infinite else "alone" if alone else "maps" if whole else draws
    ixt = _given(known, samples.with_inputs, (OF_FEW, OF_MANY), ixt, why)
    return record._replace(ixt=ixt, ity=ity)


def _groups(of: Samples | Pair) -> tuple[str, ...]:
    """The groups that these samples may belong to."""
    return (LABELS,) if of.is_labelled else (OF_FEW, OF_MANY)


def _given(
    known: Known,
    pair_of: Callable[[], Pair],
    groups: Sequence[str],
    record: Information,
    why: str,
    entropy: Callable[[], float] | None = None,
) -> Information:
    """groups : those that the samples may belong to
    why : the key of WHY_NONE if there is no evidence for such samples; empty: there may be
    entropy : H(B) in bits, if b are labels"""
    if record.interval.kind != "none" or record.why_none:
        return record
    if math.isnan(record.value):
        return record.without_interval("no_value")
    if not any(name in known.fits for name in groups):
        return record.without_interval(known.why[groups[0]])
    if why:
        return record.without_interval(why)
    pair = pair_of()
    sizes = (pair.n, pair.a.shape[1], 0 if pair.is_labelled else pair.b.shape[1])
    own = group(*sizes[1:])
    if (fit := known.fits.get(own)) is None:
        return record.without_interval(known.why[own])
    asked = Asked(fit.kind, *sizes, record.value, record.stderr, math.nan, 0.0, math.nan)
    if why := fit.why_none(asked):
        return record.without_interval(why)
    reference = entropy() if pair.is_labelled else linear_information(pair.a, pair.b)
    asked = asked._replace(reference=reference)
    if why := fit.why_none(asked):
        return record.without_interval(why)
    if fit.takes_second:
        asked = asked._replace(second=_second(pair, reference))
    if pair.is_labelled:
        asked = asked._replace(counted=opinions.counted(pair.a, pair.b))
    return replace(record, interval=fit.interval_of(asked)).without_interval("constant")


def _second(pair: Pair, reference: float) -> float:
    """The second opinion. reference : the pair's reference, H(B) if b are labels"""
    if pair.is_labelled:
        return float(opinions.told(*opinions.of_labels(pair.a, pair.b), reference))
    return opinions.coarse(pair.a, pair.b)
