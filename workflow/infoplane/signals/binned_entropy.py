"""Entropy of a layer's binned activations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from infoplane.estimators.binned import BinnedSettings
from infoplane.samples import Samples
from infoplane.settings import Settings
from infoplane.signals.estimates import record_of
from infoplane.signals.interface import LayerSignal, Value
from infoplane.signals.trained import Trained


class BinnedEntropySettings(Settings):
    """Entropy of each layer's binned activations, in bits."""

    signal: Literal["binned_entropy"] = "binned_entropy"
    """Entropy of each layer's binned activations, in bits."""
    n_bins: int = Field(default=30, ge=2)
    """Number of bins on each unit's range."""
    range: Literal["fixed", "layer", "unit"] = "layer"
    """What n_bins span: `low` to `high`, the smallest to the largest activation of the layer,
    or of each unit for itself."""
    low: float | None = Field(default=None, allow_inf_nan=False)
    """Lower end of the fixed range, in units of the activations."""
    high: float | None = Field(default=None, allow_inf_nan=False)
    """Upper end of the fixed range. Values beyond go into bins of the same width there."""

    @model_validator(mode="after")
    def _range_is_given_where_fixed(self):
        ends = (self.low, self.high)
        if self.range != "fixed":
            if ends != (None, None):
                raise ValueError(f"low and high have no effect with range: {self.range}")
        elif None in ends or not self.low < self.high:
            raise ValueError("range: fixed needs low and high, low < high")
        return self

    @property
    def binned(self) -> BinnedSettings:
        """Of the estimator that counts."""
        chosen = self.model_dump(exclude={"signal"})
        return BinnedSettings(**chosen)


class BinnedEntropy(LayerSignal):
    """H(Bin(T)), the plug-in entropy of the rows of bin numbers, in bits.

    Goldfeld et al. 2019 (arXiv 1810.05728) show that its fall is clustering of activations;
    that lower is better is the claim of Shwartz-Ziv & Tishby 2017 for I(X;T), which it stands
    for in networks without noise.
    """

    Settings = BinnedEntropySettings
    settings: BinnedEntropySettings
    label, unit, better = "H(Bin(T))", "bits", "lower"

    def of_layer(self, samples: Samples, trained: Trained) -> Value:
        record = record_of(trained, samples, self.settings.binned)
        value, cap = record.extra["entropy_binned"], record.ixt.cap
        flags = tuple(f for f in record.ixt.flags if f in ("saturated", "heavy_tails"))
        return Value(value, cap, flags)
