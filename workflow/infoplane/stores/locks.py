"""One writer at a time for a store, also where a job outlived the Snakemake that started it.

The system gives a lock up when its process ends, however it ends, so that a killed job holds
up nobody. Where a file system knows no such locks, filelock falls back on marker files that
name machine and process.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from infoplane.progress import announce

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""Time between two looks at a lock that another process holds."""


def lock_of(path: Path) -> Path:
    """The file by which writers of a store keep out of each other's way."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def writing(path: Path, what: str = "") -> Iterator[bool]:
    """Be the only one to write the store at `path`, after waiting for whoever else does.

    what : who waits, for the message
    Gives whether there was somebody to wait for.
    Raises OSError where the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = lock_of(path)
    lock = FileLock(file, poll_interval=POLL_SECONDS)
    waited = False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waited = True
        text = f"another process is writing {path}; waiting until it has finished"
        announce(what or str(path), text)
        lock.acquire()
    try:
        yield waited
    finally:
        # Gone before the lock is given up: who waited on it sees that and makes it anew.
        file.unlink(missing_ok=True)
        lock.release()
