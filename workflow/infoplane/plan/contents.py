"""Digests of the content of a user's files; names and dates do not count."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from infoplane.stores.cache import Cache

REMEMBERED = "contents.json"
"""A file of the cache: digests by path, each with the file's size, dates and inode at that
time."""


def digest_of_contents(paths: Iterable[Path], cache: Cache | None = None) -> str:
    """Digest of the bytes of these files, and of all files in these folders with their names.

    Each file is read once: with the same size, dates and inode its content is the same. (A file
    that replaces another by a move keeps its date, but has another inode.)
    """
    remembered = (cache or Cache.of_environment()).root
    memory = _read(remembered / REMEMBERED) if remembered else {}
    before = dict(memory)
    digest = hashlib.sha256()
    for path in paths:
        place, seen = str(path.resolve()), _stamp(path)
        if memory.get(place, [None])[0] != seen:
            memory[place] = [seen, _digest_of(path)]
        digest.update(memory[place][1].encode())
    if remembered and memory != before:
        _write(memory, remembered / REMEMBERED)
    return digest.hexdigest()[:16]


def _files_of(path: Path) -> Iterator[tuple[str, Path]]:
    """A file, or the files below a folder with their names in it, without hidden ones."""
    if not path.is_dir():
        yield "", path
        return
    for folder, inside, names in os.walk(path):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            file = Path(folder, name)
            yield str(file.relative_to(path)), file


def _stamp(path: Path) -> str:
    digest = hashlib.sha256()
    for name, file in _files_of(path):
        s = file.stat()
        digest.update(
            f"{name} {s.st_size} {s.st_mtime_ns} {s.st_ctime_ns} {s.st_ino}\n".encode()
        )
    return digest.hexdigest()


def _digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    for name, file in _files_of(path):
        with file.open("rb") as stream:
            bytes_of_file = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{name} {bytes_of_file}\n".encode())
    return digest.hexdigest()


def _read(file: Path) -> dict[str, list[str]]:
    try:
        digests = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(digests, dict) and all(
        isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], str)
        for entry in digests.values()
    )
    return digests if whole else {}


def _write(memory: dict[str, list[str]], file: Path) -> None:
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(memory), encoding="utf-8")
        partial.replace(file)
    except OSError:  # a read-only folder: the files are read again next time
        partial.unlink(missing_ok=True)
