"""Modules that are imported at their first use.

A plan needs the settings of estimators, networks and trainers, and the subjects of figures.
Their modules also hold code that needs torch, matplotlib, xarray and zarr. To import torch
takes 1.7 s and 600 MB, matplotlib 0.3 s, and the others 0.15 s, at every start of Snakemake;
each job on a cluster starts it twice. So a planning process calls `defer_for_a_plan` before it
imports those modules; their `import torch` and `from matplotlib.figure import Figure` then get
stand-ins. The top level of such a module must not call the package or evaluate annotations,
which `from __future__ import annotations` prevents. A module that breaks this rule works, but
costs the import.
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
"""Parts of matplotlib from which figures take classes."""


class Deferred(ModuleType):
    """Stands for a module, and imports it at the first use of an attribute that the stand-in
    lacks."""

    def __getattr__(self, name: str):
        # Code that walks through all modules reads __file__ and the like; the import of a
        # module inside reads __path__.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(f"{self.__name__} was not imported yet, and has no {name}")
        return getattr(_imported(self), name)


class DeferredPart(ModuleType):
    """Stands for a module inside a package that gives only classes and functions."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(f"{self.__name__} was not imported yet, and has no {name}")
        return Later(self, name)


class Later:
    """Stands for a class or a function, and imports it at the first call or attribute."""

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
    A module that is imported already, or not installed, stays as it is.
    """
    if name in sys.modules or (spec := find_spec(name)) is None:
        return
    stand_in = Deferred(name)
    stand_in.__spec__ = spec  # others test by it whether the module exists
    sys.modules[name] = stand_in
    for part in parts:
        sys.modules[f"{name}.{part}"] = DeferredPart(f"{name}.{part}")


def defer_for_a_plan() -> None:
    """Defer all modules that a plan does not need."""
    defer("torch")
    defer("matplotlib", *PARTS_OF_MATPLOTLIB)
    defer("xarray")
    defer("zarr", "codecs")


def _imported(stand_in: ModuleType) -> ModuleType:
    """The module itself; it replaces the stand-ins of its package and parts."""
    package = stand_in.__name__.partition(".")[0]
    if isinstance(sys.modules.get(package), Deferred):
        for name in [n for n in sys.modules if n.partition(".")[0] == package]:
            del sys.modules[name]
    return importlib.import_module(stand_in.__name__)
