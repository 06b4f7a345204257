"""The figures and lists of violations of an experiment, and their sources."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from infoplane.config.factors import common_estimators
from infoplane.config.models import Experiment
from infoplane.config.pools import estimators_of
from infoplane.estimators import ESTIMATORS, estimator_of
from infoplane.figures import FIGURES
from infoplane.figures.subject import Level, Subject
from infoplane.plan.blocks import Blocks
from infoplane.plan.files import Files
from infoplane.plan.recipes import Recipes
from infoplane.plan.stage import Notes

BESIDE = ("png", "pdf", "csv")
"""Files of a figure next to the JSON that holds its recipe."""


class Drawings:
    """The figures of an experiment: those of each run, and those of several runs."""

    def __init__(self, experiment: Experiment, files: Files, blocks: Blocks, recipes: Recipes):
        self.experiment, self.files = experiment, files
        self.blocks, self.recipes = blocks, recipes
        self._of_run: dict[str, list[Subject]] = {}

    def of(self, run: str | None) -> list[Subject]:
        """Figures of a run, or (None) of several runs."""
        if run is None:
            return self.of_several
        if run not in self._of_run:
            self._of_run[run] = [*self._alone(run)]
        return self._of_run[run]

    @cached_property
    def of_several(self) -> list[Subject]:
        """Comparisons of runs, factors, and planes of pools."""
        return [*self._comparisons(), *self._factors(), *self._pools()]

    @cached_property
    def pools(self) -> list[str]:
        """Names of all pools of all runs."""
        return sorted({pool for run in self.experiment.alone.values() for pool in run.pools})

    def some(self, run: str | None, selection: str | None = None) -> list[Subject]:
        """All figures of a run or of several runs, or those of one estimator, sweep or kind:
        `estimator-kde`, `figure-comparison`."""
        if selection is None:
            return self.of(run)
        what, _, name = selection.partition("-")
        wanted = {"estimator": lambda s: s.by, "figure": lambda s: self._name(s.kind)}[what]
        return [subject for subject in self.of(run) if wanted(subject) == name]

    def listed(self, run: str | None, selection: str | None = None) -> list[str]:
        """Estimators whose violations are listed with the figures of a run: all that measure
        it, or those that the figures show."""
        if run is None:
            return []
        own = self.experiment.run(run).estimators
        if selection is None:
            return list(own)
        some = self.some(run, selection)
        shown = {by for s in some if FIGURES[s.kind].of != "pool" for by in s.estimators}
        return [by for by in own if by in shown]

    def stores(self, run: str | None, selection: str | None = None) -> list[str]:
        """All files from which the figures and their lists are made."""
        paths = [
            self.files.information(run, by, seeds)
            for by in self.listed(run, selection)
            for seeds in self.blocks.of(run)
        ]
        for subject in self.some(run, selection):
            paths += self._made_of(subject)
        return list(dict.fromkeys(paths))

    def recipe(self, subject: Subject) -> str:
        """The recipe that a figure must have."""
        return self.recipes.figure(subject, self._made_of(subject).values())

    def _made_of(self, subject: Subject) -> dict[str, str]:
        """Stores that a figure shows, with their recipes."""
        of, recipes = FIGURES[subject.kind].of, {}
        shown = {(level.run, level.estimator) for level in subject.levels}
        for run in subject.runs:
            blocks = self.blocks.of(run)
            if of in ("run", "factors"):
                stores = self.blocks.weights_of(run)
                recipes |= {
                    store: self.recipes.weights(run, seeds)
                    for store, seeds in zip(stores, blocks, strict=True)
                }
            for by in subject.estimators:
                if shown and (run, by) not in shown:
                    continue
                if subject.pool:
                    pooled = self.files.pooled(run, subject.pool, by)
                    recipes[pooled] = self.recipes.pooled(run, subject.pool, by)
                if of != "pool":
                    for seeds in blocks:
                        information = self.files.information(run, by, seeds)
                        recipes[information] = self.recipes.information(run, by, seeds)
        return recipes

    def notes(self, run: str | None, selection: str | None = None) -> Notes:
        """The files that hold the recipes of the figures and of their lists."""
        folder, recipes = self.files.figures(run), {}
        for subject in self.some(run, selection):
            path = f"{folder}/{subject.name}"
            beside = tuple(f"{path}.{ending}" for ending in BESIDE)
            recipes[f"{path}.json"] = (self.recipe(subject), beside)
        for by in self.listed(run, selection):
            path = f"{self.files.checks(run)}/{by}"
            recipes[f"{path}.json"] = (self.recipes.checks(run, by), (f"{path}.csv",))
        return recipes

    def written(self, run: str | None, selection: str | None = None) -> dict[str, str]:
        """The drawing job's settings, as JSON texts."""
        some, listed = self.some(run, selection), self.listed(run, selection)
        runs = {of for subject in some for of in subject.runs} | ({run} if run else set())
        return {
            "subjects": json.dumps([(self.recipe(s), s._asdict()) for s in some]),
            "listed": json.dumps([(run, by, self.recipes.checks(run, by)) for by in listed]),
            "material": self.material(name for name in self.experiment.runs if name in runs),
        }

    def shown(self, runs: Iterable[str | None]) -> dict[str, str]:
        """The report's settings: folders and names of figures, and paths of tables."""
        figures = [
            (run, self.files.figures(run), [subject.name for subject in self.of(run)])
            for run in runs
        ]
        return {
            "figures": json.dumps(figures),
            "material": self.material(self.experiment.alone),
        }

    def material(self, runs: Iterable[str]) -> str:
        """Paths of the tables of these runs, as `figures.material.Material` takes them."""
        return json.dumps(
            {
                "paths": {
                    name: getattr(self.files, name)()
                    for name in ("weights", "information", "pooled")
                },
                "runs": {
                    run: {
                        "seeds": self.experiment.runs[run].seeds,
                        "blocks": self.blocks.of(run),
                        "trained_as": self.blocks.trained_as(run),
                    }
                    for run in runs
                },
                "exempt": {name: self._method(name).exempt_from_dpi for name in self._names},
            }
        )

    def caption(self, folder: str, name: str) -> str:
        """The caption of a figure for a reStructuredText file, without any markup in it."""
        texts = json.loads(Path(folder, f"{name}.json").read_text(encoding="utf-8"))
        return re.sub(r"([\\*`|_])", r"\\\1", texts["caption"])

    def _alone(self, run: str) -> Iterator[Subject]:
        settings = self.experiment.run(run)
        for kind in self._kinds("run"):
            if settings.training.gradients or not FIGURES[kind].of_gradients:
                yield Subject(kind, self._name(kind), "", (run,))
        for by in settings.estimators:
            for kind in self._kinds("estimator"):
                if self._is_drawn(kind, by):
                    yield Subject(kind, f"{self._name(kind)}-{by}", by, (run,), (by,))
        yield from self._convergence(run, settings.estimators)
        for sweep, variants in self.experiment.sweeps.items():
            if set(variants) <= set(settings.estimators):
                for kind in self._kinds("sweep"):
                    yield Subject(
                        kind, f"{self._name(kind)}-{sweep}", sweep, (run,), tuple(variants)
                    )
        for pool in sorted(settings.pools):
            for by in estimators_of(settings, pool):
                for kind in self._kinds("pool"):
                    yield Subject(
                        kind, f"{self._name(kind)}-{pool}-{by}", by, (run,), (by,), pool
                    )
        clusterings = [by for by in settings.estimators if self._clusters(by)]
        for other in clusterings:
            for by in settings.estimators:
                if by not in clusterings:
                    for kind in self._kinds("pair"):
                        yield Subject(
                            kind, f"{self._name(kind)}-{by}-{other}", by, (run,), (by, other)
                        )

    def _convergence(self, run: str, estimators: Iterable[str]) -> Iterator[Subject]:
        """Figures of estimators that keep curves. One that continues from epoch to epoch is
        drawn next to its twin that starts anew; one without a twin is drawn alone."""
        known = {by: estimator_of(self.experiment.estimators[by]) for by in estimators}
        known = {by: estimator for by, estimator in known.items() if estimator.keeps_curves}
        twins = {
            by: other
            for by, estimator in known.items()
            for other, fresh in known.items()
            if estimator.remembers and fresh.settings == estimator.without_memory()
        }
        both = list(twins.items())
        alone = [(by,) for by in known if by not in {*twins, *twins.values()}]
        for kind in self._kinds("convergence"):
            for names in both if FIGURES[kind].of_twins else [*both, *alone]:
                stem = "-".join((self._name(kind), *names))
                yield Subject(kind, stem, names[0], (run,), names)

    def _comparisons(self) -> Iterator[Subject]:
        for name, runs in self.experiment.comparisons.items():
            estimators = {by for run in runs for by in self.experiment.runs[run].estimators}
            for by in sorted(estimators):
                shown = [r for r in runs if by in self.experiment.runs[r].estimators]
                for kind in self._kinds("comparison"):
                    if self._is_drawn(kind, by):
                        stem = name if kind == "comparison" else f"{self._name(kind)}-{name}"
                        yield Subject(kind, f"{stem}-{by}", by, tuple(shown), (by,))

    def _factors(self) -> Iterator[Subject]:
        factors, experiment = self.experiment.factors, self.experiment
        for by in common_estimators(factors, experiment.runs, experiment.estimators):
            levels = tuple(
                Level(factor, level.label, level.run, level.estimator or by)
                for factor, found in factors.items()
                for level in found
            )
            runs = tuple(dict.fromkeys(level.run for level in levels))
            estimators = tuple(dict.fromkeys(level.estimator for level in levels))
            for kind in self._kinds("factors"):
                yield Subject(
                    kind, f"{self._name(kind)}-{by}", by, runs, estimators, levels=levels
                )

    def _pools(self) -> Iterator[Subject]:
        for pool in self.pools:
            for by in self._names:
                runs = tuple(
                    name
                    for name, run in self.experiment.alone.items()
                    if pool in run.pools and by in estimators_of(run, pool)
                )
                for kind in self._kinds("pools") if runs else ():
                    yield Subject(
                        kind, f"{self._name(kind)}-{pool}-{by}", by, runs, (by,), pool
                    )

    @property
    def _names(self) -> Iterable[str]:
        return self.experiment.estimators

    @cached_property
    def _variants(self) -> set[str]:
        return {name for names in self.experiment.sweeps.values() for name in names}

    def _is_drawn(self, kind: str, estimator: str) -> bool:
        """Whether an estimator has such figures of its own; variants of a sweep share one."""
        informs = not self._method(estimator).without_information
        return estimator not in self._variants and FIGURES[kind].information == informs

    def _method(self, estimator: str):
        return ESTIMATORS[self.experiment.estimators[estimator].estimator]

    def _clusters(self, estimator: str) -> bool:
        return self.experiment.estimators[estimator].estimator == "clustering"

    def _kinds(self, of: str) -> list[str]:
        """Kinds of figures with this subject, the user's own last."""
        every = [*FIGURES, *self.experiment.own_figures.values()]
        return [kind for kind in every if FIGURES[kind].of == of]

    def _name(self, kind: str) -> str:
        """A kind's name in files and targets."""
        return self._names_of_own.get(kind, kind)

    @cached_property
    def _names_of_own(self) -> dict[str, str]:
        return {path: name for name, path in self.experiment.own_figures.items()}
