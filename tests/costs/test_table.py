"""What estimators were measured to need, between and beyond the sizes measured."""

import csv
from itertools import pairwise

import pytest

from infoplane.costs import TORCH_MB, Cost, request
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.tables import costs as table


def cost(name, n, d, **settings):
    return ESTIMATORS[name](**settings).cost(n, d, 12)


def test_what_was_measured_are_estimators():
    assert {*table.rows()} == {*ESTIMATORS}


def test_a_job_asks_for_what_was_measured():
    with table.TABLE.open(encoding="utf-8") as file:
        measured = [{**row} for row in csv.DictReader(file)]
    assert len(measured) > 100
    for row in measured:
        layer = cost(row["estimator"], int(row["n"]), int(row["d"]))
        asked = request(Cost(TORCH_MB + layer.mb, 1000 * layer.seconds))
        assert asked.mb >= TORCH_MB + float(row["mb"]), row
        assert 60 * asked.minutes >= 1000 * float(row["seconds"]), row  # of as many layers


@pytest.mark.parametrize("name", ESTIMATORS)
def test_costs_rise_with_rows_and_units(name):
    sizes = [100, 512, 1000, 4096, 10_000, 60_000, 400_000]
    for of_size in (lambda n: cost(name, n, 10), lambda d: cost(name, 4096, d)):
        for less, more in pairwise(map(of_size, sizes)):
            assert more.mb >= less.mb
            assert more.seconds >= less.seconds


def test_memory_beyond_what_was_measured_is_not_that_of_pairs():
    assert cost("kde", 163_840, 10).mb <= 10.1 * cost("kde", 16_384, 10).mb


def test_settings_that_ask_for_more_cost_more():
    assert cost("sliced", 4096, 10, n_projections=256).seconds == pytest.approx(
        2 * cost("sliced", 4096, 10).seconds
    )
    assert cost("kde", 4096, 10, memory_mb=2048).mb > cost("kde", 4096, 10).mb


def test_estimators_of_pairs_pay_for_the_features_of_the_inputs():
    few, many = (ESTIMATORS["ksg"]().cost(4096, 10, features) for features in (12, 784))
    assert many.seconds > few.seconds
    few, many = (ESTIMATORS["binned"]().cost(4096, 10, features) for features in (12, 784))
    assert many == few


def test_an_estimator_of_the_users_own_is_taken_to_be_slow_and_large():
    class Own(PairEstimator):
        def between(self, pair):
            raise NotImplementedError

    own, (unknown,) = Own(estimator="my:Own"), table.UNKNOWN
    assert own.cost(4096, 10, 12) == (unknown["mb"], unknown["seconds"])
    assert own.cost(40_960, 10, 12).seconds == pytest.approx(100 * unknown["seconds"])
