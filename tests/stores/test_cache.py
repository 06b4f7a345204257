"""The cache: equal stores are made once, what is damaged is made anew, writers take turns."""

import subprocess
import sys
import threading
import zipfile

import numpy as np
import pytest
import xarray as xr

from infoplane.stores.archive import StoreError, verify
from infoplane.stores.cache import DEFAULT, Cache
from infoplane.stores.files import open_tree, save_dataset
from infoplane.stores.locks import lock_of, writing


def make(path, value=1.0):
    save_dataset(xr.Dataset({"a": ("row", np.full(1000, value))}), path, "numbers")


def flip(file, at):
    """A bit of the byte there."""
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.unlink()  # what is linked to it stays whole
    file.write_bytes(content)


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
    one, other = tmp_path / "one" / "a.zarr.zip", tmp_path / "other" / "b.zarr.zip"
    assert [shared(cache, one), shared(cache, other)] == [False, True]
    assert open_tree(other)["a"].values.tolist() == [1.0] * 1000
    verify(other, whole=True)
    assert one.samefile(other)  # no disk for the second
    assert shared(cache, tmp_path / "c.zarr.zip", key="another") is False


def test_what_is_kept_outlives_the_store_it_came_from(cache, tmp_path):
    shared(cache, tmp_path / "a.zarr.zip")
    subprocess.run(["rm", "-r", tmp_path / "a.zarr.zip"], check=True)
    assert shared(cache, tmp_path / "a.zarr.zip")
    assert open_tree(tmp_path / "a.zarr.zip")["a"].values[0] == 1.0


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "directory"])
def test_a_damaged_entry_is_thrown_away_and_made_anew(cache, tmp_path, damage, caplog):
    shared(cache, tmp_path / "a.zarr.zip")
    entry = cache.place("weights", "k")
    flip(entry, -30 if damage == "directory" else 500)
    if damage in ("truncate", "empty"):
        entry.write_bytes(entry.read_bytes()[:-1] if damage == "truncate" else b"")
    subprocess.run(["rm", "-r", tmp_path / "a.zarr.zip"], check=True)
    assert shared(cache, tmp_path / "b.zarr.zip") is False
    verify(entry, whole=True)
    assert open_tree(tmp_path / "b.zarr.zip")["a"].values[-1] == 1.0


def test_a_failed_attempt_keeps_nothing(cache, tmp_path):
    with pytest.raises(ZeroDivisionError), cache.sharing("weights", "k", tmp_path / "a"):
        raise ZeroDivisionError
    assert not cache.place("weights", "k").exists()
    assert shared(cache, tmp_path / "a.zarr.zip") is False


def test_the_environment_says_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.delenv("INFOPLANE_CACHE", raising=False)
    assert Cache.of_environment().root == DEFAULT
    monkeypatch.setenv("INFOPLANE_CACHE", str(tmp_path))
    assert Cache.of_environment().root == tmp_path
    monkeypatch.setenv("INFOPLANE_CACHE", "off")
    off = Cache.of_environment()
    assert off.root is None
    assert [shared(off, tmp_path / "a.zarr.zip"), shared(off, tmp_path / "b.zarr.zip")] == [
        False
    ] * 2


def test_a_cache_that_cannot_be_written_fails_no_job(tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert shared(Cache(tmp_path / "cache"), tmp_path / "a.zarr.zip") is False
    verify(tmp_path / "a.zarr.zip", whole=True)


def test_of_two_that_want_the_same_one_makes_it(cache, tmp_path):
    made, start = [], threading.Barrier(4)

    def job(i):
        start.wait()
        with cache.sharing("weights", "k", tmp_path / f"{i}.zarr.zip") as taken:
            if not taken:
                made.append(i)
                make(tmp_path / f"{i}.zarr.zip")

    jobs = [threading.Thread(target=job, args=(i,)) for i in range(4)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join()
    assert len(made) == 1
    for i in range(4):
        verify(tmp_path / f"{i}.zarr.zip", whole=True)


HOLDER = """
import sys, time
from pathlib import Path
from infoplane.stores.locks import writing
with writing(Path(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_holds_up_nobody_and_leaves_no_file(tmp_path):
    path = tmp_path / "a.zarr.zip"
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


def test_whole_verification_sees_what_opening_does_not(tmp_path):
    path = tmp_path / "a.zarr.zip"
    make(path)
    with zipfile.ZipFile(path) as archive:
        chunk = archive.getinfo("a/c/0")
    flip(path, chunk.header_offset + 50)
    verify(path)
    with pytest.raises(StoreError, match=r"a\.zarr\.zip is damaged: changed member: a/c/0"):
        verify(path, whole=True)
