"""The base of every settings model: unknown keys are errors, values never change."""

import json
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from infoplane.table import unknown

DeviceName = Literal["auto", "cpu", "cuda"]


class Settings(BaseModel):
    """Settings of one part of infoplane, defined next to the code that uses them."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def canonical(self) -> str:
        """The settings as text, equal for equal settings in whatever order they are written."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)


def without_descriptions() -> None:
    """Have settings that are defined from now on do without descriptions, which only the schema
    shows: pydantic reads them from the source files, 4 ms for each class."""
    Settings.model_config["use_attribute_docstrings"] = False


WORDS = {"dict_type": "a mapping", "float_parsing": "a number"}
"""Plain words for mistakes whose message from pydantic names a type of Python."""


def mistakes(
    error: ValidationError, known: Iterable[str], beside: Iterable[str] = ()
) -> list[str]:
    """What is wrong with settings given as Python objects, one line for each key.

    known : all keys that exist; beside : other keys that may have been meant
    """
    known, beside, by_key = list(known), list(beside), {}
    for one in error.errors(include_url=False):
        by_key.setdefault(str(next(iter(one["loc"]), "")), []).append(one)
    return [
        f"{key} {_wrong(key, found, known, beside)}".lstrip() for key, found in by_key.items()
    ]


def _wrong(key: str, errors: list[dict], known: list[str], beside: list[str]) -> str:
    first = errors[0]
    if first["type"] == "extra_forbidden":
        return unknown(key, known, beside)
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    # Each member of a union names what it allows.
    said = [
        WORDS.get(one["type"], one["msg"].removeprefix("Input should be ")) for one in errors
    ]
    allowed = " or ".join(said)
    return f"must be {allowed}, not {first['input']!r:.60}"
