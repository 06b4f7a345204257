"""A file's mistakes, one line each, for the person who wrote the file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from infoplane.config.allowed import Allowed, Path, allowed_by
from infoplane.config.merge import number
from infoplane.settings import Settings
from infoplane.table import nearest, unknown

OWN_WORDS = ("value_error", "assertion_error")
"""Errors that a model's own validators raise; all others follow from the schema."""


class ConfigError(ValueError):
    """An experiment file has mistakes; the text has one line for each."""


@dataclass(frozen=True)
class Problem:
    """One mistake.

    missing : whether the key at the path is missing
    whole : whether the mistake is in the combination of a mapping's entries
    """

    path: Path
    text: str
    missing: bool = False
    whole: bool = False


def validated(
    model: type[Settings], written: Any, described_by: type[Settings] | None = None
) -> tuple[Any, list[Problem]]:
    """The model's object and no problems, or None and all mistakes.

    described_by : the model that gives what is allowed, if it is not `model` itself

    Values are read as in JSON (true is not 1, 1.5 is not an integer) and as in YAML 1.2 (4e-4
    and 1e3 are numbers).
    """
    while True:
        try:
            return model.model_validate_json(json.dumps(written), strict=True), []
        except ValidationError as error:
            errors = error.errors(include_url=False)
        repaired = written
        for one in errors:
            path = _path(one["loc"], written, one["type"])
            repaired = _with(repaired, path, _as_number(one["type"], one["input"]))
        if json.dumps(repaired) == json.dumps(written):
            return None, _problems(errors, written, allowed_by(described_by or model))
        written = repaired


def not_defined(name: Any, kind: str, known: Iterable[str], of: str = "") -> str:
    """The message for an unknown name; of : the place where it was looked up, in words."""
    known = list(known)
    hint = nearest(name, known) if isinstance(name, str) else " A name is text."
    return f"there is no {kind} {shown(name)}{of}.{hint} Known: {', '.join(known) or 'none'}."


def shown(value: Any) -> str:
    """A value in few characters."""
    is_text = isinstance(value, str)
    text = f"'{value}'" if is_text else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def dotted(path: Path) -> str:
    """('training', 'epochs') → training.epochs; ('hidden', 1) → hidden[1]."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


def _problems(errors: list[dict], written: Any, allowed: Allowed) -> list[Problem]:
    by_path: dict[Path, list[dict]] = {}
    for error in errors:
        by_path.setdefault(_path(error["loc"], written, error["type"]), []).append(error)
    return [
        _problem(path, found, written, allowed)
        for path, found in by_path.items()
        # Each member of a union complains; the user meant the one that got further.
        if found[0]["loc"][-1:] == ("[key]",)
        or not any(other[: len(path)] == path and other != path for other in by_path)
    ]


def _problem(path: Path, errors: list[dict], written: Any, allowed: Allowed) -> Problem:
    error = errors[0]
    above = _at(written, path[:-1])
    node = allowed.at(path, written)
    if error["type"] == "extra_forbidden":
        parent = allowed.at(path[:-1], written)
        deeper = [key for key, _ in allowed.dotted() if key != dotted(path)]
        return Problem(path, unknown(str(path[-1]), allowed.keys(parent, above), deeper))
    if error["type"] == "missing":
        return Problem(path, f"is missing; give {allowed.words(node)}", missing=True)
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        key, kinds = allowed.kind_key(node), allowed.kinds(node)
        value = error["input"].get(key)
        choices = f"one of {', '.join(kinds)}"
        if value is None:
            return Problem((*path, key), f"is missing; give {choices}", missing=True)
        return Problem((*path, key), _not(value, choices, kinds))
    value = error["input"]
    own = [e for e in errors if e["type"] in OWN_WORDS]
    if own:
        text = " ".join(str(own[0]["ctx"]["error"]).split())
        if isinstance(value, Mapping):
            return Problem(path, text, whole=True)
        return Problem(path, f"{shown(value)} is wrong: {text}")
    if error["loc"][-1:] == ("[key]",):
        rule = allowed.words({"pattern": error["ctx"]["pattern"]})
        return Problem(path, f"{shown(path[-1])} must be {rule}")
    return Problem(path, _not(value, allowed.words(node), allowed.choices(node), error["type"]))


def _not(value: Any, allowed: str, choices: Iterable[str] = (), kind: str = "") -> str:
    """The mistake of a value, and what the user may have meant."""
    hint = nearest(value, choices) if isinstance(value, str) else ""
    if not hint and isinstance(value, str) and kind.endswith("_type") and _is_number(value):
        hint = " It is text: take off the quotes."
    if kind == "string_type" and isinstance(value, int | float):
        hint = " YAML reads no text here: put it in quotes."
    return f"must be {allowed}, not {shown(value)}{'.' if hint else ''}{hint}"


def _path(loc: tuple, written: Any, kind: str) -> Path:
    """pydantic's place as a path in the file: without the names of union members."""
    path: list[str | int] = []
    value = written
    for i, part in enumerate(loc):
        if kind == "missing" and i == len(loc) - 1:
            path.append(part)
            break
        if isinstance(value, Mapping) and part in value:
            last = i == len(loc) - 1
            is_member = not last and part in [v for v in value.values() if isinstance(v, str)]
            if is_member and loc[i + 1] in value:
                continue
        elif not (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            continue
        path.append(part)
        value = value[part]
    return tuple(path)


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _with(value: Any, path: Path, new: Any) -> Any:
    """The value with a new one at the path; unchanged if there is nothing new."""
    if new is None:
        return value
    if not path:
        return new
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], new)
    return copy


def _as_number(kind: str, value: Any) -> float | int | None:
    """The number that the user meant by a value, if a number is required."""
    if kind not in ("float_type", "int_type"):
        return None
    found = number(value) if isinstance(value, str) else value
    if not isinstance(found, float):
        return None
    if kind == "int_type":
        return int(found) if found.is_integer() else None
    return found


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def has(value: Any, path: Iterable) -> bool:
    """Whether the file has a value at a path of keys and list positions."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
