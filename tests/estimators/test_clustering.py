import itertools
import math

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import silhouette_score

from infoplane.estimators import clustering
from infoplane.samples import Samples

SINGLE = 1e-5
"""Relative error of sums of about a thousand float32 distances; all else is float64."""


def extra(t, y, **options):
    record = clustering.Clustering(**options).estimate(Samples.of(t, y, draws=np.ndim(t) == 3))
    assert math.isnan(record.ixt.value)
    assert math.isnan(record.ity.value)
    assert math.isnan(record.ixt.cap)
    return record.extra


def clusters(n: int = 200, d: int = 4, n_classes: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    return rng.normal(size=(n_classes, d))[y] + 0.6 * rng.normal(size=(n, d)), y


def twin(t, y) -> dict[str, float]:
    """Every measure except the entropy and the silhouette, pair by pair."""
    squares, cosines = {True: [], False: []}, {True: [], False: []}
    for i, j in itertools.combinations(range(len(t)), 2):
        same = bool(y[i] == y[j])
        squares[same].append(((t[i] - t[j]) ** 2).sum())
        lengths = np.linalg.norm(t[i]) * np.linalg.norm(t[j])
        if lengths > 0:
            cosines[same].append(t[i] @ t[j] / lengths)
    means = {c: t[y == c].mean(axis=0) for c in np.unique(y)}
    spread = {c: ((t[y == c] - means[c]) ** 2).sum(axis=1).mean() for c in means}
    ratios = [
        (spread[c] + spread[e]) / (2 * ((means[c] - means[e]) ** 2).sum())
        for c, e in itertools.combinations(means, 2)
    ]
    return {
        "distance_within": math.sqrt(np.mean(squares[True])),
        "distance_between": math.sqrt(np.mean(squares[False])),
        "cdnv": np.mean(ratios),
        "cosine_within": np.mean(cosines[True]),
        "cosine_between": np.mean(cosines[False]),
    }


@pytest.mark.parametrize("d", [1, 4, 40])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_clustering_agrees_with_its_slow_twin(d, n_classes):
    t, y = clusters(120, d, n_classes)
    found = extra(t, y)
    for name, value in twin(t, y).items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


def test_clustering_leaves_rows_of_zeros_out_of_cosines():
    t, y = clusters()
    t = np.maximum(t - 0.5, 0)
    assert (t == 0).all(axis=1).any()
    found, expected = extra(t, y), twin(t, y)
    for name in ("cosine_within", "cosine_between"):
        assert found[name] == pytest.approx(expected[name], rel=1e-9)


@pytest.mark.parametrize("d", [1, 10, 32, 33, 100])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_clustering_silhouette_agrees_with_scikit_learn(d, dtype):
    for n_classes in (2, 10):
        t, y = clusters(500, d, n_classes)
        t = (t + 3).astype(dtype)
        expected = silhouette_score(t.astype("f8"), y)
        assert extra(t, y)["silhouette"] == pytest.approx(expected, abs=SINGLE)


def test_clustering_silhouette_by_products_is_the_same_in_small_blocks():
    t, y = clusters(300, 40)
    whole = extra(t, y)
    blocks = extra(t, y, memory_mb=1)  # 138 rows at a time
    assert blocks == pytest.approx(whole, rel=1e-12)


def test_clustering_silhouette_of_a_class_of_one_counts_as_zero():
    t, y = clusters(50, 3)
    y[0] = 7
    assert extra(t, y)["silhouette"] == pytest.approx(silhouette_score(t, y), abs=SINGLE)


def test_clustering_silhouette_of_some_rows_is_close_to_that_of_all():
    t, y = clusters(3000, 3)
    values = [extra(t, y, silhouette_rows=1000, seed=seed)["silhouette"] for seed in range(4)]
    # Silhouettes of single rows have an sd below 0.5: 0.016 for a mean of 1000.
    assert values == pytest.approx([extra(t, y)["silhouette"]] * 4, abs=0.05)
    assert len(set(values)) == 4


def test_clustering_entropy_is_that_of_bins(twins):
    t, y = clusters()
    codes = np.clip(np.floor((t - t.min()) / (t.max() - t.min()) * 30), 0, 29)
    found = extra(t, y)["entropy_binned"]
    assert found == pytest.approx(twins.entropy([tuple(row) for row in codes]), abs=1e-9)
    codes = np.floor((t + 1) / 0.5)  # t = 1 alone would share the bin below
    found = extra(t, y, n_bins=4, range="fixed", low=-1, high=1)["entropy_binned"]
    assert found == pytest.approx(twins.entropy([tuple(row) for row in codes]), abs=1e-9)
    low, high = t.min(0), t.max(0)
    codes = np.clip(np.floor((t - low) / (high - low) * 5), 0, 4)
    found = extra(t, y, n_bins=5, range="unit")["entropy_binned"]
    assert found == pytest.approx(twins.entropy([tuple(row) for row in codes]), abs=1e-9)


def test_clustering_takes_all_draws_as_rows():
    t, y = clusters(60, 4)
    found = extra(t.reshape(30, 2, 4), y[::2])
    assert found == pytest.approx(extra(t, np.repeat(y[::2], 2)), rel=1e-12)


def test_clustering_does_not_depend_on_order_or_place_and_scales():
    t, y = clusters()
    found = extra(t, y)
    order = np.random.default_rng(0).permutation(len(t))
    assert extra(t[order], y[order]) == pytest.approx(found, rel=SINGLE)
    for scale in (1e-200, 1e200):
        scaled = extra(scale * t, y)
        for name, value in found.items():
            unit = scale if name.startswith("distance") else 1
            assert scaled[name] == pytest.approx(unit * value, rel=SINGLE), name
    moved = extra(t + 100, y)
    for name in ("distance_within", "distance_between", "silhouette", "cdnv"):
        assert moved[name] == pytest.approx(found[name], rel=SINGLE)
    assert moved["cosine_within"] > 0.99


def test_clustering_tells_collapsed_classes():
    y = np.repeat([0, 1, 2], 10)
    found = extra(np.eye(3)[y] * 5, y)
    assert found["distance_within"] == found["cdnv"] == 0.0
    assert found["distance_between"] == pytest.approx(5 * math.sqrt(2))
    assert found["silhouette"] == pytest.approx(1.0)
    assert found["cosine_within"] == pytest.approx(1.0)
    assert found["cosine_between"] == pytest.approx(0.0, abs=1e-12)
    assert found["entropy_binned"] == pytest.approx(math.log2(3))


def test_clustering_says_nothing_of_pairs_that_are_not_there():
    t, _ = clusters(20)
    missing = {"distance_between", "silhouette", "cdnv", "cosine_between"}
    found = extra(t, np.zeros(20, int))
    assert {name for name, value in found.items() if math.isnan(value)} == missing
    found = extra(t, np.arange(20))
    missing = {"distance_within", "cosine_within"}
    assert {name for name, value in found.items() if math.isnan(value)} == missing
    constant = extra(np.full((20, 3), 0.1), np.arange(20) % 2)
    assert constant["distance_within"] == constant["distance_between"] == 0.0
    assert constant["silhouette"] == 0.0
    assert constant["entropy_binned"] == pytest.approx(0.0, abs=1e-9)
    assert math.isnan(constant["cdnv"])
    assert constant["cosine_within"] == pytest.approx(1.0)


def test_clustering_answers_through_the_interface_without_flags():
    t, y = clusters()
    samples = [Samples.of(t, y)]
    assert clustering.Clustering().session()(samples)[0].flags == ()


def test_clustering_names_the_place_of_bins_too_narrow():
    t, y = clusters()
    samples = Samples.of(1e300 * t, y, layer="hidden2")
    options = clustering.ClusteringSettings(range="fixed", low=0, high=1)
    with pytest.raises(ValueError, match=r"hidden2.*range"):
        clustering.Clustering(options).estimate(samples)


@pytest.mark.parametrize(
    "options", [{"low": 0}, {"range": "fixed"}, {"range": "fixed", "low": 1, "high": 0}]
)
def test_clustering_refuses_ranges_without_meaning(options):
    with pytest.raises(ValidationError):
        clustering.ClusteringSettings(**options)
