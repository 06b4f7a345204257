"""Modules that are imported when something of them is first used.

A plan needs the settings of estimators, networks and trainers, and what figures are of; these
stand beside code that needs torch and matplotlib. torch's import takes 1.7 s and 600 MB, that
of matplotlib 0.3 s, at every start of Snakemake, two of which are in the allocation of every
job on a cluster. So what plans calls `defer_for_a_plan` before it imports those modules; their
`import torch` and `from matplotlib.figure import Figure` then get stand-ins. They keep to that
at their top level: annotations are not evaluated (`from __future__ import annotations`), and
nothing of such a package is called. A module that does all the same works, at the price of the
import.
"""

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType

PARTS_OF_MATPLOTLIB = (
    "axes",
    "backends.backend_agg",
    "cm",
    "collections",
    "colors",
    "figure",
    "lines",
    "patches",
    "ticker",
)
"""Those that figures take classes from."""


class Deferred(ModuleType):
    """Stands for a module, and imports it when asked for anything that a stand-in lacks."""

    def __getattr__(self, name: str):
        # Whoever walks through all modules asks for __file__ and the like; __path__ is asked
        # for by the import of a module inside.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(f"{self.__name__} was not imported yet, and has no {name}")
        return getattr(_imported(self), name)


class DeferredPart(ModuleType):
    """Stands for a module inside a package, of which only classes and functions are taken."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(f"{self.__name__} was not imported yet, and has no {name}")
        return Later(self, name)


class Later:
    """Stands for a class or a function, which is imported when it is called or asked."""

    def __init__(self, module: ModuleType, name: str):
        self._from = module, name

    def _itself(self):
        module, name = self._from
        return getattr(_imported(module), name)

    def __call__(self, *args, **kwargs):
        return self._itself()(*args, **kwargs)

    def __getattr__(self, name: str):
        return getattr(self._itself(), name)

    def __instancecheck__(self, thing) -> bool:
        return isinstance(thing, self._itself())

    def __mro_entries__(self, bases) -> tuple[type, ...]:
        return (self._itself(),)


def defer(name: str, *parts: str) -> None:
    """Have `import <name>` in this process wait until the module is used.

    parts : modules inside of which `from <name>.<part> import …` waits too
    A module that is there already, or is not installed, stays as it is.
    """
    if name in sys.modules or (spec := find_spec(name)) is None:
        return
    stand_in = Deferred(name)
    stand_in.__spec__ = spec  # others ask by it whether there is such a module
    sys.modules[name] = stand_in
    for part in parts:
        sys.modules[f"{name}.{part}"] = DeferredPart(f"{name}.{part}")


def defer_for_a_plan() -> None:
    """Have all wait that a plan does without."""
    defer("torch")
    defer("matplotlib", *PARTS_OF_MATPLOTLIB)


def _imported(stand_in: ModuleType) -> ModuleType:
    """The module itself; stand-ins for its package and for all that is in it make room."""
    package = stand_in.__name__.partition(".")[0]
    if isinstance(sys.modules.get(package), Deferred):
        for name in [n for n in sys.modules if n.partition(".")[0] == package]:
            del sys.modules[name]
    return importlib.import_module(stand_in.__name__)
