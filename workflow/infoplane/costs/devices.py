"""Whether a job asks for a GPU."""

from infoplane.estimators.interface import Estimator


def gpus(device: str, method: type[Estimator] | None = None) -> int:
    """GPUs that a job on this device asks for: 0 or 1.

    device : the run's `training.device` or `measure.device`
    method : an estimator; under `auto` only one that trains networks of its own gains enough to
        wait for a GPU. None: a training, or activations for several estimators.
    """
    if device == "auto":
        return int(method is None or method.trains)
    return int(device == "cuda")
