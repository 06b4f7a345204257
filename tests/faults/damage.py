"""Damage to files: bytes cut off, flipped, files deleted, at places that a generator draws."""

from pathlib import Path

import numpy as np


def files_of(path: Path) -> list[Path]:
    """Every file of a journal; a store is one."""
    return [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())


def truncate(file: Path, draw: np.random.Generator) -> str:
    """Cut off at any byte."""
    content = file.read_bytes()
    at = int(draw.integers(len(content))) if content else 0
    file.write_bytes(content[:at])
    return f"{file.name} cut at byte {at} of {len(content)}"


def flip(file: Path, draw: np.random.Generator) -> str:
    """Flip one bit of any byte."""
    content = bytearray(file.read_bytes())
    if not content:
        return f"{file.name} is empty"
    at, bit = int(draw.integers(len(content))), int(draw.integers(8))
    content[at] ^= 1 << bit
    file.write_bytes(content)
    return f"bit {bit} of byte {at} of {file.name} flipped"


def delete(file: Path, _draw: np.random.Generator) -> str:
    """Remove the file."""
    file.unlink()
    return f"{file.name} deleted"


def flip_at_end(file: Path, draw: np.random.Generator) -> str:
    """Flip one bit where a zip has its directory."""
    content = bytearray(file.read_bytes())
    begin = max(content.find(b"PK\1\2"), 0)
    at, bit = int(draw.integers(begin, len(content))), int(draw.integers(8))
    content[at] ^= 1 << bit
    file.write_bytes(content)
    return f"bit {bit} of byte {at} of {file.name} flipped, in its directory"


def empty(file: Path, _draw: np.random.Generator) -> str:
    """Nothing left in the file."""
    file.write_bytes(b"")
    return f"{file.name} emptied"


def folder(file: Path, _draw: np.random.Generator) -> str:
    """A folder in its place."""
    file.unlink()
    file.mkdir()
    return f"a folder in place of {file.name}"


KINDS = {"truncated": truncate, "byte flipped": flip, "deleted": delete}
OF_STORES = {**KINDS, "directory flipped": flip_at_end, "emptied": empty, "a folder": folder}
"""Damages to what is one file."""


def damage(path: Path, kind: str, draw: np.random.Generator) -> str:
    """Damage a file that is drawn out of those of a store; says which and how."""
    files = files_of(path)
    file = files[int(draw.integers(len(files)))]
    said = OF_STORES[kind](file, draw)
    place = "" if file == path else f"{file.parent.relative_to(path)}/"
    return f"{place}{said}"
