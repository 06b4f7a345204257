import itertools
import os
import tarfile

import numpy as np
import pytest
from PIL import Image

from infoplane.datasets import files_of, prepare
from infoplane.datasets.places import MissingData


def draw(path, size=(6, 5), colour=(255, 0, 51), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes of five images, 6 pixels wide and 5 high."""
    for name, i in itertools.product(["cat", "dog"], range(5)):
        draw(tmp_path / "pets" / name / f"{i}.png", colour=(255, 0, 51 + i))
    return tmp_path / "pets"


def test_images_take_classes_and_pixels_from_folders(settings, folder):
    data = prepare(settings("images", path=str(folder), flatten=False))
    assert data.x.shape == (10, 3, 5, 6)
    np.testing.assert_array_equal(data.x[0, :, 0, 0], np.array([255, 0, 51], np.float32) / 255)
    assert data.y.tolist() == [0] * 5 + [1] * 5
    assert data.label().class_names == ("cat", "dog")
    assert (len(data.train), len(data.test)) == (8, 2)
    # each image once in cat and once in dog: 5 values of X that say nothing of Y
    assert data.attributes["entropy_x"] == pytest.approx(np.log2(5))
    assert data.attributes["information_xy"]["y"] == pytest.approx(0, abs=1e-12)


def test_images_in_train_and_test_have_own_split(settings, tmp_path):
    for part, n in [("train", 4), ("test", 2)]:
        for name, i in itertools.product("ab", range(n)):
            draw(tmp_path / part / name / f"{i}.png")
    chosen = settings("images", path=str(tmp_path))
    data = prepare(chosen)
    assert data.train.tolist() == list(range(8)) and data.test.tolist() == list(range(8, 12))
    assert [path.relative_to(tmp_path).as_posix() for path in files_of(chosen)] == [
        "test/a",
        "test/b",
        "train/a",
        "train/b",
    ]


def test_images_become_grey_and_square(settings, folder):
    keys = {"path": str(folder), "grayscale": True, "image_size": 4, "flatten": False}
    data = prepare(settings("images", **keys))
    assert data.x.shape == (10, 1, 4, 4)
    # ITU-R 601: 0.299 red + 0.587 green + 0.114 blue, rounded to a byte
    assert data.x[0, 0, 0, 0] == pytest.approx((0.299 * 255 + 0.114 * 51) / 255, abs=1 / 255)


def test_images_path_is_relative_to_places_or_here(settings, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    here = prepare(settings("images", path="pets"))
    monkeypatch.chdir("/")
    there = prepare(settings("images", path="pets"), [folder.parent])
    assert here.attributes["digest"] == there.attributes["digest"]


def test_images_of_different_sizes_ask_for_image_size(settings, folder):
    draw(folder / "dog" / "9.png", size=(7, 5))
    with pytest.raises(ValueError, match=r"5 × 6 in .*0\.png, 5 × 7 in .*9\.png\. Set image_s"):
        prepare(settings("images", path=str(folder)))
    assert prepare(settings("images", path=str(folder), image_size=3)).x.shape == (11, 27)


def test_images_absent_name_folders_searched(settings, tmp_path):
    chosen = settings("images", path="no/pets")
    with pytest.raises(MissingData) as caught:
        prepare(chosen, [tmp_path])
    assert "images: not found: pets" in str(caught.value)
    assert f"{tmp_path}/no" in str(caught.value)
    assert files_of(chosen, [tmp_path]) == []


@pytest.mark.parametrize("asked", ["pets", "pets.tar.xz"])
def test_images_archive_says_how_to_unpack(settings, tmp_path, asked):
    (tmp_path / "pets.tar.xz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"unpack it first: tar xf .*/pets\.tar\.xz"):
        prepare(settings("images", path=asked), [tmp_path])


def test_images_without_class_folders_are_refused(settings, tmp_path):
    draw(tmp_path / "loose" / "1.png")
    with pytest.raises(ValueError, match="must hold one folder per class"):
        prepare(settings("images", path=str(tmp_path / "loose")))
    with pytest.raises(ValueError, match="is not a folder"):
        prepare(settings("images", path=str(tmp_path / "loose/1.png")))


def test_images_class_without_images_is_named(settings, folder):
    (folder / "newt").mkdir()
    with pytest.raises(ValueError, match="newt"):
        prepare(settings("images", path=str(folder)))


def test_images_split_with_other_classes_is_refused(settings, tmp_path):
    for inner in ("train/a", "train/b", "test/a", "test/c"):
        draw(tmp_path / inner / "1.png")
    with pytest.raises(ValueError, match="only one of them has b, c"):
        prepare(settings("images", path=str(tmp_path)))


@pytest.mark.parametrize(
    "litter",
    [
        ".ipynb_checkpoints/1.png",
        "cat/.ipynb_checkpoints/1.png",
        "cat/._1.png",
        "__MACOSX/cat/1.png",
        "lost+found/1.png",
        ".DS_Store",
        "cat/Thumbs.db",
        "cat/@eaDir/1.png",
    ],
)
def test_images_that_systems_leave_are_no_class_and_no_sample(settings, folder, litter):
    chosen = settings("images", path=str(folder))
    before, listed = prepare(chosen), files_of(chosen)
    draw(folder / "other.png", colour=(1, 2, 3))
    (folder / litter).parent.mkdir(parents=True, exist_ok=True)
    (folder / "other.png").rename(folder / litter)
    after = prepare(chosen)
    assert after.attributes["digest"] == before.attributes["digest"]
    assert after.label().class_names == ("cat", "dog") and not after.attributes["notes"]
    assert files_of(chosen) == listed


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "val"), ("Train", "VALID"), ("training", "testing"), ("train", "validation")],
)
def test_images_split_bears_any_usual_name(settings, tmp_path, train, test):
    for part, name in itertools.product([train, test], "ab"):
        draw(tmp_path / part / name / "1.png")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    data = prepare(settings("images", path=str(tmp_path)))
    assert data.label().class_names == ("a", "b")
    assert (data.train.tolist(), data.test.tolist()) == ([0, 1], [2, 3])


@pytest.mark.parametrize("names", [("train", "val", "test"), ("train",), ("test", "val")])
@pytest.mark.parametrize("inner", ["a/", ""])
def test_images_unclear_split_is_refused_by_name(settings, tmp_path, names, inner):
    for name in names:
        draw(tmp_path / name / f"{inner}1.png")
    chosen = settings("images", path=str(tmp_path))
    for read in (prepare, files_of):
        with pytest.raises(
            ValueError, match="holds " + ", ".join(f"{n}/" for n in sorted(names))
        ):
            read(chosen)


def test_images_class_may_be_named_train(settings, tmp_path):
    for name in ("bus", "train"):
        draw(tmp_path / name / "1.png")
    data = prepare(settings("images", path=str(tmp_path)))
    assert data.label().class_names == ("bus", "train")


def test_images_beside_the_classes_are_said_not_to_be_read(settings, folder, tmp_path):
    draw(folder / "loose.png")
    assert "loose.png" in prepare(settings("images", path=str(folder))).attributes["notes"][0]
    for inner in ("train/a", "test/a", "meta/a"):
        draw(tmp_path / "split" / inner / "1.png")
    [note] = prepare(settings("images", path=str(tmp_path / "split"))).attributes["notes"]
    assert note.endswith("classes: meta")


def test_images_below_a_class_are_listed_as_they_are_read(settings, folder):
    draw(folder / "cat" / "young" / "1.PNG")
    chosen = settings("images", path=str(folder))
    assert len(prepare(chosen).x) == 11
    assert files_of(chosen) == [folder / "cat", folder / "cat" / "young", folder / "dog"]


def test_images_damaged_file_is_named(settings, folder):
    (folder / "cat" / "3.png").write_bytes((folder / "cat" / "3.png").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"cat/3\.png is not a readable image"):
        prepare(settings("images", path=str(folder)))


def test_images_folder_that_cannot_be_read_is_named(settings, folder, monkeypatch):
    scandir = os.scandir

    def refused(path):  # root may read everything
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(ValueError, match=r"dog cannot be read .*Permission denied"):
        prepare(settings("images", path=str(folder)))


def test_images_of_sixteen_bits_are_refused(settings, folder):
    Image.fromarray(np.full((5, 6), 40_000, np.uint16)).save(folder / "cat" / "7.png")
    with pytest.raises(ValueError, match=r"7\.png: more than 8 bits"):
        prepare(settings("images", path=str(folder)))


def test_images_read_real_cifar10_jpegs(settings, real_data, tmp_path):
    wanted = {
        f"{part}/{name}/{i:04d}.jpg"
        for part in ("train", "test")
        for name in ("airplane", "automobile")
        for i in range(4)
    }
    with tarfile.open(real_data / "cifar10-jpg.tar.xz", "r|xz") as tar:
        for member in tar:
            if member.name in wanted:
                tar.extract(member, tmp_path, filter="data")
                wanted.remove(member.name)
            if not wanted:
                break
    data = prepare(settings("images", path=str(tmp_path), flatten=False))
    assert data.x.shape == (16, 3, 32, 32)
    assert (len(data.train), len(data.test)) == (8, 8)
    assert data.label().class_names == ("airplane", "automobile")
    with Image.open(tmp_path / "train/automobile/0002.jpg") as image:
        expected = np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255
    np.testing.assert_array_equal(data.x[6], expected)
