"""Calibrated intervals in records: which values get one; the information of correlated
ranks."""

import math

import numpy as np
import pytest
import torch

import infoplane
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables import calibration, opinions
from infoplane.estimators.tables.calibration import GROUPS, LABELS, OF_FEW
from infoplane.estimators.tables.linear import linear_information
from infoplane.samples import Samples


def normals(n, d, rho, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d))
    b = rho * a + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))
    return torch.from_numpy(a), torch.from_numpy(b)


@pytest.mark.parametrize(("d", "rho"), [(1, 0.0), (1, 0.8), (10, 0.5), (50, 0.3)])
def test_linear_information_is_that_of_normals(d, rho):
    truth = -d * math.log2(1 - rho**2) / 2
    found = np.mean([linear_information(*normals(1000, d, rho, seed)) for seed in range(5)])
    # mean of five; one has sd √(2 d² / n) nats at most where a and b are independent
    assert found == pytest.approx(truth, abs=0.02 + 3 * d / math.sqrt(5 * 500) / 10)


def test_linear_information_sees_ranks_and_distances_alone():
    a, b = normals(1000, 2, 0.7)
    plain = linear_information(a, b)
    assert linear_information(a.exp(), b**3) == pytest.approx(plain, abs=1e-9)
    # uncorrelated, yet as far from 0: a common scale
    scale = torch.from_numpy(np.random.default_rng(1).lognormal(sigma=1.5, size=(1000, 1)))
    apart = normals(1000, 1, 0.0)
    assert linear_information(apart[0] * scale, apart[1] * scale) > 0.2


def test_linear_information_is_of_continuous_variables():
    a, b = normals(1000, 2, 0.7)
    assert math.isnan(linear_information(a.round(), b))
    assert linear_information(a, b.sign()) > 0.2  # b may be anything
    assert linear_information(a, torch.zeros_like(b)) == 0
    assert math.isnan(linear_information(a[:7], b[:7]))


def test_common_neighbours_tell_of_dependence_that_ranks_do_not_show():
    """Independent variables give no information, also in many dimensions; classes that both
    variables show, each in its own directions, give nearly all."""
    rng = np.random.default_rng(0)
    for d in (1, 30):
        apart = [torch.from_numpy(rng.standard_normal((3000, d))) for _ in range(2)]
        assert abs(opinions.coarse(*apart)) < 0.2
    a, b = normals(3000, 1, 0.9)
    assert 1 < opinions.coarse(a, b) < math.log2(opinions.PART)
    classes = rng.integers(0, 4, 3000)
    corners = [rng.standard_normal((4, 6)) * 4 for _ in range(2)]
    both = [torch.from_numpy(c[classes] + rng.standard_normal((3000, 6))) for c in corners]
    assert opinions.coarse(*both) == pytest.approx(2, abs=0.15)
    assert opinions.coarse(both[0], torch.zeros(3000, 2)) == 0


@pytest.mark.parametrize("gap", [0.0, 1.0, 4.0])
def test_what_is_told_of_labels_is_no_more_than_there_is(gap):
    """A bit sent as ±gap/2 with unit noise: both estimates are near it, rather below."""
    from infoplane.truth.mixtures import information_of_bit

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 3000)
    a = rng.standard_normal((3000, 2))
    a[:, 0] += gap * (labels - 0.5)
    truth = information_of_bit(gap)
    for told in opinions.of_labels(torch.from_numpy(a), torch.from_numpy(labels)):
        assert truth - 0.2 < told < truth + 0.06  # sd of some 0.02 bit of 600 samples
    assert opinions.of_labels(torch.zeros(3000, 2), torch.from_numpy(labels)) == (0.0, 0.0)


def test_equal_rows_are_counted_where_variables_take_few_values():
    a, _ = normals(2000, 2, 0.7)
    labels = (a[:, 0] > 0).long()
    assert math.isnan(opinions.counted(a, labels))
    rows = torch.stack([labels.double(), torch.zeros(2000)], 1)
    assert opinions.counted(rows, labels) == pytest.approx(1, abs=0.01)
    assert opinions.counted(rows, (a[:, 1] > 0).long()) < 0.01
    apart = torch.stack([labels.double(), a[:, 1].double()], 1)
    assert opinions.counted(apart, labels) == pytest.approx(1, abs=0.01)


def test_told_is_between_nothing_and_the_entropy():
    found = opinions.told(np.array([-1, 0.5, 3]), np.array([-2, np.nan, 1]), 2.0)
    assert found.tolist() == [0, 0.5, 2]


def test_settings_as_tested_have_intervals_and_others_none():
    assert set(calibration.of(ESTIMATORS["ksg"]())) == set(GROUPS)
    assert not calibration.of(ESTIMATORS["ksg"](k=7))
    assert set(calibration.of(ESTIMATORS["ksg"](seed=3))) == set(GROUPS)
    # with labels, the critics' margins change nothing; they were tested as normal scores
    assert set(calibration.of(ESTIMATORS["js"]())) == set(GROUPS)
    assert set(calibration.of(ESTIMATORS["js"](margins="standardised"))) == {LABELS}
    assert set(calibration.of(ESTIMATORS["edge"]())) == {OF_FEW, LABELS}
    assert not calibration.of(ESTIMATORS["nwj"](width=7))


def test_intervals_of_few_dimensions_are_not_those_of_many():
    """`edge` failed the test on more than three dimensions, and ksg errs far more there."""
    rng = np.random.default_rng(0)
    found = {}
    for d in (3, 5):
        a, b = normals(2000, d, 0.8)
        edge = infoplane.mutual_information(a, b, estimator="edge")
        found[d] = infoplane.mutual_information(a, b, estimator="ksg"), edge
    assert found[3][1].interval.kind == "calibrated" and found[5][1].interval.kind == "none"
    assert found[5][1].why_none == "not_calibrated"
    widths = [found[d][0].interval.high - found[d][0].interval.low for d in (3, 5)]
    assert 0 < 2 * widths[0] < widths[1]
    one = infoplane.mutual_information(
        rng.standard_normal((2000, 1)), rng.standard_normal((2000, 5)), estimator="edge"
    )
    assert one.why_none == "not_calibrated"  # the wider variable counts


def test_records_of_pairs_have_intervals_around_the_truth():
    a, b = normals(2000, 2, 0.7)
    one = infoplane.mutual_information(a, b, estimator="ksg")
    low, high, kind = one.interval
    assert kind == "calibrated" and low <= one.value <= high < one.value + 2
    assert low <= -math.log2(1 - 0.49) <= high
    few = infoplane.mutual_information(a[:500], b[:500], estimator="ksg")
    assert few.interval.kind == "none"
    labels = (b[:, 0] > 0).long()
    low, high, kind = infoplane.mutual_information(a, labels, estimator="ksg").interval
    assert kind == "calibrated" and 0 <= low < high <= 1


def test_layers_have_intervals_of_ixt_under_noise_alone():
    t, x = normals(2000, 3, 0.8)
    y = (x[:, 0] > 0).long().numpy()
    session = ESTIMATORS["ksg"]().session()
    plain, noisy = session(
        [Samples.of(t, y, x=x), Samples.of(t, y, x=x, centres=0.8 * x, sigma=0.6)]
    )
    assert plain.ity.interval.kind == noisy.ity.interval.kind == "calibrated"
    assert plain.ixt.interval.kind == "none"  # infinite
    low, high, kind = noisy.ixt.interval
    assert kind == "calibrated" and low <= -1.5 * math.log2(1 - 0.64) <= high


def test_theorems_keep_their_intervals():
    t, x = normals(2000, 3, 0.8)
    session = ESTIMATORS["kde"]().session()
    (record,) = session([Samples.of(t, (x[:, 0] > 0).long().numpy())])
    assert record.ixt.interval.kind == "proven"
