"""Calibrated intervals for the records of a session (calibration.py).

What has an interval by a theorem or by counting keeps it. None is given
- of I(X;T) where T is a function of X: it is infinite, or H(X), whatever the samples say;
- of several draws of an input, and of channels × pixels that the estimator reads as such: the
  calibration page has neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from infoplane.estimators.tables import calibration, opinions
from infoplane.estimators.tables.calibration import CONTINUOUS, LABELS, Asked, Fit
from infoplane.estimators.tables.limits import Limits
from infoplane.estimators.tables.linear import linear_information
from infoplane.information import Information, LayerInformation
from infoplane.samples import Pair, Samples

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator


def of_layer(
    estimator: Estimator, samples: Samples, record: LayerInformation, limits: Limits
) -> LayerInformation:
    """The record with calibrated intervals, where there are any.

    limits : of the batch, for H(Y)
    """
    fits = calibration.of(estimator)
    if not fits or estimator.takes_as_maps([samples.shape]):
        return record
    if samples.n_draws == 1:
        ity = _given(fits, samples.with_y(), record.ity, lambda: limits.of_labels(samples.y))
        record = record._replace(ity=ity)
    if samples.x is None or samples.n_draws > 1 or samples.is_deterministic:
        return record
    if estimator.takes_layers or estimator.takes_as_maps([samples.shape_x]):
        return record
    return record._replace(ixt=_given(fits, samples.with_inputs(), record.ixt))


def of_pair(estimator: Estimator, pair: Pair, record: Information) -> Information:
    """The record of two variables with a calibrated interval, where there is one."""
    fits = calibration.of(estimator)
    if not fits or estimator.takes_as_maps(pair.shapes):
        return record
    return _given(fits, pair, record, lambda: Limits().of_labels(pair.b))


def _given(
    fits: Mapping[str, Fit],
    pair: Pair,
    record: Information,
    entropy: Callable[[], float] | None = None,
) -> Information:
    """entropy : H(B) in bits, where b are labels"""
    fit = fits.get(LABELS if pair.is_labelled else CONTINUOUS)
    if fit is None or record.interval.kind != "none":
        return record
    sizes = (pair.n, pair.a.shape[1], 0 if pair.is_labelled else pair.b.shape[1])
    asked = Asked(fit.kind, *sizes, record.value, record.stderr, 0.0, 0.0)
    if not fit.covers(asked):
        return record
    reference = entropy() if pair.is_labelled else linear_information(pair.a, pair.b)
    asked = asked._replace(reference=reference)
    if fit.takes_second:
        asked = asked._replace(second=_second(pair, reference))
    return replace(record, interval=fit.interval_of(asked))


def _second(pair: Pair, reference: float) -> float:
    """The second opinion; reference : of the pair, H(B) where b are labels."""
    if pair.is_labelled:
        return float(opinions.told(*opinions.of_labels(pair.a, pair.b), reference))
    return opinions.coarse(pair.a, pair.b)
