"""The common part of settings and their differences, in words."""

from collections.abc import Mapping
from typing import Any


def told_apart(
    settings: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, str]]:
    """The keys on which all settings agree, and for each setting a text of the other keys.

    settings : by name. Returns ({key: value}, {name: "n_bins = 10"}); the text of a single
    setting is its name.
    """
    every = list(settings.values())
    common = {k: v for k, v in every[0].items() if all(k in s and s[k] == v for s in every)}
    texts = {}
    for name, own in settings.items():
        others = [f"{key} = {shown(value)}" for key, value in own.items() if key not in common]
        texts[name] = ", ".join(others) or name
    return common, texts


def shown(value: Any) -> str:
    """A value in few characters: numbers to three digits."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return "none" if value is None else str(value)
