"""Variables with heavy tails: which ones they are, and no estimator is wrong on them without a
flag."""

import numpy as np
import pytest
import torch

import infoplane
from infoplane.estimators import clustering
from infoplane.estimators.critics.samples import standardised
from infoplane.estimators.kernels import tails
from infoplane.samples import Samples

RNG = np.random.default_rng(0)
N = 4096
NORMAL = RNG.standard_normal(N)
FEW = np.where(RNG.random(N) < 0.01, RNG.exponential(size=N), 0)

LIGHT = {
    "normal": NORMAL,
    "uniform": RNG.random(N),
    "exponential": RNG.exponential(size=N),
    "Student, 4 degrees of freedom": RNG.standard_t(4, N),
    "saturated tanh": np.tanh(30 * (NORMAL + 2)),
    "nearly saturated tanh": np.tanh(6 * (NORMAL + 2)),
    "sparse ReLU": FEW,
    "a rare class": (RNG.random(N) < 0.002) * 1.0,
    "one sample unlike the others": np.arange(N) == 7.0,
    "constant": np.ones(N),
}
HEAVY = {
    "Cauchy": RNG.standard_cauchy(N),
    "exp(6 normal)": np.exp(6 * NORMAL),
    "sparse Cauchy": np.where(FEW > 0, 0, RNG.standard_cauchy(N)),
    "an outlier": np.append(NORMAL[1:], 200.0),
    "an outlier of ten": np.append(NORMAL[:9], 200.0),
    "a huge outlier": np.append(NORMAL[1:], -1.7e308),
}
WITHOUT_A_MAP = ["binned", "kde", "kl", "renyi"]
CRITICS = ["mine", "nwj", "infonce", "smile", "js"]
MAPPED = ["ksg", "sliced", "edge", "lnn", "lga", "compressed", *CRITICS]
FEW_STEPS = {"max_steps": 40, "evaluate_every": 20, "width": 8}


def column(values):
    return torch.from_numpy(np.asarray(values, dtype=np.float64))[:, None]


def powers(n, *scales):
    """e^(s z) of correlated normals z, n samples: the information is the same for every s."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((n, 1))
    b = 0.9 * a + np.sqrt(0.19) * rng.standard_normal((n, 1))  # 1.198 bit
    return [(np.exp(s * a), np.exp(s * b)) for s in scales]


@pytest.mark.parametrize("name", LIGHT)
def test_ordinary_variables_have_no_heavy_tails(name):
    rows = column(LIGHT[name])
    assert not tails.heavy(rows).any()
    assert tails.tamed(rows) is rows


@pytest.mark.parametrize("name", HEAVY)
def test_heavy_tails_are_found(name):
    rows = column(HEAVY[name])
    assert tails.heavy(rows).all() and tails.heavy_radii(rows)
    assert tails.heavy((rows / 1e300).float() if rows.max() < 1e300 else -rows / 3).shape == (
        1,
    )


def test_only_the_variables_concerned_are_mapped():
    rows = torch.cat([column(NORMAL), column(HEAVY["Cauchy"])], dim=1)
    mapped = tails.tamed(rows)
    assert torch.equal(mapped[:, 0], rows[:, 0])
    assert not tails.heavy(mapped).any()


def test_normal_scores_keep_order_and_ties():
    values = torch.tensor([3.0, -7.0, 3.0, 1e9, 3.0, 0.0])
    scores = tails.normal_scores(values)
    assert torch.equal(torch.unique(values, return_inverse=True)[1],
                       torch.unique(scores, return_inverse=True)[1])  # fmt: skip
    order = torch.randperm(6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(tails.normal_scores(values[order]), scores[order])


def test_normal_scores_are_a_sample_of_normals():
    scores = tails.normal_scores(column(HEAVY["Cauchy"])[:, 0]).numpy()
    # 4 standard errors of mean and variance
    assert abs(scores.mean()) < 4 / np.sqrt(N) and abs(scores.var() - 1) < 4 * np.sqrt(2 / N)


@pytest.mark.parametrize("name", MAPPED)
def test_a_map_of_heavy_tails_changes_no_information(name):
    one, other = powers(300, 6, 9)
    assert all(tails.heavy(column(v[:, 0])).all() for v in (*one, *other))
    found = [
        infoplane.mutual_information(
            *pair, estimator=name, **(FEW_STEPS if name in CRITICS else {})
        )
        for pair in (one, other)
    ]
    assert found[0].value == pytest.approx(found[1].value, abs=1e-9)
    assert "heavy_tails" not in found[0].flags


def test_critics_see_normal_scores():
    rows = torch.cat([column(NORMAL), column(HEAVY["Cauchy"])], dim=1)
    seen = standardised(rows)
    scores = tails.normal_scores(rows[:, 1])
    expected = standardised(torch.stack([rows[:, 0], scores], dim=1))
    assert torch.equal(seen, expected)


@pytest.mark.parametrize("name", ["ksg", "edge"])
def test_heavy_tails_hide_no_information(name):
    """The truth is 1.198 bits. Without normal scores the values would be 0.53 and 0.005; with
    them they are within 0.15 bit at n = 2000."""
    ((a, b),) = powers(2000, 6)
    found = infoplane.mutual_information(a, b, estimator=name)
    assert found.value == pytest.approx(1.198, abs=0.15)


@pytest.mark.parametrize("name", WITHOUT_A_MAP)
def test_heavy_tails_are_flagged_where_a_map_changes_the_quantity(name):
    (a, b), (light, beside) = powers(300, 6, 0.2)
    for pair, expected in (((a, b), True), ((light, b), True), ((light, beside), False)):
        found = infoplane.mutual_information(*pair, estimator=name)
        assert ("heavy_tails" in found.flags) == expected


def test_bins_are_flagged_where_outliers_stretch_them():
    y = np.arange(N) % 2
    t = HEAVY["Cauchy"][:, None] + 2 * y[:, None]  # 0.228 bit; bins find 0.001

    def flags(name, **settings):
        return infoplane.estimate(t, y, estimator=name, **settings).flags

    assert "heavy_tails" in flags("binned") and "heavy_tails" in flags("binned", range="unit")
    assert "heavy_tails" in flags("clustering")
    fixed = {"range": "fixed", "low": -5, "high": 5}
    for settings in (fixed, {"width": 0.5}, {"binning": "equal_mass"}):
        assert "heavy_tails" not in flags("binned", **settings)
    assert "heavy_tails" not in flags("clustering", **fixed)


def test_kde_says_when_its_noise_comes_from_outliers():
    t = np.append(NORMAL[1:], 200.0)[:, None]
    y = np.arange(N) % 2
    assert "heavy_tails" in infoplane.estimate(t, y, noise="relative").flags
    assert "heavy_tails" not in infoplane.estimate(t, y).flags  # the noise was chosen


def test_kde_says_when_its_kernels_tell_every_sample_from_every_other():
    """The variables are independent, but each sample is its own cluster, which gives H(Y)."""
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((200, 8)), rng.integers(0, 2, 200)
    for noise_variance, expected in ((1e-4, True), (1.0, False)):
        found = infoplane.mutual_information(
            a, y, estimator="kde", noise_variance=noise_variance
        )
        assert found.interval.kind == "none"  # a sample, for which there is no theorem
        assert (found.extra["low_of_samples"] > 0.9) == expected
        assert ("saturated" in found.flags) == expected


def test_units_with_heavy_tails_count_by_half():
    heavy = np.stack([HEAVY["Cauchy"], NORMAL, NORMAL[::-1]], axis=1)
    t = torch.from_numpy(heavy)[None, :, None]
    assert tails.heavy_in_bins(t, by_unit=False) == [True]
    assert tails.heavy_in_bins(t, by_unit=True) == [False]
    assert tails.heavy_in_bins(t[..., :2], by_unit=True) == [True]


def test_clustering_of_ordinary_layers_is_not_flagged():
    y = np.arange(N) % 2
    layer = np.stack([LIGHT["saturated tanh"], LIGHT["sparse ReLU"], LIGHT["constant"]], axis=1)
    found = clustering.Clustering().estimate(Samples.of(layer, y))
    assert found.flags == ()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_median_of_many_is_torchs(dtype):
    n = tails.BLOCK + 12_345
    values = torch.from_numpy(np.random.default_rng(1).standard_normal(n))
    cases = [values, values.relu(), values - 5, -values.abs() * 1e4, torch.zeros(n)]
    for case in cases:
        case = case.to(dtype)
        assert tails._median(case) == case.median()
