"""The cache: equal stores are made once, what is damaged is made anew, writers take turns."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import xarray as xr

from infoplane.stores.cache import DEFAULT, Cache
from infoplane.stores.files import StoreError, open_tree, save_dataset, verify
from infoplane.stores.locks import lock_of, writing


def make(path, value=1.0):
    save_dataset(xr.Dataset({"a": ("row", np.full(1000, value))}), path)


def shared(cache, path, key="k"):
    """Whether the store was taken; it is made where not."""
    with cache.sharing("weights", key, path) as taken:
        if not taken:
            make(path)
    return taken


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def test_a_store_is_made_once_and_taken_afterwards(cache, tmp_path):
    one, other = tmp_path / "one" / "a.zarr", tmp_path / "other" / "b.zarr"
    assert [shared(cache, one), shared(cache, other)] == [False, True]
    assert open_tree(other)["a"].values.tolist() == [1.0] * 1000
    verify(other, whole=True)
    chunk = next(f for f in one.rglob("*") if f.name.startswith("c."))
    assert chunk.samefile(other / chunk.relative_to(one))  # no disk for the second
    assert shared(cache, tmp_path / "c.zarr", key="another") is False


def test_what_is_kept_outlives_the_store_it_came_from(cache, tmp_path):
    shared(cache, tmp_path / "a.zarr")
    subprocess.run(["rm", "-r", tmp_path / "a.zarr"], check=True)
    assert shared(cache, tmp_path / "a.zarr")
    assert open_tree(tmp_path / "a.zarr")["a"].values[0] == 1.0


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "metadata", "manifest"])
def test_a_damaged_entry_is_thrown_away_and_made_anew(cache, tmp_path, damage, caplog):
    shared(cache, tmp_path / "a.zarr")
    entry = cache.place("weights", "k")
    file = next(f for f in entry.rglob("*") if f.name.startswith("c."))
    if damage in ("metadata", "manifest"):
        file = entry / ("zarr.json" if damage == "metadata" else "manifest.json")
    content = bytearray(file.read_bytes())
    if damage == "delete":
        file.unlink()
    else:
        content[len(content) // 2] ^= 1
        file.write_bytes(content[:-1] if damage == "truncate" else content)
    subprocess.run(["rm", "-r", tmp_path / "a.zarr"], check=True)
    assert shared(cache, tmp_path / "b.zarr") is False
    verify(entry, whole=True)
    assert open_tree(tmp_path / "b.zarr")["a"].values[-1] == 1.0


def test_a_failed_attempt_keeps_nothing(cache, tmp_path):
    with pytest.raises(ZeroDivisionError), cache.sharing("weights", "k", tmp_path / "a"):
        raise ZeroDivisionError
    assert not cache.place("weights", "k").exists()
    assert shared(cache, tmp_path / "a.zarr") is False


def test_the_environment_says_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.delenv("INFOPLANE_CACHE", raising=False)
    assert Cache.of_environment().root == DEFAULT
    monkeypatch.setenv("INFOPLANE_CACHE", str(tmp_path))
    assert Cache.of_environment().root == tmp_path
    monkeypatch.setenv("INFOPLANE_CACHE", "off")
    off = Cache.of_environment()
    assert off.root is None
    assert [shared(off, tmp_path / "a.zarr"), shared(off, tmp_path / "b.zarr")] == [False] * 2


def test_a_cache_that_cannot_be_written_fails_no_job(tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert shared(Cache(tmp_path / "cache"), tmp_path / "a.zarr") is False
    verify(tmp_path / "a.zarr", whole=True)


def test_of_two_that_want_the_same_one_makes_it(cache, tmp_path):
    made, start = [], threading.Barrier(4)

    def job(i):
        start.wait()
        with cache.sharing("weights", "k", tmp_path / f"{i}.zarr") as taken:
            if not taken:
                made.append(i)
                make(tmp_path / f"{i}.zarr")

    jobs = [threading.Thread(target=job, args=(i,)) for i in range(4)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join()
    assert len(made) == 1
    for i in range(4):
        verify(tmp_path / f"{i}.zarr", whole=True)


HOLDER = """
import sys, time
from pathlib import Path
from infoplane.stores.locks import writing
with writing(Path(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_holds_up_nobody_and_leaves_no_file(tmp_path):
    path = tmp_path / "a.zarr"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "holds\n"
    assert lock_of(path).exists()
    got = []

    def write():
        with writing(path) as waited:
            got.append(waited)

    waiting = threading.Thread(target=write)
    waiting.start()
    waiting.join(1)
    assert waiting.is_alive() and not got
    holder.kill()
    waiting.join(30)
    assert got == [True]
    assert not lock_of(path).exists()
    with writing(path) as waited:
        assert waited is False


def test_whole_verification_sees_what_a_look_at_sizes_does_not(tmp_path):
    make(tmp_path / "a.zarr")
    file = next(f for f in (tmp_path / "a.zarr").rglob("*") if f.name.startswith("c."))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    verify(tmp_path / "a.zarr")
    with pytest.raises(StoreError, match=r"a\.zarr is damaged: changed files: a/c\.0"):
        verify(tmp_path / "a.zarr", whole=True)
