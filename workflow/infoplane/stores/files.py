"""Publishing, opening and verifying stores.

A store is written beside its place and moved into it when whole, so what stands in the place
is complete. A sealed manifest inside lists every file with its size and digest, and a digest
of the metadata: Zarr takes a missing chunk for a chunk of fill values, so absence must be seen
before reading. Damage inside a chunk is seen by the chunk's own CRC-32C when it is read; a
store that is copied is compared with the digests.
"""

import hashlib
import json
import os
import shutil
import warnings
import zipfile
from collections.abc import Collection, Sequence
from contextlib import contextmanager
from pathlib import Path

import xarray as xr
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from infoplane.stores.locks import writing

MANIFEST = "manifest.json"
COMPRESSORS = (ZstdCodec(level=3), Crc32cCodec())
CHUNK_KEYS = {"name": "default", "separator": "."}
"""Chunks are files in the folder of their array: folders of their own were 40 % of all that a
run leaves, and file systems of clusters limit files and folders together."""


class StoreError(RuntimeError):
    """A store is absent, unfinished or damaged; the message names it and says what to do."""


def damaged(path: Path, reason: str) -> StoreError:
    """The error for a store that cannot be trusted."""
    return StoreError(
        f"{path} is damaged: {reason}. Remove it (rm -r '{path}') and start the workflow "
        "again; it will be made anew"
    )


def partial_of(path: Path) -> Path:
    """Where a store is written before it is whole."""
    return path.with_name(path.name + ".partial")


def publish(partial: Path, path: Path, scaffold: Collection[str] = ()) -> None:
    """Move a finished store into its place, with its manifest.

    The caller holds the lock of `path` (locks.writing).
    scaffold : files directly inside that are no part of the store; removed last, so that a
        kill before that leaves what a resumed job needs
    """
    _consolidate(partial)
    files = [file for file in files_of(partial) if file.name not in scaffold]
    manifest = _manifest(partial, files) | {"digests": _digests(partial, files)}
    with (partial / MANIFEST).open("w", encoding="utf-8") as file:
        file.write(json.dumps(manifest | {"seal": _seal(manifest)}, indent=0))
        file.flush()
        os.fsync(file.fileno())
    for name in scaffold:
        (partial / name).unlink(missing_ok=True)
    # Aside first: at no moment does half a store stand in the place.
    old = path.with_name(path.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    partial.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def verify(path: Path, whole: bool = False) -> None:
    """Raise StoreError where a file of the store is missing, of another size, or new.

    whole : read every file and compare its digest as well
    """
    if not path.is_dir():
        raise StoreError(f"{path} does not exist; the workflow makes it: snakemake --cores all")
    try:
        written = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        sealed = written.pop("seal") == _seal(written)
        digests = written.pop("digests")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise damaged(path, f"its {MANIFEST} cannot be read ({error})") from error
    if not sealed:
        raise damaged(path, f"its {MANIFEST} has changed")
    with reading(path):
        files = files_of(path)
        found = _manifest(path, files)
    if found != written:
        sizes, now = written.get("files", {}), found["files"]
        changed = sorted(f for f in sizes.keys() | now.keys() if sizes.get(f) != now.get(f))
        what = f"missing or changed files: {_few(changed)}" if changed else "its metadata"
        raise damaged(path, what)
    if whole:
        with reading(path):
            now = _digests(path, files)
        changed = sorted(f for f in digests.keys() | now.keys() if digests.get(f) != now.get(f))
        if changed:
            raise damaged(path, f"changed files: {_few(changed)}")


def open_tree(path: str | Path) -> xr.DataTree:
    """The store as an xarray tree, opened lazily, after verification.

    Raises StoreError where it is absent, unfinished or damaged.
    """
    path = Path(path)
    verify(path)
    with reading(path), warnings.catch_warnings():
        # Zarr remarks that the manifest and Snakemake's timestamp are no members of a store.
        warnings.filterwarnings("ignore", message="Object at .* is not recognized")
        return xr.open_datatree(path, engine="zarr", consolidated=False, chunks=None)


def save_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write a small dataset as a whole store."""
    with writing(path):
        partial = partial_of(path)
        shutil.rmtree(partial, ignore_errors=True)
        dataset.to_zarr(partial, zarr_format=3, consolidated=False, encoding=encoding(dataset))
        publish(partial, path)


def encoding(dataset: xr.Dataset) -> dict[str, dict]:
    """How xarray writes every variable of a store: with checksums, which its own choice for
    axes has not."""
    return {
        name: {"compressors": COMPRESSORS, "chunk_key_encoding": CHUNK_KEYS}
        for name in dataset.variables
    }


@contextmanager
def reading(path: Path):
    """Turn whatever Zarr raises on damaged bytes into a StoreError that names the store."""
    try:
        yield
    except (ValueError, OSError, KeyError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, StoreError):
            raise
        raise damaged(path, f"{type(error).__name__}: {error}") from error


def files_of(store: Path) -> list[Path]:
    """Every file of a store but its manifest; Snakemake leaves a timestamp of its own."""
    return sorted(
        file
        for file in store.rglob("*")
        if file.is_file() and file.name not in (MANIFEST, ".snakemake_timestamp")
    )


def _consolidate(store: Path) -> None:
    """Copy all metadata into the root's: who opens the store by other means than `open_tree`
    then lists no folders, and gets no warning for the files in them that are not Zarr's."""
    with warnings.catch_warnings():
        # Zarr's own addition to version 3 of its format; readers that lack it leave it aside
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        warnings.filterwarnings("ignore", message="Object at .* is not recognized")
        zarr.consolidate_metadata(store)


def _manifest(store: Path, files: Sequence[Path]) -> dict:
    digest = hashlib.sha256()
    for file in files:
        if file.name == "zarr.json":
            digest.update(file.read_bytes())
    sizes = {str(file.relative_to(store)): file.stat().st_size for file in files}
    return {"files": sizes, "metadata": digest.hexdigest()}


def _digests(store: Path, files: Sequence[Path]) -> dict[str, str]:
    return {str(file.relative_to(store)): _digest(file) for file in files}


def _seal(manifest: dict) -> str:
    """Digest of a manifest itself."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:32]


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
