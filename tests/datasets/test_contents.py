import numpy as np
import pytest

from infoplane.datasets import prepare
from infoplane.datasets.contents import digest, row_codes
from infoplane.datasets.contents import information as of_labels
from infoplane.datasets.source import Label


def information(codes, y, probabilities=None):
    """Of one label, without its name."""
    label = Label(y, ("a", "b", "c", "d", "e"), probabilities)
    found = of_labels(codes, {"y": label})
    return {name: v["y"] if name != "entropy_x" else v for name, v in found.items()}


def test_row_codes_agree_with_unique_rows():
    x = np.random.default_rng(0).integers(0, 3, (500, 2, 2)).astype(np.float32)
    x[x == 0] = np.random.default_rng(1).choice([0.0, -0.0], (x == 0).sum())
    _, slow = np.unique(x.reshape(500, -1) + 0.0, axis=0, return_inverse=True)
    fast = row_codes(x)
    assert (np.equal.outer(fast, fast) == np.equal.outer(slow, slow)).all()


def test_information_counts_duplicates_and_their_labels():
    x = np.array([[0], [0], [1], [1]], dtype=np.float32)
    agreeing = information(row_codes(x), np.array([0, 0, 1, 1]))
    assert agreeing == {"entropy_x": 1.0, "entropy_y": 1.0, "information_xy": 1.0}
    assert information(row_codes(x), np.array([0, 1, 0, 1]))["information_xy"] == 0
    # one x of two says y: H(Y) − H(Y|X) = h(1/4) − 1/2
    mixed = information(row_codes(x), np.array([0, 0, 0, 1]))["information_xy"]
    assert mixed == pytest.approx(0.8112781 - 0.5, abs=1e-6)


def test_information_of_unique_inputs_is_label_entropy():
    y = np.random.default_rng(0).integers(0, 5, 300)
    found = information(row_codes(np.arange(300, dtype=np.float32)[:, None]), y)
    assert found["information_xy"] == found["entropy_y"]
    assert found["entropy_x"] == pytest.approx(np.log2(300))


def test_information_with_probabilities_joins_equal_inputs():
    x = np.array([[0], [0], [1], [1]], dtype=np.float32)
    p = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=float)
    assert information(row_codes(x), np.array([0, 1, 0, 1]), p)["information_xy"] == 0


def test_shuffled_stochastic_labels_count_as_they_are(settings):
    keys = {"labels": "stochastic", "gamma": 2}
    attributes = prepare(settings("szt", shuffled_labels=0.5, **keys)).attributes
    assert attributes["information_xy"] == attributes["entropy_y"]


def test_digest_changes_with_every_part():
    base = {
        "x": np.zeros((2, 2), np.float32),
        "y": np.zeros(2, np.int64),
        "train": np.array([0]),
        "test": np.array([1]),
    }
    assert digest(**base) == digest(**{name: array.copy() for name, array in base.items()})
    others = [{**base, name: array + 1} for name, array in base.items()]
    others.append({**base, "x": base["x"].reshape(4, 1)})
    others.append({**base, "x": base["x"].astype(np.float64)})
    assert len({digest(**base), *(digest(**other) for other in others)}) == 7


def test_digest_ignores_memory_order():
    x = np.arange(6.0).reshape(2, 3)
    assert digest(x=x) == digest(x=np.asfortranarray(x))
