"""Entropy of a layer's binned activations."""

from __future__ import annotations

from typing import Literal

from infoplane.estimators.binned import BinnedSettings
from infoplane.estimators.kernels.bins import BinSettings
from infoplane.samples import Samples
from infoplane.signals.estimates import record_of
from infoplane.signals.interface import LayerSignal, Value
from infoplane.signals.trained import Trained


class BinnedEntropySettings(BinSettings):
    """Entropy of each layer's binned activations, in bits."""

    signal: Literal["binned_entropy"] = "binned_entropy"
    """`binned_entropy` is the entropy of each layer's binned activations, in bits."""

    @property
    def binned(self) -> BinnedSettings:
        """Settings of the estimator that counts."""
        chosen = self.model_dump(exclude={"signal"})
        return BinnedSettings(**chosen)


class BinnedEntropy(LayerSignal):
    """H(Bin(T)), the plug-in entropy of the rows of bin numbers, in bits.

    Goldfeld et al. 2019 (arXiv 1810.05728) show that a fall of this entropy is clustering of
    activations. That lower is better is the claim of Shwartz-Ziv & Tishby 2017 about I(X;T),
    for which this entropy is used in networks without noise.
    """

    Settings = BinnedEntropySettings
    settings: BinnedEntropySettings
    label, unit, better = "H(Bin(T))", "bits", "lower"

    def of_layer(self, samples: Samples, trained: Trained) -> Value:
        record = record_of(trained, samples, self.settings.binned)
        value, cap = record.extra["entropy_binned"], record.ixt.cap
        flags = tuple(f for f in record.ixt.flags if f in ("saturated", "heavy_tails"))
        return Value(value, cap, flags)
