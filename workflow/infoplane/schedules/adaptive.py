"""Schedules that measure densely where the information changes and skip where it does not.

Both follow the dissertation's section 3.3.2. They count only kept epochs, always measure the
first and the last, and measure none twice.
"""

import math
from bisect import insort
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from infoplane.schedules import distances
from infoplane.schedules.fixed import All, Every, Listed, Logarithmic, Schedule
from infoplane.schedules.parts import WHOLE, Part
from infoplane.settings import Settings

Measure = Callable[[list[int]], np.ndarray]
"""Measures some epochs, in order: bits (n_epochs, n_seeds, n_layers, 2), the last axis I(X;T)
and I(T;Y), NaN if missing."""


class Followed(NamedTuple):
    """The measured epochs, in order, and the number of rounds."""

    epochs: list[int]
    rounds: int


class Adaptive(Settings):
    """The common part of both schedules."""

    delta: float = Field(default=0.05, gt=0)
    """No epoch is measured between two epochs that are at most this far apart: a share of H(X)
    and H(Y) with `distance: entropy`, bits with `distance: raw`."""
    skip: float = Field(default=2, gt=1, le=1000)
    """The skip is multiplied by this factor while the distance is at most delta."""
    first_skip: int = Field(default=1, ge=1)
    """The second measured epoch is this many kept epochs after the first."""
    distance: distances.Distance = "entropy"
    """`entropy` divides differences of I(X;T) by H(X) and of I(T;Y) by H(Y), and leaves them in
    bits if the entropy is 0; raw leaves all differences in bits."""
    over: distances.Over = "seed"
    """`seed` takes the largest distance of any seed in a job's block (seeds_per_block); mean
    takes the distance of the means over these seeds. All seeds of a block have the same
    epochs."""
    survey: Schedule = Logarithmic(schedule="logarithmic", number=60)
    """Bins that span a whole training (range: layer_over_training, training) take their range
    from these kept epochs, whichever epochs are then measured. {schedule: all} gives the same
    values as measuring every kept epoch, at the cost of a forward pass for each."""

    WHOLE_BECAUSE: ClassVar[str] = ""
    """Why the schedule cannot be divided into parts; empty if it can."""

    def select(self, available: np.ndarray) -> np.ndarray:
        """Every epoch that may be measured."""
        return available

    def most(self, n_available: int) -> int:
        """The largest number of epochs that may be measured."""
        return n_available

    def follow(
        self,
        available: Sequence[int],
        measure: Measure,
        entropies: tuple[float, float],
        part: Part = WHOLE,
    ) -> Followed:
        """Measure epochs until none is left.

        available : the kept epochs, in order
        entropies : H(X) and H(Y) of the measured inputs, bits
        part : of the gaps between the first epochs; all parts together measure the epochs of
            the whole
        Raises ValueError for a part of a schedule without parts.
        """
        if part.of > 1 and self.WHOLE_BECAUSE:
            raise ValueError(f"schedule {self.schedule} has no parts: it {self.WHOLE_BECAUSE}")
        curves = _Curves(self, [int(e) for e in available], measure, entropies)
        self._follow(curves, part)
        return Followed([curves.available[i] for i in curves.places], curves.rounds)

    def _longer(self, skip: int) -> int:
        return math.ceil(self.skip * skip)


class DeltaExact(Adaptive):
    schedule: Literal["delta_exact"]
    """`delta_exact` measures few kept epochs, such that every two neighbours are within delta,
    or adjacent."""

    def _follow(self, curves: "_Curves", part: Part) -> None:
        """Measure first the epochs that the skip reaches if no distance exceeds delta. Then, in
        each round, measure the middle of every gap that is too wide, all gaps at once.

        The dissertation takes one step after another: each step waits for the distance of the
        step before and then fills gaps, which takes one round for each step. The guarantee does
        not depend on that order. The method here takes at most 1 + log2 of the number of kept
        epochs. Neither method sees a value that rises and falls back between two measured
        epochs.

        The epochs measured in a gap depend only on the epochs at its ends. So a job can measure
        a part of the first gaps without knowing the others.
        """
        ladder = self._ladder(len(curves.available))
        gaps = part.of_range(len(ladder) - 1)
        wanted = ladder[gaps.start : gaps.stop + 1] if gaps.stop > gaps.start else []
        if len(ladder) == 1 and part.number == 1:
            wanted = ladder
        while wanted:
            curves.ask(wanted)
            wanted = curves.middles(self.delta)

    def _ladder(self, n: int) -> list[int]:
        places, skip = [0], self.first_skip
        while places[-1] + skip < n - 1:
            places.append(places[-1] + skip)
            skip = self._longer(skip)
        return sorted({*places, n - 1})


class DeltaApproximate(Adaptive):
    schedule: Literal["delta_approximate"]
    """`delta_approximate` takes one step after another without going back, so that distances
    above delta may remain."""
    exceeded: Literal["keep", "shrink", "reset"] = "keep"
    """After a distance above delta the skip is kept (as in the dissertation, which expects
    distances to shrink over training), shrinks (is divided by `skip`), or is reset to
    first_skip."""

    WHOLE_BECAUSE: ClassVar[str] = "takes one step after another"

    def _follow(self, curves: "_Curves", part: Part) -> None:
        place, skip, last = 0, self.first_skip, len(curves.available) - 1
        curves.ask(sorted({0, last}))
        while place + skip < last:
            curves.ask([place + skip])
            if curves.apart(place, place + skip) <= self.delta:
                longer = self._longer(skip)
            elif self.exceeded == "keep":
                longer = skip
            else:
                shorter = self.first_skip if self.exceeded == "reset" else skip / self.skip
                longer = max(1, math.floor(shorter))
            place, skip = place + skip, longer


AnySchedule = Annotated[
    All | Every | Logarithmic | Listed | DeltaExact | DeltaApproximate,
    Field(discriminator="schedule"),
]


class _Curves:
    """The values measured so far, by position among the available epochs."""

    def __init__(self, settings: Adaptive, available: list[int], measure: Measure, entropies):
        self.available, self.measure = available, measure
        self.scale = distances.scales(settings.distance, *entropies)
        self.over = settings.over
        self.places: list[int] = []
        self.rounds = 0
        self._values: dict[int, np.ndarray] = {}
        self._apart: dict[tuple[int, int], float] = {}

    def ask(self, places: list[int]) -> None:
        """Measure the epochs at these positions, which were not measured before."""
        values = self.measure([self.available[i] for i in places])
        self._values.update(zip(places, values, strict=True))
        for place in places:
            insort(self.places, place)
        self.rounds += 1

    def apart(self, one: int, other: int) -> float:
        """Distance between the epochs at two measured positions."""
        if (one, other) not in self._apart:
            values = self._values[one], self._values[other]
            self._apart[one, other] = float(distances.between(*values, self.scale, self.over))
        return self._apart[one, other]

    def middles(self, delta: float) -> list[int]:
        """Middles of the gaps between neighbours that are farther apart than delta."""
        return [
            (one + other) // 2
            for one, other in pairwise(self.places)
            if other > one + 1 and self.apart(one, other) > delta
        ]
