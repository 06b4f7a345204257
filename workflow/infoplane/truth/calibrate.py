"""Calibrated intervals from the errors of a calibration page, and their coverage.

    python -m infoplane.truth.calibrate results/truth/full/errors.csv

writes estimators/tables/calibration.json, which `estimators.tables.calibration` reads. Into
this folder it writes coverage.csv and the errors themselves (shipped.py), from which the table
can be made again.

**The groups.** Labels, two continuous variables of few dimensions, and of many, have fits and
tests of their own (`tables.calibration.GROUPS`): an estimator may be calibrated for one group
and not for another.

**The fit.** For one estimator and group, the distances of the truth below and above (see
`tables.calibration`) are fitted to features. ln(distance + NEAR), or with labels
ln((distance + NEAR) / H(B)), is linear in the features, with coefficients from a regression of
the QUANTILE; families with MANY values or more have the same weight. If A takes few values, its
equal rows are counted. Distances above are then measured from this count, and are not used in
the fit for other values.

**The margin.** Each family is left out in turn; the fit to the others misses its values by
    s = max(ln(below + NEAR) − f_low, ln(above + NEAR) − f_high).
The margin is the smallest that covers SHARE of all values and of families on average, and LEAST
of each family. The SIGNALS of a fit are chosen in the same way: those with the narrowest
intervals.

**The test.** All of this, with margins, ranges and the choice of signals, is done without a
family, and then tried on the family's values. coverage.csv has the share whose truth lies
inside, family by family; coverage.py defines when an estimator is called calibrated, and the
others get no interval. QUANTILE, SHARE and LEAST are the same for all. They, the features and
linear_information were chosen with this test, in some thirty variants. The groups of few and of
many dimensions, and joint_mixtures, came later: before, 56 to 78 % of the intervals of
neighbours and hashes contained the truth of joint_mixtures. config/truth/unseen.yaml has
families that no choice was made with.

Answers whose own truth is not known (truth/quantities.py) are not used, nor are those of the
estimators in NOT_VARIED.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import QuantileRegressor

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables import calibration, opinions
from infoplane.estimators.tables.calibration import (
    CONTINUOUS,
    FAR,
    LABELS,
    NEAR,
    Asked,
    Failed,
    Fit,
    around,
    features,
    log_distance,
)
from infoplane.truth import files
from infoplane.truth.coverage import (
    CLAIM,
    CLAIM_WORST,
    COVERAGE,
    COVERED,
    FEWEST,
    MANY,
    coverage,
    failure,
    families,
    summary,
)
from infoplane.truth.shipped import ERRORS, read, ship

NOT_VARIED = ("binned", "kde")
"""Estimators whose errors depend on bins and noise. The page has one choice of each, and its
errors say nothing about other choices."""


class Signals(NamedTuple):
    """start : fields of `Asked` from which distances are counted; features : their names"""

    start: Sequence[str]
    features: Sequence[str]


QUANTILE = 0.9
"""The fits are to this quantile of distances."""
SHARE, LEAST = 0.98, 0.9
"""Shares of the values of families left out that a margin covers, on average and for each; more
than the nominal 90 %, because families differ and are few."""
BOTH, ALL = ("value", "reference"), ("value", "reference", "second")
VALUE, TOLD = ("value", "counted"), ("value", "second", "counted")
SIGNALS: Mapping[str, Sequence[Signals]] = {
    CONTINUOUS: (
        Signals(BOTH, ("larger",)),
        Signals(BOTH, ("larger", "apart")),
        Signals(BOTH, ("larger", "apart", "d")),
        Signals(ALL, ("larger", "apart", "coarse")),
        Signals(ALL, ("larger", "apart", "d")),
        Signals(BOTH, ("larger", "above linear", "below linear")),
        Signals(BOTH, ("larger", "above linear", "below linear", "d", "n", "stderr")),
    ),
    LABELS: (
        Signals(VALUE, ("middle",)),
        Signals(VALUE, ("middle", "share")),
        Signals(VALUE, ("log share", "share", "middle", "d")),
        Signals(VALUE, ("log share", "share", "middle", "d", "n", "stderr")),
        Signals(TOLD, ("told middle", "told", "middle")),
        Signals(TOLD, ("gap", "most middle", "most")),
        Signals(VALUE, ("gap", "most middle", "most")),
        Signals(TOLD, ("share", "log share", "middle", "d")),
    ),
}
"""Sets of starts and features by kind; a fit takes one set."""
SPARSE = 0.01
"""Penalty of the coefficients of standardised features, in units of the logarithm."""
WIDEST = 50
"""Errors are used up to this many dimensions of either of two continuous variables: wider ones
on the page share tens of bits, and estimators find a few."""
WIDER = 1.1
"""H(B) may be this many times what two families reached, because they have few different
ones."""
SCALE = ("entropy",)
"""The feature whose coefficient is 1 with labels: their distances are shares of H(B)."""
SLACK = 0.005
"""A truth may lie outside by this many bits, the error of truths by Monte Carlo."""


def values_of(errors: pd.DataFrame) -> pd.DataFrame:
    """One row per value of an estimator whose own truth is known: `value`, `reference`, and the
    columns of the errors. The lowest and the highest value stand for all seeds."""
    judged = errors["mean"].notna() & errors.truth.notna()
    kinds = errors.kind.isin([CONTINUOUS, LABELS])
    answered = errors[judged & kinds & ~errors.method.isin(NOT_VARIED)]
    parts = [answered.assign(value=answered.lowest)]
    parts.append(answered[answered.n_seeds > 1].assign(value=lambda rows: rows.highest))
    table = pd.concat(parts, ignore_index=True)
    continuous = table.kind == CONTINUOUS
    wide = continuous & (table[["d_a", "d_b"]].max(axis=1) > WIDEST)
    table, continuous = table[~wide], continuous[~wide]
    sizes = zip(table.d_a, table.d_b, strict=True)
    table["kind"] = [calibration.group(*size) for size in sizes]
    told = opinions.told(table.neighbours, table.lines, table.entropy)
    table["reference"] = table.linear.where(continuous, table.entropy)
    table["second"] = table.coarse.where(continuous, told)
    return table[table.reference.notna()].reset_index(drop=True)


def asked_of(values: pd.DataFrame) -> Asked:
    """The values of one kind in the form that fits take."""
    numbers = (values[name].to_numpy(float) for name in Asked._fields[1:])
    return Asked(str(values.kind.iloc[0]), *numbers)


def fit(values: pd.DataFrame) -> Fit | None:
    """The fit of one estimator and kind with its margin; None if there are too few families.

    It takes the SIGNALS that pass the test within these families (`_short`) or come nearest to
    it. Of several such sets it takes the one with the narrowest intervals for families left
    out: the smallest mean over families of the median logarithm of their widths.
    """
    kind = str(values.kind.iloc[0])
    best: tuple[tuple[float, float], Fit] | None = None
    for signals in SIGNALS[LABELS if kind == LABELS else CONTINUOUS]:
        found = _fit(values, signals)
        trials = [_trial(others, own, signals) for others, own in without(values)]
        trials = [trial for trial in trials if trial is not None]
        if found is None or len(trials) < FEWEST:
            continue
        needed = [trial.needed for trial in trials]
        margin = _covering(needed)
        width = float(np.mean([trial.width(margin) for trial in trials]))
        worth = _short(needed), width
        if best is None or worth < best[0]:
            best = worth, _wider(found, margin)
    return best[1] if best else None


def _short(needed: Sequence[np.ndarray]) -> float:
    """How far coverage falls short of CLAIM for all values or of CLAIM_WORST for a family, each
    family with the margin of the others; 0 if it does not.

    needed : margins that the values of each family need
    """
    hits = []
    for i, own in enumerate(needed):
        hits.append(own <= _covering([*needed[:i], *needed[i + 1 :]]))
    shares = [one.mean() for one in hits if len(one) >= MANY]
    few = [one for one in hits if len(one) < MANY]
    shares += [np.concatenate(few).mean()] if few else []
    return float(max(0.0, CLAIM - np.concatenate(hits).mean(), CLAIM_WORST - min(shares)))


def _wider(found: Fit, margin: float) -> Fit:
    low, high = (
        {**side, "constant": side["constant"] + margin} for side in (found.low, found.high)
    )
    return found._replace(low=low, high=high)


class _Trial(NamedTuple):
    """A family that the fit has not seen. needed : margins that its values need"""

    needed: np.ndarray
    asked: Asked
    found: Fit

    def width(self, margin: float) -> float:
        """The median logarithm of the widths of its intervals."""
        low, high = _wider(self.found, margin).ends(self.asked)
        return float(np.median(np.log(high - low + NEAR)))


def _trial(others: pd.DataFrame, own: pd.DataFrame, signals: Signals) -> _Trial | None:
    found = _fit(others, signals)
    if found is None:
        return None
    own = own[_within(own, dict(found.ranges))]
    if own.empty:
        return None
    asked = asked_of(own)
    by = features(asked)
    misses = [
        np.log(distance + NEAR) - np.clip(log_distance(by, side), np.log(NEAR), np.log(FAR))
        for distance, side in zip(
            _distances(own, asked, found.start), (found.low, found.high), strict=True
        )
    ]
    return _Trial(np.maximum(*misses), asked, found)


def without(values: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """For every family: the values of all others, and its own."""
    for family in sorted(set(values.family)):
        own = (values.family == family).to_numpy()
        yield values[~own], values[own]


def tested(values: pd.DataFrame) -> pd.DataFrame:
    """Every value with `low`, `high` of a fit that has not seen its family, `given` (there was
    evidence for an interval) and `inside` (the interval contains the truth).

    values : those of one estimator and kind
    """
    return pd.concat([_with_intervals(own, fit(others)) for others, own in without(values)])


def held(errors: pd.DataFrame) -> pd.DataFrame:
    """How often the calibrated intervals that ship contain the truth on a page: a table of
    coverage. errors : of that page, as truth.errors makes them"""
    groups = values_of(errors).groupby(["estimator", "kind"], sort=False)
    parts = []
    for (_, kind), values in groups:
        method, settings = values[["method", "settings"]].iloc[0]
        fits = calibration.of(ESTIMATORS[method](**json.loads(settings)))
        parts.append(_with_intervals(values, fits.get(kind)))
    return coverage(pd.concat(parts)) if parts else pd.DataFrame(columns=COVERED)


def _with_intervals(values: pd.DataFrame, found: Fit | None) -> pd.DataFrame:
    """`values` with `low`, `high`, `given` and `inside`; no interval without a fit."""
    if found is None:
        return values.assign(low=np.nan, high=np.nan, given=False, inside=False)
    asked = asked_of(values)
    low, high = found.ends(asked)
    inside = (values.truth >= low - SLACK) & (values.truth <= high + SLACK)
    given = found.covers(asked)
    return values.assign(low=low, high=high, given=given, inside=inside & given)


def calibrated(errors: pd.DataFrame) -> tuple[list[Fit], list[Failed], pd.DataFrame]:
    """The fits of calibrated estimators, the others with the reason, and the coverage of all
    that were tested, with `calibrated`: whether intervals may be claimed."""
    fits, failed, tables = [], [], []
    groups = values_of(errors).groupby(["estimator", "kind"], sort=False)
    for _, values in groups:
        first, n_families = values.iloc[0], values.family.nunique()
        named = str(first.method), str(first.settings), str(first.kind)
        if n_families <= FEWEST:
            why = f"answers in {families(n_families)}, and {FEWEST + 1} are required"
            failed.append(Failed(*named, why))
            continue
        table = coverage(tested(values))
        why = failure(table)
        tables.append(table.assign(calibrated=not why))
        if why:
            failed.append(Failed(*named, why))
        elif (found := fit(values)) is not None:
            fits.append(found)
    tables = tables or [pd.DataFrame(columns=[*COVERED, "calibrated"])]
    return fits, failed, pd.concat(tables, ignore_index=True)


def _fit(values: pd.DataFrame, signals: Signals) -> Fit | None:
    if values.family.nunique() < 2:
        return None
    kind = str(values.kind.iloc[0])
    ranges = _ranges(values)
    values = values[_within(values, ranges)]
    if values.family.nunique() < 2:
        return None
    asked = asked_of(values)
    below, above = _distances(values, asked, signals.start)
    open_above = np.isnan(asked.counted) | ("counted" not in signals.start)
    if values.family[open_above].nunique() < 2:
        open_above[:] = True
    sides = (
        _side(values, below, signals.features),
        _side(values[open_above], above[open_above], signals.features),
    )
    first = values.iloc[0]
    named = str(first.method), str(first.settings), kind
    return Fit(*named, ranges, signals.start, *sides)


def _side(values: pd.DataFrame, distance: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Coefficients of the logarithm of distances (n,) in bits, by the names of features."""
    found = features(asked_of(values))
    x = np.column_stack([found[name] for name in names])
    centre, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    weight = _weight(values.groupby("family").family.transform("size").to_numpy())
    model = QuantileRegressor(quantile=QUANTILE, alpha=SPARSE, solver="highs")
    known = dict.fromkeys(SCALE if values.kind.iloc[0] == LABELS else (), 1.0)
    wanted = np.log(distance + NEAR) - log_distance(found, known)
    model.fit((x - centre) / scale, wanted, sample_weight=weight / weight.mean())
    slopes = model.coef_ / scale
    side = {"constant": float(model.intercept_ - slopes @ centre)} | known
    return side | dict(zip(names, map(float, slopes), strict=True))


def _distances(values: pd.DataFrame, asked: Asked, start: Sequence[str]) -> list[np.ndarray]:
    """How far the truth lies below and above the start of the intervals, in bits."""
    least, most = around(asked, start)
    truth = values.truth.to_numpy()
    return [np.clip(least - truth, 0, FAR), np.clip(truth - most, 0, FAR)]


def _ranges(values: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """The ranges of a fit: for n what was asked, for dimensions and values what two families
    reached."""
    by = values.groupby("family")
    ranges = {"n": (float(values.n.min()), float(values.n.max()))}
    for name in ("d_a", "d_b"):
        ranges[name] = (float(values[name].min()), float(by[name].max().nlargest(2).iloc[-1]))
    ranges["value"] = _of_two(by.value)
    if values.kind.iloc[0] == LABELS:
        ranges["reference"] = (0.0, WIDER * _of_two(by.reference)[1])
    return ranges


def _of_two(grouped) -> tuple[float, float]:
    """The range that at least two families reach."""
    low, high = grouped.min().nsmallest(2).iloc[-1], grouped.max().nlargest(2).iloc[-1]
    return float(low), float(high)


def _within(values: pd.DataFrame, ranges: dict[str, tuple[float, float]]) -> np.ndarray:
    return np.all([values[name].between(*ends) for name, ends in ranges.items()], axis=0)


def _covering(needed: Sequence[np.ndarray]) -> float:
    """The smallest margin that covers LEAST of each family with MANY values, and SHARE of all
    values and on average over families (those with fewer values have less weight).

    needed : margins that the values of each family need
    """
    shares = [np.quantile(one, LEAST, method="higher") for one in needed if len(one) >= MANY]
    weight = np.concatenate([np.full(len(one), _weight(len(one))) for one in needed])
    every = np.concatenate(needed)
    order = np.argsort(every)
    of_families = np.cumsum(weight[order]) / weight.sum()
    first = every[order][np.searchsorted(of_families, SHARE - 1e-9)]
    return float(max(*shares, first, np.quantile(every, SHARE, method="higher")))


def _weight(n_values):
    """The weight of one value in a family with this many."""
    return np.minimum(n_values, MANY) / n_values


def write(fits: Sequence[Fit], failed: Sequence[Failed], path: Path) -> Path:
    """Write the table that ships, with numbers to five digits."""

    def short(numbers):
        return {name: float(f"{number:.5g}") for name, number in numbers.items()}

    rows = [
        {
            **fit._asdict(),
            "ranges": {name: list(ends) for name, ends in fit.ranges.items()},
            "low": short(fit.low),
            "high": short(fit.high),
        }
        for fit in fits
    ]
    table = {"fits": rows, "failed": [one._asdict() for one in failed]}
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return path


def main(arguments: list[str] | None = None) -> None:
    """Write the table of calibrated intervals and their coverage from a page's errors."""
    parser = argparse.ArgumentParser(description="calibrate intervals by a page's errors")
    parser.add_argument("errors", type=Path, nargs="?", default=ERRORS)
    chosen = parser.parse_args(arguments)
    table = read(chosen.errors)
    fits, failed, found = calibrated(table)
    print(write(fits, failed, calibration.TABLE))
    files.write(found.round(3), COVERAGE)
    print(COVERAGE)
    print(summary(found))
    if chosen.errors.resolve() != ERRORS.resolve():
        for path in ship(table, ERRORS):
            print(path)


if __name__ == "__main__":
    main()
