"""Calibrated intervals: fits, margins, and the test on families that a fit has not seen."""

import json

import numpy as np
import pandas as pd
import pytest

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables import calibration
from infoplane.estimators.tables.calibration import CONTINUOUS, LABELS, Asked
from infoplane.truth import calibrate, coverage, gaussians, run, shipped
from infoplane.truth.page import load


def values(families: str = "abcde", wrong: str = "", seed: int = 0) -> pd.DataFrame:
    """An estimator that misses a tenth of the truth, in its family `wrong` all but a tenth; and
    of a label, so that nothing else tells families apart."""
    rng = np.random.default_rng(seed)
    rows = []
    for family in families:
        truth = rng.uniform(0.1, 4, 15)
        share = 0.1 if family == wrong else 0.9
        value = share * truth + 0.02 * rng.standard_normal(15)
        rows.append(pd.DataFrame({"family": family, "truth": truth, "value": value}))
    table = pd.concat(rows, ignore_index=True)
    fixed = {"kind": LABELS, "n": 1000, "d_a": 2, "d_b": 0, "stderr": 0.02}
    named = {"estimator": "toy", "method": "toy", "settings": "{}"}
    return table.assign(**fixed, **named, reference=5.0, second=2.5, counted=np.nan)


def test_intervals_hold_where_families_are_alike():
    trials = calibrate.tested(values())
    table = coverage.coverage(trials)
    assert trials.given.mean() > 0.8
    assert (table.inside > 0.9).all() and coverage.is_calibrated(table)
    assert (table.width < 1).all()  # of 0.4 bit at the most that the estimator misses


def test_a_family_unlike_the_others_is_found_when_it_is_left_out():
    table = coverage.coverage(calibrate.tested(values(wrong="c"))).set_index("family")
    assert table.inside["c"] < 0.75
    assert not coverage.is_calibrated(table.reset_index())


def test_what_is_left_out_is_not_seen():
    """Other truths of a family change nothing of the intervals that it gets."""
    one = values("abcd")
    other = one.assign(truth=one.truth.where(one.family != "b", one.truth + 0.5))
    ends = [
        calibrate.tested(table).query("family == 'b'")[["low", "high"]]
        for table in (one, other)
    ]
    assert np.array_equal(ends[0], ends[1], equal_nan=True)


def test_small_families_count_together():
    table = pd.DataFrame(
        {
            "family": list("abcd"),
            "given": [100, 100, 4, 4],
            "inside": [0.95, 0.95, 1.0, 0.0],
            "width": 1.0,
        }
    )
    assert not coverage.is_calibrated(table)
    said = "50 % of the intervals of c and d contain the truth, and 75 % are required"
    assert coverage.failure(table) == said
    assert coverage.is_calibrated(table.assign(inside=[0.95, 0.95, 1.0, 0.75]))
    low = coverage.failure(table.assign(inside=0.8))
    assert low == "80 % of all intervals contain the truth, and 88 % are required"


def test_margin_covers_each_family_and_the_average():
    rng = np.random.default_rng(0)
    needed = [rng.standard_normal(200), rng.standard_normal(50) + 2, rng.standard_normal(4)]
    margin = calibrate._covering(needed)
    shares = [(one <= margin).mean() for one in needed]
    assert min(shares[:2]) >= calibrate.LEAST
    assert (np.concatenate(needed) <= margin).mean() >= calibrate.SHARE
    less = margin - 1e-9
    weights = np.array([calibrate._weight(len(one)) * len(one) for one in needed])
    mean = np.average([(one <= less).mean() for one in needed], weights=weights)
    pooled = (np.concatenate(needed) <= less).mean()
    short = min((one <= less).mean() for one in needed[:2]) < calibrate.LEAST
    assert mean < calibrate.SHARE or pooled < calibrate.SHARE or short


def test_answers_of_another_quantity_are_no_evidence():
    errors = pd.DataFrame(
        {
            "mean": [1.0, 1.0, np.nan, 1.0],
            "truth": [1.0, np.nan, 1.0, 1.0],
            "method": "toy",
            "kind": [CONTINUOUS, CONTINUOUS, LABELS, "inputs"],
            "n_seeds": [2, 2, 0, 1],
            "lowest": [0.9, 0.9, np.nan, 1.0],
            "highest": [1.1, 1.1, np.nan, 1.0],
            "linear": 0.5,
            "coarse": 0.25,
            "entropy": 2.0,
            "neighbours": -0.5,
            "lines": 1.0,
            "counted": np.nan,
            "d_a": 3,
            "d_b": 3,
        }
    )
    table = calibrate.values_of(errors)
    assert table.value.tolist() == [0.9, 1.1] and set(table.reference) == {0.5}
    assert set(table.second) == {0.25}
    of_labels = errors.assign(kind=LABELS, mean=1.0, lowest=0.9)
    table = calibrate.values_of(of_labels)
    assert set(table.reference) == {2.0} and set(table.second) == {1.0}
    assert calibrate.values_of(errors.assign(method="kde")).empty
    assert calibrate.values_of(errors.assign(d_b=calibrate.WIDEST + 1)).empty
    assert len(calibrate.values_of(of_labels.assign(d_a=calibrate.WIDEST + 1))) == 4


@pytest.fixture(scope="module")
def fit():
    found = calibrate.fit(values())
    assert found is not None
    return found


def test_no_interval_outside_of_the_evidence(fit):
    asked = Asked(LABELS, 1000, 2, 0, 1.0, 0.02, 5.0, 2.5, np.nan)
    low, high, kind = fit.interval_of(asked)
    assert kind == "calibrated" and 0 <= low <= 1.0 <= high < 2.5
    for why, other in (
        ("samples", {"n": 999}),
        ("samples", {"n": 1001}),
        ("dimensions", {"d_a": 3}),
        ("above", {"value": 5.0}),
        ("below", {"value": -5.0}),
        ("entropy", {"reference": 5.6}),
        ("", {"reference": float("nan")}),
    ):
        assert fit.interval_of(asked._replace(**other)).kind == "none"
        assert fit.why_none(asked._replace(**other)) == why
    assert fit.interval_of(asked._replace(value=float("nan"))).kind == "none"
    assert fit.why_none(asked) == ""


def test_intervals_of_labels_end_at_what_is_counted(fit):
    asked = Asked(LABELS, 1000, 2, 0, 1.0, 0.02, 5.0, 2.5, np.nan)
    free = fit.interval_of(asked)
    counted = fit.interval_of(asked._replace(counted=1.02))
    assert counted.high == pytest.approx(1.02 + 1000**-0.5) and counted.high < free.high - 0.02
    if "counted" in fit.start:  # what equal rows tell may all be there
        assert fit.interval_of(asked._replace(counted=4.0)).high >= 4.0


def test_errors_where_rows_are_counted_say_nothing_of_others():
    """Families with a count leave the upper side of the others' intervals as it is."""
    table = values("abcde")
    of_codes = values("fg").assign(counted=3.0, value=1.0)  # ranges stay
    signals = calibrate.Signals(("value", "counted"), ("share",))
    alone, both = (calibrate._fit(t, signals) for t in (table, pd.concat([table, of_codes])))
    assert both.high == pytest.approx(alone.high)


@pytest.mark.slow
def test_the_tables_that_ship_are_made_of_the_errors_that_ship(tmp_path):
    """Of one estimator: fits, reasons and coverage, to the last digit."""
    name = "lnn"
    errors = shipped.read(shipped.ERRORS).query("estimator == @name")
    fits, failed, found = calibrate.calibrated(errors)
    path = calibrate.write(fits, failed, tmp_path / "table.json")
    made, table = (json.loads(p.read_text("utf-8")) for p in (path, calibration.TABLE))
    for rows in ("fits", "failed"):
        assert made[rows] == [one for one in table[rows] if one["estimator"] == name]
    assert fits and failed
    expected = coverage.read().query("estimator == @name").reset_index(drop=True)
    pd.testing.assert_frame_equal(found.round(3), expected, check_dtype=False)


@pytest.mark.parametrize("name", ["ksg", "ksg-improved", "kl", "lnn", "edge"])
def test_errors_that_ship_are_of_this_version(name):
    """One answer each, anew: an estimator that answers otherwise has stale intervals."""
    page = load("full")
    (task,) = gaussians.Gaussians(dimensions=[2], information=[2]).tasks({})
    settings = page.estimators[name]
    estimator = ESTIMATORS[settings.estimator](settings)
    found = run.run(name, estimator, "gaussians", [task], [1000], page.seeds)
    where = "estimator == @name and family == 'gaussians' and task == @task.name and n == 1000"
    (old,) = shipped.read(shipped.ERRORS).query(where).itertuples()
    assert sorted(found.value) == pytest.approx([old.lowest, old.highest], abs=1e-3)
    assert set(found.settings) == {old.settings}


def test_the_table_is_written_as_it_is_read(fit, tmp_path, monkeypatch):
    failed = calibration.Failed("toy", "{}", "continuous", "70 % of all held")
    path = calibrate.write([fit], [failed], tmp_path / "table.json")
    monkeypatch.setattr(calibration, "TABLE", path)
    calibration.fits.cache_clear(), calibration.failed.cache_clear()
    (read,), known = calibration.fits(), calibration.failed()
    calibration.fits.cache_clear(), calibration.failed.cache_clear()
    assert known == (failed,)
    asked = Asked(LABELS, 1000, 2, 0, 1.0, 0.02, 5.0, 2.5, np.nan)
    assert read.interval_of(asked)[:2] == pytest.approx(fit.interval_of(asked)[:2], abs=1e-3)
