"""Damage to a store is seen, named, and said how to mend."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from infoplane.datasets.source import Data, Label
from infoplane.samples import Information
from infoplane.stores.activations import ActivationsStore, ActivationsWriter
from infoplane.stores.datasets import read_data, write_data
from infoplane.stores.files import MANIFEST, StoreError, open_tree, save_dataset
from infoplane.stores.information import read_information, write_information


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "a.zarr"
    values = np.random.default_rng(0).normal(size=(50, 40))
    save_dataset(xr.Dataset({"a": (("row", "column"), values)}), path)
    return path


def chunks(store):
    return [f for f in store.rglob("*") if f.is_file() and f.name.startswith("c.")]


def read(store):
    from infoplane.stores.files import reading

    dataset = open_tree(store).to_dataset()
    with reading(store):
        return dataset.load()


def test_whole_store_reads(store):
    assert read(store)["a"].shape == (50, 40)


@pytest.mark.parametrize("byte", [5, 0.5, -1])
def test_flipped_byte_in_a_chunk_is_named(store, byte):
    file = chunks(store)[0]
    content = bytearray(file.read_bytes())
    at = int(byte * len(content)) if isinstance(byte, float) else byte
    content[at] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.zarr is damaged.*Remove it.*rm -r"):
        read(store)


def test_truncated_missing_and_added_chunks_are_named(store):
    file = chunks(store)[0]
    content = file.read_bytes()
    file.write_bytes(content[:-3])
    with pytest.raises(StoreError, match=r"a\.zarr is damaged.*a/c\."):
        open_tree(store)
    file.unlink()
    with pytest.raises(StoreError, match="missing or changed files"):
        open_tree(store)
    file.write_bytes(content)
    open_tree(store)
    (file.parent / "99").write_bytes(b"x")
    with pytest.raises(StoreError, match="99"):
        open_tree(store)


def test_changed_metadata_and_manifest_are_named(store):
    metadata = store / "a" / "zarr.json"
    text = metadata.read_text()
    metadata.write_text(text.replace("40", "41"))
    with pytest.raises(StoreError, match="metadata"):
        open_tree(store)
    metadata.write_text(text)
    (store / MANIFEST).write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        open_tree(store)
    (store / MANIFEST).unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        open_tree(store)


def test_a_file_that_snakemake_leaves_is_no_damage(store):
    (store / ".snakemake_timestamp").write_text("")
    open_tree(store)


def test_data_come_back_as_written(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 1, 4, 4)).astype(np.float32)
    labels = {
        "y": Label(np.arange(20) % 3, ("a", "b", "c")),
        "odd": Label(np.arange(20) % 2, ("0", "1")),
    }
    data = Data(x, labels, np.arange(15), np.arange(15, 20), {"units": "bit"})
    write_data(data, tmp_path / "d.zarr")
    again = read_data(tmp_path / "d.zarr")
    for name in ("x", "y", "train", "test"):
        assert np.array_equal(getattr(again, name), getattr(data, name))
    assert list(again.labels) == ["y", "odd"] and again.attributes == data.attributes
    for name, label in data.labels.items():
        assert np.array_equal(again.labels[name].codes, label.codes)
        assert again.labels[name].class_names == label.class_names
    with pytest.raises(ValueError, match="no label 'od'; it has: y, odd"):
        again.label("od")
    assert again.x.dtype == np.float32 and again.y.dtype == np.int64


def test_information_comes_back_in_the_order_of_layers(tmp_path):
    records = {
        (seed, epoch, layer): Information(
            ixt=seed + 0.5, ity=-0.25, cap=8.0, flags=("saturated",) * seed, extra={"h": 1.0}
        )
        for seed in (0, 1)
        for epoch in (0, 7)
        for layer in ("z", "a")
    }
    path = tmp_path / "i.zarr"
    write_information(records, [0, 1, 5], [0, 7], ["z", "a"], {"n_inputs": "9"}, path)
    table, attributes = read_information(path)
    assert isinstance(table, pd.DataFrame) and len(table) == 3 * 2 * 2
    assert attributes["n_inputs"] == "9" and attributes["units"] == "bit"
    assert table["layer"].tolist() == ["z", "a"] * 6
    first = table.iloc[0]
    assert (first.ixt, first.ity, first.cap, first.h) == (0.5, -0.25, 8.0, 1.0)
    assert np.isnan(first.ixt_lower)
    assert table[table.seed == 1]["flags"].unique().tolist() == ["saturated"]
    failed = table[table.seed == 5]
    assert failed["flags"].unique().tolist() == ["training_failed"] and failed.ixt.isna().all()


def test_activations_come_back_block_by_block(tmp_path):
    writer = ActivationsWriter(tmp_path / "t.zarr", {"a": 3, "b": 2}, [4, 5], [0, 9], 6)
    values = np.random.default_rng(0).normal(size=(2, 2, 6, 3)).astype(np.float32)
    writer.write("a", [4, 5], [0], values[:, :1])
    writer.write("a", [4, 5], [9], values[:, 1:])
    writer.write("b", [4, 5], [0, 9], values[..., :2])
    writer.finish({})
    store = ActivationsStore(tmp_path / "t.zarr")
    assert np.array_equal(store.read("a", [9], [5]), values[1:, 1:])
    assert np.array_equal(store.read("b", [0, 9], [4, 5]), values[..., :2])


def test_a_flipped_byte_in_any_file_of_activations_is_named(tmp_path):
    path = tmp_path / "t.zarr"
    writer = ActivationsWriter(path, {"a": 3}, [4, 5], [0, 9], 6)
    writer.write("a", [4, 5], [0, 9], np.ones((2, 2, 6, 3), np.float32))
    writer.finish({})
    for file in [f for f in path.rglob("*") if f.is_file()]:
        content = file.read_bytes()
        for at in range(0, len(content), 7):
            file.write_bytes(content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :])
            with pytest.raises(StoreError, match="rm -r"):
                ActivationsStore(path).read("a", [0, 9], [4, 5])
        file.write_bytes(content)
    assert ActivationsStore(path).read("a", [9], [5]).sum() == 18
