"""Stores of every kind open without a warning: by `infoplane.open` and by xarray alone."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import infoplane
from infoplane.datasets.source import Data
from infoplane.information import Information, LayerInformation
from infoplane.measurement.pooling import Pooled
from infoplane.stores.activations import ActivationsWriter
from infoplane.stores.archive import StoreError
from infoplane.stores.datasets import write_data
from infoplane.stores.information import write_information
from infoplane.stores.pooled import write_pooled
from infoplane.stores.weights import Journal
from infoplane.training.trainer import Metric

ONE = np.ones((2, 3), np.float32)


def weights(path):
    network = SimpleNamespace(parameters={"w": (3,)}, buffers={"n": ()}, dtypes={"n": "int64"})
    metrics = (Metric("loss", "loss", "lower"), Metric("norm", "norm", None, True))
    seeds = epochs = [0, 1]
    journal = Journal(
        path, "of a test", {"network": network}, metrics, seeds, epochs, epochs, ["a"]
    )
    journal.resume()
    for _ in epochs:
        weights = {"network": {"w": ONE, "n": np.arange(2)}}
        journal.append({"loss": ONE[:, 0], "norm": ONE[:, :1]}, weights)
    journal.finish({"networks": {}}, {})


def dataset(path):
    write_data(Data(ONE, {}, np.arange(1), np.arange(1, 2), {}), path)


def activations(path):
    writer = ActivationsWriter(path, {"a": 3}, [0], [0], 2)
    writer.write("a", [0], [0], ONE[None, None])
    writer.finish({})


def information(path):
    records = {(0, 0, "a"): LayerInformation(Information(1.0, cap=8.0), Information(0.5))}
    write_information(records, [0], [0], ["a"], {}, path, entropies={})


def pooled(path):
    record = LayerInformation(Information(1.0, cap=8.0), Information(0.5))
    write_pooled([Pooled(0, 1, 1, "a", 1, 0.0, 1.0, 8.0, 1.0, record)], {}, path)


@pytest.mark.parametrize("write", [weights, dataset, activations, information, pooled])
def test_opening_and_reading_a_store_warns_of_nothing(write, tmp_path):
    path = tmp_path / "some.zarr.zip"
    write(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trees = [infoplane.open(str(path)), xr.open_datatree(f"zip::{path}", engine="zarr")]
        ours, plain = (tree.load() for tree in trees)
    assert ours.identical(plain) and len(list(ours.subtree)) == len(list(plain.subtree))
    assert any(node.data_vars for node in ours.subtree)


def test_open_refuses_what_is_damaged_by_name(tmp_path):
    path = tmp_path / "some.zarr.zip"
    with pytest.raises(StoreError, match=r"some\.zarr\.zip does not exist"):
        infoplane.open(path)
    dataset(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"some\.zarr\.zip is damaged: "):
        infoplane.open(path)
