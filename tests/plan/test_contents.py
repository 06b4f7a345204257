"""A user's files by what they hold: replaced, moved, renamed, and only touched."""

import os

import pytest

from infoplane.plan.contents import digest_of_contents
from infoplane.stores.cache import Cache


@pytest.fixture
def folder(tmp_path):
    """A folder of two classes of images, as far as a digest cares."""
    for name in ("cats/1.png", "cats/2.png", "dogs/1.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).write_text(name)
    return tmp_path / "images"


@pytest.fixture
def digest(tmp_path):
    cache = Cache(tmp_path / "cache")
    return lambda *paths: digest_of_contents(paths, cache)


def test_a_file_moved_into_the_place_of_another_counts_though_it_is_older(tmp_path, digest):
    mine, older = tmp_path / "mine.npz", tmp_path / "older.npz"
    older.write_bytes(b"abd")
    mine.write_bytes(b"abc")
    os.utime(older, ns=(0, mine.stat().st_mtime_ns))  # of the same size and date
    before = digest(mine)
    older.replace(mine)
    assert digest(mine) != before


def test_dates_and_places_do_not_count(folder, tmp_path, digest):
    before = digest(folder)
    for file in folder.rglob("*"):
        os.utime(file, (0, 0))
    assert digest(folder) == before
    folder.rename(tmp_path / "elsewhere")
    assert digest(tmp_path / "elsewhere") == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cats/1.png").write_text("another"),
        lambda folder: (folder / "cats/1.png").rename(folder / "dogs/2.png"),
        lambda folder: (folder / "cats/1.png").unlink(),
        lambda folder: (folder / "cats").rename(folder / "lions"),
    ],
)
def test_what_a_folder_holds_counts(folder, digest, change):
    before = digest(folder)
    change(folder)
    assert digest(folder) != before


def test_hidden_files_do_not_count(folder, digest):
    before = digest(folder)
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "1.png").write_text("left")
    (folder / "cats" / ".DS_Store").write_text("left")
    assert digest(folder) == before


def test_files_are_read_once(folder, digest, monkeypatch):
    before = digest(folder)
    monkeypatch.setattr("infoplane.plan.contents._digest_of", None)  # would fail
    assert digest(folder) == before


@pytest.mark.parametrize("left", ["", "{", "[]", '{"a": 1}'])
def test_a_damaged_memory_is_not_trusted(folder, tmp_path, digest, left):
    before = digest(folder)
    (tmp_path / "cache" / "contents.json").write_text(left)
    assert digest(folder) == before
