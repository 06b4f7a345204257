"""A finished store as one file: a Zarr store in a zip whose members are not compressed again.

The zip's own directory says which members there are, its CRC-32 whether they are whole. Zarr
takes a missing chunk for a chunk of fill values, so at opening the directory has to list every
chunk that the metadata speak of. The root's metadata hold those of all groups and arrays; it is
the first member. Nothing here needs Zarr: plans look at many thousands of stores.
"""

import json
import math
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

SUFFIX = ".zarr.zip"
ROOT = "zarr.json"
KIND = "kind"
"""Attribute of a store: what it is of."""
DATED = (1980, 1, 1, 0, 0, 0)
"""Of every member: what is the same gives the same file."""
BUFFER = 2**20
DAMAGES = (
    *(ValueError, OSError, LookupError, RuntimeError, EOFError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""What zipfile, json and Zarr raise on damaged bytes."""


class StoreError(RuntimeError):
    """A store is absent, unfinished or damaged; the message names it and says what to do.

    reason : what is damaged, by itself
    """

    reason = ""


def damaged(path: Path, reason: str) -> StoreError:
    """The error for a store that cannot be trusted."""
    error = StoreError(
        f"{path} is damaged: {reason}. Remove it (rm -r '{path}') and start the workflow "
        "again; it will be made anew"
    )
    error.reason = reason
    return error


@contextmanager
def reading(path: Path):
    """Turn whatever is raised on damaged bytes into a StoreError that names the store."""
    try:
        yield
    except DAMAGES as error:
        if isinstance(error, StoreError):
            raise
        raise damaged(path, f"{type(error).__name__}: {error}") from error


def name_of(path: Path) -> str:
    """A store's name without its suffix, 'seeds-0-9'."""
    return path.name.removesuffix(SUFFIX)


def partial_of(path: Path) -> Path:
    """The folder in which a store is written before it is whole."""
    return path.with_name(path.name + ".partial")


def pack(folder: Path, file: Path) -> None:
    """Write the store that stands in a folder as one zip that is safe on the disk.

    Files that are no members are left out. Raises FileNotFoundError where a member is missing.
    """
    root = json.loads((folder / ROOT).read_text(encoding="utf-8"))
    with file.open("wb") as stream:
        with zipfile.ZipFile(stream, "w") as archive:
            for name in _members(root):
                about = zipfile.ZipInfo(name, DATED)
                about.external_attr = 0o644 << 16
                about.file_size = (folder / name).stat().st_size
                with (folder / name).open("rb") as source, archive.open(about, "w") as member:
                    shutil.copyfileobj(source, member, BUFFER)
        stream.flush()
        os.fsync(stream.fileno())


def verify(path: Path, kind: str = "", whole: bool = False) -> dict:
    """The root's metadata of a store; reads the zip's directory and that one member.

    kind : what it has to be a store of
    whole : read every member and compare its CRC-32 as well
    Raises StoreError where the file is absent, cut short, no store, or lacks a member or has
    one too many.
    """
    if not path.exists():
        raise StoreError(f"{path} does not exist; the workflow makes it: snakemake --cores all")
    with reading(path), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type or member.compress_size != member.file_size:
                raise damaged(path, f"its directory has changed at {member.filename}")
        root = json.loads(archive.read(ROOT))
        if not isinstance(root, dict):
            raise damaged(path, f"its {ROOT} is none of a store")
        if kind and kind != (found := root["attributes"].get(KIND)):
            raise damaged(path, f"it is a store of {found or 'something'}, not of {kind}")
        there, expected = set(archive.namelist()), set(_members(root))
        if there != expected:
            wrong = sorted(there ^ expected)
            raise damaged(path, f"missing or changed members: {_few(wrong)}")
        if whole and (first := archive.testzip()):
            raise damaged(path, f"changed member: {first}")
    return root


def attributes(path: Path) -> dict:
    """The attributes of a store's root, read without a look at anything else.

    Raises StoreError where they cannot be read.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(ROOT))["attributes"]


def inside(root: dict) -> dict[str, dict]:
    """The metadata of all groups and arrays by their path, out of the root's."""
    return (root.get("consolidated_metadata") or {})["metadata"]


def _members(root: dict) -> Iterator[str]:
    """The names of all members of the store with this metadata."""
    yield ROOT
    for name, about in sorted(inside(root).items()):
        yield f"{name}/{ROOT}"
        if about["node_type"] == "array":
            yield from (f"{name}/{key}" for key in _chunks(about))


def _chunks(array: dict) -> Iterator[str]:
    """The keys of an array's chunks, or of its shards."""
    sizes = array["chunk_grid"]["configuration"]["chunk_shape"]
    numbers = [math.ceil(n / of) for n, of in zip(array["shape"], sizes, strict=True)]
    separator = array["chunk_key_encoding"]["configuration"]["separator"]
    for at in product(*map(range, numbers)):
        yield separator.join(["c", *map(str, at)])


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def sync(path: Path) -> None:
    """Have the disk know what is in a file, or which files a folder has."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
