"""Shapes told without data, or from a prepared store, are those of the data."""

import numpy as np
import pytest

from infoplane.costs import shapes
from infoplane.datasets import SOURCES
from infoplane.datasets.prepare import prepare
from infoplane.stores.datasets import write_data


def settings_of(**written):
    return SOURCES[written["source"]].Settings.model_validate(written)


@pytest.mark.parametrize(
    "written",
    [
        {"source": "szt", "training_fraction": 0.75},
        {"source": "szt", "size": 256},
        {"source": "digits"},
        {"source": "arrays"},
        {"source": "arrays", "flatten": False},
    ],
    ids=str,
)
def test_shapes_are_those_of_the_prepared_data(written, tmp_path):
    if written["source"] == "arrays":
        drawn = np.random.default_rng(0).normal(size=(40, 3, 2)).astype(np.float32)
        np.savez(tmp_path / "mine.npz", x=drawn, y=np.arange(40) % 4)
        written = {**written, "path": str(tmp_path / "mine.npz")}
    settings = settings_of(**written)
    data = prepare(settings)
    write_data(data, tmp_path / "data.zarr")
    prepared = shapes.of_store(tmp_path / "data.zarr")
    assert (prepared.n, *prepared.of_input) == data.x.shape
    assert prepared.n_classes == data.attributes["n_classes"]
    assert (prepared.n_train, prepared.n_test) == (len(data.train), len(data.test))
    told = shapes.of_settings(settings)
    assert (told.n, told.d, told.n_train) == (prepared.n, prepared.d, prepared.n_train)
    assert told.n_classes >= prepared.n_classes


def test_what_no_settings_tell_is_none(tmp_path):
    assert shapes.of_settings(settings_of(source="images", path=str(tmp_path))) is None
    missing = settings_of(source="arrays", path=str(tmp_path / "none.npz"))
    assert shapes.of_settings(missing) is None
    with pytest.raises(FileNotFoundError):
        shapes.of_store(tmp_path / "none.zarr")
