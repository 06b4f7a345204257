"""Measure a whole training: activations in, one record a seed, epoch and layer out."""

from collections.abc import Iterable, Sized

from tqdm import tqdm

from infoplane.estimators.interface import estimate_batch
from infoplane.samples import Information, Samples


def measure(activations: Iterable[list[Samples]] | Sized, module, settings, title="measure"):
    """Records by (seed, epoch, layer), with the estimator `module` and its settings.

    activations : gives lists of samples of one layer, and can be gone through again; an
    estimator that needs a survey goes through it twice
    """
    survey = None
    if hasattr(module, "needs_survey") and module.needs_survey(settings):
        for batch in tqdm(activations, desc=f"{title}, survey", unit="batch"):
            survey = module.survey(batch, settings, survey)
    records: dict[tuple[int, int, str], Information] = {}
    for batch in tqdm(activations, desc=title, unit="batch"):
        found = estimate_batch(module, batch, settings, survey)
        for samples, record in zip(batch, found, strict=True):
            records[samples.seed, samples.epoch, samples.layer] = record
    return records
