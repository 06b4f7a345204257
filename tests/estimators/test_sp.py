"""Sample propagation, compared with brute force, closed forms and a slow twin."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import norm, sem

import infoplane
from infoplane.estimators import sp
from infoplane.estimators.kernels import leaves_cpu, sp_densities, sp_each
from infoplane.samples import BIT, Samples
from infoplane.stores.information import numbers_of
from infoplane.truth import channel_information

SINGLE, DOUBLE = 2e-3, 5e-6
"""nats: in single precision a sample moves by up to 1e-4 σ, ten and more of which it is away
from centres that count; sums are good to 1e-6, and 1e-6 may be passed over."""


def noisy(centres, y, sigma, seed=0):
    """Samples of centres (n, d) or (n, r, d)."""
    centres = np.asarray(centres, dtype=np.float64)
    z = np.random.default_rng(seed).standard_normal(centres.shape)
    t, draws = centres + sigma * z, centres.ndim == 3
    return Samples.of(t, y, centres=centres, sigma=sigma, draws=draws)


def result(centres, y, sigma, **options):
    return sp.SP(**options).estimate(noisy(centres, y, sigma))


def layer(n=600, d=4, seed=0):
    """Centres like those of a tanh layer, some saturated, and a label that depends on them."""
    rng = np.random.default_rng(seed)
    s = np.tanh(2 * rng.standard_normal((n, d)))
    return s, (s[:, 0] + 0.3 * rng.standard_normal(n) > 0).astype(int)


@pytest.mark.parametrize("sigma", [0.005, 0.1, 0.5])
def test_the_first_layer_agrees_with_brute_force(sigma):
    centres, y = layer()
    truth = channel_information.information(centres, y, sigma, 0.005, seed=1)
    found = result(np.repeat(centres[:, None], 3, axis=1), y, sigma, target=0.01)
    assert "not_converged" not in found.flags
    # four standard errors of the difference, and rounding if there is almost no variance
    for value, error, true, true_error in (
        (found.ixt.value, found.ixt.stderr, truth.ixt, truth.ixt_error),
        (found.ity.value, found.ity.stderr, truth.ity, truth.ity_error),
    ):
        assert 0 <= error <= 0.01
        assert value == pytest.approx(true, abs=4 * math.hypot(error, true_error) + 1e-4)
        # all draws have one centre: there is no bias and no own draw to leave out
        low, high, kind = (found.ixt if true == truth.ixt else found.ity).interval
        assert (low + high) / 2 == pytest.approx(value) and kind == "proven"
        assert high - low == pytest.approx(2 * 1.96 * error)


def test_equal_draws_count_once():
    centres, y = layer(200)
    one = result(centres, y, 0.2)
    many = result(np.repeat(centres[:, None], 7, axis=1), y, 0.2)
    assert (
        many.ixt.value == one.ixt.value
        and many.ity.value == one.ity.value
        and many.ixt.stderr == one.ixt.stderr
    )
    # one draw does not show whether earlier layers have noise
    assert one.ixt.interval.low == -math.inf < many.ixt.interval.low
    assert one.ixt.interval.high == many.ixt.interval.high
    # draws through a batched product differ in their last bits
    rounded = np.repeat(centres[:, None], 2, axis=1)
    rounded[:, 1] += 1e-9
    assert result(rounded, y, 0.2).ixt.value == one.ixt.value


def linear(r, n, seed=3):
    """T1 = W1 X + σ1 Z1, T2 = W2 T1 + σ2 Z2 with X normal: centres of T2 and I(X;T2)."""
    rng = np.random.default_rng(seed)
    w1 = np.array([[1.0, 0.5, 0.0], [-0.4, 0.8, 0.6]])  # (x, t1)
    w2 = np.array([[0.9, 0.1], [0.3, -0.7], [0.5, 0.5]])  # (t1, t2)
    sigma1, sigma2 = 0.8, 0.6
    x = rng.standard_normal((n, 2))
    t1 = (x @ w1)[:, None] + sigma1 * rng.standard_normal((n, r, 3))
    given_x = sigma1**2 * w2.T @ w2 + sigma2**2 * np.eye(2)
    whole = w2.T @ w1.T @ w1 @ w2 + given_x
    truth = 0.5 * BIT * (np.linalg.slogdet(whole)[1] - np.linalg.slogdet(given_x)[1])
    return t1 @ w2, sigma2, truth


def test_linear_layers_have_their_closed_form():
    """Noise in both layers: I(X;T2) = ½ log2 det(Σ_T) / det(Σ_T|X), far below log2 n."""
    centres, sigma, truth = linear(r=64, n=2000)
    assert 0.5 < truth < 1
    y = np.arange(2000) % 2  # independent of X
    found = result(centres, y, sigma, target=0.01)
    # 2000 normal inputs differ from the population by about √(d/2n) nats ≈ 0.03 bit
    room = 4 * 0.01 + 0.06
    assert found.ixt.interval.low - room < truth < found.ixt.interval.high + room
    assert found.ixt.interval.high - found.ixt.interval.low < 0.15
    assert abs(found.ity.value) < room


def test_one_linear_layer_has_its_closed_form():
    rng = np.random.default_rng(5)
    w, sigma = rng.standard_normal((3, 3)), 1.5
    centres = rng.standard_normal((4000, 3)) @ w
    truth = 0.5 * BIT * np.linalg.slogdet(np.eye(3) + w.T @ w / sigma**2)[1]
    found = result(centres, np.zeros(4000, int), sigma, target=0.004)
    assert found.ixt.value == pytest.approx(truth, abs=4 * 0.004 + 0.05)  # as above
    assert found.ity.value == 0


def test_draws_close_the_bracket():
    """With more draws, both ends come nearer to the truth between them."""
    centres, sigma, truth = linear(r=128, n=1000)
    y = np.arange(1000) % 2
    upper, lower = [], []
    for r in (2, 8, 32, 128):
        found = result(centres, y, sigma, replicas=r, target=0.01)
        upper.append(found.ixt.interval.high)
        lower.append(found.ixt.interval.low)
        assert found.ity.interval.low < found.ity.interval.high
    assert upper == sorted(upper, reverse=True)
    assert lower == sorted(lower)
    room = 4 * 0.01 + 0.1  # 1000 normal inputs differ from the population
    assert lower[-1] - room < truth < upper[-1] + room
    assert upper[0] - lower[0] > 10 * (upper[-1] - lower[-1])


def test_replicas_are_those_of_fewer_draws():
    centres, sigma, _ = linear(r=6, n=100)
    y = np.arange(100) % 2
    assert result(centres, y, sigma, replicas=4) == result(centres[:, :4], y, sigma)
    assert result(centres, y, sigma, replicas=9) == result(centres, y, sigma)


def twin(points, y, chosen, z):
    """The logarithms in float64, sample by sample. points : (n, r, d)"""
    n, r, d = points.shape
    rows = points.reshape(-1, d)
    found = []
    for place, noise in zip(chosen, z, strict=True):
        x = -0.5 * np.square(rows - (rows[place] + noise)).sum(axis=1)
        own = np.arange(n * r) // r == place // r
        others = own & (np.arange(n * r) != place)
        label = np.repeat(y, r) == y[place // r]
        found.append([np.logaddexp.reduce(x[s], initial=-np.inf) for s in (own, others, label)])
        found[-1].append(np.logaddexp.reduce(x))
    return np.array(found).T


CASES = {
    "few units": (300, 4, 3, 0.1),
    "one unit": (300, 2, 1, 0.01),
    "far apart": (200, 3, 5, 1e-4),
    "everything in reach": (300, 2, 6, 3.0),
    "one draw": (500, 1, 10, 0.05),
    "many units": (120, 2, 100, 0.2),
    "very many units": (40, 2, 1024, 0.5),
    "more draws than a leaf": (6, 150, 2, 0.3),
}


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_what_is_passed_over_does_not_count(name, double):
    n, r, d, sigma = CASES[name]
    rng = np.random.default_rng(0)
    inputs = np.tanh(2 * rng.standard_normal((n, 1, d)))
    centres = inputs + 3 * sigma * rng.standard_normal((n, r, d)) / math.sqrt(d)
    centres[: n // 4] = np.sign(centres[: n // 4])  # corners of many equal centres
    y = rng.permutation(np.arange(n) % 3)
    points = torch.from_numpy(centres / sigma)
    points = points if double or sigma < 1e-3 else points.float()
    chosen, z = rng.integers(0, n * r, 40), rng.standard_normal((40, d))
    exact = twin(points.double().numpy(), y, chosen, z)
    on_cpu = sp_densities.OnCPU(points, y)
    assert sorted(on_cpu.order) == list(range(n * r))
    # on a device, here the CPU, in many blocks and in one
    on_device = [sp_densities.OnDevice(points, y, memory) for memory in (10**6, 10**9)]
    room = DOUBLE if points.dtype == torch.float64 else SINGLE
    for way in (on_cpu, *on_device):
        for found, expected in zip(way.logarithms(chosen, z), exact, strict=True):
            np.testing.assert_allclose(found, expected, atol=room)


def test_both_ways_estimate_the_same(monkeypatch):
    centres, sigma, _ = linear(r=5, n=300)
    y = (centres[:, 0, 0] > 0).astype(int)

    def found() -> list[dict[str, float]]:
        seeds = range(16)
        return [numbers_of(result(centres, y, sigma, target=0.02, seed=seed)) for seed in seeds]

    one = found()
    monkeypatch.setattr(
        sp_densities,
        "OnCPU",
        lambda points, labels: sp_densities.OnDevice(points, labels, 10**8),
    )
    other = found()
    for name in ("ixt", "ixt_interval_low", "ity", "ity_interval_low"):
        a, b = ([numbers[name] for numbers in way] for way in (one, other))
        assert np.mean(a) == pytest.approx(np.mean(b), abs=4 * math.hypot(sem(a), sem(b)))


@pytest.mark.parametrize("d", [3, 40])
def test_a_few_points_are_near_and_the_rest_is_not_read(d):
    """Leaves are complete, have one class, and lie in their boxes."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [300, 1, 150])
    points = torch.from_numpy(rng.standard_normal((451, 2, d)))
    tree = sp_densities.OnCPU(points, y)
    assert len(tree.tiles) == -(-600 // leaves_cpu.LEAF) + 1 + -(-300 // leaves_cpu.LEAF)
    full = np.isfinite(tree.tiles).all(axis=1).sum(axis=1)
    assert full.sum() == 902
    np.testing.assert_array_equal(np.repeat(tree.classes, full), np.repeat(y, 2)[tree.order])
    rows = tree.points.view(-1, d).numpy()[tree.order]
    low, high = (box.swapaxes(1, 2).reshape(-1, d)[: len(full)] for box in tree.boxes)
    of_row = np.repeat(np.arange(len(full)), full)
    assert (low[of_row] <= rows).all() and (rows <= high[of_row]).all()


def test_the_error_is_that_of_repeats():
    centres, sigma, _ = linear(r=20, n=400)
    y = (centres[:, 0, 0] > 0).astype(int)
    found = [result(centres, y, sigma, seed=seed, target=0.05) for seed in range(40)]
    for name, error in (("ixt", "ixt_stderr"), ("ity", "ity_stderr")):
        values = [numbers_of(f)[name] for f in found]
        claimed = np.mean([numbers_of(f)[error] for f in found])
        # of 40 repeats, the sd is within a third of the error with probability 0.997
        assert np.std(values, ddof=1) == pytest.approx(claimed, rel=0.36)


@pytest.mark.parametrize("target", [0.05, 0.01])
def test_it_stops_at_the_target_with_the_truth_inside(target):
    centres, y = layer(300)
    truth = channel_information.information(centres, y, 0.4, 0.003, seed=7)
    found = result(centres, y, 0.4, target=target)
    assert found.flags == ()
    assert max(found.ixt.stderr, found.ity.stderr) <= target
    assert found.ixt.value == pytest.approx(
        truth.ixt, abs=4 * math.hypot(found.ixt.stderr, 0.003)
    )
    assert found.ity.value == pytest.approx(
        truth.ity, abs=4 * math.hypot(found.ity.stderr, 0.003)
    )


def test_a_seed_fixes_the_result_and_a_batch_does_not_change_it():
    centres, y = layer(100)
    one = result(centres, y, 0.3, seed=5, target=0.02)
    assert result(centres, y, 0.3, seed=5, target=0.02) == one
    assert result(centres, y, 0.3, seed=6, target=0.02).ixt.value != one.ixt.value
    assert result(centres, y, 0.3, seed=5, target=0.02, batch=64) == one


def test_too_few_samples_are_flagged():
    centres, y = layer(300)
    found = result(centres, y, 0.4, target=1e-4, max_samples=2000)
    assert found.flags == ("not_converged",)
    assert found.ixt.stderr > 1e-4
    more = result(centres, y, 0.4, target=1e-4, max_samples=20_000)
    assert more.ixt.stderr < found.ixt.stderr


def test_samples_without_noise_are_answered_with_a_flag():
    t, y = layer(50)
    found = infoplane.estimate(t, y, estimator="sp")
    assert (
        math.isnan(found.ixt.value)
        and math.isnan(found.ity.value)
        and math.isnan(found.ixt.stderr)
    )
    assert "needs_noise" in found.flags and "saturated" not in found.flags


def test_the_call_for_notebooks_takes_centres_and_their_noise():
    centres, y = layer(100)
    t = centres + 0.2 * np.random.default_rng(0).standard_normal(centres.shape)
    found = infoplane.estimate(t, y, estimator="sp", centres=centres, sigma=0.2, seed=3)
    expected = result(centres, y, 0.2, seed=3)
    assert found.ixt.value == expected.ixt.value and found.ity.value == expected.ity.value
    with pytest.raises(ValueError, match="noise needs both centres and sigma"):
        infoplane.estimate(t, y, estimator="sp", sigma=0.2)
    with pytest.raises(ValueError, match=r"must be \(100, 1, 4\), not \(100, 1, 3\)"):
        infoplane.estimate(t, y, estimator="sp", centres=centres[:, :3], sigma=0.2)
    centres[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 400 centres are NaN"):
        infoplane.estimate(t, y, estimator="sp", centres=centres, sigma=0.2)


def test_inputs_far_apart_reach_the_cap():
    centres = 100.0 * np.arange(64)[:, None]
    found = infoplane.estimate(
        centres, np.arange(64) % 2, estimator="sp", centres=centres, sigma=0.01
    )
    assert found.ixt.cap == 6 and "saturated" in found.flags
    assert found.ixt.value == pytest.approx(6, abs=1e-9)
    assert found.ity.value == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("sigma", [0.0, 1e-12, 1.0, 1e12])
def test_a_layer_that_never_varies_holds_nothing(sigma):
    """The relative noise of a constant layer is 0."""
    t = torch.full((60, 3, 5), 0.7)
    samples = Samples(t, torch.arange(60) % 2, sigma=sigma, centres=t)
    found = sp.SP().estimate(samples)
    for name in (
        "ixt",
        "ity",
        "ixt_interval_low",
        "ity_interval_low",
        "ixt_stderr",
        "ity_stderr",
    ):
        assert numbers_of(found)[name] == pytest.approx(0, abs=1e-9)
    assert "not_converged" not in found.flags


@pytest.mark.parametrize("offset", [0, 1e4])
@pytest.mark.parametrize("scale", [1e-9, 1, 1e9])
def test_units_and_origin_do_not_matter(offset, scale):
    centres, y = layer(200)
    expected = result(centres, y, 0.2, target=0.02)
    found = result(scale * (centres + offset), y, scale * 0.2, target=0.02)
    assert found.ixt.value == pytest.approx(
        expected.ixt.value, abs=0.08
    )  # another order in space
    assert found.ity.value == pytest.approx(expected.ity.value, abs=0.08)


@pytest.mark.parametrize(
    ("key", "value"), [("target", 0), ("max_samples", 10), ("batch", 0), ("replicas", 0)]
)
def test_settings_that_make_no_sense_are_refused(key, value):
    with pytest.raises(ValidationError, match=key):
        sp.SPSettings(**{key: value})


def multiplied(centres, y, sigma, seed=0):
    """Samples of centres times N(1, σ²)."""
    return noisy(centres, y, sigma * np.abs(centres), seed)


def twin_of_many(points, sigmas, y, chosen, z):
    """Like `twin`, but each centre's Gaussian has its own σ. points : (n, r, d)"""
    n, r, d = points.shape
    rows, sizes = points.reshape(-1, d), sigmas.reshape(-1, d)
    found = []
    for place, noise in zip(chosen, z, strict=True):
        t = rows[place] + sizes[place] * noise
        masses = np.where(t == rows, 0.0, -np.inf)  # for entries without noise
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = norm.logpdf(t, rows, sizes) + 0.5 * np.log(2 * np.pi)
        logs = np.where(sizes > 0, np.where(t == 0, -np.inf, logs), masses).sum(axis=1)
        own = np.arange(n * r) // r == place // r
        others = own & (np.arange(n * r) != place)
        label = np.repeat(y, r) == y[place // r]
        found.append([np.logaddexp.reduce(logs[s], initial=-np.inf) for s in (own, others)])
        found[-1] += [logsumexp(logs[label]), logsumexp(logs)]
    return np.array(found).T


@pytest.mark.parametrize("off", [0.0, 0.4])
@pytest.mark.parametrize("r", [1, 3])
def test_logarithms_of_noise_of_many_sizes_agree_with_their_twin(r, off):
    rng = np.random.default_rng(0)
    centres = np.exp(rng.standard_normal((40, r, 5)))
    centres *= rng.random(centres.shape) >= off
    sigmas = centres * rng.uniform(0.05, 0.8, centres.shape)
    y = np.arange(40) % 3
    chosen, z = rng.integers(0, 40 * r, 30), rng.standard_normal((30, 5))
    expected = twin_of_many(centres, sigmas, y, chosen, z)
    for memory in (1, 10**8):
        own = sp_each.EachItsOwn(torch.from_numpy(centres), y, torch.from_numpy(sigmas), memory)
        assert sorted(own.order) == list(range(40 * r))
        for found, wanted in zip(own.logarithms(chosen, z), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_gaussian_dropout_of_one_unit_agrees_with_integrated_entropies():
    """I(X;T) = h(T) − h(T|X): h(T|X) = log2 σ|s|√(2πe) in closed form, h(T) by quadrature."""
    centres, sigma = np.array([0.3, 0.5, 0.9, 1.0, 2.5, 4.0]), 0.2
    y = np.array([0, 0, 0, 1, 1, 1])

    def entropy(of):
        def density(t):
            return norm.pdf(t, of, sigma * of).mean()

        return quad(lambda t: -density(t) * np.log2(density(t) + 1e-300), -1, 9, limit=400)[0]

    whole = entropy(centres)
    given_x = np.log2(sigma * centres * math.sqrt(2 * math.pi * math.e)).mean()
    given_y = (entropy(centres[:3]) + entropy(centres[3:])) / 2
    found = sp.SP(target=0.004).estimate(multiplied(centres[:, None], y, sigma))
    assert "not_converged" not in found.flags
    assert found.ixt.value == pytest.approx(whole - given_x, abs=4 * found.ixt.stderr)
    assert found.ity.value == pytest.approx(whole - given_y, abs=4 * found.ity.stderr)
    assert found.ixt.cap == math.log2(6)


def test_gaussian_dropout_of_independent_halves_adds_up():
    first, second = np.array([1.0, 1.3, 2.0]), np.array([0.5, 0.9])
    both = np.array([[a, b] for a in first for b in second])
    parts = [
        sp.SP(target=0.004).estimate(multiplied(np.array(v)[:, None], range(len(v)), 0.3)).ixt
        for v in (first, second)
    ]
    whole = sp.SP(target=0.004).estimate(multiplied(both, range(6), 0.3)).ixt
    errors = math.hypot(whole.stderr, *(one.stderr for one in parts))
    assert whole.value == pytest.approx(sum(one.value for one in parts), abs=4 * errors)


def test_noise_of_one_size_is_the_same_whichever_way_it_is_given():
    centres, sigma, _ = linear(r=5, n=200)
    y = (centres[:, 0, 0] > 0).astype(int)
    one = result(centres, y, sigma)
    other = result(centres, y, np.full(centres.shape, sigma))
    for name in ("ixt", "ixt_interval_low", "ity", "ity_interval_low"):
        room = 4 * math.hypot(one.ixt.stderr, other.ixt.stderr)
        assert numbers_of(other)[name] == pytest.approx(numbers_of(one)[name], abs=room)


def test_units_that_are_off_tell_inputs_apart():
    """With Gaussian dropout, T shows without noise which ReLU units are off."""
    centres = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    found = sp.SP().estimate(multiplied(centres, [0, 0, 1, 1], 5.0))
    assert found.ixt.value == pytest.approx(2, abs=1e-9)
    assert found.ity.value == pytest.approx(1, abs=1e-9)


def test_gaussian_dropout_of_a_layer_that_never_varies_holds_nothing():
    centres = np.ones((20, 3))
    found = sp.SP().estimate(multiplied(centres, np.arange(20) % 2, 0.3))
    assert found.ixt.value == 0 and found.ity.value == 0
    repeated = np.repeat(np.exp(layer(50)[0])[:, None], 4, axis=1)
    y = np.arange(50) % 2
    many, one = (sp.SP().estimate(multiplied(v, y, 0.3)) for v in (repeated, repeated[:, :1]))
    assert many.ixt.value == one.ixt.value


@pytest.mark.parametrize(
    "sigma", [np.ones((20, 2)), -np.ones((20, 3)), np.zeros((20, 3)), np.full((20, 3), np.inf)]
)
def test_noise_of_a_wrong_shape_or_size_is_named(sigma):
    with pytest.raises(ValueError, match="sigma"):
        Samples.of(np.ones((20, 3)), np.arange(20) % 2, centres=np.ones((20, 3)), sigma=sigma)


def test_components_make_up_the_density_of_all_samples():
    """h(T) is the mean of −log2 of a mixture of some inputs' Gaussians; h(T|X) is in closed
    form."""
    rng = np.random.default_rng(4)
    centres, sigma, y = np.exp(0.3 * rng.standard_normal((60, 2))), 0.4, np.arange(60) % 2
    chosen = np.sort(np.random.default_rng((0, 1)).permutation(60)[:20])
    z = rng.standard_normal((1500, 60, 2))
    t = centres * (1 + sigma * z)

    def surprise(of):  # mean −log2 of the mixture of these, over samples of all
        logs = [norm.logpdf(t, c, sigma * c).sum(axis=2) for c in centres[of]]
        return -BIT * (logsumexp(logs, axis=0) - math.log(len(logs)))

    given_x = np.log2(sigma * centres * math.sqrt(2 * math.pi * math.e)).sum(axis=1).mean()
    given_y = np.mean([surprise(chosen[y[chosen] == k])[:, y == k].mean() for k in (0, 1)])
    whole = surprise(chosen).mean()
    found = sp.SP(components=20, target=0.005).estimate(multiplied(centres, y, sigma))
    room = 4 * math.hypot(found.ixt.stderr, 0.006)  # of 90,000 samples
    assert found.ixt.value == pytest.approx(whole - given_x, abs=room)
    assert found.ity.value == pytest.approx(whole - given_y, abs=room)
    assert math.isnan(found.ixt.cap) and found.ity.interval.kind == "none"
    assert found.ixt.interval.low == -math.inf
    assert found.ixt.interval.high == pytest.approx(found.ixt.value + 1.96 * found.ixt.stderr)
    assert found.ixt.value > sp.SP().estimate(multiplied(centres, y, sigma)).ixt.value


def test_as_many_components_as_inputs_are_all_of_them():
    centres, sigma, _ = linear(r=3, n=50)
    y = np.arange(50) % 2
    assert result(centres, y, sigma, components=50) == result(centres, y, sigma)
    some = result(centres, y, sigma, components=10)
    assert some.ixt.value > result(centres, y, sigma).ixt.value + 0.1


def test_components_without_a_label_are_named():
    y = np.zeros(40, int)
    y[7] = 1
    with pytest.raises(ValueError, match="none of 2 components has label"):
        result(np.random.default_rng(0).standard_normal((40, 2)), y, 0.1, components=2)
