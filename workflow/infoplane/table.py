"""A table from names to modules that are imported when first asked for.

Each folder of methods (datasets, networks, training, estimators) has one. The import is by
name and late, so that `provenance.source_digest` of one method does not take in its
neighbours, and reading a configuration does not import what it does not use.
"""

import difflib
import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from types import ModuleType


def nearest(name: str, known) -> str:
    """' Did you mean …?' for the known name that looks most like `name`, or nothing."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


class Table(Mapping[str, ModuleType]):
    """Names to modules. `paths` maps each name to an import path.

    open : a name that is not in the table may be the import path of a module of the user's
    """

    def __init__(self, kind: str, paths: Mapping[str, str], open: bool = False):
        self.kind = kind
        self.paths = dict(paths)
        self.open = open

    def path(self, name: str) -> str:
        """Import path of the module behind `name`; KeyError names the nearest known name."""
        if name in self.paths:
            return self.paths[name]
        if self.open and _is_module(name):
            return name
        own = ", or the import path of a module of yours" if self.open else ""
        raise KeyError(
            f"unknown {self.kind} '{name}'. Known: {', '.join(self.paths)}{own}."
            + nearest(name, self.paths)
        )

    def __getitem__(self, name: str) -> ModuleType:
        return importlib.import_module(self.path(name))

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
