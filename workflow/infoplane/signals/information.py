"""Information of a layer about the labels, or about the inputs, by any estimator."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import model_validator

from infoplane.choice import Choice
from infoplane.estimators import ESTIMATORS
from infoplane.samples import Samples
from infoplane.settings import Settings
from infoplane.signals.estimates import value_of
from infoplane.signals.interface import LayerSignal, Value
from infoplane.signals.trained import Trained

SYMBOLS = {"ity": "I(T;Y)", "ixt": "I(X;T)"}


class InformationSettings(Settings):
    """Information of each layer on training inputs, in bits, by any estimator."""

    signal: Literal["information"]
    """`information` is the information of each layer on training inputs, in bits, by any
    estimator."""
    of: Literal["ity", "ixt"] = "ity"
    """`ity` is I(T;Y), of layer and label; ixt is I(X;T), of input and layer."""
    estimator: Annotated[Any, Choice(ESTIMATORS, "estimator")]
    """This estimator measures the information: a name in the experiment, or its settings."""

    @model_validator(mode="after")
    def _needs_one_epoch(self):
        estimator = ESTIMATORS[self.estimator.estimator](self.estimator)
        if estimator.without_information:
            raise ValueError(f"estimator {estimator.name} gives no information")
        if estimator.needs_survey:
            raise ValueError(
                f"estimator {estimator.name} has settings that need the whole training before "
                "anything is measured; a signal belongs to one epoch"
            )
        return self


class InformationSignal(LayerSignal):
    """I(T;Y) or I(X;T) of each layer, in bits.

    Stirn et al. 2018 ("Deep Mutual Information") claim that larger I(T;Y) on the training set
    goes with better generalisation; Shwartz-Ziv & Tishby 2017 (arXiv 1703.00810) claim it for
    smaller I(X;T). In networks without noise an estimate describes the geometry of T.
    """

    Settings = InformationSettings
    settings: InformationSettings
    unit, by_itself = "bits", False

    @property
    def label(self) -> str:
        return f"{SYMBOLS[self.settings.of]}, {self.settings.estimator.estimator}"

    @property
    def better(self) -> Literal["higher", "lower"]:
        return "higher" if self.settings.of == "ity" else "lower"

    def of_layer(self, samples: Samples, trained: Trained) -> Value:
        return value_of(trained, samples, self.settings.estimator, self.settings.of)
