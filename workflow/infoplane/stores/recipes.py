"""The recipe that a result holds: a digest of what made it.

A store has it among its attributes; a figure, list or table has it in the JSON next to it.
"""

import json
from pathlib import Path

from infoplane.stores.archive import SUFFIX, StoreError, attributes

RECIPE = "recipe"
CONTENTS = "contents"
"""Attribute of a data set's store: the digest of the user's files that made it."""


def recipe_in(path: Path) -> str | None:
    """The recipe that made a store, or the file with this JSON; None if it holds none."""
    return said_by(path, RECIPE)


def said_by(path: Path, name: str) -> str | None:
    """An attribute of a store or of a JSON; None if it is missing or damaged."""
    try:
        if path.name.endswith(SUFFIX):
            return attributes(path).get(name)
        return json.loads(path.read_bytes()).get(name)
    except (StoreError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def write_recipe(path: Path, recipe: str) -> None:
    """Write a JSON for a result whose own format has no place for its recipe."""
    path.write_text(json.dumps({RECIPE: recipe}), encoding="utf-8")
