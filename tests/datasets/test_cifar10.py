"""Against small batches of the published layout, whose checksums stand in for the real ones."""

import hashlib
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from infoplane.datasets import prepare
from infoplane.datasets.places import MissingData

FOLDER = "cifar-10-batches-py"


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def batches(tmp_path, monkeypatch):
    """A place with five training batches and a test batch of ten images each."""
    from torchvision.datasets import CIFAR10

    place = tmp_path / "place"
    (place / FOLDER).mkdir(parents=True)
    lists = {"train_list": [], "test_list": []}
    for b, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        pixels = np.random.default_rng(b).integers(0, 256, (10, 3072)).astype(np.uint8)
        path = place / FOLDER / name
        path.write_bytes(pickle.dumps({"data": pixels, "labels": list(range(10))}))
        lists["test_list" if name == "test_batch" else "train_list"].append([name, md5(path)])
    meta = place / FOLDER / "batches.meta"
    meta.write_bytes(pickle.dumps({"label_names": [f"class{k}" for k in range(10)]}))
    for name, value in lists.items():
        monkeypatch.setattr(CIFAR10, name, value)
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(meta)})
    return place


def test_cifar10_keeps_channels_and_split(settings, batches):
    data = prepare(settings("cifar10", flatten=False), [batches])
    assert data.x.shape == (60, 3, 32, 32) and data.x.flags.c_contiguous
    assert data.train.tolist() == list(range(50)) and data.test.tolist() == list(range(50, 60))
    first = np.random.default_rng(0).integers(0, 256, (10, 3072)).astype(np.float32) / 255
    np.testing.assert_array_equal(data.x[:10].reshape(10, -1), first)
    assert data.y[:10].tolist() == list(range(10))
    assert data.label().class_names[9] == "class9"


def test_cifar10_is_unpacked_from_an_archive(settings, batches, tmp_path):
    archive = tmp_path / "given/cifar-10-python.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(batches / FOLDER, FOLDER)
    places = [archive.parent, tmp_path / "downloads"]
    data = prepare(settings("cifar10"), places)
    assert (
        data.attributes["digest"]
        == prepare(settings("cifar10"), [batches]).attributes["digest"]
    )
    assert (tmp_path / "downloads" / FOLDER).is_dir() and not (archive.parent / FOLDER).exists()


class Malice:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_cifar10_never_reads_a_pickle_of_another_checksum(settings, batches, tmp_path, name):
    trace = tmp_path / "code-was-run"
    (batches / FOLDER / name).write_bytes(pickle.dumps(Malice(str(trace))))
    with pytest.raises(ValueError, match=f"{FOLDER} is not CIFAR-10 as published"):
        prepare(settings("cifar10"), [batches])
    assert not trace.exists()


def test_cifar10_damaged_archive_is_named(settings, tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"\x1f\x8b not an archive")
    with pytest.raises(ValueError, match=r"cifar-10-python\.tar\.gz could not be unpacked"):
        prepare(settings("cifar10"), [tmp_path])
    assert not (tmp_path / FOLDER).exists()


def test_cifar10_offline_names_what_to_put_where(settings, tmp_path, offline):
    places = [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(MissingData) as caught:
        prepare(settings("cifar10"), places)
    for part in (FOLDER, "cifar-10-python.tar.gz", str(places[0]), f"into {places[1]}"):
        assert part in str(caught.value)


def test_cifar10_batch_that_is_missing_is_told(settings, batches):
    shutil.move(batches / FOLDER / "data_batch_1", batches / "elsewhere")
    with pytest.raises(ValueError, match="a file is missing or its md5 differs"):
        prepare(settings("cifar10"), [batches])
