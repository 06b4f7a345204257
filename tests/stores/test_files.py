"""Damage to a store is seen, named, and said how to mend."""

import math
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

import infoplane
from infoplane.datasets.source import Data, Label
from infoplane.information import Information, Interval, LayerInformation
from infoplane.stores.activations import ActivationsStore, ActivationsWriter
from infoplane.stores.archive import StoreError, partial_of, reading
from infoplane.stores.datasets import read_data, write_data
from infoplane.stores.files import (
    WHOLE,
    add_dataset,
    compressors,
    open_tree,
    publish,
    save_dataset,
)
from infoplane.stores.information import (
    read_curves,
    read_information,
    read_records,
    write_information,
)

NUMBERS = np.random.default_rng(0).normal(size=(50, 40))


def write(path, values=NUMBERS):
    save_dataset(
        xr.Dataset({"a": (("row", "column"), values)}, attrs={"n": [1]}), path, "numbers"
    )


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "a.zarr.zip"
    write(path)
    return path


def read(store):
    dataset = open_tree(store).to_dataset()
    with reading(store):
        return dataset.load()


def place_of(store, member):
    """Where a member's content begins, and its length."""
    with zipfile.ZipFile(store) as archive:
        about = archive.getinfo(member)
        with archive.open(about) as file:
            return file._fileobj._pos, about.file_size


def without(store, *members, other=()):
    """The same zip without some members, and with others."""
    with zipfile.ZipFile(store) as archive:
        kept = {n: archive.read(n) for n in archive.namelist() if n not in members}
    with zipfile.ZipFile(store, "w") as archive:
        for name, content in {**kept, **dict(other)}.items():
            archive.writestr(name, content)


def test_a_store_is_one_file_that_reads_as_written(store):
    found = read(store)
    assert np.array_equal(found["a"], NUMBERS) and found.attrs == {"n": [1], "kind": "numbers"}
    assert [path.name for path in store.parent.iterdir()] == ["a.zarr.zip"]
    with zipfile.ZipFile(store) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.namelist() == ["zarr.json", "a/zarr.json", "a/c/0/0"]


def test_what_is_the_same_gives_the_same_file(store, tmp_path):
    write(tmp_path / "b.zarr.zip")
    assert store.read_bytes() == (tmp_path / "b.zarr.zip").read_bytes()


def test_every_flipped_bit_is_named_or_changes_nothing(tmp_path):
    path = tmp_path / "a.zarr.zip"
    values = np.arange(6.0).reshape(2, 3)
    write(path, values)
    content, expected, named = path.read_bytes(), read(path), 0
    for at in range(0, len(content), 7):
        for bit in (1, 8, 128):
            path.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
            try:
                assert read(path).identical(expected), at
            except StoreError as error:
                assert f"{path} is damaged" in str(error) and f"rm -r '{path}'" in str(error)
                named += 1
    assert named > len(content) / 4


def test_a_store_cut_anywhere_is_named(store):
    content = store.read_bytes()
    for at in range(0, len(content), 251):
        store.write_bytes(content[:at])
        with pytest.raises(StoreError, match=r"a\.zarr\.zip is damaged.*Remove it.*rm -r"):
            open_tree(store)


def test_a_store_filled_with_zeros_from_somewhere_on_is_named(store):
    content = store.read_bytes()
    for at in (0, 700, len(content) // 2, len(content) - 30):
        store.write_bytes(content[:at] + bytes(len(content) - at))
        with pytest.raises(StoreError, match="damaged"):
            open_tree(store)


@pytest.mark.parametrize("member", ["a/c/0/0", "a/zarr.json"])
def test_a_member_that_is_not_there_or_new_is_named(store, member):
    """Zarr would take a missing chunk for fill values."""
    whole = store.read_bytes()
    without(store, member)
    with pytest.raises(StoreError, match=f"missing or changed members: {member}"):
        open_tree(store)
    store.write_bytes(whole)
    without(store, other={"a/c/9/9": b"x"})
    with pytest.raises(StoreError, match="missing or changed members: a/c/9/9"):
        open_tree(store)


def test_what_is_no_store_is_named(store):
    without(store, "zarr.json")
    with pytest.raises(StoreError, match=r"zarr\.json"):
        open_tree(store)
    without(store, other={"zarr.json": b"{}"})
    with pytest.raises(StoreError, match="damaged"):
        open_tree(store)
    store.unlink()
    store.mkdir()
    with pytest.raises(StoreError, match=r"damaged.*rm -r"):
        open_tree(store)
    write(store)  # made anew, it stands where the folder was
    assert np.array_equal(read(store)["a"], NUMBERS)


def test_a_store_of_something_else_in_its_place_is_named(store):
    with pytest.raises(StoreError, match="it is a store of numbers, not of data set"):
        read_data(store)
    with pytest.raises(StoreError, match="it is a store of numbers, not of information"):
        read_information(store)


def test_members_with_paths_of_elsewhere_are_written_nowhere(store, tmp_path):
    before = sorted(tmp_path.parent.rglob("*"))
    without(store, other={"../../outside": b"x", "/outside": b"x"})
    with pytest.raises(StoreError, match=r"missing or changed members: .*outside"):
        read(store)
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_a_flipped_bit_inside_a_shard_is_named(tmp_path):
    """Of a shard only the index and the chunks that are asked for are read."""
    path, values = tmp_path / "w.zarr.zip", np.arange(64, dtype=np.float32)
    partial = partial_of(path)
    group = zarr.open_group(partial, mode="w")
    group.create_array(
        "w",
        data=values,
        chunks=(4,),
        shards=(32,),
        compressors=compressors(),
        config=WHOLE,
        dimension_names=("i",),
    )
    publish(partial, path)

    def parts():
        array = open_tree(path).to_dataset()["w"]
        with reading(path):
            return np.concatenate([array[i : i + 4].values for i in range(0, 64, 4)])

    assert np.array_equal(parts(), values)
    content = path.read_bytes()
    start, size = place_of(path, "w/c/1")
    for at in range(start, start + size, 5):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        with pytest.raises(StoreError, match="damaged"):
            parts()


def test_opening_many_times_leaves_no_file_open(store):
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("open files are counted in /proc")
    read(store)
    before = len(list(folder.iterdir()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(200):
            read(store)
            open_tree(store)
    assert len(list(folder.iterdir())) <= before + 2


def test_several_threads_read_one_opened_store(store):
    array = open_tree(store).to_dataset()["a"]
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda _: array.copy().values, range(40))
        assert all(np.array_equal(values, NUMBERS) for values in found)


def test_publishing_what_lacks_a_chunk_is_refused(tmp_path):
    path = tmp_path / "a.zarr.zip"
    partial = partial_of(path)
    add_dataset(xr.Dataset({"a": ("row", np.zeros(4))}), partial)
    (partial / "a/c/0").unlink()
    with pytest.raises(FileNotFoundError):
        publish(partial, path)
    assert not path.exists() and not (partial / "packed.zip").exists()


def test_data_come_back_as_written(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 1, 4, 4)).astype(np.float32)
    labels = {
        "y": Label(np.arange(20) % 3, ("a", "b", "c")),
        "odd": Label(np.arange(20) % 2, ("0", "1")),
    }
    data = Data(x, labels, np.arange(15), np.arange(15, 20), {"units": "bit"})
    write_data(data, tmp_path / "d.zarr.zip")
    again = read_data(tmp_path / "d.zarr.zip")
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
        (seed, epoch, layer): LayerInformation(
            Information(
                seed + 0.5,
                Interval(0.0, math.inf, "proven"),
                cap=8.0,
                flags=("saturated",) * seed,
            ),
            Information(-0.25, why_none="sample"),
            {"h": 1.0},
        )
        for seed in (0, 1)
        for epoch in (0, 7)
        for layer in ("z", "a")
    }
    path = tmp_path / "i.zarr.zip"
    about = {"n_inputs": 9, "after": {"z": ["input"], "a": ["z"]}}
    entropies = {
        (seed, epoch): (8.0 + epoch, 1.0 - seed) for seed in (0, 1) for epoch in (0, 7)
    }
    write_information(records, [0, 1, 5], [0, 7], ["z", "a"], about, path, entropies=entropies)
    table, attributes = read_information(path)
    assert isinstance(table, pd.DataFrame) and len(table) == 3 * 2 * 2
    assert attributes == {**about, "units": "bit", "kind": "information"}
    assert table["layer"].tolist() == ["z", "a"] * 6
    first = table.iloc[0]
    assert (first.ixt, first.ity, first.ixt_cap, first.h) == (0.5, -0.25, 8.0, 1.0)
    assert (first.ixt_interval_low, first.ixt_interval_high) == (0, math.inf)
    assert (first.ixt_interval_kind, first.ity_interval_kind) == ("proven", "none")
    assert (first.ixt_why_none, first.ity_why_none) == ("", "sample")
    assert np.isnan(first.ity_interval_low)
    again, _ = read_records(path)
    assert again.keys() == records.keys()
    assert all(again[key].ixt.interval == records[key].ixt.interval for key in records)
    assert {one.ity.why_none for one in again.values()} == {"sample"}
    assert attributes["after"] == about["after"]
    of = table[table.seed != 5].drop_duplicates(["seed", "epoch"])
    assert of.entropy_x.tolist() == [8, 15] * 2 and of.entropy_y.tolist() == [1, 1, 0, 0]
    assert table[table.seed == 1]["flags"].unique().tolist() == ["saturated"]
    failed = table[table.seed == 5]
    assert failed["flags"].unique().tolist() == ["training_failed"] and failed.ixt.isna().all()


def test_a_store_without_reasons_is_read(tmp_path):
    record = LayerInformation(Information(1.0), Information(0.5, why_none="sample"))
    path, old = tmp_path / "i.zarr.zip", tmp_path / "old.zarr.zip"
    write_information({(0, 0, "a"): record}, [0], [0], ["a"], {}, path, entropies={})
    dataset = infoplane.open(path).to_dataset().load()
    assert dataset.ity_why_none.attrs["in_words"][dataset.ity_why_none.item()].endswith(
        "only a sample"
    )
    save_dataset(dataset.drop_vars(["ixt_why_none", "ity_why_none"]), old, "information")
    assert read_information(old)[0].ity_why_none.tolist() == [""]
    again = read_records(old)[0][0, 0, "a"].ity
    assert (again.value, again.why_none) == (0.5, "")


def test_curves_come_back_and_leave_the_table_as_it_is(tmp_path):
    curves = {
        (0, 0, "z"): (((0, 0.0), (50, 1.25), (80, 1.0)), ()),
        (0, 4, "z"): (((0, 1.0), (50, float("inf"))), ((0, 0.5),)),
        (0, 4, "a"): ((), ((0, -0.5), (20, 0.25))),
    }
    records = {
        key: LayerInformation(Information(1.5, curve=of_x), Information(0.5, curve=of_y))
        for key, (of_x, of_y) in curves.items()
    }
    path, plain = tmp_path / "i.zarr.zip", tmp_path / "plain.zarr.zip"
    given = [0], [0, 4], ["z", "a"], {}
    write_information(records, *given, path, entropies={})
    without = {
        key: LayerInformation(*(replace(one, curve=()) for one in record[:2]))
        for key, record in records.items()
    }
    write_information(without, *given, plain, entropies={})
    pd.testing.assert_frame_equal(read_information(path)[0], read_information(plain)[0])
    assert read_curves(plain).empty
    table = read_curves(path)
    assert list(table) == ["seed", "epoch", "layer", "quantity", "step", "bound"]
    found = {
        (*key, quantity): tuple(zip(part.step, part.bound, strict=True))
        for (*key, quantity), part in table.groupby(["seed", "epoch", "layer", "quantity"])
    }
    expected = {
        (*key, quantity): curve
        for key, both in curves.items()
        for quantity, curve in zip(("ixt", "ity"), both, strict=True)
        if curve
    }
    assert found == expected
    again, _ = read_records(path)
    assert {key: tuple(one.curve for one in record[:2]) for key, record in again.items()} == (
        curves
    )


def test_activations_come_back_block_by_block(tmp_path):
    writer = ActivationsWriter(tmp_path / "t.zarr.zip", {"a": 3, "b": 2}, [4, 5], [0, 9], 6)
    values = np.random.default_rng(0).normal(size=(2, 2, 6, 3)).astype(np.float32)
    writer.write("a", [4, 5], [0], values[:, :1])
    writer.write("a", [4, 5], [9], values[:, 1:])
    writer.write("b", [4, 5], [0, 9], values[..., :2])
    writer.finish({})
    store = ActivationsStore(tmp_path / "t.zarr.zip")
    assert np.array_equal(store.read("a", [9], [5]), values[1:, 1:])
    assert np.array_equal(store.read("b", [0, 9], [4, 5]), values[..., :2])
