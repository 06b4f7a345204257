"""A table from names to modules that are imported when first asked for.

Each folder of methods (datasets, networks, training, estimators) has one. The import is by
name and late, so that `provenance.source_digest` of one method does not take in its
neighbours, and reading a configuration does not import what it does not use.
"""

import difflib
import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType


def nearest(name: str, known: Iterable[str]) -> str:
    """' Did you mean …?' for the known name that looks most like `name`, or nothing.

    Small and capital letters count as equal.
    """
    by_letters = {str(k).lower(): str(k) for k in known}
    close = difflib.get_close_matches(str(name).lower(), by_letters, n=1, cutoff=0.5)
    return f" Did you mean '{by_letters[close[0]]}'?" if close else ""


def unknown(key: str, known: Iterable[str], deeper: Iterable[str] = ()) -> str:
    """What is wrong with a key that means nothing here, and what may have been meant."""
    known = list(known)
    hint = nearest(key, known)
    elsewhere = [d for d in deeper if d.rpartition(".")[2].lower() == key.lower()]
    if elsewhere and not hint:
        hint = f" Did you mean '{elsewhere[0]}'?"
    return f"is not a key here.{hint} Known: {', '.join(known)}."


class Table(Mapping[str, ModuleType]):
    """Names to modules. `paths` maps each name to an import path.

    open : a name that is not in the table may be the import path of a module of the user's
    functions : of which a module has at least one, beside its class Settings
    """

    def __init__(
        self,
        kind: str,
        paths: Mapping[str, str],
        open: bool = False,
        functions: Iterable[str] = (),
    ):
        self.kind = kind
        self.paths = dict(paths)
        self.open = open
        self.functions = tuple(functions)

    def path(self, name: str) -> str:
        """Import path of the module behind `name`; KeyError names the nearest known name."""
        if isinstance(name, str) and name in self.paths:
            return self.paths[name]
        if self.open and _is_module(name):
            return name
        own = ", or the import path of a module of yours" if self.open else ""
        raise KeyError(
            f"unknown {self.kind} '{name}'. Known: {', '.join(self.paths)}{own}."
            + (nearest(name, self.paths) if isinstance(name, str) else "")
        )

    def __getitem__(self, name: str) -> ModuleType:
        return importlib.import_module(self.path(name))

    def complete(self, name: str) -> ModuleType:
        """The module behind `name`; ValueError says what it lacks to be one of this kind."""
        module = self[name]
        lacking = [] if hasattr(module, "Settings") else ["class Settings"]
        if self.functions and not any(hasattr(module, f) for f in self.functions):
            lacking.append(f"function {' or '.join(self.functions)}")
        if lacking:
            raise ValueError(
                f"module {name} ({module.__file__}) is no {self.kind}: it has no "
                f"{' and no '.join(lacking)}"
            )
        return module

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, name: object) -> bool:
        return name in self.paths or (self.open and _is_module(name))


def _is_module(name: object) -> bool:
    """Whether a Python file has this import path."""
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        return False
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return found is not None and str(found.origin).endswith(".py")
