"""Phases of training as statistics over networks: numbers in, numbers out.

`intervals` has means with intervals, `turns` where a mean curve is highest, `phases` what
happens before and after that, `layers` the same of a table of information. Nothing here reads a
store, draws, or imports torch.

A network's own largest value minus its last one is never negative, so its interval excludes
zero whatever the curves do: of curves that only rise, and of noise, it finds a fall. Here each
network is judged at the epoch that *other* networks chose.
"""

from infoplane.phases.intervals import CONFIDENCE, RESOLUTION, Estimate, mean_of
from infoplane.phases.layers import of_layers
from infoplane.phases.phases import Phases, phases_of
from infoplane.phases.turns import Turn, chosen_before, turn_of

__all__ = [
    "CONFIDENCE",
    "RESOLUTION",
    "Estimate",
    "Phases",
    "Turn",
    "chosen_before",
    "mean_of",
    "of_layers",
    "phases_of",
    "turn_of",
]
