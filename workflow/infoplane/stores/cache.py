"""Finished stores by what made them, so that equal work is done once.

    <cache>/<kind>/<key>.zarr.zip        kind: datasets, weights

An experiment may need a store that another one has made, in this working directory or in
another on the same file system. It gets a hard link to it, or a copy if links are not possible.
The key is a digest of all that decides the result: settings, sources, data, seeds, package
versions. A store from the cache is compared with its checksums first; if they differ, it is
thrown away and made again.

Why not `snakemake --cache`: it refuses rules with `benchmark:`, and its key leaves out the
modules that a script imports.

INFOPLANE_CACHE gives the cache's folder ("off": none); the default is results/.cache. You may
remove any part of it at any time.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from shutil import copyfile, rmtree

from infoplane.progress import announce
from infoplane.stores.archive import SUFFIX, StoreError, verify
from infoplane.stores.locks import writing

log = logging.getLogger(__name__)

VARIABLE = "INFOPLANE_CACHE"
DEFAULT = Path("results/.cache")


class Cache:
    """A folder of finished stores; root None: nothing is kept."""

    def __init__(self, root: Path | None):
        self.root = root

    @classmethod
    def of_environment(cls) -> "Cache":
        """The cache that INFOPLANE_CACHE names, or the one of the working directory."""
        chosen = os.environ.get(VARIABLE, "")
        if chosen.lower() == "off":
            return cls(None)
        return cls(Path(chosen).expanduser() if chosen else DEFAULT)

    def place(self, kind: str, key: str) -> Path:
        """The path of a store of this kind and key."""
        return self.root / kind / f"{key}{SUFFIX}"

    @contextmanager
    def sharing(self, kind: str, key: str, path: Path) -> Iterator[bool]:
        """Take the store at `path` from the cache, or let the body make it, and keep it.

        Yields whether it was taken. If several processes want the same store, one makes it and
        the others wait.
        """
        if self.root is None:
            yield False
            return
        place = self.place(kind, key)
        with self._turn(place, path):
            taken = self._take(place, path)
            yield taken
            if not taken:
                self._keep(path, place)

    def _turn(self, place: Path, path: Path):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(place.parent, os.W_OK):
                raise PermissionError(f"{place.parent} is read-only")
        except OSError as error:
            log.info("nothing can be written to the cache: %s", error)
            return nullcontext()
        return writing(place, what=str(path))

    def _take(self, place: Path, path: Path) -> bool:
        if not place.exists():
            return False
        try:
            verify(place, whole=True)
        except StoreError as error:
            announce(str(path), f"made again: the copy in the cache is unusable: {error}")
            place.unlink(missing_ok=True)
            return False
        with writing(path):
            _link(place, path)
        announce(str(path), f"taken from the cache, {place}")
        return True

    def _keep(self, path: Path, place: Path) -> None:
        try:
            _link(path, place)
        except OSError as error:
            # The result itself is there.
            log.warning("%s is not kept in the cache: %s", path, error)


def _link(source: Path, place: Path) -> None:
    """The same store in another place, in one step: linked, or copied."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f".{place.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        # only the owner of a file may set its date, and Snakemake sets the dates of a job's
        # files
        if source.stat().st_uid != os.geteuid():
            raise PermissionError(f"{source} belongs to another user")
        os.link(source, fresh)
    except OSError:  # that, or another file system
        copyfile(source, fresh)
    try:
        if place.is_dir():  # a folder or file that is not a store, in its place
            rmtree(place)
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)  # a link to the same file is not moved
