"""What every estimator offers, called in one way."""

from collections.abc import Sequence

from infoplane.samples import Information, Samples


def estimate_batch(
    module, batch: Sequence[Samples], settings, survey=None
) -> list[Information]:
    """One record a sample, through the module's own batch function where it has one."""
    if hasattr(module, "estimate_batch"):
        records = module.estimate_batch(batch, settings, survey)
    else:
        records = [module.estimate(samples, settings) for samples in batch]
    return [record.with_saturation() for record in records]
