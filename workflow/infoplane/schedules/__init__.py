"""Which epochs to keep or to measure. Epoch 0 is the network before any training.

A schedule of `fixed` is known before anything is measured; one of `adaptive` decides from the
information measured so far which epochs are measured next. Weights are kept by a fixed one.
Modules of the library import from the files and not from here, so that digests see them.
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
