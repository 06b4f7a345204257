"""Limits that hold for every estimator: I(X;T) ≤ H(X) and I(T;Y) ≤ H(Y), the entropies of the
measured inputs and of their labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from infoplane.datasets.contents import row_codes
from infoplane.information import Information, LayerInformation, entropy_of_counts
from infoplane.samples import Pair, Samples

ROUNDING = 1e-6
"""Bits by which rounding may put a value above an entropy that it equals: sums of float32 are
taken in blocks, and counts are good to 1e-9."""
FLAG = "above_entropy"


class Limits:
    """H(X) and H(Y) in bits, computed once for all samples that share their inputs or labels.

    Keep it no longer than the samples: it identifies tensors by their address in memory.
    """

    def __init__(self):
        self._known: dict[int, float] = {}

    def of_layer(self, samples: Samples, record: LayerInformation) -> LayerInformation:
        """The record, flagged if a value exceeds H(X) or H(Y), with exact and proven intervals
        cut to 0 … H(X) or H(Y); a continuous Y has no such limit."""
        record = record._replace(ixt=_limited(record.ixt, lambda: self._of_x(samples)))
        if not samples.is_labelled:
            return record._replace(ity=_limited(record.ity, lambda: math.inf))
        return record._replace(ity=_limited(record.ity, lambda: self.of_labels(samples.y)))

    def of_pair(self, pair: Pair, record: Information) -> Information:
        """The record, flagged if b are labels and the value exceeds their entropy, with an
        exact or proven interval cut to 0 … this entropy.

        Two continuous variables have no such limit: only samples of them are known.
        """
        return _limited(
            record, lambda: self.of_labels(pair.b) if pair.is_labelled else math.inf
        )

    def of_labels(self, y: torch.Tensor) -> float:
        """H(Y) in bits of these labels, int64 codes."""
        return self._once(y, lambda: entropy_of_counts(np.bincount(y.numpy(force=True))))

    def _of_x(self, samples: Samples) -> float:
        """H(X) of the inputs, not of their draws; without x, all inputs count as different."""
        if samples.entropy_x is not None:
            return samples.entropy_x
        if samples.x is None:
            return math.log2(samples.n_inputs)
        return self._once(samples.x, lambda: entropy_of_rows(samples.x))

    def _once(self, values: torch.Tensor, entropy: Callable[[], float]) -> float:
        if id(values) not in self._known:
            self._known[id(values)] = entropy()
        return self._known[id(values)]


def entropy_of_rows(x: torch.Tensor) -> float:
    """Entropy in bits of the distinct rows of x (n_inputs, n_features), of any type."""
    rows = (x + 0).contiguous()  # −0.0 equals 0.0 but has other bytes
    return entropy_of_counts(np.bincount(row_codes(rows.view(torch.uint8).numpy(force=True))))


def _limited(record: Information, entropy: Callable[[], float]) -> Information:
    """The record, flagged if its value is above an entropy (NaN is not), with an exact or
    proven interval cut to 0 … this entropy."""
    if record.interval.kind != "none":
        record = replace(record, interval=record.interval.within(entropy()))
    above = record.value > ROUNDING and record.value > entropy() + ROUNDING
    return record.with_flag(FLAG) if above else record
