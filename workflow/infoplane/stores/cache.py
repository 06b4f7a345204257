"""Finished stores by what they were made from, so that equal work is done once.

    <cache>/<kind>/<key>.zarr.zip        kind: datasets, weights

An experiment that needs a store which another one has made (in this working directory, or in
another on the same file system) gets it as a hard link, or as a copy where links are not
possible. The key is a digest of all that decides the result: settings, sources, data, seeds,
package versions. What is taken out is compared with its checksums first; what does not agree is
thrown away and made anew.

Why not `snakemake --cache`: it refuses rules with `benchmark:`, and its key leaves out the
modules that a script imports.

The cache is where INFOPLANE_CACHE says ("off": nowhere), else results/.cache. Removing any of
it is safe at any time.
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
        """The cache that INFOPLANE_CACHE names, or the working directory's own."""
        chosen = os.environ.get(VARIABLE, "")
        if chosen.lower() == "off":
            return cls(None)
        return cls(Path(chosen).expanduser() if chosen else DEFAULT)

    def place(self, kind: str, key: str) -> Path:
        """Where a store of this kind and key is kept."""
        return self.root / kind / f"{key}{SUFFIX}"

    @contextmanager
    def sharing(self, kind: str, key: str, path: Path) -> Iterator[bool]:
        """Take the store at `path` out of the cache, or have the body make it and keep it.

        Gives whether it was taken. Of several processes that want the same, one makes it and
        the others wait for it.
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
            log.info("the cache can be read at most: %s", error)
            return nullcontext()
        return writing(place, what=str(path))

    def _take(self, place: Path, path: Path) -> bool:
        if not place.exists():
            return False
        try:
            verify(place, whole=True)
        except StoreError as error:
            announce(str(path), f"made anew, for what the cache has of it is no good: {error}")
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
            # The result stands all the same.
            log.warning("%s is not kept in the cache: %s", path, error)


def _link(source: Path, place: Path) -> None:
    """The same store in another place, in one step: linked, or copied."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f".{place.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        # whose file it is decides who may set its date, as Snakemake does to what a job made
        if source.stat().st_uid != os.geteuid():
            raise PermissionError(f"{source} is somebody else's")
        os.link(source, fresh)
    except OSError:  # that, or another file system
        copyfile(source, fresh)
    try:
        if place.is_dir():  # no store, and in its place
            rmtree(place)
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)  # a link to what stands there already is not moved
