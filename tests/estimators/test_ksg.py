import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.special import digamma, gamma
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from infoplane import mutual_information
from infoplane.estimators import ksg
from infoplane.estimators.kernels import neighbour_terms, neighbours
from infoplane.samples import BIT, Pair

VARIANTS = ("ksg1", "bias_improved")

ROUNDING = 1e-10
"""bit: ours and the twins add the same float64 terms in another order."""


def between(a, b, n_draws=1, **options):
    pair = Pair.of(a, b)
    pair = Pair(pair.a, pair.b, "layer T", n_draws)
    return ksg.KSG(**options).between(pair)


def normals(n, d, rho, seed=0):
    """Samples of I(A;B) = −(d/2) log2(1 − ρ²) bits."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d))
    return a, rho * a + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def matrices(variant, *variables):
    """n × n distances of each standardised variable; infinite from a row to itself."""
    found = []
    for v in variables:
        v = (v - v.mean(axis=0)) / v.std(axis=0)
        differences = np.abs(v[:, None] - v[None])
        if variant == "ksg1":
            found.append(differences.max(axis=2))
        else:
            found.append(np.sqrt((differences**2).sum(axis=2)))
        np.fill_diagonal(found[-1], np.inf)
    return found


def twin(a, b, k, variant):
    """The value in bits and the terms, by the equations with n × n matrices."""
    n, (in_a, in_b) = len(a), matrices(variant, a, b)
    both = np.maximum(in_a, in_b) if variant == "ksg1" else np.hypot(in_a, in_b)
    radii = np.sort(both, axis=1)[:, k - 1, None]
    if variant == "ksg1":
        n_a, n_b = (in_a < radii).sum(axis=1), (in_b < radii).sum(axis=1)
        return (digamma(k) + digamma(n) - digamma(n_a + 1) - digamma(n_b + 1)) * BIT

    def volume(d):
        return math.pi ** (d / 2) / gamma(d / 2 + 1)

    n_a, n_b = (in_a <= radii).sum(axis=1), (in_b <= radii).sum(axis=1)
    d_a, d_b = a.shape[1], b.shape[1]
    factor = math.log(volume(d_a) * volume(d_b) / volume(d_a + d_b))
    return (digamma(k) + math.log(n) + factor - np.log(n_a) - np.log(n_b)) * BIT


def twin_of_labels(a, y, k, variant):
    counts = np.bincount(y)
    a, y = a[counts[y] > 1], y[counts[y] > 1]
    (in_a,) = matrices(variant, a)
    terms = []
    for i in range(len(a)):
        n_y = np.sum(y == y[i])
        k_i = min(k, n_y - 1)
        radius = np.sort(in_a[i, y == y[i]])[k_i - 1]
        m = np.sum(in_a[i] < radius) + 1
        terms.append(digamma(len(a)) + digamma(k_i) - digamma(n_y) - digamma(m))
    return np.array(terms) * BIT


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("device", ["compiled", "torch"])
@pytest.mark.parametrize("d_a, d_b, k", [(1, 1, 3), (1, 4, 1), (2, 3, 5), (12, 30, 20)])
def test_ksg_agrees_with_its_slow_twin(monkeypatch, device, d_a, d_b, k, variant):
    monkeypatch.setattr(neighbours, "in_torch", lambda rows: device == "torch")
    rng = np.random.default_rng(d_a)
    a = rng.standard_normal((300, d_a))
    b = a[:, :1] ** 2 + rng.standard_normal((300, d_b))
    terms = twin(a, b, k, variant)
    record = between(a, b, k=k, variant=variant)
    assert record.value == pytest.approx(terms.mean(), abs=ROUNDING)
    assert record.stderr == pytest.approx(terms.std() / math.sqrt(300), abs=ROUNDING)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("device", ["compiled", "torch"])
@pytest.mark.parametrize("d", [1, 2, 15])
def test_ksg_of_labels_agrees_with_its_slow_twin(monkeypatch, device, d, variant):
    monkeypatch.setattr(neighbours, "in_torch", lambda rows: device == "torch")
    rng = np.random.default_rng(d)
    y = rng.permutation(np.repeat(np.arange(6), [150, 80, 4, 3, 2, 1]))
    a = rng.standard_normal((240, d)) + y[:, None] / 2
    terms = twin_of_labels(a, y, 3, variant)
    record = between(a, y, k=3, variant=variant)
    assert record.value == pytest.approx(terms.mean(), abs=ROUNDING)
    assert record.stderr == pytest.approx(terms.std() / math.sqrt(239), abs=ROUNDING)


def test_ksg_agrees_with_scikit_learn_in_one_dimension():
    a, b = normals(1000, 1, 0.7)
    y = (a[:, 0] + 0.5 * b[:, 0] > 0).astype(int)
    # Its noise of 10⁻¹⁰ moves no neighbour of these samples past another.
    theirs = mutual_info_regression(a, b[:, 0], n_neighbors=3)[0] * BIT
    assert between(a, b, k=3).value == pytest.approx(theirs, abs=ROUNDING)
    theirs = mutual_info_classif(a, y, n_neighbors=3)[0] * BIT
    assert between(a, y, k=3).value == pytest.approx(theirs, abs=ROUNDING)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("d, rho", [(1, 0.0), (1, 0.6), (1, 0.999), (2, 0.6), (3, 0.0)])
def test_ksg_finds_the_information_of_normals(variant, d, rho):
    record = between(*normals(4000, d, rho), variant=variant)
    truth = -d / 2 * math.log2(1 - rho**2)
    # Four standard errors, and .03 bit for the bias of 4000 samples in at most 2 × 2
    # dimensions or of no information.
    assert abs(record.value - truth) < 4 * record.stderr + 0.03
    assert record.stderr < 0.04


def test_bias_improved_is_closer_in_many_dimensions():
    a, b = normals(4000, 5, 0.6)
    truth = -2.5 * math.log2(1 - 0.36)
    plain, improved = (between(a, b, variant=v).value for v in VARIANTS)
    assert abs(improved - truth) < 0.5 * abs(plain - truth)


def test_labels_that_a_threshold_gives_are_found_whole():
    a = np.random.default_rng(0).standard_normal((4000, 2))
    record = between(a, a[:, 0] > 0)
    # 1 bit, less for samples whose neighbours lie across the border of the classes.
    assert 0.95 < record.value <= record.cap


def test_standard_error_is_that_of_repeated_draws():
    values = [between(*normals(500, 1, 0.6, seed)).value for seed in range(60)]
    said = between(*normals(500, 1, 0.6, 100)).stderr
    # A standard deviation of 60 draws is uncertain by 9 %; terms of neighbours depend on one
    # another, which the error leaves out.
    assert 0.6 < said / np.std(values) < 1.6


@pytest.mark.parametrize("variant", VARIANTS)
def test_order_units_and_exchange_change_nothing(variant):
    a, b = normals(500, 2, 0.7)
    a, b = a.round(1), b.round(1)  # ties everywhere: the noise must follow the values too
    value = between(a, b, variant=variant).value
    order = np.random.default_rng(1).permutation(500)
    # The mean of a column in another order moves by 10⁻¹⁶, seldom past a neighbour whose
    # distance is noise of 10⁻¹⁰: 1 or 2 of 500 terms by some .1 bit each.
    assert between(a[order], b[order], variant=variant).value == pytest.approx(value, abs=1e-3)
    units = a * [1e-8, 1e8] + [1e-4, -1e9]
    a, b = normals(500, 2, 0.7)
    value = between(a, b, variant=variant).value
    assert between(b, a, variant=variant).value == pytest.approx(value, abs=ROUNDING)
    units = a * [1e-8, 1e8] + [1e-4, -1e9]
    assert between(units, b, variant=variant).value == pytest.approx(value, abs=1e-3)


def test_ties_are_parted_by_seed():
    rng = np.random.default_rng(0)
    a = rng.integers(3, size=(600, 2)) * 1.0
    b = np.where(rng.random((600, 1)) < 0.9, a[:, :1], 2 - a[:, :1])
    values = [between(a, b, seed=s).value for s in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("estimator", ["ksg", "sliced"])
def test_many_ties_hold_no_information(estimator):
    """Noise with ties would give 0.0082 bit for the first and 0.083 bit for the second."""
    rng = np.random.default_rng(0)
    settings = {"n_projections": 1} if estimator == "sliced" else {}
    rare = (rng.random(50_000) < 0.001).astype(int)
    for a, y in (
        (rng.integers(0, 2, 50_000), rare),  # H(y) = 0.0114 bit
        (np.arange(10_000), rng.integers(0, 2, 10_000)),
    ):
        found = mutual_information(a[:, None] * 1.0, y, estimator=estimator, **settings)
        assert found.value <= found.cap
        assert abs(found.value) < 4 * found.stderr


def test_neighbours_at_equal_distances_do_not_pass_the_cap():
    grid = torch.arange(60.0, dtype=torch.float64)[:, None]  # ties not separated
    labels = torch.arange(60) // 30
    terms = neighbour_terms.of_labels(grid, labels, 2, "max", 10**8)
    assert terms.mean() <= neighbour_terms.cap_of_labels(labels)
    of_pair = neighbour_terms.of_pair(grid, grid, 2, False, 10**8)
    assert of_pair.mean() <= neighbour_terms.cap_of_pair(60, 1, 1, 2, False)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_cap_is_reached_and_not_passed(variant):
    rng = np.random.default_rng(0)
    # Clusters of k + 1, which are all alone in every ball, in a as in b.
    cluster = np.repeat(rng.standard_normal((100, 2)), 4, axis=0)
    a = cluster + 1e-9 * rng.standard_normal((400, 2))
    record = between(a, a[:, ::-1].copy(), k=3, variant=variant)
    if variant == "ksg1":
        assert record.cap == pytest.approx((digamma(400) - digamma(3)) * BIT, abs=ROUNDING)
    assert record.value == pytest.approx(record.cap, abs=ROUNDING)
    b = cluster + 1e-9 * rng.standard_normal((400, 2))
    assert between(a, b, k=3, variant=variant).value <= record.cap + ROUNDING


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_cap_of_labels_is_reached(variant):
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(np.arange(50), 20))
    record = between(rng.standard_normal((1000, 1)) + 1e6 * y[:, None], y, variant=variant)
    assert record.value == pytest.approx(record.cap, abs=ROUNDING)
    assert record.cap == pytest.approx((digamma(1000) - digamma(20)) * BIT, abs=ROUNDING)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("labelled", [False, True])
def test_what_never_varies_says_nothing(labelled, variant):
    z = np.random.default_rng(0).standard_normal((50, 2))
    y = np.arange(50) % 2 if labelled else z
    record = between(np.full((50, 3), 0.1), y, variant=variant)
    assert record.value == 0 and record.cap > 0
    same = np.zeros(50, int) if labelled else np.full((50, 1), 2.0)
    assert between(z, same, variant=variant).value == 0
    # next to coordinates that vary it changes nothing
    wide = np.hstack([z, np.full((50, 1), 0.1)])
    both = [between(v, y, variant=variant).value for v in (z, wide)]
    assert both[0] == both[1]


def test_members_without_a_neighbour_are_left_out():
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((60, 2)), np.repeat([0, 1], 30)
    with_single = between(np.vstack([a, [[9, 9]]]), np.append(y, 2), k=3)
    # The single one is left out before standardising.
    assert with_single.value == between(a, y, k=3).value


def test_fewer_samples_than_dimensions_are_measured():
    a, b = normals(20, 50, 0.9)
    assert math.isfinite(between(a, b).value)


def test_errors_name_the_place_and_the_reason():
    z = np.random.default_rng(0).standard_normal((5, 1))
    with pytest.raises(ValueError, match=r"layer T: k = 5 .* there are 5"):
        between(z, z, k=5)
    with pytest.raises(ValueError, match="layer T: each of the 5 samples is the only one"):
        between(z, np.arange(5), k=1)
    with pytest.raises(ValidationError):
        ksg.KSGSettings(k=0)
    with pytest.raises(ValidationError):
        ksg.KSGSettings(variant="ksg3")


def test_float32_and_float64_give_the_same():
    a, b = (v.astype("f4") for v in normals(300, 3, 0.5))
    value = between(torch.from_numpy(a), torch.from_numpy(b)).value
    assert value == between(a.astype("f8"), b.astype("f8")).value
