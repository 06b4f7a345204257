import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

import infoplane
from infoplane.estimators import renyi
from infoplane.samples import Pair, Samples

EXACT = 1e-9
"""bit: error of eigenvalues of some hundred rows in float64."""

NARROW = {"width": 1e-3, "width_b": 1e-3}
"""A width for values that are at least 1 apart: exp(−10⁶) is 0, so kernels test equality."""


def result(a, b, n_draws: int = 1, **options):
    pair = Pair.of(a, b)
    pair = Pair(pair.a, pair.b, n_draws=n_draws)
    return renyi.Renyi(**options).between(pair)


def samples(n: int = 120, d: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d))
    return a, a[:, :2] + 0.5 * rng.normal(size=(n, 2)), (a[:, 0] > 0.2).astype(int)


def kernel(values, width):
    """exp(−d²/σ²), or equality of labels."""
    if values.ndim == 1:
        return (values[:, None] == values).astype(float)
    return np.exp(-((values[:, None] - values) ** 2).sum(2) / width**2)


def entropy(matrix, alpha):
    values = np.linalg.eigvalsh(matrix / np.trace(matrix))
    values = values[values > 1e-14]
    if alpha == 1:
        return -(values * np.log2(values)).sum()
    return np.log2((values**alpha).sum()) / (1 - alpha)


def twin(a, b, alpha, width, width_b=None):
    k_a, k_b = kernel(a, width), kernel(b, width_b)
    return entropy(k_a, alpha) + entropy(k_b, alpha) - entropy(k_a * k_b, alpha)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.01, 2.0])
@pytest.mark.parametrize("labelled", [False, True])
def test_renyi_agrees_with_its_slow_twin(alpha, labelled):
    a, b, labels = samples()
    b = labels if labelled else b
    found = result(a, b, alpha=alpha, width=0.8, width_b=1.3)
    assert found.value == pytest.approx(
        twin(a, b, alpha, 0.8, 1.3), abs=1e-6
    )  # α = 0.5: √1e-14
    assert found.extra["entropy"] == pytest.approx(entropy(kernel(a, 0.8), alpha), abs=1e-6)


def test_renyi_median_width_is_the_median_distance():
    a, b, _ = samples()
    distances = [
        np.sqrt(((v[:, None] - v) ** 2).sum(2))[~np.eye(len(v), dtype=bool)] for v in (a, b)
    ]
    # torch's median of an even number is the lower one of the two in the middle.
    widths = [np.sort(one)[(len(one) - 1) // 2] for one in distances]
    found = result(a, b, width="median")
    assert found.value == pytest.approx(twin(a, b, 1.01, *widths), abs=EXACT)
    assert found.extra["width"] == pytest.approx(widths[0], rel=1e-9)


def test_renyi_aligned_width_is_the_one_most_like_the_labels():
    a, _, labels = samples()
    distances = np.sqrt(((a[:, None] - a) ** 2).sum(2))
    mean = distances.sum() / (len(a) * (len(a) - 1))
    like = kernel(labels, None)

    def alignment(width):
        k = kernel(a, width)
        return (k * like).sum() / np.sqrt((k * k).sum() * (like * like).sum())

    widths = mean * np.geomspace(0.1, 10, 41)
    expected = widths[np.argmax([alignment(w) for w in widths])]
    assert widths[0] < expected < widths[-1]
    assert result(a, labels).extra["width"] == pytest.approx(expected, rel=1e-9)


def test_renyi_of_identities_is_the_logarithm_of_their_number():
    a = np.arange(64.0)[:, None]
    for alpha in (0.5, 1.0, 1.01, 3.0):
        found = result(a, a + 7, alpha=alpha, **NARROW)
        assert found.value == pytest.approx(6.0, abs=EXACT)
        assert found.value == pytest.approx(found.cap, abs=EXACT)


def test_renyi_of_order_one_is_shannons_information_of_separate_values():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 300)
    b = np.where(rng.random(300) < 0.3, rng.integers(0, 3, 300), a % 3)
    p = np.array([[np.mean((a == i) & (b == j)) for j in range(3)] for i in range(4)])
    ratios = p / np.outer(p.sum(1), p.sum(0))
    truth = (p[p > 0] * np.log2(ratios[p > 0])).sum()
    for other in (b, b[:, None]):
        found = result(a[:, None], other, alpha=1.0, **NARROW)
        assert found.value == pytest.approx(truth, abs=EXACT)


def test_renyi_order_tends_to_one():
    a, b, _ = samples()
    at_one = result(a, b, alpha=1.0, width=0.8, width_b=1.0).value
    for alpha in (1 - 1e-6, 1 + 1e-6):
        # S_α changes by (α − 1)/2 times the variance of log λ, some ten bits² here.
        assert result(a, b, alpha=alpha, width=0.8, width_b=1.0).value == pytest.approx(
            at_one, abs=1e-4
        )


def test_renyi_of_independent_variables_is_small_at_a_wide_kernel():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 512, 2))
    wide = {"width": 10.0, "width_b": 10.0}
    # Kernels are 1 − d²/100: hardly any samples are distinguished, so the value is small.
    assert 0 <= result(a, b, **wide).value < 0.02
    assert result(a, a, **wide).value > 0.05


def test_renyi_batches_are_parts_of_the_samples_and_their_mean_is_taken():
    a, b, labels = samples(300)
    for other in (b, labels):
        options = {"width": 0.8, "width_b": 1.0, "batch_size": 64}
        found = result(a, other, seed=3, **options)
        order = torch.randperm(300, generator=torch.Generator().manual_seed(3)).numpy()
        values = [
            twin(a[chosen], other[chosen], 1.01, 0.8, 1.0)
            for chosen in order[:256].reshape(4, 64)
        ]
        assert found.value == pytest.approx(np.mean(values), abs=EXACT)
        assert found.stderr == pytest.approx(np.std(values, ddof=1) / 2, abs=EXACT)
        assert found.cap == 6.0
        # 8 matrices of 64² float64 are 0.26 MB: of 1 MB, three batches at a time.
        tight = result(a, other, seed=3, memory_mb=1, **options)
        assert tight.value == pytest.approx(found.value, abs=EXACT)
        assert result(a, other, n_batches=1, **options).value != found.value
    assert math.isnan(result(a, b).stderr)


def test_renyi_uses_the_width_of_the_labels_for_the_inputs_too():
    a, b, labels = samples()
    of_layer = Samples.of(a, labels, b, layer="hidden1", seed=2, epoch=5)
    options = renyi.RenyiSettings()
    record = renyi.Renyi(options).session()([of_layer])[0]
    width = result(a, labels).extra["width"]
    assert record.ixt.extra["width"] == record.ity.extra["width"] == width
    assert record.ity.value == result(a, labels).value
    assert record.ixt.value == pytest.approx(result(a, b, width=width).value, abs=EXACT)
    assert result(a, b).extra["width"] == result(a, b, width="median").extra["width"] != width


def test_renyi_does_not_depend_on_the_order_or_a_common_scale():
    a, b, labels = samples()
    order = np.random.default_rng(1).permutation(len(a))
    for other in (b, labels):
        found = result(a, other)
        assert result(a[order], other[order]).value == pytest.approx(found.value, abs=EXACT)
        scaled = result(1e200 * (a + 5), other)
        assert scaled.value == pytest.approx(found.value, abs=1e-6)  # a + 5 is rounded
        assert scaled.extra["width"] == pytest.approx(1e200 * found.extra["width"], rel=1e-6)
    units = result(a * [1e5, 1e-5, 1.0], b, standardise=True)
    assert units.value == pytest.approx(result(a, b, standardise=True).value, abs=1e-6)
    assert units.value != pytest.approx(result(a * [1e5, 1e-5, 1.0], b).value, abs=0.1)


def test_renyi_is_symmetric():
    a, b, _ = samples()
    one = result(a, b, width=0.8, width_b=1.1).value
    assert one == pytest.approx(result(b, a, width=1.1, width_b=0.8).value, abs=EXACT)


@pytest.mark.parametrize("standardise", [False, True])
def test_renyi_of_what_never_varies_is_zero(standardise):
    a, b, labels = samples(40)
    constant = np.full((40, 2), 0.3)
    for one, other in [
        (constant, b), (constant, labels), (a, constant), (a, np.zeros(40, int)),
    ]:  # fmt: skip
        found = result(one, other, standardise=standardise)
        assert found.value == 0.0
        assert found.cap == math.log2(40)
    assert result(a[:1], labels[:1]).value == 0.0


def test_renyi_answers_with_ties_one_unit_and_more_units_than_samples():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 30)
    for a in (rng.normal(size=(30, 200)), rng.integers(0, 2, (30, 1)), np.eye(30)[:, :1]):
        assert math.isfinite(result(a, labels).value)
        assert math.isfinite(result(a, rng.normal(size=(30, 1)), standardise=True).value)


def test_renyi_names_the_place_where_a_batch_needs_too_much_memory():
    a, b, _ = samples(600)
    pair = Pair.of(a, b, "layer hidden2, epoch 3")
    with pytest.raises(ValueError, match=r"hidden2, epoch 3.*512 samples need 17 MB"):
        renyi.Renyi(memory_mb=10).between(pair)


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0},
        {"width": 0},
        {"width_b": -1.0},
        {"width": 1.0, "n_widths": 5},
        {"width": 1.0, "moving_average": 0.9},
    ],
)
def test_renyi_refuses_settings_without_meaning(options):
    with pytest.raises(ValidationError):
        renyi.RenyiSettings(**options)


def test_threads_change_no_bit_and_stay_as_they_were():
    rng = np.random.default_rng(0)
    t, y = rng.standard_normal((400, 3)), rng.integers(0, 3, 400)
    usual, found = torch.get_num_threads(), []
    try:
        for n_threads in (1, 3):
            torch.set_num_threads(n_threads)
            record = infoplane.estimate(t, y, x=t, estimator="renyi", batch_size=200)
            found.append((record.ixt, record.ity))
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(usual)
    assert found[0] == found[1]


def test_renyi_moving_average_goes_from_batch_to_batch_and_epoch_to_epoch():
    a, _, y = samples(120)
    options = {"batch_size": 40, "n_batches": 3, "n_widths": 9}
    average = renyi.Renyi(moving_average=0.9, **options)
    assert average.remembers and not renyi.Renyi(**options).remembers
    session = average.session()
    order = torch.randperm(120, generator=torch.Generator().manual_seed(0)).reshape(3, 40)
    last = None
    for epoch, scale in enumerate((1.0, 3.0)):
        rows = a * scale
        widths, values = [], []
        for chosen in order.numpy():
            one = renyi.Renyi(**options | {"batch_size": 40}).between(
                Pair.of(rows[chosen], y[chosen])
            )
            own = one.extra["width"]  # the width that a single batch of these rows chooses
            last = own if last is None else 0.9 * last + 0.1 * own
            widths.append(last)
            values.append(twin(rows[chosen], y[chosen], 1.01, last))
        (found,) = session([Samples.of(rows, y, x=rows, layer="conv1", seed=0, epoch=epoch)])
        assert found.ity.extra["width"] == pytest.approx(np.mean(widths), rel=1e-12)
        assert found.ixt.extra["width"] == found.ity.extra["width"]
        assert found.ity.value == pytest.approx(np.mean(values), abs=EXACT)


def test_renyi_moving_averages_of_two_seeds_do_not_meet():
    a, _, y = samples(100)
    average = renyi.Renyi(moving_average=0.5, batch_size=50)

    def found(rows, seed, session):
        return session([Samples.of(rows, y, x=rows, seed=seed, epoch=0)])[0]

    both = average.session()
    found(a, 0, both)
    assert found(5 * a, 1, both) == found(5 * a, 1, average.session())


def test_renyi_width_by_layer():
    a, _, y = samples(80)
    session = renyi.Renyi(width={"conv1": 2.0, "*": 0.5}).session()
    for layer, width in {"conv1": 2.0, "dense1": 0.5}.items():
        (found,) = session([Samples.of(a, y, x=a, layer=layer)])
        assert found.ity.value == pytest.approx(twin(a, y, 1.01, width), abs=EXACT)
