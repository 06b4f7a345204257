"""A table from names to classes that are imported when first asked for.

Each folder of methods (datasets, networks, training, estimators) has one. The import is by
name and late, so that `provenance.source_digest` of one method does not take in its
neighbours, and reading a configuration does not import what it does not use.
"""

import difflib
import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

OTHER_WORDS = {"gpu": "cuda"}
"""Words that people write for a known name of other letters."""


def nearest(name: str, known: Iterable[str]) -> str:
    """' Did you mean …?' for the known name that looks most like `name`, or nothing.

    Small and capital letters count as equal.
    """
    by_letters = {str(k).lower(): str(k) for k in known}
    written = OTHER_WORDS.get(str(name).lower(), str(name).lower())
    close = difflib.get_close_matches(written, by_letters, n=1, cutoff=0.52)
    return f" Did you mean '{by_letters[close[0]]}'?" if close else ""


def unknown(key: str, known: Iterable[str], deeper: Iterable[str] = ()) -> str:
    """The message for an unknown key, with the known key that may have been meant."""
    known = list(known)
    hint = nearest(key, known)
    elsewhere = [d for d in deeper if d.rpartition(".")[2].lower() == key.lower()]
    if elsewhere and not hint:
        hint = f" Did you mean '{elsewhere[0]}'?"
    return f"is not a key here.{hint} Known: {', '.join(known)}."


class Table(Mapping[str, type]):
    """Names to classes. `paths` maps each name to an import path, "a.module:Class".

    base : import path of the class that every class of the table is derived from
    open : a name that is not in the table may be the import path of a class of the user's own
    """

    def __init__(
        self,
        kind: str,
        paths: Mapping[str, str],
        base: str,
        open: bool = False,
    ):
        self.kind = kind
        self.paths = dict(paths)
        self.open = open
        self.base = base

    def path(self, name: str) -> str:
        """Import path of the module behind `name`; KeyError names the nearest known name."""
        if isinstance(name, str) and name in self.paths:
            return self.paths[name].partition(":")[0]
        if self.open and _is_module(name):
            return name.partition(":")[0]
        own = ", or the import path of a class of yours, module:Class" if self.open else ""
        raise KeyError(
            f"unknown {self.kind} '{name}'. Known: {', '.join(self.paths)}{own}."
            + (nearest(name, self.paths) if isinstance(name, str) else "")
        )

    def __getitem__(self, name: str) -> type:
        """The class behind `name`; ValueError says why it is not of this kind."""
        path = self.path(name)
        module, base = importlib.import_module(path), _load(self.base)
        chosen = self.paths.get(name, name).partition(":")[2]
        found = vars(module).get(chosen)
        if isinstance(found, type) and issubclass(found, base):
            return found
        own = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, base)
            and value.__module__ == module.__name__
        ]
        remedy = " or ".join(f"{module.__name__}:{key}" for key in own)
        remedy = f"write {remedy}" if own else f"it has no class derived from {base.__name__}"
        raise ValueError(
            f"'{name}' names no {self.kind}, which is a class derived from {base.__name__}; in "
            f"{module.__file__}: {remedy}"
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, name: object) -> bool:
        return name in self.paths or (self.open and _is_module(name))


def _load(path: str) -> Any:
    """The object at "a.module:name"."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _is_module(name: object) -> bool:
    """Whether a Python file has this import path, "a.module" or "a.module:Class"."""
    if not isinstance(name, str):
        return False
    name, colon, chosen = name.partition(":")
    parts = [*name.split("."), *([chosen] if colon else [])]
    if not all(part.isidentifier() for part in parts):
        return False
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return found is not None and str(found.origin).endswith(".py")
