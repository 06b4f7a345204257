"""How a layer's activations cluster. The binned estimator follows this, but it is not
information.

Goldfeld et al. 2019 (ICML, "Estimating information flow in deep neural networks") show that a
falling H(Bin(T)) of deterministic networks is clustering of activations, not compression. This
module gives that entropy and measures of clusters without bins. Class c has n_c rows, mean μ_c
and variance v_c = mean ‖t − μ_c‖² over its rows; every draw is a row:
    entropy_binned    H(Bin(T)), in bits
    distance_within   root mean square distance of two rows of one class: from Σ 2 n_c² v_c
    distance_between  … of two rows of different classes: from 2 n² v − Σ 2 n_c² v_c
    silhouette        mean of (b − a) / max(a, b): a is a row's mean distance to its class, b to
                      the nearest other class (Rousseeuw 1987); 0 in a class of one
    cdnv              mean over pairs of classes of (v_c + v_c') / (2 ‖μ_c − μ_c'‖²), the
                      class-distance normalised variance (Galanti, György & Hutter 2022)
    cosine_within, cosine_between
                      mean cosine similarity of two rows of one class, of different classes;
                      rows of zeros have no direction and are left out
Only the first is in bits. Distances are in units of the activations; the others have no unit.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.compiled import compiled
from infoplane.estimators.interface import LayerEstimator
from infoplane.estimators.kernels import counting, tails
from infoplane.estimators.kernels.bins import BinSettings
from infoplane.estimators.kernels.classes import cdnv, class_moments
from infoplane.estimators.kernels.counting_cpu import T
from infoplane.estimators.kernels.distances import FAST, squared_distances
from infoplane.estimators.kernels.threads import each
from infoplane.information import PAIRS, Quantity
from infoplane.samples import Information, LayerInformation, Samples

MOST_DIRECT_UNITS = 32
"""Up to this many units, compiled differences are faster than matrix products on the CPU."""


class ClusteringSettings(BinSettings):
    """Settings of the clustering measures."""

    estimator: Literal["clustering"] = "clustering"
    """`clustering` gives measures of clusters, not information: H(Bin(T)), distances,
    silhouette, CDNV, cosines."""
    silhouette_rows: int = Field(default=4096, ge=2)
    """The silhouette uses at most this many rows, chosen at random, because its time grows with
    the square of their number. All other measures use all rows."""
    seed: int = Field(default=0, ge=0)
    """The rows of the silhouette are drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting copies of the
    samples."""


class Clustering(LayerEstimator):
    """How a layer's activations cluster."""

    Settings = ClusteringSettings
    settings: ClusteringSettings
    without_information = True
    not_pooled = "clusters of single activations are not information, and have no H(T|X)"
    exempt_from_dpi = "clustering measures are not information"
    changes = "distances change with the scale of units, and entropy_binned with the bins"

    def quantity(self, of: str) -> Quantity:
        """No quantity: the measures of clusters are not information."""
        return Quantity("no information", PAIRS[of])

    def estimate(self, samples: Samples) -> LayerInformation:
        """Clustering measures of one layer.

        samples.t : (n_inputs, n_draws, n_units), samples.y : (n_inputs,)
        Returns LayerInformation whose values are NaN. extra: the seven measures above, NaN if
        there are no such pairs of rows (a single class, classes of one); cdnv also if two class
        means are equal. flags: 'heavy_tails' (tails.py) if bins span outliers and
        nearly all other values fall into one or two bins.
        Raises ValueError if the fixed range's bins are too narrow to be numbered.
        """
        rows = samples.t.flatten(0, 1)
        labels = samples.y.repeat_interleave(samples.n_draws)
        step = max(
            1, self.settings.memory_mb * 10**6 // (40 * rows.shape[1])
        )  # 5 float64 a value
        measures = {
            "entropy_binned": _entropy_binned(samples, self.settings),
            **_moments(rows, labels.to(rows.device), step),
            "silhouette": _silhouette(rows, labels, self.settings),
        }
        fixed, by_unit = self.settings.range == "fixed", self.settings.range == "unit"
        heavy = not fixed and tails.heavy_in_bins(samples.t[None], by_unit)[0]
        flags = ("heavy_tails",) if heavy else ()
        none = Information(math.nan, flags=flags)
        return LayerInformation(none, none, measures)


def _entropy_binned(samples: Samples, settings: ClusteringSettings) -> float:
    t, shape = samples.t[None], (1, samples.n_units)
    low, high = counting.ranges(t, settings.range == "unit")
    ends = (settings.low, settings.high) if settings.range == "fixed" else (low, high)
    grid = counting.Grid.of_range(*ends, settings.n_bins, shape)
    grid = grid.holding(low, high, [samples.place])
    tallies = counting.tally_grid(t, samples.y.numpy()[None], grid)
    return float(tallies.entropies()[0, T])


def _moments(rows: torch.Tensor, labels: torch.Tensor, step: int) -> dict[str, float]:
    """The measures that follow from sums over classes. rows : (n, d); labels : (n,); step :
    rows at once"""
    n, d = rows.shape
    n_classes = int(labels.max()) + 1
    directions = torch.zeros((n_classes, d), dtype=torch.float64, device=rows.device)
    n_directed = torch.zeros(n_classes, dtype=torch.float64, device=rows.device)
    for part, of in zip(rows.split(step), labels.split(step), strict=True):
        part = part.to(torch.float64)
        part = part / part.abs().amax(dim=1, keepdim=True).clamp(min=1e-300)
        lengths = part.square().sum(dim=1, keepdim=True).sqrt()
        directed = lengths[:, 0] > 0
        directions.index_add_(0, of[directed], part[directed] / lengths[directed])
        n_directed += torch.bincount(of[directed], minlength=n_classes)
    found = class_moments(rows, labels, step)
    counts, means, unit = found.counts, found.means, found.unit
    spread = found.variances * counts
    grand = (counts @ means) / n
    of_means = counts @ (means - grand).square().sum(dim=1)
    within = 2 * float(counts @ spread)
    total = 2 * n * float(spread.sum() + of_means)
    n_within = float((counts * (counts - 1)).sum())
    n_between = float(n**2 - counts.square().sum())
    squares = directions.square().sum(dim=1)
    n_cos_within = float((n_directed * (n_directed - 1)).sum())
    n_cos_between = float(n_directed.sum() ** 2 - n_directed.square().sum())
    across = float(directions.sum(dim=0).square().sum() - squares.sum())
    return {
        "distance_within": unit * math.sqrt(within / n_within) if n_within else math.nan,
        "distance_between": unit * math.sqrt(max(0.0, total - within) / n_between)
        if n_between
        else math.nan,
        "cdnv": cdnv(means, found.variances),
        "cosine_within": float((squares - n_directed).sum()) / n_cos_within
        if n_cos_within
        else math.nan,
        "cosine_between": across / n_cos_between if n_cos_between else math.nan,
    }


def _silhouette(
    rows: torch.Tensor, labels: torch.Tensor, settings: ClusteringSettings
) -> float:
    """Mean silhouette of rows (n, d) with labels (n,)."""
    if len(rows) > settings.silhouette_rows:
        rng = np.random.default_rng(settings.seed)
        chosen = rng.choice(len(rows), settings.silhouette_rows, replace=False)
        chosen = torch.from_numpy(chosen)
        rows, labels = rows[chosen.to(rows.device)], labels[chosen]
    order = torch.argsort(labels, stable=True)
    sizes = np.unique(labels.numpy(), return_counts=True)[1]
    if len(sizes) < 2:
        return math.nan
    rows = rows[order.to(rows.device)].to(torch.float64)
    rows = rows - rows[0]
    largest = float(rows.abs().max())
    if largest == 0:
        return 0.0
    rows = rows / largest
    if rows.is_cuda or rows.shape[1] > MOST_DIRECT_UNITS:
        sums = _sums_by_products(rows, sizes, settings.memory_mb * 10**6)
    else:
        sums = _sums_by_differences(rows.numpy(), sizes)
    return float(_silhouettes(sums, sizes).mean())


def _silhouettes(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Silhouette of each row (n,), from its summed distances to each class (n, C). Rows come
    sorted by class; sizes : (C,)"""
    n, own = len(sums), np.repeat(np.arange(len(sizes)), sizes)
    within = sums[np.arange(n), own] / np.maximum(sizes[own] - 1, 1)
    others = sums / sizes
    others[np.arange(n), own] = np.inf
    nearest = others.min(axis=1)
    larger = np.maximum(within, nearest)
    values = (nearest - within) / np.where(larger > 0, larger, 1.0)
    return np.where(sizes[own] > 1, values, 0.0)


def _sums_by_products(rows: torch.Tensor, sizes: np.ndarray, memory: int) -> np.ndarray:
    """Summed distances (n, C) of rows (n, d) to each class, in blocks; rows sorted by class."""
    n = len(rows)
    rows = rows - rows.mean(dim=0)
    own = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)).to(rows.device)
    member = torch.nn.functional.one_hot(own, len(sizes)).to(torch.float64)
    step = max(1, memory // (24 * n))
    sums = torch.empty(n, len(sizes), dtype=torch.float64)
    for start in range(0, n, step):
        distances = torch.cdist(rows[start : start + step], rows)
        i = torch.arange(len(distances), device=rows.device)
        distances[i, start + i] = 0.0  # not 1e-8, as rounding would have it
        sums[start : start + step] = distances @ member
    return sums.numpy()


def _sums_by_differences(rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The same with compiled differences."""
    columns = np.ascontiguousarray((rows - rows.mean(axis=0)).T, dtype=np.float32)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    sums = np.empty((len(rows), len(sizes)))
    shares = np.linspace(0, len(rows), 9).astype(np.int64)
    each(lambda k: _add_distances(columns, starts, shares[k], shares[k + 1], sums), 8)
    return sums


@compiled(nogil=True, fastmath=FAST)
def _add_distances(columns, starts, first, last, sums):
    """Fill rows first … last − 1 of sums from columns (d, n) of rows sorted by class."""
    n = columns.shape[1]
    apart = np.empty(n, np.float32)
    for i in range(first, last):
        squared_distances(columns, i, 0, n, apart)
        for c in range(len(starts) - 1):
            total = np.float32(0)
            for j in range(starts[c], starts[c + 1]):
                total += np.sqrt(apart[j])
            sums[i, c] = total
