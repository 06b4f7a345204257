"""How fast critics converge that continue from the epoch before, compared with fresh critics.

Two critics of the same seed, epoch, layer and quantity are a pair. They see the same samples,
stop by the same rule and have the same budget of steps; one starts with the weights of the
epoch before. The number of steps until the rule ends a training says little alone, because a
critic that stops early may have stopped at a low bound. So the two are compared at a bound that
both reach: LEVEL times the lower of their largest bounds. The first evaluation, before any
step, counts as 0 steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

LEVEL = 0.95
"""Two critics are compared at this share of the lower of their largest bounds."""
CONFIDENCE = 0.95
"""Confidence of the intervals."""
RESAMPLES = 9999
"""Bootstrap samples of clusters."""
CARRIED, FRESH = "carried over", "fresh"
"""The start of a critic: the weights of the epoch before, or new ones."""
WHERE = ["seed", "epoch", "layer", "quantity"]
MEASURES = ("steps", "steps_to_level", "value")
"""Measures of a pair: mini-batches until the rule ended the training; mini-batches until the
common level; the reported information in bits."""
ALL = "all layers"


def first_step(steps: Sequence[int], bounds: Sequence[float], level: float) -> float:
    """The first step at which the bound is at least the level; NaN if it never is.

    steps : in order; bounds : at each step, in any unit
    """
    reached = np.flatnonzero(np.asarray(bounds) >= level)
    return float(np.asarray(steps)[reached[0]]) if len(reached) else float("nan")


def paired(curves: pd.DataFrame) -> pd.DataFrame:
    """Pairs of critics, one row for each seed, epoch, layer and quantity (ixt or ity).

    curves : one row for each evaluation: `start` (CARRIED or FRESH), seed, epoch, layer,
        quantity, step, bound (bits), `carried` (whether the critic started from the weights of
        the epoch before) and `value` (bits, its reported value)
    Returns a table with the columns WHERE, level (bits; NaN if the lower of the two largest
    bounds is not above 0), and {measure}_carried and {measure}_fresh for each measure. It has
    no pairs without a carried critic, for example at the first epoch.
    """
    curves = curves.replace({"bound": [np.inf, -np.inf]}, np.nan).dropna(subset="bound")
    critics = {
        (*key, start): part.sort_values("step")
        for (*key, start), part in curves.groupby([*WHERE, "start"], sort=False)
    }
    rows = []
    for (*key, start), carried in critics.items():
        fresh = critics.get((*key, FRESH))
        if start != CARRIED or fresh is None or not carried.carried.all():
            continue
        lower = min(carried.bound.max(), fresh.bound.max())
        row = dict(zip(WHERE, key, strict=True))
        row["level"] = LEVEL * lower if lower > 0 else np.nan
        for name, part in (("carried", carried), ("fresh", fresh)):
            row[f"steps_{name}"] = float(part.step.max())
            row[f"steps_to_level_{name}"] = first_step(part.step, part.bound, row["level"])
            row[f"value_{name}"] = float(part.value.iloc[0])
        rows.append(row)
    columns = [f"{measure}_{name}" for measure in MEASURES for name in ("carried", "fresh")]
    return pd.DataFrame(rows, columns=[*WHERE, "level", *columns])


def differences(pairs: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Means over pairs, and the mean of carried − fresh with an interval; one row for each
    quantity, layer (and ALL layers together) and measure.

    pairs : the result of `paired`; seed : of the bootstrap
    Returns quantity, layer, measure, n_pairs, n_clusters, n_without (pairs without the
    measure), mean_carried, mean_fresh, difference, lower, upper (of CONFIDENCE), n_seeds and
    n_seeds_lower (seeds whose own mean difference is below 0). The bootstrap resamples
    clusters, which are a seed at an epoch: layers of one network are not independent. NaN with
    fewer than two clusters.
    """
    rows = []
    for quantity, of_quantity in pairs.groupby("quantity", sort=False):
        layers = dict.fromkeys(of_quantity.layer)
        of_layers = {layer: of_quantity[of_quantity.layer == layer] for layer in layers}
        if len(layers) > 1:
            of_layers[ALL] = of_quantity
        for layer, part in of_layers.items():
            where = {"quantity": quantity, "layer": layer}
            rows += [{**where, **_difference(part, measure, seed)} for measure in MEASURES]
    return pd.DataFrame(rows)


def _difference(pairs: pd.DataFrame, measure: str, seed: int) -> Mapping[str, object]:
    carried, fresh = pairs[f"{measure}_carried"], pairs[f"{measure}_fresh"]
    there = carried.notna() & fresh.notna()
    found = (carried - fresh)[there]
    keys = [pairs.seed[there], pairs.epoch[there]]
    sums = found.groupby(keys).agg(["sum", "count"])
    lower, upper = _interval(sums["sum"].to_numpy(), sums["count"].to_numpy(), seed)
    of_seeds = found.groupby(pairs.seed[there]).mean()
    return {
        "measure": measure,
        "n_pairs": int(there.sum()),
        "n_clusters": len(sums),
        "n_without": int((~there).sum()),
        "mean_carried": carried[there].mean(),
        "mean_fresh": fresh[there].mean(),
        "difference": found.mean(),
        "lower": lower,
        "upper": upper,
        "n_seeds": len(of_seeds),
        "n_seeds_lower": int((of_seeds < 0).sum()),
    }


def _interval(sums: np.ndarray, counts: np.ndarray, seed: int) -> tuple[float, float]:
    """Percentile interval of the mean of all differences, by resampled clusters."""
    if len(sums) < 2:
        return float("nan"), float("nan")
    from scipy.stats import bootstrap  # here, because it looks for torch

    found = bootstrap(
        (sums, counts),
        lambda sums, counts, axis: sums.sum(axis=axis) / counts.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)
