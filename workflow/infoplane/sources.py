"""What source files compute and import, read as syntax trees.

A start of Snakemake needs this for a hundred files, and to read them takes as long as the rest
of its plan. So the result is kept next to Python's compiled modules, by the digest of a file's
bytes.
"""

import ast
import hashlib
import json
import os
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import NamedTuple

KEPT = Path(cache_from_source(__file__)).with_name("sources.json")
MOST_KEPT = 2000
"""Files of which results are kept; with more, all files are read again."""


class Source(NamedTuple):
    """imports : what each import may name, a module in a folder or a name in a module
    code : digest of what the file computes, the same under every version of Python"""

    imports: tuple[tuple[str, ...], ...]
    code: str


def source_of(path: Path) -> Source:
    """What a file, as it is now, computes and imports."""
    return _source_at(path, path.stat().st_mtime_ns)


def keep() -> None:
    """Write what was read to the disk, if it can be written."""
    if not _new:
        return
    partial = KEPT.with_suffix(f".{os.getpid()}")
    try:
        partial.write_text(json.dumps({"by": _own_digest(), "of": _known()}), encoding="utf-8")
        partial.replace(KEPT)
    except OSError:
        partial.unlink(missing_ok=True)
    _new.clear()


_new: set[str] = set()


@cache
def _source_at(path: Path, stamp: int) -> Source:
    content = path.read_bytes()
    key = hashlib.sha256(content).hexdigest()
    if key not in _known():
        _known()[key] = _read(content, path)
        _new.add(key)
    return _known()[key]


@cache
def _known() -> dict[str, Source]:
    """By the digest of a file's bytes: what this version of the code has kept, and what was
    read since."""
    try:
        kept = json.loads(KEPT.read_bytes())
        if kept["by"] == _own_digest() and len(kept["of"]) < MOST_KEPT:
            return {
                key: Source(tuple(map(tuple, imports)), code)
                for key, (imports, code) in kept["of"].items()
            }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass  # nothing was kept, or it cannot be read
    return {}


@cache
def _own_digest() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _read(content: bytes, path: Path) -> Source:
    tree = ast.parse(content, str(path))
    imports: list[tuple[str, ...]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            place = "." * node.level + (node.module or "")
            end = "" if place.endswith(".") else "."
            imports += [(f"{place}{end}{a.name}", place) for a in node.names]
    words: list[str] = []
    _write(tree, words)
    code = "\0".join(words).encode(errors="surrogatepass")
    return Source(tuple(imports), hashlib.sha256(code).hexdigest())


def _write(node, words: list[str]) -> None:
    """Append the words of a syntax tree: kinds, and fields that are not empty. A text that is a
    statement by itself, such as a docstring, is left out."""
    if isinstance(node, list):
        words.append("[")
        for item in node:
            if not _is_text(item):
                _write(item, words)
        words.append("]")
    elif isinstance(node, ast.AST):
        words.append(f"({type(node).__name__}")
        for name, value in ast.iter_fields(node):
            if value is not None and value != [] and name != "ctx":
                words.append(name)
                _write(value, words)
        words.append(")")
    else:
        words.append(repr(node))


def _is_text(node) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
