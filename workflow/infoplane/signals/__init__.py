"""Signals of a trained network: one file for each, with a class of the same interface.

A signal is a number that should predict, from training inputs alone, how well a network will do
on other inputs. Its class derives from `NetworkSignal` or `LayerSignal` (interface.py). The
class is in the table below, or its name is "module:Class".
"""

from collections.abc import Mapping
from typing import Any

from infoplane.signals.interface import Signal
from infoplane.table import Table

CLASSES = {
    "information": "InformationSignal",
    "binned_entropy": "BinnedEntropy",
    "training_accuracy": "TrainingAccuracy",
    "training_loss": "TrainingLoss",
    "weight_norm": "WeightNorm",
    "distance_from_initialisation": "DistanceFromInitialisation",
    "spectral_product": "SpectralProduct",
    "frobenius_product": "FrobeniusProduct",
    "path_norm": "PathNorm",
    "margin": "Margin",
    "normalised_margin": "NormalisedMargin",
    "sharpness_random": "SharpnessRandom",
    "sharpness_random_magnitude": "SharpnessRandomMagnitude",
    "sharpness_sam": "SharpnessSam",
    "sharpness_sam_magnitude": "SharpnessSamMagnitude",
    "gradient_noise": "GradientNoise",
    "cdnv": "CDNV",
    "davies_bouldin": "DaviesBouldin",
    "effective_rank": "EffectiveRank",
    "n_parameters": "NParameters",
    "random": "Random",
}
"""The class in the file of each signal's name."""
SIGNALS = Table(
    "signal",
    {name: f"infoplane.signals.{name}:{chosen}" for name, chosen in CLASSES.items()},
    open=True,
    base="infoplane.signals.interface:Signal",
)


def from_written(written: Mapping[str, Any]) -> Signal:
    """The signal of settings as written, with `signal` and its keys."""
    kind = SIGNALS[written["signal"]]
    return kind(kind.Settings.model_validate(written))


def by_default() -> dict[str, dict[str, Any]]:
    """Every signal of the table that needs no settings, by its own name."""
    return {name: {"signal": name} for name in SIGNALS if SIGNALS[name].by_itself}
