"""The audit of a run's own layers: a few seeds and epochs, one estimator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from infoplane.estimators.interface import Estimator
from infoplane.invariance.audit import values_of
from infoplane.invariance.settings import AuditSettings
from infoplane.measurement.activations import Activations
from infoplane.samples import Samples


def epochs_of(epochs: Sequence[int], number: int) -> list[int]:
    """This number of the epochs, evenly spread in their order, with the last one."""
    last = len(epochs) - 1
    places = np.linspace(0, last, number) if number > 1 else [last]
    return [epochs[i] for i in sorted({round(float(place)) for place in places})]


def audited(
    activations: Activations,
    estimator: Estimator,
    settings: AuditSettings,
    seeds: Sequence[int],
) -> pd.DataFrame:
    """Every value for the layers of these seeds, unchanged and under every map.

    activations : activations of all measured epochs. Lost seeds have no rows
    The columns are `audit.COLUMNS`; values are in bits.
    """
    few = activations.at(epochs_of(activations.epochs, settings.epochs))
    few.seeds = [seed for seed in few.seeds if seed in seeds]
    return values_of(estimator, _each(few) if few.seeds else (), settings)


def _each(activations: Activations) -> Iterator[Samples]:
    for batch in activations.epoch_by_epoch():
        yield from batch
