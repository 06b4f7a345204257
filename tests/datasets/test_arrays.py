import numpy as np
import pytest

from infoplane.datasets import files_of, prepare, shape_of
from infoplane.datasets.places import MissingData

X, Y = np.arange(24.0).reshape(6, 2, 2), np.array([0, 1, 0, 1, 0, 1])


def test_arrays_keep_values_and_shape(settings, tmp_path):
    np.savez_compressed(tmp_path / "own.npz", x=X, y=Y)
    data = prepare(settings("arrays", path=str(tmp_path / "own.npz"), flatten=False))
    assert data.x.dtype == np.float32 and data.y.dtype == np.int64
    np.testing.assert_array_equal(data.x, X.astype(np.float32))
    assert data.y.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["b", "a", "b", "c", "c", "a"], ["a", "b", "c"]),
        ([b"b", b"a", b"b", b"c", b"c", b"a"], ["a", "b", "c"]),
        ([7, -3, 7, 20, 20, -3], ["-3", "7", "20"]),
    ],
)
def test_arrays_code_labels_in_sorted_order(settings, tmp_path, labels, names):
    np.savez(tmp_path / "own.npz", x=X, y=np.array(labels))
    data = prepare(settings("arrays", path=str(tmp_path / "own.npz")))
    assert data.y.tolist() == [1, 0, 1, 2, 2, 0]
    assert data.label().class_names == tuple(names) and data.label().n_classes == 3


def test_arrays_of_integers_or_strings_are_further_labels(settings, tmp_path):
    font = np.array(["a", "b", "a", "c", "b", "a"])
    more = {"weight": Y + 0.5, "grid": np.zeros((6, 2), int), "few": np.arange(3)}
    np.savez(tmp_path / "own.npz", font=font, x=X, even=Y == 0, y=Y, **more)
    chosen = settings("arrays", path=str(tmp_path / "own.npz"), training_fraction=1)
    data = prepare(chosen)
    assert list(data.labels) == ["y", "font", "even"]
    assert data.label("font").class_names == ("a", "b", "c")
    assert data.label("font").codes.tolist() == [0, 1, 0, 2, 1, 0]
    assert data.attributes["entropy_y"]["even"] == 1
    notes = data.attributes["notes"]
    assert notes == ["not read, because they are not labels: weight, grid, few"]
    assert list(shape_of(chosen).classes) == ["y", "font", "even"]


def test_arrays_may_have_no_label_and_the_first_counts_without_y(settings, tmp_path):
    np.savez(tmp_path / "own.npz", x=X)
    data = prepare(settings("arrays", path=str(tmp_path / "own.npz"), size=4))
    assert not data.labels and len(data.train) == 3
    with pytest.raises(ValueError, match="has no label"):
        data.label()
    np.savez(tmp_path / "own.npz", x=X, font=Y)
    data = prepare(settings("arrays", path=str(tmp_path / "own.npz")))
    assert data.y.tolist() == Y.tolist() and data.label() is data.labels["font"]


def test_arrays_are_found_in_places_and_listed(settings, tmp_path):
    np.savez(tmp_path / "own.npz", x=X, y=Y)
    chosen = settings("arrays", path="own.npz")
    assert prepare(chosen, [tmp_path]).x.shape == (6, 4)
    assert files_of(chosen, [tmp_path]) == [tmp_path / "own.npz"]
    assert files_of(settings("arrays", path="other.npz"), [tmp_path]) == []


def test_arrays_absent_name_folders_searched(settings, tmp_path):
    with pytest.raises(MissingData, match=rf"not found: own\.npz\. Searched: .*{tmp_path}"):
        prepare(settings("arrays", path="own.npz"), [tmp_path])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"images": X, "y": Y}, "lacks x; its keys are: images, y"),
        ({"x": X, "y": Y[:5]}, "x has 6 rows, y has 5"),
        ({"x": X, "y": np.eye(6)}, r"one label per input.*\(6, 6\)"),
        ({"x": X, "y": Y + 0.5}, "fractions"),
        ({"x": X[:, 0, 0], "y": Y}, r"x must be \(n_inputs, …\).*\(6,\)"),
        ({"x": X.astype(complex), "y": Y}, "real numbers; its type is complex128"),
        ({"x": X.astype(str), "y": Y}, "real numbers; its type is <U32"),
        ({"x": X.astype(object), "y": Y}, "x is an object array"),
        ({"x": X, "y": np.array(["a", 1] * 3, dtype=object)}, "y is an object array"),
        ({"x": np.where(X == 9, np.nan, X), "y": Y}, "in 1 of 6 inputs, first in row 2"),
        ({"x": X * 1e38, "y": Y}, "beyond float32 in 6 of 6|beyond float32 in 5 of 6"),
        ({"x": X, "y": Y, "train": [0]}, "holds train indices; both"),
        ({"x": X, "y": Y, "train": [0, 1], "test": [1, 2]}, "occurs twice"),
        ({"x": X, "y": Y, "train": [0, 0], "test": [2]}, "occurs twice"),
        ({"x": X, "y": Y, "train": [0, 6], "test": [2]}, r"train holds indices outside 0 … 5"),
        ({"x": X, "y": Y, "train": [0, 1], "test": [-1]}, r"test holds indices outside 0 … 5"),
        ({"x": X, "y": Y, "train": Y == 0, "test": [1]}, "train must hold integer indices"),
    ],
)
def test_arrays_that_make_no_data_set_are_refused(settings, tmp_path, content, message):
    path = tmp_path / "own.npz"
    np.savez(path, **content)
    with pytest.raises(ValueError, match=message) as caught:
        prepare(settings("arrays", path=str(path)))
    assert str(path) in str(caught.value)


def test_arrays_do_not_unpickle_keys_they_do_not_use(settings, tmp_path):
    np.savez(tmp_path / "own.npz", x=X, y=Y, notes=np.array([{}], dtype=object))
    assert prepare(settings("arrays", path=str(tmp_path / "own.npz"))).x.shape == (6, 4)


def test_arrays_file_of_another_kind_is_refused(settings, tmp_path):
    np.save(tmp_path / "own.npy", X)
    with pytest.raises(ValueError, match=r"own\.npy is not an \.npz"):
        prepare(settings("arrays", path=str(tmp_path / "own.npy")))


def test_arrays_damaged_file_is_named(settings, tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, x=X, y=Y)
    content = bytearray(path.read_bytes())
    content[200] ^= 1  # within the values of x
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"own\.npz: x is damaged"):
        prepare(settings("arrays", path=str(path)))


SECONDS = 1_700_000_000 + np.arange(128)
"""Unix seconds, one after the other: 7 bits, of which float32, in steps of 128, keeps one."""


@pytest.fixture
def prepared(settings, tmp_path):
    """prepared(x, **options) -> Data, with labels of two classes in turn."""

    def prepare_arrays(x, **options):
        np.savez(tmp_path / "own.npz", x=x, y=np.arange(len(x)) % 2)
        return prepare(settings("arrays", path=str(tmp_path / "own.npz"), **options))

    return prepare_arrays


@pytest.mark.parametrize("dtype", ["float64", "int64", "uint64", ">f8", ">i8", "int32"])
def test_inputs_that_float32_cannot_tell_apart_are_refused_by_name(prepared, dtype):
    x = SECONDS[:, None].astype(dtype)
    said = r"own\.npz: .* 126 of 128 distinct inputs .* become .* Set standardise"
    with pytest.raises(ValueError, match=said):
        prepared(x)
    as_it_is = prepared(x.astype(np.float32))
    shares = np.unique(x.astype(np.float32), return_counts=True)[1] / 128
    expected = -(shares * np.log2(shares)).sum()
    assert as_it_is.attributes["entropy_x"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("how", ["feature", "all"])
@pytest.mark.parametrize("dtype", ["float64", "int64", "uint64", ">f8"])
def test_standardised_inputs_keep_what_tells_them_apart(prepared, how, dtype):
    data = prepared(SECONDS[:, None].astype(dtype), standardise=how, training_fraction=1)
    assert data.x.dtype == np.float32
    assert data.attributes["entropy_x"] == pytest.approx(7, abs=1e-12)
    # 0 … 127 has mean 63.5 and variance (128² − 1) / 12
    expected = (np.arange(128) - 63.5) / np.sqrt((128**2 - 1) / 12)
    np.testing.assert_allclose(data.x[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "remedy"),
    [
        (
            2**60 + np.arange(128),
            "Subtract the common part",
        ),  # float64 is in steps of 256 there
        (np.array([*(1e-30 * np.arange(1, 128)), 1.0], np.float32), "Subtract the common part"),
    ],
)
def test_standardisation_that_merges_inputs_is_refused(prepared, x, remedy):
    with pytest.raises(ValueError, match=f"128 distinct inputs.*{remedy}"):
        prepared(x[:, None], standardise="feature")


@pytest.mark.parametrize(
    "dtype", ["float16", "bool", ">f4", "<i2", "uint8", "float64", "int64"]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_type_and_order_keep_their_values(prepared, dtype, order):
    x = (np.arange(12).reshape(6, 2) % 5).astype(dtype, order=order)
    data = prepared(x)
    np.testing.assert_array_equal(data.x, x.astype(np.float32))
    assert data.x.dtype == np.float32 and data.x.dtype.isnative and data.x.flags.c_contiguous
    shares = np.unique(x, axis=0, return_counts=True)[1] / 6
    assert data.attributes["entropy_x"] == pytest.approx(-(shares * np.log2(shares)).sum())


def test_constant_feature_of_float64_is_only_shifted(prepared):
    x = np.stack([np.full(1000, 0.1), np.arange(1000.0)], axis=1)  # Σ 0.1 / 1000 is not 0.1
    assert (prepared(x, standardise="feature").x[:, 0] == 0).all()
