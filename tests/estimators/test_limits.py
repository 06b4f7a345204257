"""Impossible values: I(X;T) above H(X) and I(T;Y) above H(Y), for any estimator."""

import math

import numpy as np
import pytest
import torch

import infoplane
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.interface import LayerEstimator, PairEstimator
from infoplane.estimators.tables.limits import entropy_of_rows
from infoplane.information import Interval
from infoplane.samples import Information, LayerInformation, Pair, Samples

N = 64
X = np.arange(N)[:, None] // 2 * np.ones(3)  # 32 distinct rows, twice each: H(X) = 5 bits
Y = np.arange(N) % 4  # H(Y) = 2 bits
T = np.arange(N)[:, None] * np.ones(2)


def flagged(name, monkeypatch, x=X, draws=1, **values):
    """Whether the values are flagged if this estimator gives them for a layer."""
    method = ESTIMATORS[name]
    ixt, ity = (Information(values.get(key, 0.0)) for key in ("ixt", "ity"))

    def records(self, batch, *rest):
        return [LayerInformation(ixt, ity) for _ in batch]

    def of_pairs(self, pairs, *rest):
        return [ity if pair.is_labelled else ixt for pair in pairs]

    if method.takes_layers:
        monkeypatch.setattr(method, "estimate_batch", records)
    else:
        monkeypatch.setattr(method, "between_batch", of_pairs)
    samples = Samples.of(np.stack([T] * draws, axis=1), Y, x, draws=True)
    (record,) = method().session()([samples])
    return "above_entropy" in record.flags


CASES = [
    (False, {"ixt": 5.0, "ity": 2.0}),
    (False, {"ixt": 5 + 1e-9, "ity": 2 + 1e-9}),  # rounding
    (False, {"ixt": math.nan, "ity": math.nan}),
    (True, {"ity": 2.001}),
    (True, {"ixt": 5.001}),
    (True, {"ity": math.inf}),
]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_no_estimator_says_more_than_the_entropy_without_a_word(name, monkeypatch):
    # the measured inputs do not limit a value about a population
    limited = not ESTIMATORS[name]().of_population(Samples.of(T, Y, X))
    for above, values in CASES:
        assert flagged(name, monkeypatch, **values) == (above and limited), values


@pytest.mark.parametrize("value", [6.0, 6.001])  # without x, 64 inputs count as different
def test_without_x_every_input_counts_as_another(value, monkeypatch):
    assert flagged("kde", monkeypatch, x=None, ixt=value) == (value > 6)


def test_draws_of_an_input_are_no_other_inputs(monkeypatch):
    assert flagged("kde", monkeypatch, draws=4, ixt=5.001)


def test_an_entropy_that_is_known_is_not_counted_again():
    class Fixed(LayerEstimator):
        def estimate(self, samples):
            return LayerInformation(Information(3.5), Information(0.0))

    samples = Samples.of(T, Y, X)
    known = Samples(samples.t, samples.y, samples.x, entropy_x=3.0)
    found = Fixed(estimator="fixed").session()([samples, known])
    assert ["above_entropy" in record.flags for record in found] == [False, True]


@pytest.mark.parametrize(
    ("kind", "ixt", "ity"),
    [("proven", (0, 5), (1.5, 2)), ("calibrated", (-1, 9), (1.5, 9))],
)
def test_intervals_by_theorem_end_where_information_ends(kind, ixt, ity):
    class Wide(LayerEstimator):
        def estimate(self, samples):
            both = Interval(-1.0, 9.0, kind), Interval(1.5, 9.0, kind)
            return LayerInformation(*(Information(1.0, one) for one in both))

    (found,) = Wide(estimator="wide").session()([Samples.of(T, Y, X)])
    assert found.ixt.interval == (*ixt, kind)
    assert found.ity.interval == (*ity, kind)


@pytest.mark.parametrize("value", [2.0, 2.001])
def test_a_pair_with_labels_has_their_entropy_for_a_limit(value):
    class Fixed(PairEstimator):
        def between(self, pair):
            return Information(value)

    session = Fixed(estimator="fixed").session()
    found = session.judged(Pair.of(T, Y))
    assert ("above_entropy" in found.flags) == (value > 2)
    # continuous values have no such limit: more samples would show more of them
    assert "above_entropy" not in session.judged(Pair.of(T, X)).flags


def test_separate_clusters_of_few_samples_are_too_much_for_neighbours():
    """ψ(60) − ψ(30) nats, slightly more than log 2."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    t = 20.0 * y[:, None] + rng.normal(size=(60, 3))
    for name in ("compressed", "kl", "ksg"):
        found = infoplane.estimate(t, y, estimator=name, k=5)
        assert found.ity.value == pytest.approx(1.012, abs=1e-3)
        assert "above_entropy" in found.flags
    for name in ("kde", "binned", "exact"):
        found = infoplane.estimate(t, y, estimator=name)
        assert (
            found.ity.value == pytest.approx(1, abs=1e-6) and "above_entropy" not in found.flags
        )


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.bfloat16, torch.float64])
def test_rows_are_counted_whatever_their_type(dtype):
    x = torch.tensor([[0.0, 1], [-0.0, 1], [1, 1], [0, 0]]).to(dtype)
    assert entropy_of_rows(x) == 1.5
