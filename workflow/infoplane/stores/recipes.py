"""What a result was made from, as it says itself: its recipe, a digest.

A store has it among its attributes, a figure, list or table in the JSON beside it.
"""

import json
from pathlib import Path

from infoplane.stores.archive import SUFFIX, StoreError, attributes

RECIPE = "recipe"
CONTENTS = "contents"
"""Attribute of a data set's store: digest of the user's files that it was made from."""


def recipe_in(path: Path) -> str | None:
    """The recipe by which a store, or the file with this JSON, was made; None: it says none."""
    return said_by(path, RECIPE)


def said_by(path: Path, name: str) -> str | None:
    """An attribute of a store, or of a JSON; None: there is none, or it is damaged."""
    try:
        if path.name.endswith(SUFFIX):
            return attributes(path).get(name)
        return json.loads(path.read_bytes()).get(name)
    except (StoreError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def write_recipe(path: Path, recipe: str) -> None:
    """Write a JSON for a result whose own format has no place for its recipe."""
    path.write_text(json.dumps({RECIPE: recipe}), encoding="utf-8")
