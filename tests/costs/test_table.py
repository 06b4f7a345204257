"""What estimators were measured to need, between and beyond the sizes measured."""

from itertools import pairwise

import pytest

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.tables import costs as table

MEASURED = table.read()


def cost(name, n, d, batch=1, **settings):
    return ESTIMATORS[name](**settings).cost(n, d, 12, batch)


def test_what_was_measured_are_estimators():
    assert {row["estimator"] for row in MEASURED} == {*ESTIMATORS}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_costs_are_not_below_what_was_measured(name):
    trains = ESTIMATORS[name].trains
    share = table.STEPS_EXPECTED if trains else 1.0
    for row in MEASURED:
        if row["estimator"] == name:
            found = cost(name, row["n"], row["d"], row["batch"])
            assert found.mb >= row["mb"] * 0.999
            if row["batch"] == 1:
                assert found.seconds >= share * row["seconds"] * 0.999


@pytest.mark.parametrize("name", ESTIMATORS)
def test_costs_rise_with_rows_and_units(name):
    sizes = [100, 512, 1000, 4096, 10_000, 60_000, 400_000]
    for of_size in (lambda n: cost(name, n, 10), lambda d: cost(name, 4096, d)):
        found = [of_size(size) for size in sizes]
        for less, more in pairwise(found):
            assert more.mb >= less.mb
            assert more.seconds >= less.seconds * (1 - 1e-9)  # logarithms and back


def test_memory_beyond_what_was_measured_is_not_that_of_pairs():
    largest = max(row["n"] for row in MEASURED)
    assert cost("kde", 10 * largest, 10).mb <= 10.1 * cost("kde", largest, 10).mb


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

    own = Own(estimator="my:Own")
    found = own.cost(4096, 10, 12)
    assert found.mb > table.UNKNOWN.mb
    assert found.seconds >= 1
    more = own.cost(40_960, 10, 12)
    assert more.seconds == pytest.approx(100 * table.UNKNOWN.seconds)
