"""What made a result: digests of source files and package versions.

A job's digest covers its script, the modules it uses and all infoplane modules that these
import, directly or not. For a user's module it also covers the modules beside it. The files are
read as syntax trees and not imported, so comments, docstrings, formatting and dates change no
digest. A folder's `__init__` holds a table of methods and computes nothing. It is left out, so
that a new line in the table leaves the neighbours' results as they are.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions, version
from pathlib import Path

from infoplane.sources import keep, source_of

LIBRARY = Path(__file__).parent
SCRIPTS = LIBRARY.parent / "scripts"
WITHOUT_EFFECT = {
    "infoplane.compiled",
    "infoplane.costs",
    "infoplane.estimators.tables.costs",
    "infoplane.progress",
    "infoplane.stores.locks",
    "infoplane.training.cost",
}
"""Modules that estimate a job's cost, report its progress or make it wait; they do not affect
its result."""
PACKAGES = (
    "numpy",
    "torch",
    "zarr",
    "xarray",
    "numba",
    "scikit-learn",
    "torchvision",
    "open-spiel",
)


def digest_of_text(text: str | bytes) -> str:
    """Sixteen hexadecimal digits of SHA-256."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def source_digest(*modules: str, script: str = "") -> str:
    """Digest of the named modules and of every infoplane module they import.

    For a user's module, the digest covers what it imports from its own folder.
    script : a file of `workflow/scripts`; the digest covers it and the scripts it imports,
        without their imports from the library
    """
    roots = (LIBRARY.parent, *dict.fromkeys(_root_of(m) for m in modules if _is_own(m)))
    digest = hashlib.sha256()
    files = _with_imports(modules, roots)
    if script:
        files |= _with_imports([Path(script).stem], (SCRIPTS,))
    for name in sorted(files):
        digest.update(f"{name}\n{source_of(files[name]).code}\n".encode())
    keep()
    return digest.hexdigest()[:16]


def version_of(module: str) -> str:
    """The identity of a module that makes results: the version of an installed package, or the
    digest of the source of a user's file.

    Raises ModuleNotFoundError if it is not found.
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return ""
    installed = not {"site-packages", "dist-packages"}.isdisjoint(_root_of(module).parts)
    names = packages_distributions().get(top, []) if installed else []
    return " ".join(f"{name}=={version(name)}" for name in names) or source_digest(module)


def package_versions() -> dict[str, str]:
    """Versions of the packages that affect numbers."""
    return {name: version(name) for name in PACKAGES}


def _is_own(name: str) -> bool:
    return name.partition(".")[0] != "infoplane"


def _root_of(name: str) -> Path:
    """The folder from which a user's module would be imported; this imports nothing."""
    spec = importlib.util.find_spec(name.partition(".")[0])
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).parent
    if spec is None or not str(spec.origin).endswith(".py"):
        raise ModuleNotFoundError(f"no module '{name}' is found from {Path.cwd()}")
    return Path(spec.origin).parent


def _find(name: str, roots: tuple[Path, ...]) -> Path | None:
    """A module's file; for a user's package, its `__init__.py`."""
    for root in roots:
        place = root.joinpath(*name.split("."))
        if place.with_suffix(".py").is_file():
            return place.with_suffix(".py")
        if _is_own(name) and (place / "__init__.py").is_file():
            return place / "__init__.py"
    return None


def _file_of(name: str, roots: tuple[Path, ...]) -> Path:
    path = _find(name, roots)
    if path is None:
        raise ModuleNotFoundError(f"no module '{name}' under {', '.join(map(str, roots))}")
    return path


def _with_imports(modules: Iterable[str], roots: tuple[Path, ...]) -> dict[str, Path]:
    """Files, by name, of the modules and of all their imports from below the roots."""
    files: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in files and name not in WITHOUT_EFFECT:
            files[name] = _file_of(name, roots)
            for names in source_of(files[name]).imports:
                names = [_absolute(other, name, files[name]) for other in names]
                waiting += [known for known in names if _find(known, roots)][:1]
    return files


def _absolute(name: str, importing: str, file: Path) -> str:
    """The full name of a module that a user's module imports relatively."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    if not _is_own(importing):
        raise ImportError(f"{file}: import modules by their full name, not relatively")
    up = dots - (file.name == "__init__.py")
    package = importing.split(".")[: importing.count(".") + 1 - up]
    return ".".join([*package, name.lstrip(".")])
