"""Measure a whole training: from activations to one record per seed, epoch and layer."""

import logging
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from infoplane.estimators.interface import Estimator
from infoplane.progress import Progress, announce
from infoplane.samples import LayerInformation, Samples
from infoplane.schedules.adaptive import Adaptive
from infoplane.schedules.parts import WHOLE, Part

log = logging.getLogger(__name__)

Records = dict[tuple[int, int, str], LayerInformation]
"""By seed, epoch and layer."""


class Found(NamedTuple):
    """The result of a schedule: records, their epochs in order, and the number of rounds."""

    records: Records
    epochs: list[int]
    rounds: int


def why_whole(schedule, estimator: Estimator) -> str:
    """Why a measurement cannot be divided into parts; empty if it can."""
    if estimator.remembers:
        return "continues from the epoch before"
    return schedule.WHOLE_BECAUSE if isinstance(schedule, Adaptive) else ""


def measure_scheduled(
    activations,
    schedule,
    estimator: Estimator,
    title="measure",
    part: Part = WHOLE,
    known: Records | None = None,
) -> Found:
    """Records of the epochs of a schedule; an adaptive one chooses them round by round.

    activations : of every epoch that may be measured; `at` gives those of some epochs
    part : the part to measure
    known : existing records, which are not measured again. With the records of all parts
        nothing is measured, and the result equals, bit by bit, a single measurement of the
        whole
    Raises ValueError for an adaptive schedule with an estimator that remembers, and so needs
    epochs in order, or that gives no information; and for a part of a measurement without
    parts.
    """
    why = why_whole(schedule, estimator)
    if why and (part.of > 1 or known):
        raise ValueError(f"{estimator.name} must be measured in one part: it {why}")
    if not isinstance(schedule, Adaptive):
        epochs = activations.epochs[part.of_range(len(activations.epochs))]
        records = _Measurer(activations, activations, estimator, title, known)
        return Found(records.of(epochs), epochs, 1)
    why = estimator.needs_fixed_epochs
    if why:
        raise ValueError(
            f"schedule {schedule.schedule} chooses epochs by its results, in no order, "
            f"and {estimator.name} {why}; give it another schedule"
        )
    # Bins must not depend on the order in which the schedule chooses epochs.
    to_survey = schedule.survey.select(np.array(activations.epochs)).tolist()
    records = _Measurer(activations, activations.at(to_survey), estimator, title, known)

    def ask(epochs: list[int]) -> np.ndarray:
        log.info("asked for %d epochs", len(epochs))
        found = records.of(epochs)
        return values_of(found, epochs, activations.seeds, activations.layers)

    entropies = _entropies(activations, to_survey)
    path = schedule.follow(activations.epochs, ask, entropies, part)
    many = f"{len(path.epochs)} of {len(activations.epochs)} epochs in {path.rounds} rounds"
    announce(title, f"measured {many}, {schedule.schedule}")
    return Found(records.of(path.epochs), *path)


def _entropies(activations, epochs: list[int]) -> tuple[float, float]:
    """H(X) and H(Y) in bits; their mean over seeds and these epochs if they differ."""
    found = set(activations.entropies(epochs).values()) or {(1.0, 1.0)}
    return found.pop() if len(found) == 1 else tuple(np.mean(list(found), axis=0).tolist())


class _Measurer:
    """Measures epochs on demand, and none twice.

    to_survey : the activations for a survey before the first measurement
    known : records to begin with
    """

    def __init__(self, activations, to_survey, estimator, title, known):
        self.activations, self.to_survey = activations, to_survey
        self.estimator, self.title = estimator, title
        self.records: Records = dict(known or {})
        self.surveyed = None
        self.has_surveyed = False

    def of(self, epochs: list[int]) -> Records:
        """Records of these epochs, in their order."""
        new = [epoch for epoch in epochs if any(k not in self.records for k in self._at(epoch))]
        if new:
            batches, estimator = self.activations.at(new), self.estimator
            if not self.has_surveyed:
                to_survey, twice = self.to_survey, estimator.needs_survey
                if twice and not estimator.together and to_survey.epochs == new:
                    to_survey = batches = batches.held()
                self.surveyed = survey(to_survey, estimator, self.title)
                self.has_surveyed = True
            self.records |= measure_surveyed(batches, estimator, self.surveyed, self.title)
        return {key: self.records[key] for epoch in epochs for key in self._at(epoch)}

    def _at(self, epoch: int) -> list[tuple[int, int, str]]:
        layers, seeds = self.activations.layers, self.activations.seeds
        return [(seed, epoch, layer) for seed in seeds for layer in layers]


def measure(activations, estimator: Estimator, title="measure") -> Records:
    """Records of all activations by an estimator.

    activations : a repeatable iterable with a length, of lists of samples of one layer; an
        estimator that needs a survey goes through it twice
    """
    surveyed = survey(activations, estimator, title)
    return measure_surveyed(activations, estimator, surveyed, title)


def measure_surveyed(activations, estimator: Estimator, surveyed, title="measure") -> Records:
    """`measure` with the result of a survey, possibly of other epochs."""
    records: Records = {}
    session, together = estimator.session(surveyed), estimator.together
    if together:
        # Critics trained in different batches differ in the last digits, so batches must not
        # depend on how jobs divide the epochs.
        activations = activations.epoch_by_epoch()
    with Progress(title, len(activations), unit="batch") as progress:
        for block, n_batches in _blocks(activations, together):
            for samples, record in zip(block, session(block), strict=True):
                records[samples.seed, samples.epoch, samples.layer] = record
            progress.advance(n_batches)
    return records


def survey(activations, estimator: Estimator, title="measure"):
    """The estimator's survey of all activations before it measures; None if it needs none."""
    so_far = None
    if estimator.needs_survey:
        with Progress(f"{title}, survey", len(activations), unit="batch") as progress:
            for batch in activations:
                so_far = estimator.survey(batch, so_far)
                progress.advance()
    return so_far


def values_of(records: Mapping, epochs, seeds, layers) -> np.ndarray:
    """I(X;T) and I(T;Y) in bits, (n_epochs, n_seeds, n_layers, 2)."""
    found = [
        [information.value for information in records[seed, epoch, layer][:2]]
        for epoch in epochs
        for seed in seeds
        for layer in layers
    ]
    return np.array(found).reshape(len(epochs), len(seeds), len(layers), 2)


def _blocks(batches, together: bool) -> Iterator[tuple[list[Samples], int]]:
    """The batches, or one batch for all layers of the same seeds and epochs; and the number of
    batches that make one."""
    block: list[Samples] = []
    n_batches = 0
    for batch in batches:
        if not together:
            yield batch, 1
            continue
        if batch[0].layer in {samples.layer for samples in block}:
            yield block, n_batches
            block, n_batches = [], 0
        block, n_batches = [*block, *batch], n_batches + 1
    if block:
        yield block, n_batches
