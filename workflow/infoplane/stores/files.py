"""Write and open stores, through Zarr and xarray.

A store is written as a folder next to its final path. Once it is whole, it is packed into one
file at that path (archive.py). A reader detects damage inside a chunk by the member's CRC-32.
It reads only parts of a shard, and detects damage there by the CRC-32C of index and chunk.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import xarray as xr
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from infoplane.stores.archive import KIND, pack, partial_of, reading, sync, verify
from infoplane.stores.locks import writing

WHOLE = {"write_empty_chunks": True}
"""Arrays are written so that a missing chunk means a lost chunk."""
PACKED = "packed.zip"


def compressors() -> tuple[ZstdCodec, Crc32cCodec]:
    """What compresses a chunk, and what finds damage in it."""
    return ZstdCodec(level=3), Crc32cCodec()


def written_whole():
    """A context in which arrays that are opened again are written with WHOLE."""
    return zarr.config.set({f"array.{key}": value for key, value in WHOLE.items()})


def publish(partial: Path, path: Path) -> None:
    """Pack a finished store into one file, and move the file into its place.

    The caller holds the lock of `path` (locks.writing). A kill at any moment leaves either the
    folder as it was, with its other files, or the finished store.
    """
    _consolidate(partial)
    packed = partial / PACKED
    try:
        pack(partial, packed)
    except OSError:
        packed.unlink(missing_ok=True)  # a full disk needs the space
        raise
    if path.is_dir():  # a folder or file that is not a store, in its place
        shutil.rmtree(path)
    packed.replace(path)
    sync(path.parent)
    shutil.rmtree(partial)


def open_tree(path: str | Path, kind: str = "") -> xr.DataTree:
    """The store as an xarray tree, opened lazily, after verification.

    kind : the required kind of the store
    Raises StoreError if it is absent, damaged or of another kind.

    Examples
    --------
    >>> import infoplane
    >>> path = "results/default/runs/tanh/information/binned/seeds-0-9.zarr.zip"
    >>> tree = infoplane.open(path)
    >>> tree["ixt"].dims
    ('seed', 'epoch', 'layer')
    >>> tree["ixt"].attrs["units"]
    'bit'
    """
    from infoplane.stores.members import Members  # here: a plan does without Zarr

    path = Path(path)
    verify(path, kind)
    with reading(path):
        return xr.open_datatree(Members(path), engine="zarr", consolidated=True, chunks=None)


def save_dataset(dataset: xr.Dataset, path: Path, kind: str) -> None:
    """Write a small dataset as a whole store of this kind."""
    with writing(path):
        partial = partial_of(path)
        shutil.rmtree(partial, ignore_errors=True)
        add_dataset(dataset.assign_attrs({KIND: kind}), partial)
        publish(partial, path)


def add_dataset(dataset: xr.Dataset, partial: Path, group: str | None = None) -> None:
    """Add a dataset to a folder that will be published, with checksums, which xarray's own
    encoding of axes lacks."""
    dataset.to_zarr(
        partial,
        group=group,
        mode="a",
        zarr_format=3,
        consolidated=False,
        encoding={name: {"compressors": compressors()} for name in dataset.variables},
        **WHOLE,
    )


def _consolidate(partial: Path) -> None:
    """Copy all metadata into the root's, so that one read opens the store."""
    with warnings.catch_warnings():
        # an addition of Zarr to version 3 of its format; readers without it ignore it
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        warnings.filterwarnings("ignore", message="Object at .* is not recognized")
        zarr.consolidate_metadata(partial)
