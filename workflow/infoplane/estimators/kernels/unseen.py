"""Intervals of counted information for the population from which unseen inputs are drawn.

There is no interval if an input has several draws, which the theorems here do not cover, or if
there are fewer inputs than `sampling.LEAST`; and none for I(X;T) of a noisy layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from infoplane.estimators.kernels import sampling
from infoplane.estimators.kernels.counting import Grid, Tallies
from infoplane.estimators.kernels.counting_cpu import TY, T, Y
from infoplane.estimators.kernels.sampling import Codes, Counted
from infoplane.information import Information, Interval, LayerInformation
from infoplane.samples import Samples

SEED = 0
"""Seed of the rows that are counted for the missing mass; the same rows for all layers."""


class Repeats(NamedTuple):
    """Tallies of codes with several rows, over a random subset of the rows, and the expected
    size of this subset."""

    tallies: Tallies
    n_thinned: float


def are(samples: Samples) -> bool:
    """Whether this module gives intervals for these samples."""
    return samples.unseen and samples.n_draws == 1 and samples.n_inputs >= sampling.LEAST


def repeats(
    t: torch.Tensor, labels: np.ndarray, tally: Callable[[torch.Tensor, np.ndarray], Tallies]
) -> Repeats:
    """The repeats in samples t (n_samples, n_inputs, 1, n_units) with their classes.

    tally : counts codes with several rows, like `counting.tally_grid` with `repeats`
    """
    chosen, expected = sampling.thinned(t.shape[1], np.random.default_rng(SEED))
    rows = torch.from_numpy(chosen).to(t.device)
    return Repeats(tally(t.index_select(1, rows), labels[:, chosen]), expected)


def codes_of_values(t: torch.Tensor) -> Codes:
    """The possible codes of rows without bins: all values of the type of t."""
    most = _log_all(t)
    return Codes(most, most)


def codes_of_bins(
    t: torch.Tensor, low: np.ndarray, high: np.ndarray, grid: Grid
) -> list[Codes]:
    """The possible codes of samples t (n_samples, n_inputs, 1, n_units) in bins of one size.

    low, high : (n_samples, 1), the smallest and largest value of each sample. Order statistics
        limit the probability that a new row has a value outside, whatever the distribution
    """
    beyond = 2 * math.log(2 / sampling.UNLIKELY) / t.shape[1]
    step, most = grid.step[:, :1], _log_all(t)
    # one bin more, for values on an edge
    bins = np.floor((high - grid.low[:, :1]) / step) - np.floor((low - grid.low[:, :1]) / step)
    seen = t.shape[3] * np.log(bins[:, 0] + 2)
    return [Codes(min(float(of), most), most, beyond) for of in seen]


def _log_all(t: torch.Tensor) -> float:
    return 8 * t.itemsize * t.shape[3] * math.log(2)


def with_intervals(
    batch: Sequence[Samples],
    records: Sequence[LayerInformation],
    counted: Tallies,
    again: Repeats,
    codes: Sequence[Codes],
) -> list[LayerInformation]:
    """The records; those of unseen inputs get intervals, and corrected values as extras."""
    entropies = counted.entropies()
    single = again.tallies.n_codes - np.rint(again.tallies.weighted).astype(np.int64)
    told = []
    for i, (samples, record) in enumerate(zip(batch, records, strict=True)):
        if are(samples):
            one = Counted(
                counted.n_rows,
                *entropies[i, [T, TY, Y]].tolist(),
                *counted.n_codes[i, [T, TY, Y]].tolist(),
                *single[i, [T, TY]].tolist(),
                again.n_thinned,
            )
            ixt = record.ixt
            if samples.is_deterministic:
                ixt = _with(ixt, *sampling.of_entropy(one, codes[i]))
            ity = _with(record.ity, *sampling.of_information(one, codes[i]))
            record = record._replace(ixt=ixt, ity=ity)
        told.append(record)
    return told


def _with(record: Information, corrected: float, interval: Interval) -> Information:
    return replace(record, interval=interval, extra={**record.extra, "corrected": corrected})
