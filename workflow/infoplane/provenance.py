"""What a result was made from: digests of source files, package versions.

A job's digest covers the modules it uses and, transitively, the infoplane modules that
these import and the modules beside a user's own, read from their syntax trees and not by
importing them. A folder's `__init__` holds the table of its methods and nothing that computes;
it is left out, so that a new line in a table leaves the neighbours' results as they are.
"""

import ast
import hashlib
import importlib.util
from functools import cache
from importlib.metadata import version
from pathlib import Path

LIBRARY = Path(__file__).parent
WITHOUT_EFFECT = {"infoplane.progress", "infoplane.stores.locks"}
"""Modules that say how far a job is, or make it wait, and take no part in its result."""
PACKAGES = ("numpy", "torch", "zarr", "xarray", "numba", "scikit-learn", "torchvision")


def digest_of_text(text: str | bytes) -> str:
    """Sixteen hexadecimal digits of SHA-256."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def source_digest(*modules: str) -> str:
    """Digest of the named modules and of every infoplane module they import.

    A module of the user's own brings along what it imports from the folder it is found in.
    """
    roots = (LIBRARY.parent, *dict.fromkeys(_root_of(m) for m in modules if _is_own(m)))
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in WITHOUT_EFFECT:
            found[name] = _file_of(name, roots)
            waiting += _imports_of(found[name], roots)
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name}\n".encode() + found[name].read_bytes())
    return digest.hexdigest()[:16]


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide numbers."""
    return {name: version(name) for name in PACKAGES}


def _is_own(name: str) -> bool:
    return name.partition(".")[0] != "infoplane"


def _root_of(name: str) -> Path:
    """The folder from which a user's module is imported."""
    found = importlib.util.find_spec(name)
    if found is None or not str(found.origin).endswith(".py"):
        raise ModuleNotFoundError(f"no module '{name}' is found from {Path.cwd()}")
    return Path(found.origin).parents[name.count(".")]


def _find(name: str, roots: tuple[Path, ...]) -> Path | None:
    for root in roots:
        place = root.joinpath(*name.split(".")).with_suffix(".py")
        if place.is_file():
            return place
    return None


def _file_of(name: str, roots: tuple[Path, ...]) -> Path:
    path = _find(name, roots)
    if path is None:
        raise ModuleNotFoundError(f"no module '{name}' under {', '.join(map(str, roots))}")
    return path


@cache
def _imports_at(path: Path, stamp: int, roots: tuple[Path, ...]) -> tuple[str, ...]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if _find(alias.name, roots)]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{path}: modules are imported by full name, not relatively")
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names += [n for n in (inner, node.module) if n and _find(n, roots)][:1]
    return tuple(names)


def _imports_of(path: Path, roots: tuple[Path, ...]) -> tuple[str, ...]:
    return _imports_at(path, path.stat().st_mtime_ns, roots)
