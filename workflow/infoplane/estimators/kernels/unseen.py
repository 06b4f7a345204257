"""Intervals of counted information over the population that unseen inputs are drawn from.

None is given where an input has several draws, of which no theorem here speaks, nor of I(X;T)
where the layer is noisy, nor of fewer inputs than `sampling.LEAST`.
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
"""Of which rows are counted for what the sample has not shown: the same of all layers."""


class Repeats(NamedTuple):
    """The tallies of codes with several rows, of some rows, and how many were expected."""

    tallies: Tallies
    n_thinned: float


def are(samples: Samples) -> bool:
    """Whether they are samples of this module."""
    return samples.unseen and samples.n_draws == 1 and samples.n_inputs >= sampling.LEAST


def repeats(
    t: torch.Tensor, labels: np.ndarray, tally: Callable[[torch.Tensor, np.ndarray], Tallies]
) -> Repeats:
    """Of samples t (n_samples, n_inputs, 1, n_units) and their classes.

    tally : counts codes with several rows, as `counting.tally_grid` with `repeats`
    """
    chosen, expected = sampling.thinned(t.shape[1], np.random.default_rng(SEED))
    rows = torch.from_numpy(chosen).to(t.device)
    return Repeats(tally(t.index_select(1, rows), labels[:, chosen]), expected)


def codes_of_values(t: torch.Tensor) -> Codes:
    """Of rows as they are: as many as the type of t has."""
    most = _log_all(t)
    return Codes(most, most)


def codes_of_bins(
    t: torch.Tensor, low: np.ndarray, high: np.ndarray, grid: Grid
) -> list[Codes]:
    """Of samples t (n_samples, n_inputs, 1, n_units) in bins of one size.

    low, high : (n_samples, 1), the smallest and the largest value of each. A new row is below
        or above these with a probability that order statistics limit, whatever the distribution
    """
    beyond = 2 * math.log(2 / sampling.UNLIKELY) / t.shape[1]
    step, most = grid.step[:, :1], _log_all(t)
    # one more, for values on an edge
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
    """Those of unseen inputs with intervals, and with corrected values beside them."""
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
