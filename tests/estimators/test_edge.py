import math
from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from infoplane.estimators import edge
from infoplane.estimators.kernels import counting
from infoplane.samples import Pair, Samples

EXACT = 1e-10
"""bit: rounding error of sums of some hundred float64 logarithms."""

RAW = {"bandwidth": 1.0, "correction": "none"}


def result(a, b, n_draws: int = 1, **options):
    pair = Pair.of(a, b)
    pair = Pair(pair.a, pair.b, n_draws=n_draws)
    return edge.EDGE(**options).between(pair)


def gaussians(n: int, d: int, bits: float, seed: int = 0):
    """a and b (n, d) with I(A;B) = −(d/2) log2(1 − ρ²) = bits."""
    rng = np.random.default_rng(seed)
    rho = math.sqrt(1 - 2 ** (-2 * bits / d))
    a = rng.normal(size=(n, d))
    return a, rho * a + math.sqrt(1 - rho**2) * rng.normal(size=(n, d))


def twin(a, b, width, cut=math.inf, corrected=False, n_shifts=5, seed=0) -> float:
    """The published estimator, sample by sample. b : (n, d_b), or (n,) labels"""
    values = []
    for shift in range(n_shifts):
        most = max(v.shape[1] for v in (a, b) if v.ndim == 2)
        shares = np.random.default_rng((seed, shift)).random(most)

        def codes(v, shares=shares):
            if v.ndim == 1:
                return list(v)
            step = width * v.std(axis=0)
            return [tuple(r) for r in np.floor((v - v.mean(0)) / step + shares[: v.shape[1]])]

        of_a, of_b = codes(a), codes(b)
        n_a, n_b = Counter(of_a), Counter(of_b)
        n_ab = Counter(zip(of_a, of_b, strict=True))
        value, n = 0.0, len(a)
        for (i, j), count in n_ab.items():
            value += count / n * min(math.log2(count * n / (n_a[i] * n_b[j])), cut)
        if corrected:
            value -= (len(n_ab) - len(n_a) - len(n_b) + 1) / (2 * n * math.log(2))
        values.append(value)
    return float(np.median(values))


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("on_device", [False, True])
def test_edge_agrees_with_its_slow_twin(d, labelled, on_device):
    a, b = gaussians(300, d, 2.0)
    b = (b[:, 0] > 0.3).astype(int) if labelled else b[:, :2]
    for width, cut, corrected in [(0.5, None, False), (1.5, 1.0, False), (0.7, None, True)]:
        settings = edge.EDGESettings(
            bandwidth=width,
            upper_cut=cut,
            correction="miller_madow" if corrected else "none",
        )
        found = edge._between(Pair.of(a, b), settings, on_device)
        expected = twin(a, b, width, cut or math.inf, corrected)
        assert found.value == pytest.approx(expected, abs=EXACT)


def test_edge_gives_the_same_by_torch_operations():
    pair = Pair.of(*gaussians(500, 2, 1.0))
    fast, slow = (edge._between(pair, edge.EDGESettings(), on) for on in (False, True))
    assert fast == slow


@pytest.mark.parametrize("width", [0.5, 200.0])
def test_many_coordinates_agree_with_the_slow_twin(width):
    """The result is the same whether some coordinates distinguish all rows or do not."""
    a, b = gaussians(100, 400, 2.0)
    a[50:] = a[:50]
    a[50:, 1] += 1.0  # not among those that are compared first
    found = result(a, b[:, 0] > 0, bandwidth=width, correction="none")
    expected = twin(a, (b[:, 0] > 0).astype(int), width)
    assert found.value == pytest.approx(expected, abs=EXACT)
    assert (found.value == pytest.approx(1.0, abs=0.01)) == (width < 1)


def test_edge_takes_the_width_of_the_rule():
    a, b = gaussians(400, 2, 1.0)
    width = 0.9 * math.sqrt(4) * 400 ** (-1 / 8)
    assert result(a, b, bandwidth="rule", smoothing=0.9, correction="none").value == (
        pytest.approx(twin(a, b, width), abs=EXACT)
    )


# Measured errors: −0.10 bit at d = 1 and −0.42 bit at d = 2, because of wide cells, and a noise
# of 0.03 bit over seeds.
@pytest.mark.parametrize(("d", "low", "high"), [(1, 0.15, 0.05), (2, 0.52, -0.3)])
def test_edge_comes_near_the_truth_of_gaussians_from_below(d, low, high):
    for seed in range(3):
        value = result(*gaussians(4096, d, 1 / math.log(2), seed)).value
        assert -low < value - 1 / math.log(2) < high


@pytest.mark.parametrize("d", [1, 2, 3, 5, 10])
def test_edge_invents_no_information_at_any_number_of_dimensions(d):
    # The largest of 13 differences of noisy sums: measured 0.00 to 0.02.
    for seed in range(3):
        assert abs(result(*gaussians(4096, d, 0.0, seed)).value) < 0.04


@pytest.mark.parametrize("d", [1, 3, 5, 10])
def test_edge_grows_with_the_information(d):
    values = [result(*gaussians(4096, d, bits)).value for bits in (0, 1.5, 3, 6)]
    # Each step is at least 0.1 bit, even at d = 10, where the estimate is far too low.
    assert np.all(np.diff(values) > 0.1)


def test_edge_is_exact_on_discrete_variables():
    # One bit through a channel that flips a tenth: cells of an eighth of a standard deviation
    # separate the values, which gives the plug-in information of the table.
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 2000)
    b = np.where(rng.random(2000) < 0.1, 1 - a, a)
    p = np.array([[np.mean((a == i) & (b == j)) for j in (0, 1)] for i in (0, 1)])
    truth = (p * np.log2(p / np.outer(p.sum(1), p.sum(0)))).sum()
    for other in (b, b[:, None] * 3.7):
        found = result(a[:, None], other, bandwidth=0.3, correction="none")
        assert found.value == pytest.approx(truth, abs=EXACT)


def test_edge_published_cut_of_ten_caps_twelve_bits():
    labels = np.arange(4096)
    a = np.random.default_rng(0).permutation(4096)[:, None].astype(float)
    narrow = {"bandwidth": 1e-4, "correction": "none"}  # 0.12 of a step: a cell each
    assert result(a, labels, **narrow).value == pytest.approx(12.0, abs=EXACT)
    assert result(a, labels, upper_cut=10, **narrow).value == pytest.approx(10.0, abs=EXACT)


def test_edge_does_not_depend_on_units_nor_places_nor_order():
    a, b = gaussians(600, 2, 1.5)
    value = result(a, b, **RAW).value
    order = np.random.default_rng(3).permutation(600)
    # With another scale or origin, rounding may move values across an edge; here it moves none.
    for a2, b2 in [(a * [1e6, 1e-6], b + 100), (a[order], b[order]), (a * 1e200, b * 1e-200)]:
        assert result(a2, b2, **RAW).value == pytest.approx(value, abs=EXACT)


def test_edge_is_symmetric():
    a, b = gaussians(600, 3, 1.5)
    assert result(a, b, **RAW).value == pytest.approx(result(b, a, **RAW).value, abs=EXACT)


@pytest.mark.parametrize("correction", ["shuffled", "miller_madow", "none"])
def test_edge_never_exceeds_its_cap(correction):
    for bits in (0.5, 20.0):
        for width in (0.1, 1.0, 4.0):
            a, b = gaussians(300, 2, bits)
            found = result(a, b, bandwidth=width, correction=correction)
            assert found.value <= found.cap + EXACT
    one = result(a, a, bandwidth=0.5, correction=correction)
    assert one.value == pytest.approx(one.cap, rel=0.02)  # a determines itself


def test_edge_standard_error_is_that_of_repeated_samples():
    found = [result(*gaussians(500, 1, 1.5, seed), **RAW) for seed in range(60)]
    spread = np.std([one.value for one in found])
    # An sd of 60 values is good to 9 %; three times that, and the rows' terms are not quite
    # independent of one another.
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.35)


def test_edge_answers_with_more_dimensions_than_samples_and_with_ties():
    rng = np.random.default_rng(0)
    assert math.isfinite(result(rng.normal(size=(20, 100)), rng.integers(0, 3, 20)).value)
    assert math.isfinite(result(rng.integers(0, 2, (200, 3)), rng.normal(size=(200, 1))).value)


@pytest.mark.parametrize(
    "options",
    [
        {"bandwidth": -1.0},
        {"bandwidth": math.nan},
        {"bandwidth": "best", "correction": "none"},
        {"bandwidth": 1.0, "smoothing": 2.0},
        {"bandwidth": 1.0, "correction": "none", "n_shuffles": 5},
        {"n_shifts": 0},
        {"upper_cut": 0},
    ],
)
def test_edge_refuses_settings_without_meaning(options):
    with pytest.raises(ValidationError):
        edge.EDGESettings(**options)


def test_edge_hashes_as_the_counting_of_bins_does():
    values = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    low, step = np.full(4, -3.0), np.full(4, 0.37)
    out = np.empty(100, np.int64)
    edge._hash(values, low, step, counting.odd_multipliers(4), out)
    pair = Pair.of(values, values)
    expected = counting.hashes_on_device(pair.a[:, None], low, low, step, 0)[:, 0]
    assert np.array_equal(out, expected.numpy())


def test_upper_cut_of_labels_leaves_the_inputs_and_says_what_it_cut():
    a, b = gaussians(2000, 1, 4.0)
    labels = (a[:, 0] > 0).astype(int)
    narrow = {**RAW, "bandwidth": 0.02}
    whole = result(a, b, **narrow)
    assert whole.flags == () and whole.value > 4.9
    one = result(a, b, upper_cut=5.0, **narrow)
    assert one.flags == ("cut",) and one.value < whole.value
    assert one.value == pytest.approx(twin(a, b, 0.02, cut=5.0), abs=EXACT)
    apart = {"inputs": 20.0, "labels": 0.5}
    assert result(a, b, upper_cut=apart, **narrow) == whole  # log2 N = 10.97 is below 20
    with_labels = result(a, labels, upper_cut=apart, **narrow)
    assert with_labels.flags == ("cut",) and with_labels.value <= 0.5
    # with labels, no ratio exceeds log2 of N over the smallest class
    assert result(a, labels, upper_cut={"labels": 1.1}, **narrow).flags == ()


def test_bandwidth_by_layer_is_that_of_the_layer():
    rng = np.random.default_rng(3)
    t, y = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    by_layer = edge.EDGE(correction="none", bandwidth={"conv*": 2.0, "conv2": 0.5, "*": 1.0})
    session = by_layer.session()
    for layer, width in {"conv1": 2.0, "conv2": 0.5, "dense1": 1.0}.items():
        (found,) = session([Samples.of(t, y, x=t, layer=layer)])
        for one, alone in zip(
            (found.ixt, found.ity), (result(t, t, **RAW | {"bandwidth": width}),
                                     result(t, y, **RAW | {"bandwidth": width})), strict=True
        ):  # fmt: skip
            assert one.value == alone.value and one.extra["bandwidth"] == width


def test_bandwidth_by_layer_names_the_layer_that_it_leaves_out():
    few = edge.EDGE(correction="none", bandwidth={"conv*": 2.0}).session()
    t = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match="layer dense1: bandwidth of edge: none for layer"):
        few([Samples.of(t, np.arange(20) % 2, x=t, layer="dense1")])
    with pytest.raises(ValidationError, match="greater than 0"):
        edge.EDGE(correction="none", bandwidth={"conv1": 0.0})
