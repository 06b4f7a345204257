"""Pairs of digits, on a small made-up set; the real images where they lie on this machine."""

import numpy as np
import pytest

from infoplane.datasets.places import MissingData, default_places
from infoplane.truth import files, image_pairs, run


@pytest.fixture
def prepared():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    pixels = rng.integers(0, 256, (120, 784), dtype=np.uint8)
    return {
        "pixels": pixels,
        "labels": labels,
        "components 2": rng.standard_normal((120, 2)).astype(np.float32),
    }


def tasks_of(prepared, **settings):
    chosen = {"classes": [3], "shares": [0.4], "components": [2, 784]} | settings
    return image_pairs.ImagePairs(**chosen).tasks(prepared)


@pytest.mark.parametrize("k, p", [(2, 0.11), (10, 0.3), (4, 0.0)])
def test_channel_information_is_the_sum_over_its_table(k, p):
    table = np.full((k, k), p / (k - 1) / k)
    np.fill_diagonal(table, (1 - p) / k)
    there = table[table > 0]
    bits = (there * np.log2(there * k * k)).sum()
    assert image_pairs.channel_information(p, k) == pytest.approx(bits, abs=1e-12)


@pytest.mark.parametrize("share", [0, 0.25, 0.9, 1])
@pytest.mark.parametrize("k", [2, 10])
def test_flips_give_the_wanted_information(share, k):
    p = image_pairs.replaced(share, k)
    bits = image_pairs.channel_information(p, k)
    assert bits == pytest.approx(share * np.log2(k), abs=1e-9)


def test_images_are_of_the_classes_that_pass_the_channel(prepared):
    task = next(t for t in tasks_of(prepared) if t.kind == "continuous" and t.d_a == 784)
    pair = task.draw(30_000, 0).pair
    known = {
        row.tobytes(): k for row, k in zip(prepared["pixels"], prepared["labels"], strict=True)
    }
    codes = [
        [known[np.rint(255 * row).astype(np.uint8).tobytes()] for row in images.numpy()]
        for images in (pair.a, pair.b)
    ]
    counts = np.histogram2d(*codes, bins=[3, 3])[0]
    p = counts / counts.sum()
    bits = (p * np.log2(p / np.outer(p.sum(1), p.sum(0)))).sum()
    assert bits == pytest.approx(task.truth, abs=0.03)  # sd about 1 bit / √30,000, bias 1e-4
    assert task.truth == pytest.approx(0.4 * np.log2(3))


def test_labels_are_those_that_come_out(prepared):
    task = next(t for t in tasks_of(prepared, shares=[1]) if t.kind == "labels" and t.d_a == 2)
    pair = task.draw(200, 0).pair
    rows = {
        r.tobytes(): k
        for r, k in zip(prepared["components 2"], prepared["labels"], strict=True)
    }
    assert [rows[r.numpy().tobytes()] for r in pair.a] == pair.b.tolist()  # share 1: no flips


def test_equal_images_of_two_classes_are_refused():
    images = np.zeros((4, 3))
    with pytest.raises(ValueError, match="1 images of equal pixels have different classes"):
        image_pairs._require_one_class(images, np.array([0, 0, 1, 1]), "pixels")


def test_absent_images_leave_the_problem_out_with_a_sentence(monkeypatch, tmp_path):
    def absent(*_):
        raise MissingData("mnist: not found: train-images")

    monkeypatch.setattr(image_pairs.mnist.MNIST, "load", absent)
    prepared = files.prepare(image_pairs.ImagePairs())
    files.save(prepared, tmp_path / "images.npz")
    again = files.load(tmp_path / "images.npz")
    assert str(again["left_out"]) == "left out: mnist: not found: train-images"
    assert run.tasks_of(image_pairs.ImagePairs(), again) == []


@pytest.mark.slow
def test_real_digits():
    if not any((place / "MNIST" / "raw").is_dir() for place in default_places()):
        pytest.skip("MNIST is not in INFOPLANE_DATA")
    family = image_pairs.ImagePairs(classes=[2], images_per_class=300, components=[10])
    prepared = family.prepare()
    assert prepared["pixels"].shape == (600, 784)
    assert prepared["components 10"].shape == (600, 10)
    assert sorted(set(prepared["labels"])) == [0, 1]
