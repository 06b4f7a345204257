"""A finished store as one file: a Zarr store in a zip that does not compress its members again.

The zip's directory lists the members, and its CRC-32 sums show whether they are whole. Zarr
reads a missing chunk as fill values, so opening checks that the directory lists every chunk in
the metadata. The root's metadata, the first member, has those of all groups and arrays.
Nothing here needs Zarr, because plans look at many thousands of stores.
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
"""Attribute of a store: its kind."""
DATED = (1980, 1, 1, 0, 0, 0)
"""The date of every member, so that equal content gives an equal file."""
BUFFER = 2**20
DAMAGES = (
    *(ValueError, OSError, LookupError, RuntimeError, EOFError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""What zipfile, json and Zarr raise on damaged bytes."""


class StoreError(RuntimeError):
    """A store is absent, unfinished or damaged. The message names it and says what to do.

    reason : the damage, without the rest of the message
    """

    reason = ""


def damaged(path: Path, reason: str) -> StoreError:
    """The error for a store that cannot be trusted."""
    error = StoreError(
        f"{path} is damaged: {reason}. Remove it (rm -r '{path}') and start the workflow "
        "again, which makes a new one"
    )
    error.reason = reason
    return error


@contextmanager
def reading(path: Path):
    """Turn any error on damaged bytes into a StoreError that names the store."""
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
    """The folder in which a store is written until it is whole."""
    return path.with_name(path.name + ".partial")


def pack(folder: Path, file: Path) -> None:
    """Write the store in a folder as one zip that is safe on the disk.

    It leaves out files that are not members. Raises FileNotFoundError if a member is missing.
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
    """The root's metadata of a store. This reads only the zip's directory and that member.

    kind : the required kind of the store
    whole : read every member and compare its CRC-32 as well
    Raises StoreError if the file is absent, cut short or not a store, or if it lacks a member
    or has one too many.
    """
    if not path.exists():
        raise StoreError(f"{path} does not exist; the workflow makes it: snakemake --cores all")
    with reading(path), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type or member.compress_size != member.file_size:
                raise damaged(path, f"its directory has changed at {member.filename}")
        root = json.loads(archive.read(ROOT))
        if not isinstance(root, dict):
            raise damaged(path, f"its {ROOT} does not belong to a store")
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
    """The attributes of a store's root; nothing else is read.

    Raises StoreError if they cannot be read.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(ROOT))["attributes"]


def inside(root: dict) -> dict[str, dict]:
    """The metadata of all groups and arrays by their path, from the root's."""
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
    """Make the disk store a file's content, or a folder's list of files."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
