"""Publishing, opening and verifying stores.

A store is written beside its place and moved into it when whole, so what stands in the place
is complete. A manifest inside lists every file with its size, and a digest of the metadata:
Zarr takes a missing chunk for a chunk of fill values, so absence must be seen before reading.
Damage inside a chunk is seen by the chunk's own CRC-32C when it is read.
"""

import hashlib
import json
import shutil
import warnings
import zipfile
from contextlib import contextmanager
from pathlib import Path

import xarray as xr
from zarr.codecs import Crc32cCodec, ZstdCodec

MANIFEST = "manifest.json"
COMPRESSORS = (ZstdCodec(level=3), Crc32cCodec())


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


def publish(partial: Path, path: Path) -> None:
    """Move a finished store into its place, with its manifest."""
    (partial / MANIFEST).write_text(json.dumps(_manifest(partial), indent=0))
    if path.exists():
        shutil.rmtree(path)
    partial.rename(path)


def verify(path: Path) -> None:
    """Raise StoreError where a file of the store is missing, of another size, or new."""
    if not path.is_dir():
        raise StoreError(f"{path} does not exist; the workflow makes it: snakemake --cores all")
    try:
        written = json.loads((path / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise damaged(path, f"its {MANIFEST} cannot be read ({error})") from error
    found = _manifest(path)
    if found == written:
        return
    sizes, now = written.get("files", {}), found["files"]
    changed = sorted(f for f in sizes.keys() | now.keys() if sizes.get(f) != now.get(f))
    what = f"missing or changed files: {', '.join(changed[:3])}" if changed else "its metadata"
    raise damaged(path, what + (f" and {len(changed) - 3} more" if len(changed) > 3 else ""))


def open_tree(path: Path) -> xr.DataTree:
    """The store as an xarray tree, opened lazily, after verification."""
    verify(path)
    with reading(path), warnings.catch_warnings():
        # Zarr remarks that the manifest and Snakemake's timestamp are no members of a store.
        warnings.filterwarnings("ignore", message="Object at .* is not recognized")
        return xr.open_datatree(path, engine="zarr", consolidated=False, chunks=None)


def save_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write a small dataset as a whole store."""
    partial = partial_of(path)
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    encoding = {name: {"compressors": COMPRESSORS} for name in dataset.variables}
    dataset.to_zarr(partial, zarr_format=3, consolidated=False, encoding=encoding)
    publish(partial, path)


@contextmanager
def reading(path: Path):
    """Turn whatever Zarr raises on damaged bytes into a StoreError that names the store."""
    try:
        yield
    except (ValueError, OSError, KeyError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, StoreError):
            raise
        raise damaged(path, f"{type(error).__name__}: {error}") from error


def _manifest(store: Path) -> dict:
    # Snakemake leaves a timestamp file of its own inside directory outputs.
    files = sorted(
        file
        for file in store.rglob("*")
        if file.is_file() and file.name not in (MANIFEST, ".snakemake_timestamp")
    )
    digest = hashlib.sha256()
    for file in files:
        if file.name == "zarr.json":
            digest.update(file.read_bytes())
    sizes = {str(file.relative_to(store)): file.stat().st_size for file in files}
    return {"files": sizes, "metadata": digest.hexdigest()}
