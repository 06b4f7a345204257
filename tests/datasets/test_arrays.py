import numpy as np
import pytest

from infoplane.datasets import files_of, prepare
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
    assert data.attributes["class_names"] == names and data.attributes["n_classes"] == 3


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
        ({"x": X, "y": np.eye(6)}, r"one label an input.*\(6, 6\)"),
        ({"x": X, "y": Y + 0.5}, "fractions"),
        ({"x": X[:, 0, 0], "y": Y}, r"x must be \(n_inputs, …\).*\(6,\)"),
        ({"x": X.astype(complex), "y": Y}, "real numbers; its type is complex128"),
        ({"x": X.astype(str), "y": Y}, "real numbers; its type is <U32"),
        ({"x": X.astype(object), "y": Y}, "x is an object array"),
        ({"x": X, "y": np.array(["a", 1] * 3, dtype=object)}, "y is an object array"),
        ({"x": np.where(X == 9, np.nan, X), "y": Y}, "in 1 of 6 inputs, first in row 2"),
        ({"x": X * 1e38, "y": Y}, "beyond float32 in 6 of 6|beyond float32 in 5 of 6"),
        ({"x": X, "y": Y, "train": [0]}, "holds train indices; both"),
        ({"x": X, "y": Y, "train": [0, 1], "test": [1, 2]}, "stands twice"),
        ({"x": X, "y": Y, "train": [0, 0], "test": [2]}, "stands twice"),
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
