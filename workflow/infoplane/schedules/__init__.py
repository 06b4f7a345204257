"""Schedules of the epochs to keep or to measure. Epoch 0 is the network before any training.

A schedule in `fixed` is known before any measurement. One in `adaptive` chooses the next epochs
from the information measured so far. A fixed one decides which weights are kept. The library's
modules import from the files and not from here, so that digests include them.
"""

from infoplane.schedules.adaptive import Adaptive, AnySchedule, DeltaApproximate, DeltaExact
from infoplane.schedules.fixed import All, Every, Listed, Logarithmic, Schedule, kept_epochs

__all__ = [
    "Adaptive",
    "All",
    "AnySchedule",
    "DeltaApproximate",
    "DeltaExact",
    "Every",
    "Listed",
    "Logarithmic",
    "Schedule",
    "kept_epochs",
]
