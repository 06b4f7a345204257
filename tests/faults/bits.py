"""Whether arrays and whole projects are the same, bit by bit."""

from pathlib import Path

import numpy as np


def bits(array: np.ndarray):
    """Type, shape and content of an array, to be compared."""
    content = array.tolist() if array.dtype == object else array.tobytes()
    return str(array.dtype), array.shape, content


def contents(home: Path) -> dict[str, bytes]:
    """Stores, numbers of figures and lists of checks of an experiment, by path.

    No pictures and no pages: these carry dates. Stores of the same content are the same file.
    """
    found = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        of_checks = path.suffix == ".json" and "checks" in path.parts
        if path.is_file() and (path.suffix in (".zip", ".csv") or of_checks):
            found[name] = path.read_bytes()
    return found


def difference(found: dict, expected: dict) -> str:
    """What is not as it should be, in a few words; empty where all is."""
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} is new"
        if found[name] != expected[name]:
            return f"{name} DIFFERS"
    return ""
