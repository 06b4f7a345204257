"""What a result was made from, as it says itself: its recipe, a digest.

A store has it among its attributes, a figure, list or table in the JSON beside it.
"""

import json
from pathlib import Path

RECIPE = "recipe"
CONTENTS = "contents"
"""Attribute of a data set's store: digest of the user's files that it was made from."""


def recipe_in(path: Path) -> str | None:
    """The recipe by which a store, or the file with this JSON, was made; None: it says none."""
    return said_by(path, RECIPE)


def said_by(path: Path, name: str) -> str | None:
    """An attribute of a store, or of a JSON; None: there is none, or it is damaged."""
    try:
        written = json.loads((path / "zarr.json" if path.is_dir() else path).read_bytes())
        return (written["attributes"] if path.is_dir() else written).get(name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def write_recipe(path: Path, recipe: str) -> None:
    """Write a JSON for a result whose own format has no place for its recipe."""
    path.write_text(json.dumps({RECIPE: recipe}), encoding="utf-8")
