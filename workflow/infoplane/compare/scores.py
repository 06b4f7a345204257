"""The table of scores: every signal of every family, stratum and target, with intervals."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from infoplane.compare.conditional import conditional_information, granules
from infoplane.compare.environments import OneAxis, by_environment
from infoplane.compare.increment import increment
from infoplane.compare.networks import Family
from infoplane.compare.pairs import in_order, kendall
from infoplane.compare.sample import Networks, Sample, resampled
from infoplane.compare.settings import Settings
from infoplane.compare.strata import LOSS
from infoplane.progress import Progress

log = logging.getLogger(__name__)

SCORES = {
    "in_order": "share of pairs in the right order, ties of the signal counted half",
    "kendall": "Kendall's τ_b",
    "sign_error_mean": "mean sign error over environments, which differ in one axis",
    "sign_error_90": "sign error that 90 % of the environments do not exceed",
    "sign_error_max": "largest sign error of an environment; it has no interval by resamples",
    "granulated": "granulated Kendall's τ, the mean over axes",
    "conditional_information": "least normalised information given at most two axes",
    "increment": "R² that the signal adds to the training loss, out of fold",
}
WITHOUT_INTERVAL = {"sign_error_max": "a resample has fewer environments"}
"""Scores that never have an interval, and why: a resample has fewer environments than all
networks, so its maximum says nothing about theirs."""
AGREE = "resamples of the networks all give the same score"
"""Why another score has no interval."""
LARGER_IS_BETTER = {"accuracy_test": 1, "gap": -1}
"""The sign that makes a larger target the better one."""
ALL, WORKING = "all", "working"
"""The networks that are scored: all in the stratum, or those that did not collapse."""
COLUMNS = (
    *("family", "stratum", "networks", "target", "signal", "layer", "score"),
    *("value", "low", "high", "n_networks", "n_left_out", "n_pairs", "n_ties", "note"),
)
"""Columns of the table. n_left_out : networks without the signal; n_pairs : pairs with
different targets; n_ties : those of them with equal signals; note : why there is no score, or
no interval."""


def scores_table(families: Sequence[Family], settings: Settings) -> pd.DataFrame:
    """One row per family, stratum, set of networks, target, signal and score.

    Raises ValueError if no target of any family differs between networks.
    """
    rows: list[dict[str, Any]] = []
    parts = [(family, stratum) for family in families for stratum in settings.strata]
    with Progress("score signals", len(parts), unit="stratum") as progress:
        for family, stratum in parts:
            for which in (ALL, WORKING):
                table, values = family.in_stratum(stratum)
                works = (table.state == "").to_numpy()
                if which == WORKING:
                    if works.all():
                        continue
                    table, values = table[works], values[works]
                about = {"family": family.name, "stratum": stratum, "networks": which}
                rows += _of_stratum(family, table, values, settings, about)
            progress.advance()
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    if len(found) and found.value.isna().all():
        raise ValueError("there is no score: " + "; ".join(dict.fromkeys(found.note)))
    return found


def _of_stratum(
    family: Family,
    table: pd.DataFrame,
    values: pd.DataFrame,
    settings: Settings,
    about: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    weights = resampled(len(table), settings.resamples, settings.seed) if len(table) else None
    _name_missing(family, table, values, about)
    for target in settings.targets:
        why = why_none(table, family.name, about["stratum"], target)
        if why:
            log.warning("%s", why)
            for signal, layer in values.columns:
                for score in SCORES:
                    yield _row(about, target, signal, layer, score, note=why)
            continue
        judged = Judged.of(family, table, target, weights)
        for column in values.columns:
            sample = judged.sample(family, column[0], values[column])
            counts = _counts(sample)
            for score, several in judged.scores(sample, settings.folds).items():
                value, low, high = interval(several, settings.confidence)
                if score in WITHOUT_INTERVAL:
                    low = high = np.nan
                note = "" if np.isfinite(value) else _why_no_value(counts)
                if np.isfinite(value) and not np.isfinite(low) and settings.resamples:
                    note = f"no interval: {WITHOUT_INTERVAL.get(score, AGREE)}"
                numbers = {"value": value, "low": low, "high": high, **counts}
                yield _row(about, target, *column, score, note=note, **numbers)


class Judged(NamedTuple):
    """The networks of a family in a stratum with one target, ready for scores.

    pairs, choices : see `environments` and `conditional`; loss : (n,) training losses, nats
    """

    networks: Networks
    pairs: OneAxis
    choices: list
    loss: np.ndarray

    @classmethod
    def of(
        cls, family: Family, table: pd.DataFrame, target: str, weights: np.ndarray
    ) -> "Judged":
        """From the rows of a family's table in one stratum. weights : from `resampled`"""
        points = np.stack(
            [pd.factorize(table[axis])[0] for axis in family.axes]
            or [np.zeros(len(table), np.int64)],
            axis=1,
        )
        judged = LARGER_IS_BETTER[target] * table[target].to_numpy(np.float64)
        networks = Networks(judged, points, weights)
        pairs, choices = OneAxis.of(networks), granules(networks)
        return cls(networks, pairs, choices, table[LOSS].to_numpy())

    def sample(self, family: Family, signal: str, values: pd.Series) -> Sample:
        """These networks with one signal, with the sign that makes larger the better claim."""
        sign = -1 if family.about[signal]["better"] == "lower" else 1
        return Sample(self.networks, sign * values.to_numpy(np.float64))

    def scores(
        self, sample: Sample, n_folds: int, wanted: Iterable[str] = tuple(SCORES)
    ) -> dict[str, np.ndarray]:
        """Scores of a signal for every weighting of the networks, by the names in SCORES."""
        errors = cache(lambda: by_environment(sample, self.pairs))
        made: dict[str, Callable[[], np.ndarray]] = {
            "in_order": lambda: in_order(sample),
            "kendall": lambda: kendall(sample),
            "sign_error_mean": lambda: errors().mean,
            "sign_error_90": lambda: errors().ninetieth,
            "sign_error_max": lambda: errors().largest,
            "granulated": lambda: errors().granulated,
            "conditional_information": lambda: conditional_information(sample, self.choices),
            "increment": lambda: increment(sample, self.loss, n_folds),
        }
        return {name: made[name]() for name in wanted}


def interval(several: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """The score, and the ends of the central share `confidence` of its resamples.

    If nearly all resamples agree, as for few networks whose pairs are all in order, the
    interval would be one number and would say nothing about other networks: both ends are NaN.
    """
    drawn = several[1:][np.isfinite(several[1:])]
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail]) if len(drawn) else (np.nan, np.nan)
    if not low < high:
        low = high = np.nan
    return float(several[0]), float(low), float(high)


def _counts(sample: Sample) -> dict[str, int]:
    there = np.ix_(sample.there, sample.there)
    comparable = sample.networks.comparable[there] != 0
    tied = comparable & (sample.said[there] == 0)
    return {
        "n_networks": int(sample.there.sum()),
        "n_left_out": int((~sample.there).sum()),
        "n_pairs": int(comparable.sum() // 2),
        "n_ties": int(tied.sum() // 2),
    }


def _row(about, target, signal, layer, score, **numbers) -> dict[str, Any]:
    empty = {"value": np.nan, "low": np.nan, "high": np.nan, "note": ""}
    counts = dict.fromkeys(("n_networks", "n_left_out", "n_pairs", "n_ties"), 0)
    names = {"target": target, "signal": signal, "layer": layer, "score": score}
    return {**about, **names, **empty, **counts, **numbers}


def why_none(table: pd.DataFrame, family: str, stratum: str, target: str) -> str:
    """Why networks cannot be scored by this target; "" if they can."""
    judged = table[target].to_numpy(np.float64)
    place = f"family {family}, stratum {stratum}"
    if len(judged) < 2:
        return f"{place}: {len(judged)} networks make no pair"
    if not np.isfinite(judged).all():
        return (
            f"{place}: {target} is not finite for {int((~np.isfinite(judged)).sum())} networks"
        )
    if np.ptp(judged) == 0:
        n, value = len(judged), judged[0]
        return f"{place}: {target} is {value:.4g} for all {n} networks, so none is better"
    return ""


def _why_no_value(counts: Mapping[str, int]) -> str:
    if counts["n_networks"] < 2:
        return f"{counts['n_networks']} networks have this signal"
    if counts["n_pairs"] == 0:
        return "all networks with this signal have the same target"
    return "this score needs a pair or a variance, and there is none"


def _name_missing(
    family: Family, table: pd.DataFrame, values: pd.DataFrame, about: Mapping[str, str]
) -> None:
    """Warn of signals that some networks lack, with the first network and its reason."""
    if about["networks"] != ALL:
        return
    reasons = family.reasons[family.reasons.stratum == about["stratum"]]
    for signal, rows in reasons.groupby("signal", sort=False):
        first = rows.iloc[0]
        n = len(rows[["run", "seed"]].drop_duplicates())
        log.warning(
            "family %s, stratum %s: signal %s has no value for %d of %d networks, which are "
            "left out of its pairs; first: seed %d of %s: %s",
            family.name,
            about["stratum"],
            signal,
            n,
            len(table),
            first.seed,
            first.run,
            first.reason,
        )
