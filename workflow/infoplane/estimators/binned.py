"""I(X;T) and I(T;Y) of binned activations.

Bin(T), the row of bin numbers of all units, is discrete. With X as the index of the input,
counting gives its plug-in information:
    I(X;T) = H(Bin(T)) − mean_n H(Bin(T) | X = x_n)
    I(T;Y) = H(Bin(T)) − Σ_y p(y) H(Bin(T) | Y = y)
The conditional entropies follow from joint ones, Σ_y p(y) H(T|y) = H(T, Y) − H(Y).

Sources: Shwartz-Ziv & Tishby 2017 (30 edges on [−1, 1]: range fixed, low −1, high 1,
n_bins 29); Saxe et al. 2018 (bins floor(t / 0.07): width 0.07, for ReLU 0.5); Miller 1955 for
the correction of the bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import torch
from pydantic import Field, model_validator

from infoplane.estimators.interface import LayerEstimator, PairEstimator
from infoplane.estimators.kernels import counting, tails, unseen
from infoplane.estimators.kernels.counting import Grid, Tallies
from infoplane.estimators.kernels.counting_cpu import TX, TY, T, X, Y
from infoplane.estimators.kernels.shapes import by_shape
from infoplane.information import Quantity
from infoplane.samples import Information, LayerInformation, Pair, Samples
from infoplane.settings import Settings

Ranges = dict[tuple[int | None, str], tuple[float, float]]
"""The result of a survey: the smallest and largest activation of each seed and layer."""

OVER_TRAINING = ("layer_over_training", "training")
SPANNED = {
    "fixed": " from",
    "layer": "",
    "unit": " of each unit's range",
    "layer_over_training": " of the layer's range over training",
    "training": " of the range of all layers over training",
}
"""The span of n_bins, in words."""


class BinnedSettings(Settings):
    """Settings of the binned estimator."""

    estimator: Literal["binned"] = "binned"
    """`binned` is the entropy of binned activations, which tracks their clustering."""
    n_bins: int | None = Field(default=None, ge=2)
    """Each unit's range has this many bins; null means 30 if no width is given."""
    width: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """A bin has this width in units of the activations: bins are floor(t / width), without
    range and n_bins."""
    binning: Literal["equal_width", "equal_mass"] = "equal_width"
    """`equal_width` gives all bins one width. equal_mass puts edges at quantiles of the
    activations; equal values share a bin."""
    range: Literal["fixed", "layer", "unit", "layer_over_training", "training"] = "layer"
    """`n_bins` span this range. fixed: `low` to `high`. layer: the smallest to the largest
    activation of this layer at this epoch and seed. unit: the same for each unit by itself.
    layer_over_training: of this layer over all measured epochs of the seed. training: of all
    layers over all measured epochs of the seed. A delta schedule surveys epochs of its own for
    the last two. The setting has no meaning with `width`."""
    low: float | None = Field(default=None, allow_inf_nan=False)
    """The fixed range begins at this value, in units of the activations."""
    high: float | None = Field(default=None, allow_inf_nan=False)
    """The fixed range ends at this value, in units of the activations. Values beyond it go into
    further bins of the same width."""
    correction: Literal["none", "miller_madow"] = "none"
    """`miller_madow` adds (occupied bins − 1) / 2N nats to each entropy of N rows; none adds
    nothing."""

    @model_validator(mode="before")
    @classmethod
    def _thirty_bins(cls, values):
        if not isinstance(values, dict) or values.get("width") is not None:
            return values
        return values if values.get("n_bins") is not None else {**values, "n_bins": 30}

    @model_validator(mode="after")
    def _no_key_is_ignored(self):
        if self.width is not None:
            self._refuse("width", n_bins=None, binning="equal_width", range="layer")
        if self.binning == "equal_mass" and self.range not in ("layer", "unit"):
            raise ValueError(
                f"binning: equal_mass takes range: layer or range: unit, not {self.range}"
            )
        if self.range != "fixed":
            self._refuse(f"range: {self.range}", low=None, high=None)
        elif self.low is None or self.high is None or not self.low < self.high:
            raise ValueError(
                "range: fixed needs low and high, low < high (−1 and 1 with n_bins: 29 for "
                "the 30 edges of Shwartz-Ziv & Tishby)"
            )
        return self

    def _refuse(self, chosen: str, **defaults) -> None:
        for key, default in defaults.items():
            if getattr(self, key) != default:
                raise ValueError(f"{key} has no effect with {chosen}; leave out one of the two")


class Binned(LayerEstimator, PairEstimator):
    """Plug-in information of binned activations."""

    Settings = BinnedSettings
    settings: BinnedSettings
    chosen_by = frozenset({"n_bins", "width", "binning", "range", "low", "high"})
    changes = (
        "finer bins give more bits, up to log2 of the number of inputs, and so do more "
        "inputs if these are a sample"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        """A unit's own range follows its scale, and its quantiles follow monotone functions."""
        if self.settings.range != "unit":
            return ("rescale", "rotate", "monotone")
        bent = self.settings.binning == "equal_width"
        return ("rotate", "monotone") if bent else ("rotate",)

    def quantity(self, of: str) -> Quantity:
        """I(X; bins of T), with a description of the bins."""
        chosen = self.settings
        mass = " of equal mass" if chosen.binning == "equal_mass" else ""
        bins = f"{chosen.n_bins} bins{mass}{SPANNED[chosen.range]}"
        if chosen.width is not None:
            bins = f"bins {chosen.width:g} wide"
        if chosen.range == "fixed":
            bins += f" {chosen.low:g} to {chosen.high:g}"
        words = {"ixt": "I(X; bins of T)", "ity": "I(bins of T; Y)"}[of]
        symbol = {"ixt": r"I(X;\mathrm{Bin}(T))", "ity": r"I(\mathrm{Bin}(T);Y)"}[of]
        return Quantity(f"{words}, {bins}", symbol)

    def words_of_pair(self, labelled: bool) -> str:
        """I(bins of A; bins of B); a label has no bins."""
        words = super().words_of_pair(labelled)
        return (
            words if labelled else words.replace("I(B; bins of A)", "I(bins of A; bins of B)")
        )

    def estimate(self, samples: Samples, survey: Ranges | None = None) -> LayerInformation:
        """I(X;T) and I(T;Y) of binned activations.

        samples.t : (n_inputs, n_draws, n_units), samples.y : (n_inputs,)
        Returns LayerInformation in bits. interval: exact if the inputs are all values of X and
        nothing is corrected. For unseen inputs in bins that do not depend on them (width, or
        range: fixed), it contains the population's information (kernels/sampling.py), while the
        value remains that of the inputs. Otherwise there is no interval. extra: entropy_binned,
        H(Bin(T)), and entropy_given_x, H(Bin(T)|X), 0 with one draw. cap: log2 of the number of
        inputs, or of the range's codes if these are fewer, plus the Miller-Madow correction of
        that many codes. flags: 'heavy_tails' (tails.py) if n_bins of equal width span outliers
        and nearly all other values fall into one or two bins.
        Raises ValueError if the range spans a whole training and there is no survey, or if bins
        are too narrow to be numbered.
        """
        return self.estimate_batch([samples], survey)[0]

    def between(self, pair: Pair) -> Information:
        """I(Bin(A);Bin(B)), both binned in the same way, or I(Bin(A);B) of labels.

        Returns Information in bits: plug-in, or with the correction, without bounds. cap: log2
        of n, or of the possible codes of either side if these are fewer.
        Raises ValueError if the range spans a whole training, or if bins are too narrow.
        """
        one = Samples(pair.a[:, None], _as_labels(pair, self.settings), layer=pair.place)
        record = self.estimate(one)
        n_codes = len(one.y.unique())
        cap = min(record.ixt.cap, math.log2(n_codes))
        if self.settings.correction == "miller_madow":
            # adds (K_A + K_B − K_AB − 1) / 2N nats, and K_AB ≥ K_A
            cap += (n_codes - 1) / (2 * pair.n * math.log(2))
        information = replace(record.ity, cap=cap, extra=record.extra)
        if pair.is_labelled:
            return information
        other = Samples(pair.b[:, None], one.y, layer=pair.place)
        heavy = any(_heavy_tails([other], self.settings))
        return information.with_flag("heavy_tails") if heavy else information

    def estimate_batch(
        self, batch: Sequence[Samples], survey: Ranges | None = None
    ) -> list[LayerInformation]:
        """`estimate` for many samples; those of equal shapes run in parallel."""

        counts = self.settings.correction == "none"
        why = "sample" if counts else "corrected"

        def records_of(alike: list[Samples]) -> list[LayerInformation]:
            counted = _tallies(alike, self.settings, survey)
            of_population = any(map(self.of_population, alike))
            reason = "" if of_population else why
            records = _records(alike[0], self.settings, counted, reason)
            if of_population:
                records = _with_intervals(alike, self.settings, records, counted)
            heavy = _heavy_tails(alike, self.settings)
            return [
                r.with_flag("heavy_tails") if h else r
                for r, h in zip(records, heavy, strict=True)
            ]

        records = by_shape(batch, records_of)
        return [
            record.exactly()
            if counts and samples.is_counted_whole
            else record.without_intervals(why)
            for samples, record in zip(batch, records, strict=True)
        ]

    def of_population(self, samples: Samples) -> bool:
        """Whether the results concern a population: for unseen inputs, if no bin depends on
        them."""
        fixed = self.settings.width is not None or self.settings.range == "fixed"
        return fixed and unseen.are(samples)

    @property
    def needs_labels(self) -> str:
        """Two variables have no ranges over training."""
        if not self.needs_survey:
            return ""
        return f"with range: {self.settings.range} bins layers alone, over all epochs"

    @property
    def needs_survey(self) -> bool:
        """Whether the bins depend on all epochs."""
        return self.settings.range in OVER_TRAINING

    def survey(self, batch: Sequence[Samples], so_far: Ranges | None = None) -> Ranges:
        """Smallest and largest activation of each seed and layer, in `so_far` and the batch."""
        ranges = dict(so_far or {})
        for samples in batch:
            key = (samples.seed, samples.layer)
            low, high = _extremes(samples.t)
            known = ranges.get(key, (low, high))
            ranges[key] = (min(low, known[0]), max(high, known[1]))
        return ranges


def _heavy_tails(alike: list[Samples], settings: BinnedSettings) -> list[bool]:
    """For samples of one shape, whether outliers make bins too wide for all other values."""
    if settings.binning != "equal_width" or settings.width or settings.range == "fixed":
        return [False] * len(alike)
    t = counting.stacked([samples.t for samples in alike])
    return tails.heavy_in_bins(t, settings.range == "unit")


def _as_labels(pair: Pair, settings: BinnedSettings) -> torch.Tensor:
    """The labels b, or the codes of its bins as labels."""
    if pair.is_labelled:
        return pair.b
    one = Samples(pair.b[:, None], torch.zeros(pair.n, dtype=torch.int64), layer=pair.place)
    if settings.binning == "equal_mass":
        hashes = counting.edge_hashes(one.t, _edges_of_equal_mass(one.t, settings))
    else:
        grid = _grid(one.t[None], [one], settings, None)
        hashes = counting.hashes_on_device(
            one.t, grid.low[0], grid.high[0], grid.step[0], grid.n_bins
        )
    return torch.unique(hashes[:, 0], return_inverse=True)[1].cpu()


def _extremes(t: torch.Tensor) -> tuple[float, float]:
    low, high = torch.aminmax(t)
    return float(low), float(high)


def _tallies(batch: list[Samples], settings: BinnedSettings, survey: Ranges | None) -> Tallies:
    """The counts of samples of one shape."""
    t, labels = counting.stacked([samples.t for samples in batch]), _labels(batch)
    if settings.binning == "equal_width":
        return counting.tally_grid(t, labels, _grid(t, batch, settings, survey))
    edges = [_edges_of_equal_mass(sample, settings) for sample in t]
    return counting.tally_edges(t, labels, edges)


def _labels(batch: list[Samples]) -> np.ndarray:
    """Classes (n_samples, n_inputs), or (1, n_inputs) if all samples have the same."""
    alike = all(samples.y is batch[0].y for samples in batch)
    return np.stack([samples.y.numpy() for samples in (batch[:1] if alike else batch)])


def _with_intervals(
    batch: list[Samples],
    settings: BinnedSettings,
    records: list[LayerInformation],
    counted: Tallies,
) -> list[LayerInformation]:
    """The records of unseen inputs with intervals, for samples of one shape in bins of one
    size."""
    t = counting.stacked([samples.t for samples in batch])
    grid = _grid(t, batch, settings, None)
    codes = unseen.codes_of_bins(t, *counting.ranges(t, per_unit=False), grid)
    again = unseen.repeats(t, _labels(batch), partial(_repeats, grid))
    return unseen.with_intervals(batch, records, counted, again, codes)


def _repeats(grid: Grid, t: torch.Tensor, labels: np.ndarray) -> Tallies:
    return counting.tally_grid(t, labels, grid, repeats=True)


def _edges_of_equal_mass(t: torch.Tensor, settings: BinnedSettings) -> torch.Tensor:
    """Inner edges (n_units or 1, n_bins − 1) of t (n_inputs, n_draws, n_units)."""
    parts = t.unbind(dim=2) if settings.range == "unit" else [t]
    return torch.stack([counting.quantile_edges(part, settings.n_bins) for part in parts])


def _grid(
    t: torch.Tensor, batch: list[Samples], settings: BinnedSettings, survey: Ranges | None
) -> Grid:
    """The bins of samples of one shape, t (n_samples, n_inputs, n_draws, n_units)."""
    shape = (len(batch), t.shape[3])
    low, high = counting.ranges(t, settings.range == "unit")
    if settings.width is not None:
        grid = Grid.of_width(settings.width, shape)
    elif settings.range == "fixed":
        grid = Grid.of_range(settings.low, settings.high, settings.n_bins, shape)
    elif settings.range in OVER_TRAINING:
        ends = np.array([_surveyed(samples, settings, survey) for samples in batch])
        grid = Grid.of_range(ends[:, :1], ends[:, 1:], settings.n_bins, shape)
    else:
        grid = Grid.of_range(low, high, settings.n_bins, shape)
    return grid.holding(low, high, (samples.place for samples in batch))


def _surveyed(
    samples: Samples, settings: BinnedSettings, survey: Ranges | None
) -> tuple[float, float]:
    """The range over training for these samples."""
    ranges = [
        ends
        for (seed, layer), ends in (survey or {}).items()
        if seed == samples.seed and (settings.range == "training" or layer == samples.layer)
    ]
    if not ranges:
        raise ValueError(
            f"{samples.place}: range: {settings.range} spans a whole training, and there is no "
            "survey of this layer and seed. For single samples use range: layer, unit or "
            "fixed, or pass the result of the estimator's `survey`"
        )
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _records(
    one: Samples, settings: BinnedSettings, counted: Tallies, why: str
) -> list[LayerInformation]:
    """The record from the tallies of samples with this shape.

    I(X;T) = H(T) + H(X) − H(T, X), and the same with Y. Miller-Madow adds (K − 1) / 2N nats to
    H(T), and to each H(T | c) with the K and N of class c. Weighted with p(c), the latter add
    up to (K' − C) / 2N, with K' occupied pairs of code and class and C classes.
    """
    entropies = counted.entropies()
    if settings.correction == "miller_madow":
        entropies += (counted.n_codes - 1) / (2 * counted.n_rows * math.log(2))
    t = entropies[:, T]
    given_x = entropies[:, TX] - entropies[:, X]
    ixt = t - given_x
    ity = t - (entropies[:, TY] - entropies[:, Y])
    within, wider = _cap(one, settings), _cap(one, settings, beyond=True)
    in_range = one.n_units * math.log2(settings.n_bins or 1) + 1e-9
    beyond = np.log2(counted.n_codes[:, T]) > in_range
    caps = np.where(beyond, wider, within)
    plain = Information(math.nan, why_none=why)
    return [
        LayerInformation(
            plain.but(value=a, cap=cap),
            plain.but(value=b),
            {"entropy_binned": h, "entropy_given_x": g},
        )
        for a, b, h, g, cap in zip(
            *(v.tolist() for v in (ixt, ity, t, given_x, caps)), strict=True
        )
    ]


def _cap(samples: Samples, settings: BinnedSettings, beyond: bool = False) -> float:
    """The largest I(X;T), in bits, that the settings can give for this number of inputs and
    draws.

    beyond : whether there are more codes than the range has, as after a survey of other epochs

    Plug-in information is at most log2 of the inputs and of the codes. The correction adds
    (K − K_X + n − 1) / 2nr nats, K_X ≥ max(K, n) occupied pairs of code and input.
    """
    n_bits = math.log2(samples.n_inputs)
    if settings.width is None and settings.range != "fixed" and not beyond:
        n_bits = min(n_bits, samples.n_units * math.log2(settings.n_bins))
    if settings.correction == "none":
        return n_bits
    n_rows = samples.n_inputs * samples.n_draws
    return n_bits + (2**n_bits - 1) / (2 * n_rows * math.log(2))
