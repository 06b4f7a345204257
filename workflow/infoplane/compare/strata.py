"""Strata: the epochs at which networks are compared on equal terms.

Networks at the end of their training have made different progress. A signal that only measures
progress is as good as the training loss. So pairs are also compared at the same epoch and at
the same training loss. For this reason Jiang et al. 2020 stop every training at one value of
the cross-entropy.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from infoplane.settings import Settings

LOSS = "loss_train"
"""The metric by which networks are matched."""


class Last(Settings):
    stratum: Literal["last"] = "last"
    """`last` compares each network at the end of its own training."""


class At(Settings):
    stratum: Literal["epoch"]
    """`epoch` compares all networks at one epoch."""
    epoch: int = Field(ge=1)
    """Networks are compared at this epoch, whose weights must be kept."""


class Matched(Settings):
    stratum: Literal["loss"]
    """`loss` compares each network at the kept epoch whose training loss is nearest to one
    level."""
    loss: float | None = Field(default=None, gt=0)
    """This is the level in nats; null takes the lowest level that a share of a family's
    networks reaches."""
    reached_by: float = Field(default=0.9, gt=0, le=1)
    """If loss is null, this share of a family's networks must reach the level."""
    within: float = Field(default=0.1, gt=0)
    """An epoch is matched if its loss differs from the level by at most this share of it; a
    network without such an epoch is left out and named."""


Stratum = Annotated[Last | At | Matched, Field(discriminator="stratum")]
DEFAULT: dict[str, Stratum] = {"converged": Last()}


@dataclass(frozen=True)
class Course:
    """One network's training.

    kept : epochs whose weights are kept, ascending; losses : loss_train of every epoch by its
    number, NaN after a failure; lost : why it is not measured, or "";
    failed : whether a failure is the reason, not a rule of the configuration
    """

    run: str
    seed: int
    kept: Sequence[int]
    losses: Mapping[int, float]
    lost: str = ""
    failed: bool = False


class Chosen(NamedTuple):
    """A network's epoch in a stratum; or None and the reason."""

    run: str
    seed: int
    stratum: str
    epoch: int | None
    why: str = ""


@dataclass
class Selection:
    """All networks of a family in all strata.

    chosen : one entry per network and stratum; levels : the loss of matched strata, by name;
    untrained : (run, seed, training loss before training began) of each network; failed :
    (run, seed) of those whose training failed
    """

    chosen: list[Chosen] = field(default_factory=list)
    levels: dict[str, float] = field(default_factory=dict)
    untrained: list[tuple[str, int, float]] = field(default_factory=list)
    failed: list[tuple[str, int]] = field(default_factory=list)

    def written(self) -> dict[str, list | dict]:
        """For JSON: `chosen` (run, seed, stratum, epoch), `left_out` (run, seed, stratum, why),
        `levels`, `untrained` with null for a loss that is not finite."""
        return {
            "chosen": [one[:4] for one in self.chosen if one.epoch is not None],
            "left_out": [[*one[:3], one.why] for one in self.chosen if one.epoch is None],
            "levels": self.levels,
            "untrained": [
                [run, seed, loss if math.isfinite(loss) else None]
                for run, seed, loss in self.untrained
            ],
            "failed": self.failed,
        }


def courses_of(run: str, stores: Iterable[Path], seeds: Sequence[int]) -> list[Course]:
    """The trainings of a run's wanted seeds, from its stores of weights.

    Raises ValueError for a trainer that does not record its training loss.
    """
    from infoplane.stores.weights import WeightsStore  # here: a plan does without

    courses = []
    for path in stores:
        store = WeightsStore(path)
        metrics = store.metrics()
        if LOSS not in metrics:
            raise ValueError(f"{path} has no metric {LOSS}; networks cannot be compared by it")
        epochs = metrics["epoch"].values.tolist()
        for row, seed in enumerate(store.seeds.tolist()):
            if seed in seeds:
                losses = metrics[LOSS].values[row].tolist()
                lost = store.lost.get(seed)
                courses.append(
                    Course(
                        run,
                        seed,
                        store.epochs.tolist(),
                        dict(zip(epochs, losses, strict=True)),
                        lost.reason if lost else "",
                        lost is not None and not lost.set_aside,
                    )
                )
    return courses


def select(courses: Sequence[Course], strata: Mapping[str, Stratum]) -> Selection:
    """The epoch of each network in each stratum. Epoch 0, before training, never counts."""
    found = Selection(
        untrained=[(c.run, c.seed, c.losses[min(c.losses)]) for c in courses],
        failed=[(c.run, c.seed) for c in courses if c.failed],
    )
    for name, stratum in strata.items():
        if isinstance(stratum, Matched):
            level = stratum.loss or _level(courses, stratum.reached_by)
            found.levels[name] = level
        for course in courses:
            if course.lost:
                epoch, why = None, course.lost
            elif not (ends := _trained(course)):
                epoch, why = None, "no epoch after training began is kept"
            elif isinstance(stratum, Matched):
                epoch, why = _nearest(course, ends, level, stratum.within)
            elif isinstance(stratum, At):
                epoch, why = _at(course, ends, stratum.epoch)
            else:
                epoch, why = ends[-1], ""
            found.chosen.append(Chosen(course.run, course.seed, name, epoch, why))
    return found


def _trained(course: Course) -> list[int]:
    """Kept epochs after training began."""
    return [e for e in course.kept if e > 0 and math.isfinite(course.losses[e])]


def _at(course: Course, epochs: list[int], wanted: int) -> tuple[int | None, str]:
    if wanted in epochs:
        return wanted, ""
    if wanted > epochs[-1]:
        return None, f"training ended in epoch {epochs[-1]}"
    return None, f"the weights of epoch {wanted} were not kept"


def _nearest(
    course: Course, epochs: list[int], level: float, within: float
) -> tuple[int | None, str]:
    epoch = min(epochs, key=lambda e: (abs(course.losses[e] - level), e))
    loss = course.losses[epoch]
    if abs(loss - level) <= within * level:
        return epoch, ""
    return None, (
        f"no kept epoch has a training loss within {within:.0%} of {level:.4g}; the nearest is "
        f"{loss:.4g} in epoch {epoch}"
    )


def _level(courses: Sequence[Course], share: float) -> float:
    """The lowest loss that this share of the networks reaches at a kept epoch."""
    lowest = [
        min(course.losses[e] for e in epochs)
        for course in courses
        if not course.lost and (epochs := _trained(course))
    ]
    return float(np.quantile(lowest, share, method="higher")) if lowest else math.nan
