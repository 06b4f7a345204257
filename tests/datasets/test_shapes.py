"""Shapes told without data, or from a prepared store, are those of the data."""

import gzip

import numpy as np
import pytest
from PIL import Image

from infoplane.datasets import SOURCES, prepare, shape_of
from infoplane.stores.archive import StoreError
from infoplane.stores.datasets import write_data
from infoplane.stores.shapes import shape_of_store


def settings_of(**written):
    return SOURCES[written["source"]].Settings.model_validate(written)


@pytest.fixture
def place(tmp_path):
    """A folder with data of every source that has files of its own."""
    drawn = np.random.default_rng(0)
    x = drawn.normal(size=(40, 3, 2)).astype(np.float32)
    np.savez(tmp_path / "mine.npz", x=x, y=np.arange(40) % 4)
    for part, n in (("split/train", 9), ("split/test", 3), ("whole", 5)):
        for name in ("dark", "light", "none"):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(n):
                pixels = drawn.integers(0, 256, (6, 4), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / name / f"{i}.png")
    folder = tmp_path / "notMNIST" / "raw"
    folder.mkdir(parents=True)
    for name, shape in (("images-idx3", (20, 28, 28)), ("labels-idx1", (20,))):
        head = bytes([0, 0, 8, len(shape)]) + b"".join(i.to_bytes(4, "big") for i in shape)
        values = (np.arange(np.prod(shape)) % 10).astype(np.uint8)
        with gzip.open(folder / f"t10k-{name}-ubyte.gz", "wb") as file:
            file.write(head + values.tobytes())
    return tmp_path


@pytest.mark.parametrize(
    "written",
    [
        {"source": "szt", "training_fraction": 0.75},
        {"source": "szt", "size": 256},
        {"source": "digits", "flatten": False},
        {"source": "digits"},
        {"source": "notmnist"},
        {"source": "arrays", "path": "mine.npz"},
        {"source": "arrays", "path": "mine.npz", "flatten": False},
        {"source": "images", "path": "whole"},
        {"source": "images", "path": "split", "grayscale": True, "flatten": False},
        {"source": "images", "path": "split", "image_size": 5, "size": 12},
    ],
    ids=str,
)
def test_shapes_are_those_of_the_prepared_data(written, place):
    settings = settings_of(**written)
    data = prepare(settings, [place])
    write_data(data, place / "data.zarr.zip")
    prepared = shape_of_store(place / "data.zarr.zip")
    assert (prepared.n, *prepared.of_input) == data.x.shape
    assert prepared.n_classes() == data.label().n_classes
    assert (prepared.n_train, prepared.n_test) == (len(data.train), len(data.test))
    told = shape_of(settings, [place])
    assert told._replace(classes=prepared.classes) == prepared
    assert list(told.classes) == list(prepared.classes)
    assert told.n_classes() >= prepared.n_classes()


def test_data_that_are_not_there_are_assumed(tmp_path):
    for source in ("images", "arrays", "notmnist"):
        path = {} if source == "notmnist" else {"path": "gone.npz"}
        told = shape_of(settings_of(source=source, **path), [tmp_path])
        assert (told.n, told.d) == (70_000, 784)
    with pytest.raises(StoreError, match="does not exist"):
        shape_of_store(tmp_path / "gone.zarr.zip")


def test_damaged_data_are_assumed(tmp_path):
    (tmp_path / "mine.npz").write_text("no archive")
    told = shape_of(settings_of(source="arrays", path="mine.npz"), [tmp_path])
    assert told.n == 70_000
