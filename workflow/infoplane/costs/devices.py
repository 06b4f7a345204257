"""Whether a job asks for a GPU."""

from types import ModuleType

from infoplane.estimators.traits import traits_of


def gpus(device: str, module: ModuleType | None = None) -> int:
    """GPUs that a job on this device asks for: 0 or 1.

    device : the run's `training.device` or `measure.device`
    module : of an estimator; under `auto` only one that trains networks of its own (its trait)
        gains enough to wait for a GPU. None: a training, or activations for several
        estimators.
    """
    if device == "auto":
        return int(module is None or traits_of(module).trains)
    return int(device == "cuda")
