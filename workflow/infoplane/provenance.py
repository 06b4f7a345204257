"""What a result was made from: digests of source files, package versions.

A job's digest covers the modules it uses and, transitively, the infoplane modules that
these import, read from their syntax trees and not by importing them. A folder's `__init__`
holds the table of its methods and nothing that computes; it is left out, so that a new line
in a table leaves the neighbours' results as they are.
"""

import ast
import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

LIBRARY = Path(__file__).parent
WITHOUT_EFFECT = {"infoplane.progress"}
"""Modules that say how far a job is, and take no part in its result."""
PACKAGES = ("numpy", "torch", "zarr", "xarray", "numba", "scikit-learn", "torchvision")


def digest_of_text(text: str | bytes) -> str:
    """Sixteen hexadecimal digits of SHA-256."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def source_digest(*modules: str) -> str:
    """Digest of the named infoplane modules and of every infoplane module they import."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in WITHOUT_EFFECT:
            found[name] = _file_of(name)
            waiting += _imports_of(found[name])
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name}\n".encode() + found[name].read_bytes())
    return digest.hexdigest()[:16]


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide numbers."""
    return {name: version(name) for name in PACKAGES}


def _find(name: str) -> Path | None:
    head, *rest = name.split(".")
    if head != "infoplane":
        return None
    place = LIBRARY.joinpath(*rest).with_suffix(".py")
    return place if place.is_file() else None


def _file_of(name: str) -> Path:
    path = _find(name)
    if path is None:
        raise ModuleNotFoundError(f"no infoplane module '{name}' under {LIBRARY}")
    return path


@cache
def _imports_at(path: Path, stamp: int) -> tuple[str, ...]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if _find(alias.name)]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{path}: infoplane imports by full name, not relatively")
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names += [found for found in (inner, node.module) if found and _find(found)][:1]
    return tuple(names)


def _imports_of(path: Path) -> tuple[str, ...]:
    return _imports_at(path, path.stat().st_mtime_ns)
