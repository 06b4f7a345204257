"""Measure a whole training: activations in, one record a seed, epoch and layer out."""

from collections.abc import Iterator

from infoplane.estimators.interface import estimate_batch, remembers
from infoplane.progress import Progress
from infoplane.samples import Information, Samples


def measure(activations, module, settings, title="measure"):
    """Records by (seed, epoch, layer), with the estimator `module` and its settings.

    activations : gives lists of samples of one layer, knows how many, and can be gone through
    again; an estimator that needs a survey goes through it twice
    """
    survey = None
    if hasattr(module, "needs_survey") and module.needs_survey(settings):
        for batch in _watched(activations, f"{title}, survey"):
            survey = module.survey(batch, settings, survey)
    memory = {} if remembers(module, settings) else None
    records: dict[tuple[int, int, str], Information] = {}
    for batch in _blocks(_watched(activations, title), getattr(module, "TOGETHER", False)):
        found = estimate_batch(module, batch, settings, survey, memory)
        for samples, record in zip(batch, found, strict=True):
            records[samples.seed, samples.epoch, samples.layer] = record
    return records


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
