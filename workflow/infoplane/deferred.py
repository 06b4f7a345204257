"""Modules that are imported when something of them is first used.

A plan needs the settings of estimators, networks and trainers, which stand beside code that
needs torch. torch's import takes 1.7 s and 600 MB, at every start of Snakemake, two of which
are in the allocation of every job on a cluster. So what plans calls `defer("torch")` before it
imports those modules; their `import torch` then gets a stand-in. They keep to that at their
top level: annotations are not evaluated (`from __future__ import annotations`), and nothing of
torch is called. A module that does use it there works all the same, at the price of the import.
"""

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType


class Deferred(ModuleType):
    """Stands for a module, and imports it when asked for anything that a stand-in lacks."""

    def __getattr__(self, name: str):
        # Whoever walks through all modules asks for __file__ and the like; __path__ is asked
        # for by the import of a module inside.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(f"{self.__name__} was not imported yet, and has no {name}")
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def defer(name: str) -> None:
    """Have `import <name>` in this process wait until the module is used.

    A module that is there already, or is not installed, stays as it is.
    """
    if name in sys.modules or (spec := find_spec(name)) is None:
        return
    stand_in = Deferred(name)
    stand_in.__spec__ = spec  # others ask by it whether there is such a module
    sys.modules[name] = stand_in
