"""One writer at a time for a store, also where a job outlived the Snakemake that started it.

The system gives a lock up when its process ends, however it ends, so that a killed job holds
up nobody. Where a file system knows no such locks, filelock falls back on marker files that
name machine and process.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from infoplane.progress import announce

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


class Refused(OSError):
    """The system does not let a store be written; the message says which, and what to do."""


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
    Raises Refused where the disk is full or the folder cannot be written.
    """
    with _named(path):
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


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say of a disk that refuses to be written which store it is about, and what to do."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        if refusal.errno in FULL:
            text = f"the disk that holds {_disk_of(path)} is full. Free some and start the"
            text += " workflow again; a training resumes at its last checkpoint"
        else:
            text = (
                f"{refusal.strerror} ({refusal.filename or path.parent}). Make it writable and"
            )
            text += " start the workflow again"
        raise Refused(f"{path} cannot be written: {text}") from error


def _refusal(error: BaseException | None) -> OSError | None:
    """What the system refused, among an error and those that it came from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*FULL, *CLOSED):
            return error
        error = error.__cause__ or error.__context__
    return None


def _disk_of(path: Path) -> Path:
    above = path.absolute().parents
    return next((place for place in above if place.is_mount()), above[-1])
