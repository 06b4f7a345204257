import numpy as np
import pytest
from pydantic import ValidationError

from infoplane.datasets import prepare
from infoplane.datasets.options import shuffled, standardised, stratified
from infoplane.datasets.prepare import shape_of
from infoplane.datasets.source import Label, Raw


@pytest.fixture
def arrays(tmp_path, settings):
    """arrays(x=…, y=…, **options) -> Data, through an .npz."""

    def prepared(options=None, **content):
        np.savez(tmp_path / "own.npz", **content)
        return prepare(settings("arrays", path=str(tmp_path / "own.npz"), **(options or {})))

    return prepared


def test_stratified_keeps_shares_to_within_one():
    y = np.repeat([0, 1, 2], [700, 290, 10])
    for n_kept in (7, 10, 100, 333, 1000):
        kept = stratified(y, n_kept, np.random.default_rng(0))
        assert len(kept) == len(set(kept)) == n_kept
        assert (np.diff(kept) > 0).all()
        share = np.bincount(y[kept], minlength=3)
        assert (np.abs(share - n_kept * np.array([0.7, 0.29, 0.01])) < 1).all()


def test_stratified_draws_every_input_equally_often():
    y = np.repeat([0, 1], [30, 10])
    drawn = [stratified(y, 8, np.random.default_rng(seed)) for seed in range(2000)]
    counts = np.bincount(np.concatenate(drawn), minlength=40)
    # binomial, 2000 draws of p = 0.2: sd 17.9
    assert (np.abs(counts - 400) < 5 * 17.9).all()


@pytest.mark.parametrize("fraction", [0.05, 0.45, 0.85])
def test_split_is_stratified_disjoint_and_complete(settings, fraction):
    data = prepare(settings("szt", training_fraction=fraction))
    assert len(data.train) == round(fraction * 4096)
    assert sorted([*data.train, *data.test]) == list(range(4096))
    assert abs(data.y[data.train].sum() - 2118 * fraction) < 1.5


def test_split_default_is_four_fifths(settings):
    assert len(prepare(settings("szt")).train) == round(0.8 * 4096)


def test_split_of_everything_leaves_an_empty_test_set(settings):
    data = prepare(settings("szt", training_fraction=1))
    assert data.train.tolist() == list(range(4096))
    assert data.test.shape == (0,) and data.test.dtype == np.int64


@pytest.mark.parametrize("option", [{"size": 300}, {"training_fraction": 0.5}])
def test_seed_decides_subset_and_split(settings, option):
    same, again, other = (
        prepare(settings("digits", seed=seed, **option)) for seed in (1, 1, 2)
    )
    assert same.attributes["digest"] == again.attributes["digest"]
    assert same.attributes["digest"] != other.attributes["digest"]


def test_size_keeps_rows_and_class_shares(settings):
    whole, part = prepare(settings("digits")), prepare(settings("digits", size=200))
    assert part.x.shape == (200, 64)
    rows = {row.tobytes(): label for row, label in zip(whole.x, whole.y, strict=True)}
    assert all(rows[row.tobytes()] == label for row, label in zip(part.x, part.y, strict=True))
    assert (np.abs(np.bincount(part.y) - np.bincount(whole.y) * 200 / 1797) < 1).all()


def test_size_keeps_shares_of_own_split(arrays):
    y = np.tile([0, 1], 500)
    data = arrays(
        {"size": 100},
        x=np.arange(1000.0)[:, None],
        y=y,
        train=np.arange(700),
        test=np.arange(900, 1000),
    )
    assert (len(data.train), len(data.test), len(data.x)) == (70, 10, 100)
    assert data.x[data.train].max() < 700 and data.x[data.test].min() >= 900
    assert data.y[data.train].sum() == 35


def test_size_beyond_the_data_is_refused(settings):
    with pytest.raises(ValueError, match="size is 5000, the data set has only 4096"):
        prepare(settings("szt", size=5000))


def test_training_fraction_replaces_own_split(arrays):
    content = {"x": np.arange(10.0)[:, None], "y": np.tile([0, 1], 5)}
    own = {"train": np.array([7, 2]), "test": np.array([1])}
    data = arrays(**content, **own)
    assert (data.train.tolist(), data.test.tolist()) == ([2, 7], [1])
    data = arrays({"training_fraction": 0.6}, **content, **own)
    assert (len(data.train), len(data.test)) == (6, 4)


def test_split_without_training_inputs_is_refused(settings):
    with pytest.raises(ValueError, match="no training inputs"):
        prepare(settings("szt", size=4, training_fraction=0.01))


def test_shuffled_labels_move_only_the_fraction():
    y = np.arange(1000)  # distinct, so that every moved label shows
    raw = Raw(y[:, None], {"y": Label(y, ()), "minus": Label(-y, ())})

    def moved_by(fraction, seed):
        labels = shuffled(raw, fraction, seed).labels
        assert (labels["y"].codes == -labels["minus"].codes).all()  # an input's go together
        return labels["y"].codes

    for fraction, expected in [(0, 0), (0.25, 250), (1, 1000)]:
        moved = moved_by(fraction, seed=3)
        assert sorted(moved) == sorted(y)
        # a permutation of m labels leaves one in place on average; more than 7: p < 1e-5
        assert expected - 7 <= (moved != y).sum() <= expected
    assert (moved_by(0.5, 3) == moved_by(0.5, 3)).all()
    assert (moved_by(0.5, 3) != moved_by(0.5, 4)).any()


def test_shuffled_labels_leave_counts_and_input(settings):
    plain = prepare(settings("szt"))
    mixed = prepare(settings("szt", shuffled_labels=1))
    assert (plain.x == mixed.x).all() and plain.y.sum() == mixed.y.sum()
    # half of the inputs change their label; sd of the share is 0.008
    assert (plain.y != mixed.y).mean() == pytest.approx(0.5, abs=0.04)


def test_standardise_uses_training_inputs_only(arrays):
    rng = np.random.default_rng(0)
    x = rng.normal(5, [1, 2, 3], (200, 3))
    x[100:] += 1000
    split = {"train": np.arange(100), "test": np.arange(100, 200)}
    data = arrays({"standardise": "feature"}, x=x, y=np.tile([0, 1], 100), **split)
    expected = (x - x[:100].mean(axis=0)) / x[:100].std(axis=0)
    np.testing.assert_allclose(data.x, expected, rtol=1e-5, atol=1e-5)  # float32
    data = arrays({"standardise": "all"}, x=x, y=np.tile([0, 1], 100), **split)
    expected = (x - x[:100].mean()) / x[:100].std()
    np.testing.assert_allclose(data.x, expected, rtol=1e-5, atol=1e-5)


def test_standardise_blocks_agree_with_one_pass():
    x = np.random.default_rng(0).normal(3, 2, (10_000, 2, 3)).astype(np.float32)
    train = np.arange(0, 10_000, 2)
    for how, axes in [("all", None), ("feature", 0)]:
        chosen = x[train].astype(np.float64)
        expected = (x - chosen.mean(axis=axes)) / chosen.std(axis=axes)
        np.testing.assert_allclose(
            standardised(x.copy(), train, how), expected, rtol=1e-5, atol=1e-5
        )


def test_standardise_only_shifts_constant_features(arrays):
    x = np.stack([np.full(20, 7.0), np.arange(20.0)], axis=1)
    data = arrays({"standardise": "feature"}, x=x, y=np.tile([0, 1], 10))
    assert (data.x[:, 0] == 0).all()


def test_flatten_keeps_or_drops_shape(settings):
    kept, flat = (prepare(settings("digits", flatten=flatten)).x for flatten in (False, True))
    assert kept.shape == (1797, 1, 8, 8) and flat.shape == (1797, 64)
    assert kept.dtype == np.float32 and (kept.min(), kept.max()) == (0, 1)
    assert (kept.reshape(1797, 64) == flat).all()


@pytest.mark.parametrize(
    "keys",
    [
        {"size": 1},
        {"training_fraction": 0},
        {"training_fraction": 1.1},
        {"shuffled_labels": -0.1},
        {"seed": -1},
        {"standardise": "pixel"},
        {"sise": 100},
    ],
)
def test_options_out_of_range_are_refused(settings, keys):
    with pytest.raises(ValidationError, match=next(iter(keys))):
        settings("digits", **keys)


def test_training_share_keeps_the_test_inputs_and_nests_the_training_inputs(settings):
    whole, half, fifth = (
        prepare(settings("digits", training_fraction=0.7, training_share=share))
        for share in (1.0, 0.5, 0.2)
    )

    def rows(data, part):
        return [data.x[i].tobytes() for i in getattr(data, part)]

    assert rows(half, "test") == rows(fifth, "test") == rows(whole, "test")
    assert len(half.train) == round(0.5 * len(whole.train))
    assert set(rows(half, "train")) <= set(rows(whole, "train"))
    # shares of classes are rounded: of each class one input may differ
    beside = set(rows(fifth, "train")) - set(rows(half, "train"))
    assert len(beside) <= 10
    assert len(half.x) == len(half.train) + len(half.test)
    share = np.bincount(half.y[half.train]) / np.bincount(whole.y[whole.train])
    assert np.allclose(share, 0.5, atol=0.01)


def test_training_share_is_known_to_plans(settings):
    chosen = settings("digits", training_fraction=0.7, training_share=0.5)
    shape, data = shape_of(chosen), prepare(chosen)
    assert (shape.n, shape.n_train) == (len(data.x), len(data.train))


def test_training_share_that_leaves_nothing_is_an_error(settings):
    with pytest.raises(ValueError, match=r"training_share 0.001 of 8 training inputs"):
        prepare(settings("digits", size=10, training_share=0.001))
