"""Compiled functions: kept on disk where that can be, and right where it cannot."""

import errno
import importlib.util
import sys
from pathlib import Path

import numba
import pytest
from numba.core.caching import CacheImpl, IndexDataCacheFile

from infoplane import compiled as module

LIBRARY = Path(module.__file__).parent

CALLS = """
from infoplane.compiled import compiled
from called_by_a_test import inner

@compiled(nogil=True)
def outer(x):
    return inner(x)
"""
CALLED = """
import numba

@numba.njit
def inner(x):
    return x + {}
"""


@pytest.fixture
def outer(tmp_path, monkeypatch):
    """outer(added): a compiled function that calls one of another file, as if newly started."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    # Files are written anew within a second, which Python's own compiled modules do not tell.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "calls.py").write_text(CALLS, encoding="utf-8")
    module._say.cache_clear()

    def imported(name, file):
        spec = importlib.util.spec_from_file_location(name, tmp_path / file)
        found = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, found)
        spec.loader.exec_module(found)
        return found

    def made(added=1):
        (tmp_path / "called.py").write_text(CALLED.format(added), encoding="utf-8")
        imported("called_by_a_test", "called.py")
        return imported("calls_in_a_test", "calls.py").outer

    return made


def hits(function) -> int:
    return function.stats.cache_hits.total()


def test_compiled_code_is_kept(outer):
    assert outer()(1) == 2
    again = outer()
    assert again(1) == 2 and hits(again) == 1


def test_function_that_calls_a_changed_one_is_compiled_anew(outer):
    assert outer(1)(1) == 2
    assert outer(5)(1) == 6


def test_a_first_use_says_that_it_compiles_and_a_second_does_not(outer, caplog):
    module._say.cache_clear()
    assert outer()(1) == 2
    assert [record.getMessage() for record in caplog.records] == [module.FIRST_USE]
    module._say.cache_clear()
    assert outer()(1) == 2
    assert len(caplog.records) == 1


def test_without_a_folder_it_computes_and_names_the_remedy_once(outer, monkeypatch, caplog):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])  # none finds one that can be written
    assert outer()(1) == 2 and outer()(1) == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Set NUMBA_CACHE_DIR" in caplog.text


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_damaged_code_is_compiled_and_kept_anew(outer, tmp_path, ending):
    outer()(1)
    for file in (tmp_path / "kept").rglob(f"outer*.{ending}"):
        file.write_bytes(file.read_bytes()[:40])
    assert outer()(1) == 2
    again = outer()
    assert again(1) == 2 and hits(again) == 1


def test_full_disk_ends_no_computation(outer, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "save", full)
    assert outer()(1) == 2
    assert "No space left" in caplog.text and "NUMBA_CACHE_DIR" in caplog.text


def test_library_keeps_compiled_code_in_this_way_alone():
    texts = {path: path.read_text(encoding="utf-8") for path in LIBRARY.rglob("*.py")}
    assert not [str(path) for path, text in texts.items() if "cache=True" in text]
