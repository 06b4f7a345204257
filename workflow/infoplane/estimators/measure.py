"""Measure a whole training: activations in, one record a seed, epoch and layer out."""

import logging
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from infoplane.estimators.interface import estimate_batch, needs_fixed_epochs, remembers
from infoplane.progress import Progress, announce
from infoplane.samples import Information, Samples
from infoplane.schedules.adaptive import Adaptive

log = logging.getLogger(__name__)

Records = dict[tuple[int, int, str], Information]
"""By seed, epoch and layer."""


class Found(NamedTuple):
    """What a schedule measured: records, their epochs in order, in how many rounds."""

    records: Records
    epochs: list[int]
    rounds: int


def measure_scheduled(activations, schedule, module, settings, title="measure") -> Found:
    """Records of the epochs of a schedule; an adaptive one asks for them round by round.

    activations : of every epoch that may be asked for; `at` gives those of some of them
    Raises ValueError for an adaptive schedule and an estimator that remembers, for it takes
    epochs in order, or that gives no information.
    """
    if not isinstance(schedule, Adaptive):
        records = measure(activations, module, settings, title)
        return Found(records, activations.epochs, 1)
    why = needs_fixed_epochs(module, settings)
    if why:
        raise ValueError(
            f"schedule {schedule.schedule} measures epochs in no order, by what it has found, "
            f"and {settings.estimator} {why}; give it another schedule"
        )
    # Bins must not depend on the way that the schedule takes.
    to_survey = schedule.survey.select(np.array(activations.epochs)).tolist()
    surveyed = survey(activations.at(to_survey), module, settings, title)
    records: Records = {}

    def ask(epochs: list[int]) -> np.ndarray:
        log.info("asked for %d epochs", len(epochs))
        records.update(
            measure_surveyed(activations.at(epochs), module, settings, surveyed, title)
        )
        return values_of(records, epochs, activations.seeds, activations.layers)

    measured = activations.measured
    entropies = measured.entropy_x, measured.entropy_y
    path = schedule.follow(activations.epochs, ask, entropies)
    many = f"{len(path.epochs)} of {len(activations.epochs)} epochs in {path.rounds} rounds"
    announce(title, f"measured {many}, {schedule.schedule}")
    return Found(records, *path)


def measure(activations, module, settings, title="measure") -> Records:
    """Records of all activations, with the estimator `module` and its settings.

    activations : gives lists of samples of one layer, knows how many, and can be gone through
    again; an estimator that needs a survey goes through it twice
    """
    surveyed = survey(activations, module, settings, title)
    return measure_surveyed(activations, module, settings, surveyed, title)


def measure_surveyed(activations, module, settings, surveyed, title="measure") -> Records:
    """`measure` with the result of a survey, which may be one of other epochs."""
    records: Records = {}
    memory = {} if remembers(module, settings) else None
    for batch in _blocks(_watched(activations, title), getattr(module, "TOGETHER", False)):
        found = estimate_batch(module, batch, settings, surveyed, memory)
        for samples, record in zip(batch, found, strict=True):
            records[samples.seed, samples.epoch, samples.layer] = record
    return records


def survey(activations, module, settings, title="measure"):
    """What the estimator has to know of all activations before it measures; None: nothing."""
    found = None
    if hasattr(module, "needs_survey") and module.needs_survey(settings):
        for batch in _watched(activations, f"{title}, survey"):
            found = module.survey(batch, settings, found)
    return found


def values_of(records: Mapping, epochs, seeds, layers) -> np.ndarray:
    """I(X;T) and I(T;Y) in bits, (n_epochs, n_seeds, n_layers, 2)."""
    found = [
        [records[seed, epoch, layer].ixt, records[seed, epoch, layer].ity]
        for epoch in epochs
        for seed in seeds
        for layer in layers
    ]
    return np.array(found).reshape(len(epochs), len(seeds), len(layers), 2)


def _blocks(batches, together: bool) -> Iterator[list[Samples]]:
    """The batches, or those of all layers of the same seeds and epochs as one."""
    block: list[Samples] = []
    for batch in batches:
        layers = {samples.layer for samples in block}
        if block and (not together or batch[0].layer in layers):
            yield block
            block = []
        block = [*block, *batch]
    if block:
        yield block


def _watched(activations, title: str) -> Iterator[list[Samples]]:
    with Progress(title, len(activations), unit="batch") as progress:
        for batch in activations:
            yield batch
            progress.advance()
