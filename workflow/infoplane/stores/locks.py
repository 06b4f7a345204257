"""One writer at a time for a store, even if a job outlives the Snakemake that started it.

The system releases a lock when its process ends in any way, so that a killed job blocks nobody.
On a file system without such locks, filelock uses marker files with the names of machine and
process.
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
    """The system refuses to write a store; the message names the store and says what to do."""


POLL_SECONDS = 0.2
"""Time between two tries for a lock that another process holds."""


def lock_of(path: Path) -> Path:
    """The lock file of a store, which admits one writer at a time."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def writing(path: Path, what: str = "") -> Iterator[bool]:
    """Become the only writer of the store at `path`, after waiting for other writers.

    what : the waiting job, for the message
    Yields whether it had to wait.
    Raises Refused if the disk is full or the folder cannot be written.
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
            # The file is removed before the lock is released: a waiting process sees that and
            # makes a new one.
            file.unlink(missing_ok=True)
            lock.release()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the store in an error of a disk that refuses to be written, and say what to do."""
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
    """The system's refusal, among an error and its causes."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*FULL, *CLOSED):
            return error
        error = error.__cause__ or error.__context__
    return None


def _disk_of(path: Path) -> Path:
    above = path.absolute().parents
    return next((place for place in above if place.is_mount()), above[-1])
