"""infoplane: information planes of neural networks that a reader can trust."""

import importlib

__version__ = "0.1.0"

_PLACES = {
    "ESTIMATORS": "infoplane.estimators",
    "Information": "infoplane.information",
    "MutualInformation": "infoplane.information",
    "Pair": "infoplane.samples",
    "Samples": "infoplane.samples",
    "Settings": "infoplane.settings",
    "estimate": "infoplane.estimators",
    "mutual_information": "infoplane.estimators",
}
__all__ = [*_PLACES, "datasets"]


def __getattr__(name: str):
    # Late, so that a job that draws a figure does not wait for torch.
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    if name == "datasets":
        return importlib.import_module("infoplane.datasets")
    raise AttributeError(f"module 'infoplane' has no attribute '{name}'")
