import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import digamma, gamma

from infoplane.estimators import kl
from infoplane.estimators.kernels import neighbours
from infoplane.samples import BIT, Pair

NORMS = ("euclidean", "max")

ROUNDING = 1e-9
"""bit: ours and the twins add the same float64 terms in another order, and square roots and
powers of distances round."""


def between(a, b, n_draws=1, **options):
    pair = Pair.of(a, b)
    pair = Pair(pair.a, pair.b, "layer T", n_draws)
    return kl.KL(**options).between(pair)


def normals(n, d, rho, seed=0):
    """Samples of I(A;B) = −(d/2) log2(1 − ρ²) bits."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d))
    return a, rho * a + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def entropies(rows, k, norm):
    """Each sample's term in nats, by the equation with an n × n matrix. k : one, or one for
    each sample"""
    n, d = rows.shape
    differences = np.abs(rows[:, None] - rows[None])
    if norm == "max":
        matrix, volume = differences.max(axis=2), 2.0**d
    else:
        matrix = np.sqrt((differences**2).sum(axis=2))
        volume = math.pi ** (d / 2) / gamma(d / 2 + 1)
    np.fill_diagonal(matrix, np.inf)
    k = np.broadcast_to(k, n)
    radii = np.sort(matrix, axis=1)[np.arange(n), k - 1]
    return digamma(n) - digamma(k) + math.log(volume) + d * np.log(radii)


def standardised(rows):
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("device", ["compiled", "torch"])
@pytest.mark.parametrize("d_a, d_b, k", [(1, 1, 3), (1, 4, 1), (12, 30, 20)])
def test_kl_agrees_with_its_slow_twin(monkeypatch, device, d_a, d_b, k, norm):
    monkeypatch.setattr(neighbours, "in_torch", lambda rows: device == "torch")
    rng = np.random.default_rng(d_a)
    a = rng.standard_normal((300, d_a))
    b = 7 * a[:, :1] ** 2 + rng.standard_normal((300, d_b))
    za, zb = standardised(a), standardised(b)
    of_a, of_b = entropies(za, k, norm), entropies(zb, k, norm)
    terms = of_a + of_b - entropies(np.hstack([za, zb]), k, norm)
    record = between(a, b, k=k, norm=norm)
    assert record.value == pytest.approx(BIT * terms.mean(), abs=ROUNDING)
    assert record.stderr == pytest.approx(BIT * terms.std() / math.sqrt(300), abs=ROUNDING)
    units = np.log(b.std(axis=0)).sum()
    assert record.extra["entropy_b"] == pytest.approx(BIT * (of_b.mean() + units), abs=ROUNDING)
    parts = record.extra
    assert record.value == pytest.approx(
        parts["entropy_a"] + parts["entropy_b"] - parts["entropy_joint"], abs=ROUNDING
    )


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("device", ["compiled", "torch"])
@pytest.mark.parametrize("d", [1, 12])
def test_kl_of_labels_agrees_with_its_slow_twin(monkeypatch, device, d, norm):
    monkeypatch.setattr(neighbours, "in_torch", lambda rows: device == "torch")
    rng = np.random.default_rng(d)
    y = rng.permutation(np.repeat(np.arange(6), [150, 80, 4, 3, 2, 1]))
    a = 3 * rng.standard_normal((240, d)) + y[:, None]
    record = between(a, y, k=3, norm=norm)
    a, y = a[y != 5], y[y != 5]
    z, ks = standardised(a), np.minimum(3, np.bincount(y)[y] - 1)
    whole, given = entropies(z, ks, norm), np.empty(239)
    for label in range(5):
        given[y == label] = entropies(z[y == label], ks[y == label], norm)
    assert record.value == pytest.approx(BIT * (whole - given).mean(), abs=ROUNDING)
    error = BIT * (whole - given).std() / math.sqrt(239)
    assert record.stderr == pytest.approx(error, abs=ROUNDING)
    units = np.log(a.std(axis=0)).sum()
    assert record.extra["entropy_a_given_b"] == pytest.approx(
        BIT * (given.mean() + units), abs=ROUNDING
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d, rho", [(1, 0.0), (1, 0.6), (2, 0.9)])
def test_kl_finds_the_information_of_normals(d, rho, weighted):
    record = between(*normals(4000, d, rho), k=5, weighted=weighted)
    truth = -d / 2 * math.log2(1 - rho**2)
    # Four standard errors, and .03 bit for the bias of 4000 samples in 4 dimensions.
    assert abs(record.value - truth) < 4 * record.stderr + 0.03
    assert record.stderr < 0.06


def test_entropies_are_in_the_units_of_the_samples():
    a, b = normals(4000, 2, 0.5)
    record = between(10 * a, b / 8, k=5)
    normal = math.log2(2 * math.pi * math.e)  # bits of two independent normals
    # The error of a mean of 4000 terms of standard deviation below 2 bits is .03 bit.
    assert record.extra["entropy_a"] == pytest.approx(normal + 2 * math.log2(10), abs=0.12)
    assert record.extra["entropy_b"] == pytest.approx(normal - 6, abs=0.12)
    assert between(a, b, k=5).value == pytest.approx(record.value, abs=ROUNDING)


def test_weights_satisfy_their_equations():
    for k, d in [(1, 1), (5, 3), (5, 4), (10, 8), (30, 12)]:
        weights = kl.neighbour_weights(k, d)
        assert weights.sum() == pytest.approx(1)
        j = np.arange(1, k + 1)
        for power in range(1, d // 4 + 1):
            ratios = np.exp([math.lgamma(i + 2 * power / d) - math.lgamma(i) for i in j])
            # Terms as large as this cancel; each is a solution of equations of condition
            # 10⁴ at most, rounded to 2⁻⁵³.
            assert abs(weights @ ratios) < 1e-10 * np.abs(weights * ratios).sum()
    assert kl.neighbour_weights(4, 1).tolist() == [0, 0, 0, 1]


def test_weights_take_bias_away():
    """Entropy of 8 normals by 100 neighbours of 1000: 0.5 nat too large without weights."""
    z = np.random.default_rng(0).standard_normal((1000, 8))
    # The entropy of these samples: that of the distribution is uncertain by .06 nat.
    truth = 4 * math.log(2 * math.pi) + (z**2).sum() / 2000
    plain, weighted = (
        kl.local_entropies(torch.from_numpy(z), kl.KLSettings(k=100, weighted=w)).mean().item()
        - truth
        for w in (False, True)
    )
    assert plain > 0.3
    assert abs(weighted) < 0.3 * plain


def test_local_entropies_take_any_settings_with_their_keys():
    rows = torch.from_numpy(np.random.default_rng(0).standard_normal((200, 3)))
    given = SimpleNamespace(k=4, norm="max", weighted=False, memory_mb=1)
    expected = entropies(rows.numpy(), 4, "max")
    np.testing.assert_allclose(kl.local_entropies(rows, given), expected, rtol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_the_cap_is_reached_and_not_passed(norm):
    rng = np.random.default_rng(0)
    for seed in range(5):
        a, b = normals(60, 2, 0.9999999, seed)
        record = between(a, b, norm=norm)
        assert record.value <= record.cap
    if norm == "max":  # a copy has the same distance in both as in one
        record = between(a, a.copy(), norm=norm)
        assert record.value == pytest.approx(record.cap, abs=ROUNDING)
    y = rng.permutation(np.repeat(np.arange(50), 20))
    record = between(rng.standard_normal((1000, 2)) + 1e6 * y[:, None], y, norm=norm)
    assert record.value == pytest.approx(record.cap, abs=ROUNDING)
    assert math.isinf(between(a, b, weighted=True, k=5).cap)


def test_order_and_exchange_change_nothing():
    a, b = normals(400, 3, 0.7)
    value = between(a, b).value
    order = np.random.default_rng(1).permutation(400)
    assert between(a[order], b[order]).value == pytest.approx(value, abs=ROUNDING)
    assert between(b, a).value == pytest.approx(value, abs=ROUNDING)


def test_samples_that_are_equal_are_finite_and_flagged():
    a = np.random.default_rng(0).integers(3, size=(300, 2)) * 1.0
    z = normals(300, 2, 0.5)[0]
    for pair in ((a, a), (a, z), (z, a), (a, a[:, 0].astype(int))):
        record = between(*pair)
        assert math.isfinite(record.value) and record.flags == ("degenerate",)
    # equal in one variable only, or 2 of 300 in both
    half = np.column_stack([z[:, 0], a[:, 0]])
    assert between(half, z).flags == () == between(half, a[:, 0].astype(int)).flags
    z[0] = z[1]
    assert between(z, half).flags == ()


def test_errors_name_the_place_and_the_reason():
    z = np.random.default_rng(0).standard_normal((20, 6))
    with pytest.raises(ValueError, match=r"layer T: k = 20 .* there are 20"):
        between(z, z, k=20)
    with pytest.raises(ValueError, match="layer T: each of the 20 samples is the only one"):
        between(z, np.arange(20))
    with pytest.raises(ValueError, match=r"layer T: .* in 12 dimensions need k ≥ 4 .* k is 3"):
        between(z, z, weighted=True)
    with pytest.raises(ValueError, match=r"k ≥ 2 .* k is 1, the smallest class has 2 samples"):
        between(z, np.append(np.zeros(18, int), [1, 1]), weighted=True, k=5)
