"""Tables of values as JSON files, which also store the recipe they were made by."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from infoplane.stores.recipes import RECIPE


def write(values: pd.DataFrame, path: Path, recipe: str) -> None:
    """Write a table of values, in one step."""
    rows = json.loads(values.to_json(orient="split", index=False, double_precision=15))
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps({RECIPE: recipe, **rows}, indent=None), encoding="utf-8")
    partial.replace(path)


def read(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of several tables, one after the other."""
    parts = []
    for path in paths:
        told = json.loads(path.read_text(encoding="utf-8"))
        parts.append(pd.DataFrame(told["data"], columns=told["columns"]))
    joined = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return joined.astype({"ixt": float, "ity": float})
