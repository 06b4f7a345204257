"""infoplane: information planes of neural networks that a reader can trust."""

import importlib

__version__ = "0.1.0"

_PLACES = {
    "ESTIMATORS": "infoplane.estimators",
    "EstimatorSettings": "infoplane.estimators.interface",
    "Information": "infoplane.information",
    "LayerEstimator": "infoplane.estimators.interface",
    "LayerInformation": "infoplane.information",
    "LayerSignal": "infoplane.signals.interface",
    "NetworkSignal": "infoplane.signals.interface",
    "NotMeasurable": "infoplane.signals.interface",
    "Pair": "infoplane.samples",
    "PairEstimator": "infoplane.estimators.interface",
    "Recorder": "infoplane.recorder",
    "Samples": "infoplane.samples",
    "Settings": "infoplane.settings",
    "SignalSettings": "infoplane.signals.interface",
    "activations": "infoplane.notebook",
    "audit": "infoplane.invariance.audit",
    "curves": "infoplane.figures.in_notebook",
    "estimate": "infoplane.estimators",
    "mutual_information": "infoplane.estimators",
    "open": "infoplane.stores.files:open_tree",
    "plane": "infoplane.figures.in_notebook",
}
# `open` is left out: `from infoplane import *` must not replace Python's own.
__all__ = [*(name for name in _PLACES if name != "open"), "datasets"]


def __getattr__(name: str):
    # Imported late, so that a job that draws a figure does not wait for torch.
    if name in _PLACES:
        module, _, other_name = _PLACES[name].partition(":")
        return getattr(importlib.import_module(module), other_name or name)
    if name == "datasets":
        return importlib.import_module("infoplane.datasets")
    raise AttributeError(f"module 'infoplane' has no attribute '{name}'")
