"""Defaults under runs, and sweeps: two ways to write a setting once."""

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from infoplane.config.allowed import Allowed, Node
from infoplane.provenance import digest_of_text

LONGEST = 40
"""Characters of a swept value in a run's name; a longer one is cut and gets a digest."""

_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")


def number(text: Any) -> float | None:
    """The number in a text that YAML 1.1 does not read as a number, such as 4e-4; None for
    other values."""
    written = isinstance(text, str) and _EXPONENT.fullmatch(text)
    found = float(text) if written else math.inf
    return found if math.isfinite(found) else None


def merged(default: Any, own: Any, allowed: Allowed, node: Node) -> Any:
    """`own` over `default`, mapping by mapping; `node` of `allowed` describes them.

    A mapping of another kind, such as a schedule `every` over a schedule `logarithmic`,
    replaces the whole default, because it has other keys.
    """
    if not isinstance(default, Mapping) or not isinstance(own, Mapping):
        return own
    kinds = allowed.kind(node, default), allowed.kind(node, {**default, **own})
    if None not in kinds and kinds[0] != kinds[1]:
        return dict(own)
    result = {**default, **own}
    for key in default.keys() & own.keys():
        inner = allowed.inside(node, result, key)
        result[key] = merged(default[key], own[key], allowed, inner)
    return result


def replaced(mapping: Mapping, dotted: str, value: Any) -> dict:
    """The mapping with a new value at a dotted key."""
    head, _, rest = dotted.partition(".")
    if rest:
        inner = mapping.get(head)
        value = replaced(inner if isinstance(inner, Mapping) else {}, rest, value)
    return {**mapping, head: value}


def variants(sweep: Mapping[str, Sequence]) -> list[tuple[str, dict[str, Any]]]:
    """Every variant: the end of its name, and its values by dotted key.

    The texts name values, not positions, with keys in alphabetical order. So a new value or a
    new order leaves the results of the other variants as they are.
    """
    labels = short_keys(sweep)
    found = []
    for values in itertools.product(*sweep.values()):
        chosen = dict(zip(sweep, values, strict=True))
        parts = [f"{labels[key]}_{text_of(chosen[key])}" for key in sorted(chosen)]
        found.append(("-".join(parts), chosen))
    return found


def short_keys(keys) -> dict[str, str]:
    """The last part of each dotted key, or the whole key if two have the same last part."""
    last = {key: key.rpartition(".")[2] for key in keys}
    ends = list(last.values())
    return {key: end if ends.count(end) == 1 else key for key, end in last.items()}


def text_of(value: Any) -> str:
    """A value as a part of a file's name; the same text for the same value."""
    plain = _plain(value)
    safe = re.sub(r"[^A-Za-z0-9_=,.-]+", "-", plain)
    if safe == plain and len(safe) <= LONGEST:
        return safe
    return f"{safe[: LONGEST - 7]}-{digest_of_text(json.dumps(value, sort_keys=True))[:6]}"


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        nested = any(isinstance(v, list | Mapping) for v in value)
        return ("-" if nested else "x").join(map(_plain, value))
    if isinstance(value, Mapping):
        return "-".join(f"{key}_{_plain(value[key])}" for key in sorted(value))
    as_number = value if isinstance(value, int | float) else number(value)
    if as_number is None:
        return str(value)
    return repr(as_number).removesuffix(".0").replace("e+", "e")
