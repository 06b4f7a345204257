import math
import subprocess
import sys

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from infoplane.estimators import kde
from infoplane.samples import Samples
from infoplane.stores.information import numbers_of

ACCURATE = 1e-4
"""bit, relative above 1 bit: the stated accuracy, compared with the formulas in float64."""

ENDS = ("interval_low", "interval_high")
VALUES = ("ixt", "ity", *(f"{of}_{end}" for of in ("ixt", "ity") for end in ENDS))


def result(t, y, **options):
    return kde.KDE(**options).estimate(Samples.of(t, y, draws=np.ndim(t) == 3))


def assert_agrees(twins, t, y, variance):
    information = result(t, y, noise_variance=variance)
    for name, value in twins.kde(t, y, variance).items():
        assert numbers_of(information)[name] == pytest.approx(
            value, rel=ACCURATE, abs=ACCURATE
        ), name


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 60),
    r=st.integers(1, 4),
    d=st.sampled_from([1, 2, 3, 4, 5, 8, 31, 32, 33, 70]),
    variance=st.sampled_from([1e-6, 1e-3, 0.1, 10.0]),
    double=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_kde_agrees_with_its_slow_twin(twins, seed, n, r, d, variance, double):
    rng = np.random.default_rng(seed)
    t = rng.normal(size=(n, r, d)).astype("f8" if double else "f4")
    assert_agrees(twins, t, rng.integers(0, 3, n), variance)


NASTY = {
    "offset": lambda z: 100 + 0.01 * z,
    "far offset": lambda z: 1e4 + 1e-3 * z,
    "large": lambda z: 1000 * z,
    "huge": lambda z: 1e25 * z,
    "tiny": lambda z: 1e-20 * z,
    "duplicated": np.round,
    "saturated": lambda z: np.tanh(20 * z),
    "two tight clusters": lambda z: 100 * (z[..., :1] > 0) + 1e-3 * z,
    "one far row": lambda z: np.where(np.arange(len(z))[:, None, None] == 0, 1e6, z),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("d", [1, 2, 20, 100, 1024])
@pytest.mark.parametrize("name", NASTY)
def test_kde_is_accurate_on_nasty_samples(twins, name, d, dtype):
    rng = np.random.default_rng(d)
    t = NASTY[name](rng.normal(size=(200, 1, d))).astype(dtype)
    y = rng.integers(0, 3, 200)
    for sigma in (1e-3, 1.0, 1e-3 * math.sqrt(d), 30 * math.sqrt(d)):
        assert_agrees(twins, t, y, sigma**2)


@pytest.mark.parametrize("d", [3, 40])
def test_kde_agrees_over_many_blocks_and_classes(twins, d):
    # 900 rows are four blocks of rows, which classes of 700, 150, 49 and 1 cut further.
    rng = np.random.default_rng(5)
    y = rng.permutation(np.repeat([0, 1, 2, 3], [700, 150, 49, 1]))
    assert_agrees(twins, rng.normal(size=(900, 1, d)), y, 0.3)


@pytest.mark.parametrize("d", [2, 40])
def test_kde_agrees_with_more_draws_than_a_block(twins, d):
    rng = np.random.default_rng(6)
    assert_agrees(twins, rng.normal(size=(2, 300, d)), np.array([0, 1]), 0.3)


@pytest.mark.parametrize("d", [2, 40])
def test_two_draws_by_hand(d):
    # Each input's draws lie s apart, the inputs out of sight: with k = exp(−s²/2σ²) the
    # entropy given x is −log2((1 + k)/2), and the whole is one bit more.
    t = np.zeros((2, 2, d))
    t[:, 1, 0] = 0.2
    t[1] += 50
    information = result(t, [0, 1], noise_variance=0.01)
    upper = -math.log2((1 + math.exp(-0.04 / 0.02)) / 2)
    lower = -math.log2((1 + math.exp(-0.04 / 0.08)) / 2)
    for name, value in {
        "ixt": 1,
        "ity": 1,
        "ixt_interval_low": 1 + lower - upper,
        "ixt_interval_high": 1 + upper - lower,
        "ity_interval_low": 1 + lower - upper,
        "ity_interval_high": 1 + upper - lower,
    }.items():
        assert numbers_of(information)[name] == pytest.approx(value, abs=ACCURATE), name
    assert information.flags == ("not_a_bound",)


def test_two_far_clusters_hold_one_bit():
    t = np.repeat([[-9.0, 0.0], [9.0, 0.0]], 20, axis=0)
    information = result(t, np.repeat([0, 1], 20))
    for name in VALUES:
        assert numbers_of(information)[name] == pytest.approx(1, abs=1e-6)  # float32 sums


def test_far_inputs_reach_the_cap():
    t = 100.0 * np.arange(64)[:, None]
    information = result(t, np.arange(64) % 2)
    assert information.ixt.cap == 6
    assert information.ixt.value == pytest.approx(6, abs=1e-6)
    assert information.ity.value == pytest.approx(1, abs=1e-6)


def test_independent_classes_give_zero():
    points = np.random.default_rng(7).normal(size=(30, 3))
    information = result(np.tile(points, (4, 1)), np.repeat(np.arange(4), 30))
    assert information.ity.value == pytest.approx(0, abs=1e-6)
    assert information.ixt.value > 1


def test_draws_independent_of_inputs_give_zero():
    draws = np.random.default_rng(8).normal(size=(1, 50, 3))
    information = result(np.tile(draws, (6, 1, 1)), np.arange(6) % 2)
    assert information.ixt.value == pytest.approx(0, abs=1e-6)
    assert information.ity.value == pytest.approx(0, abs=1e-6)


def test_permuted_rows_and_units_change_nothing():
    rng = np.random.default_rng(9)
    t, y = rng.normal(size=(700, 2, 6)).astype("f4"), rng.integers(0, 3, 700)
    rows, units = rng.permutation(700), rng.permutation(6)
    one, other = result(t, y), result(t[rows][:, :, units], y[rows])
    for name in VALUES:  # other blocks: float32 sums of 256 in another order
        assert numbers_of(one)[name] == pytest.approx(numbers_of(other)[name], abs=1e-5)


def test_orientation_of_units_changes_nothing():
    rng = np.random.default_rng(10)
    t, y = rng.normal(size=(200, 8)), rng.integers(0, 2, 200)
    turned = t @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert result(t, y).ixt.value == pytest.approx(result(turned, y).ixt.value, abs=ACCURATE)


@given(seed=st.integers(0, 10**6), r=st.integers(1, 3), scale=st.floats(0.01, 100))
@settings(max_examples=40, deadline=None)
def test_bounds_are_in_order(seed, r, scale):
    rng = np.random.default_rng(seed)
    information = result(scale * rng.normal(size=(30, r, 2)), rng.integers(0, 2, 30))
    assert information.ixt.interval.low <= information.ixt.interval.high + 1e-6
    assert information.ity.interval.low <= information.ity.value + 1e-6
    assert information.ity.value <= information.ity.interval.high + 1e-6


def test_one_draw_makes_ixt_the_chosen_bound():
    rng = np.random.default_rng(11)
    t, y = rng.normal(size=(50, 2)), rng.integers(0, 2, 50)
    upper, lower = result(t, y), result(t, y, bound="lower")
    assert upper.ixt.value == upper.ixt.interval.high
    assert lower.ixt.value == lower.ixt.interval.low < upper.ixt.value
    assert upper.flags == lower.flags == ()


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_true_information_of_a_noisy_channel_lies_between_the_bounds(sigma):
    # 16 points of a 4 × 4 grid through Gaussian noise, equal classes left and right. Monte
    # Carlo, 2·10⁵ draws: standard error below 0.005 bit; the bounds are some 0.1 bit wide.
    points = np.stack(np.meshgrid(range(4), range(4)), axis=-1).reshape(-1, 2).astype(float)
    y = (points[:, 0] > 1).astype(int)
    rng = np.random.default_rng(12)
    sent = rng.integers(0, 16, 200_000)
    received = points[sent] + sigma * rng.normal(size=(200_000, 2))
    density = np.exp(-((received[:, None] - points) ** 2).sum(-1) / (2 * sigma**2))
    of_sent = density[np.arange(len(sent)), sent]
    of_class = np.where(y[sent] == 1, density[:, y == 1].mean(1), density[:, y == 0].mean(1))
    ixt = np.log2(of_sent / density.mean(1)).mean()
    ity = np.log2(of_class / density.mean(1)).mean()
    information = result(points, y, noise_variance=sigma**2)
    assert information.ixt.interval.low - 0.005 < ixt < information.ixt.interval.high + 0.005
    assert information.ity.interval.low - 0.005 < ity < information.ity.interval.high + 0.005
    assert information.ixt.interval.high - information.ixt.interval.low < 1.5


def test_relative_noise_is_a_share_of_the_mean_variance():
    rng = np.random.default_rng(13)
    t, y = 1e3 + rng.normal(size=(80, 2, 3)) * [1, 2, 3], rng.integers(0, 2, 80)
    variance = t.reshape(-1, 3).var(axis=0).mean()
    relative = result(t, y, noise="relative", noise_variance=0.05)
    absolute = result(t, y, noise_variance=0.05 * variance)
    assert relative.ixt.value == pytest.approx(absolute.ixt.value, abs=1e-6)
    assert relative.ixt.value == pytest.approx(
        result(1e6 * t, y, noise="relative", noise_variance=0.05).ixt.value, abs=ACCURATE
    )


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30, 1e6 + 0.1])
@pytest.mark.parametrize("noise", ["absolute", "relative"])
@pytest.mark.parametrize("n_draws", [1, 2])
def test_constant_layer_holds_nothing(value, noise, n_draws):
    information = result(np.full((9, n_draws, 40), value), np.arange(9) % 2, noise=noise)
    for name in VALUES:
        assert numbers_of(information)[name] == pytest.approx(0, abs=1e-6)


def test_one_input_holds_nothing():
    information = result([[1.0, 2.0]], [0])
    assert (information.ixt.value, information.ity.value, information.ixt.cap) == (0, 0, 0)


@pytest.mark.parametrize("d", [4, 64])
def test_kde_does_not_depend_on_threads(d):
    rng = np.random.default_rng(14)
    t, y = rng.normal(size=(1500, 2, d)).astype("f4"), rng.integers(0, 3, 1500)
    before = numba.get_num_threads()
    found = []
    for n_threads in {1, min(2, numba.config.NUMBA_NUM_THREADS)}:
        numba.set_num_threads(n_threads)
        found.append(result(t, y))
    numba.set_num_threads(before)
    assert found[0] == found[-1]


@pytest.mark.parametrize("d", [4, 64])
def test_memory_setting_changes_nothing_but_memory(d):
    rng = np.random.default_rng(15)
    t, y = rng.normal(size=(1100, d)), rng.integers(0, 3, 1100)
    little, much = result(t, y, memory_mb=1), result(t, y)
    for name in VALUES:
        assert numbers_of(little)[name] == pytest.approx(numbers_of(much)[name], abs=1e-5)


def test_float32_and_float64_samples_agree():
    rng = np.random.default_rng(16)
    t, y = rng.normal(size=(300, 5)).astype("f4"), rng.integers(0, 2, 300)
    assert result(t, y).ixt.value == pytest.approx(
        result(t.astype("f8"), y).ixt.value, abs=1e-6
    )


@pytest.mark.parametrize(
    "options",
    [
        {"noise_variance": 0}, {"noise_variance": -1}, {"noise_variance": math.inf},
        {"noise": "unit"}, {"bound": "both"}, {"memory_mb": 0}, {"sigma": 1},
    ],
)  # fmt: skip
def test_wrong_settings_raise(options):
    with pytest.raises(ValidationError, match=next(iter(options))):
        kde.KDESettings(**options)


@pytest.mark.slow
def test_sixty_thousand_rows_stay_below_two_gigabytes():
    program = """
import re, torch
from pathlib import Path
from infoplane.estimators import kde
from infoplane.samples import Samples
generator = torch.Generator().manual_seed(0)
t = torch.randn((60_000, 1, 1024), generator=generator)
kde.KDE().estimate(Samples(t, torch.arange(60_000) % 10))
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert 1024 * int(done.stdout) < 2e9  # getrusage may give the parent's
