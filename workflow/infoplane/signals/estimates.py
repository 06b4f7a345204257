"""Estimates of a layer's information, each made once for all signals that use it."""

from __future__ import annotations

from infoplane.estimators import ESTIMATORS
from infoplane.information import FLAGS, LayerInformation
from infoplane.samples import Samples
from infoplane.settings import Settings
from infoplane.signals.interface import NotMeasurable, Value
from infoplane.signals.trained import Trained


def record_of(trained: Trained, samples: Samples, settings: Settings) -> LayerInformation:
    """The result for a layer of the estimator with these settings."""
    key = (settings.canonical(), samples.layer)
    return trained.remember(
        key, lambda: ESTIMATORS[settings.estimator](settings).session()([samples])[0]
    )


def value_of(trained: Trained, samples: Samples, settings: Settings, quantity: str) -> Value:
    """I(X;T) (ixt) or I(T;Y) (ity) of a layer.

    Raises NotMeasurable, with the estimator's flags, if it gives no value.
    """
    found = getattr(record_of(trained, samples, settings), quantity)
    if found.value != found.value:
        why = "; ".join(FLAGS[flag] for flag in found.flags)
        raise NotMeasurable(why or f"estimator {settings.estimator} gives none")
    return Value(found.value, found.cap, found.flags)
