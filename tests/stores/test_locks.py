"""Disks that refuse to be written are named, with the store and what to do."""

import errno
import os
import subprocess

import pytest

from infoplane.stores.locks import Refused, writing


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk that holds .* is full. Free some"),
        (errno.EDQUOT, "is full"),
        (errno.EROFS, r"Read-only file system \(there\). Make it writable"),
        (errno.EACCES, "Permission denied"),
    ],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_refusal_names_the_store_and_says_what_to_do(tmp_path, number, said, hidden):
    path = tmp_path / "w.zarr.zip"
    refusal = OSError(number, os.strerror(number), "there")
    with pytest.raises(Refused, match=f"{path} cannot be written: .*{said}"), writing(path):
        try:
            raise refusal
        except OSError as error:
            if hidden:  # as a library that wraps it would
                raise ValueError("zip file is open") from error
            raise
    with writing(path):
        pass


def test_the_innermost_store_is_the_one_that_is_named(tmp_path):
    inner = tmp_path / "inner.zarr.zip"
    full = OSError(errno.ENOSPC, "full")
    outer = writing(tmp_path / "outer.zarr.zip")
    with pytest.raises(Refused, match=f"^{inner} cannot"), outer, writing(inner):
        raise full


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(KeyError), writing(tmp_path / "w.zarr.zip"):
        raise KeyError("x")
    with pytest.raises(FileNotFoundError), writing(tmp_path / "w.zarr.zip"):
        (tmp_path / "none").read_text()


def test_a_read_only_folder_is_named(tmp_path):
    mount = subprocess.run(["mount", "--bind", tmp_path, tmp_path], capture_output=True)
    if mount.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", tmp_path], check=True)
        path = tmp_path / "w.zarr.zip"
        said = f"{path} cannot be written: Read-only"
        with pytest.raises(Refused, match=said), writing(path):
            pass
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)
