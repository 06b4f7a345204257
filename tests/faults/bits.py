"""All that a reader of a store sees, bit by bit; whether two projects are the same."""

import warnings
from pathlib import Path

import numpy as np
import xarray as xr


def arrays(store: Path) -> dict[str, bytes | list]:
    """Every array of a store by its path within, as type and bytes, and its attributes."""
    with warnings.catch_warnings():
        # Zarr remarks on the manifest and Snakemake's timestamp.
        warnings.filterwarnings("ignore", message="Object at .* is not recognized")
        tree = xr.open_datatree(store, engine="zarr", consolidated=False)
    found = {
        f"{node.path}/{name}": bits(variable.values)
        for node in tree.subtree
        for name, variable in node.to_dataset(inherit=False).variables.items()
    }
    return found | {"attributes": dict(tree.attrs)}


def bits(array: np.ndarray):
    """Type, shape and content of an array, to be compared."""
    content = array.tolist() if array.dtype == object else array.tobytes()
    return str(array.dtype), array.shape, content


def contents(home: Path) -> dict[str, object]:
    """Stores, numbers of figures and lists of checks of an experiment, by path.

    No pictures and no pages: these carry dates.
    """
    found = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if path.suffix == ".zarr" and path.is_dir():
            found[name] = arrays(path)
        elif path.suffix == ".csv" or (path.suffix == ".json" and "checks" in path.parts):
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
