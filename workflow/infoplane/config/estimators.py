"""Estimators with a sweep: one entry of a file stands for several estimators, one per
setting."""

from collections.abc import Mapping
from typing import Any

from infoplane.config.merge import replaced, variants
from infoplane.config.problems import shown
from infoplane.estimators import ESTIMATORS, Estimator

Line = tuple[str, str]


def method_of(written: Any) -> type[Estimator] | None:
    """The estimator that an entry names; None if there is none, which another check reports."""
    name = written.get("estimator") if isinstance(written, Mapping) else None
    try:
        return ESTIMATORS[name]
    except (KeyError, ValueError):
        return None


def informs(settings: Any) -> bool:
    """Whether an estimator, as written or checked, estimates information."""
    is_written = settings is None or isinstance(settings, Mapping)
    method = method_of(settings if is_written else {"estimator": settings.estimator})
    return method is not None and not method.without_information


class Expanded:
    """The estimators of a file, every variant of a sweep under its own name.

    entries : written settings by name; wrong sweeps left out
    sweeps : names of the variants, by the name of the entry that has the sweep
    lines : mistakes of the sweeps
    """

    def __init__(self, written: Mapping[str, Any]):
        self.entries: dict[str, Any] = {}
        self.sweeps: dict[str, list[str]] = {}
        self.lines: list[Line] = []
        self._chosen: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for name, entry in written.items():
            if not isinstance(entry, Mapping) or "sweep" not in entry:
                self.entries[name] = entry
                continue
            base = {key: value for key, value in entry.items() if key != "sweep"}
            key = f"estimators.{name}.sweep"
            wrong = _wrong_with(entry["sweep"])
            if wrong:
                self.lines.append((key, wrong))
                self.entries[name] = base
                continue
            self.sweeps[name] = []
            for end, chosen in variants(entry["sweep"]):
                self._add(name, f"{name}-{end}", base, chosen, {*written, *self.entries})

    def _add(self, name, full_name, base, chosen, taken) -> None:
        if full_name in taken:
            text = f"makes a variant named '{full_name}', a name that exists already"
            self.lines.append((f"estimators.{name}.sweep", text))
            return
        entry = base
        for key, value in chosen.items():
            entry = replaced(entry, key, value)
        self.entries[full_name] = entry
        self.sweeps[name].append(full_name)
        self._chosen[full_name] = name, chosen

    def names(self, wanted: Any) -> Any:
        """A run's list of estimators with every sweep as its variants."""
        if not isinstance(wanted, list):
            return wanted
        found = [self.sweeps.get(n, [n]) if isinstance(n, str) else [n] for n in wanted]
        return [name for some in found for name in some]

    def known(self) -> list[str]:
        """Every name that a run may give."""
        return [*self.entries, *self.sweeps]

    def place(self, path: tuple) -> tuple:
        """The place in the file of this path of the expanded estimators."""
        if len(path) < 2 or path[0] != "estimators" or path[1] not in self._chosen:
            return path
        name, chosen = self._chosen[path[1]]
        swept = len(path) > 2 and path[2] in {key.partition(".")[0] for key in chosen}
        return ("estimators", name, *(("sweep",) if swept else ()), *path[2:])


def _wrong_with(sweep: Any) -> str | None:
    if not isinstance(sweep, Mapping) or not sweep:
        return f"must be a mapping of keys to lists of values, not {shown(sweep)}"
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            return f"{key} must be a list of at least one value, not {shown(values)}"
        if key == "estimator":
            return "estimator cannot be swept; give each method an entry of its own"
        twice = [value for value in values if values.count(value) > 1]
        if twice:
            return f"{key}: {shown(twice[0])} is listed twice; each value makes one estimator"
    return None
