"""The recipe of every result of an experiment: a digest of what it must be made from.

A recipe covers the result's own settings, the sources of its code, and the recipes of its
inputs. A result stores the recipe that made it (stores.recipes). If that differs from the
planned one, the result is made again, whatever Snakemake remembers and whatever the dates of
files.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from infoplane.config.models import Experiment
from infoplane.config.pools import estimators_of
from infoplane.datasets import SOURCES, default_places, files_of, source_of
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables import calibration
from infoplane.figures import FIGURES
from infoplane.figures.subject import Subject
from infoplane.networks import FAMILIES
from infoplane.plan.blocks import Blocks
from infoplane.plan.contents import digest_of_contents
from infoplane.plan.files import Files
from infoplane.probes import PROBES
from infoplane.provenance import LIBRARY, digest_of_text, source_digest
from infoplane.schedules.fixed import Listed
from infoplane.seeds import parse_block
from infoplane.stores.recipes import CONTENTS, said_by
from infoplane.training import TRAINERS

WITHOUT_EFFECT = {"threads", "memory_mb", "checkpoint_seconds", "shards"}
"""Settings of a run that change no result."""
JOBS = {"minutes_per_job", "networks_per_job"}
"""Settings of compared networks that change no result."""
PAGE = ("page.html.j2", "explore.html.j2", "explore.js", "sort.js")
"""Modules of `figures` that make the report."""


def recipe(*parts) -> str:
    """Digest of parts that JSON can hold."""
    return digest_of_text(json.dumps(parts, sort_keys=True))


class Recipes:
    """Recipes of an experiment's results, by the names in their paths.

    Sources, tables and files are read once, so that all results refer to the same state.
    """

    def __init__(self, experiment: Experiment, blocks: Blocks, files: Files):
        self.experiment, self.blocks, self.files = experiment, blocks, files
        # Thousands of results share a recipe or need the digest of the same source.
        self.source = cache(source_digest)
        self.dataset = cache(self.dataset)
        self.weights = cache(self.weights)
        self._canonical = cache(self._canonical)
        self._network_made_of = cache(self._network_made_of)
        self._information, self._estimator = cache(self._information), cache(self._estimator)

    def dataset(self, dataset: str) -> str:
        """The recipe of a prepared data set. Raises OSError or ValueError if its files are
        unusable."""
        settings = self.experiment.datasets[dataset]
        source = self.source(
            "infoplane.datasets.prepare",
            SOURCES.path(settings.source),
            "infoplane.stores.datasets",
            script="prepare_dataset.py",
        )
        written = settings.model_dump(mode="json", exclude=set(source_of(settings).where))
        return recipe(written, self.contents(dataset), source)

    def contents(self, dataset: str) -> str:
        """A digest of the content of the user's files behind a data set.

        If they are missing, the store knows their content at the time it was made.
        """
        files = files_of(self.experiment.datasets[dataset], default_places())
        if files:
            return digest_of_contents(files)
        return said_by(Path(self.files.dataset(dataset)), CONTENTS) or ""

    def weights(self, run: str, seeds: str) -> str:
        """The recipe of the weights of a block of seeds."""
        settings = self.experiment.runs[run]
        source = self.source(
            "infoplane.training.block",
            TRAINERS.path(settings.training.trainer),
            *self._families(run),
            script="train.py",
        )
        training = settings.training.model_dump(
            mode="json", exclude=set(settings.training.where)
        )
        first, last = parse_block(seeds)
        files = settings.training.contents(range(first, last + 1))
        taken_up = [digest_of_contents(files), *settings.training.numbers] if files else []
        return recipe(
            self.dataset(settings.dataset),
            self._canonical(run, "network"),
            self._network_made_of(run),
            training,
            taken_up,
            seeds,
            source,
        )

    def activations(self, run: str, seeds: str) -> str:
        """The recipe of activations that estimators share."""
        source = self._source_of_activations(run, script="regenerate_activations.py")
        return recipe(self.weights(run, seeds), self._canonical(run, "measure"), source)

    def information(self, run: str, estimator: str, seeds: str) -> str:
        """The recipe of the information of a block of seeds, or a part of it."""
        return recipe(self.weights(run, seeds), self._information(run, estimator))

    def pooled(self, run: str, pool: str, estimator: str) -> str:
        """The recipe of pooled information."""
        settings = self.experiment.runs[run]
        source = self.source(
            "infoplane.measurement.pooling",
            "infoplane.stores.joined",
            "infoplane.stores.pooled",
            ESTIMATORS.path(self.experiment.estimators[estimator].estimator),
            script="pool_epochs.py",
        )
        return recipe(
            [self.weights(run, seeds) for seeds in self.blocks.of(run)],
            settings.seeds,
            settings.pools[pool].canonical(),
            self.measure_without_epochs(run),
            self._estimator(estimator),
            self._source_of_activations(run),
            source,
        )

    def checks(self, run: str, estimator: str) -> str:
        """The recipe of the list of a run's violations."""
        source = self.source("infoplane.figures.drawn", script="draw.py")
        made_of = [self.information(run, estimator, seeds) for seeds in self.blocks.of(run)]
        return recipe(made_of, self.experiment.runs[run].seeds, source)

    def figure(self, subject: Subject, made_of: Iterable[str]) -> str:
        """The recipe of a figure. made_of : recipes of its sources."""
        seeds = {run: self.experiment.runs[run].seeds for run in subject.runs}
        levels = [list(subject.levels)] if subject.levels else []
        return recipe(list(made_of), seeds, self._source_of_figure(subject.kind), *levels)

    def report(self, kinds: Iterable[str], *beside: str) -> str:
        """The recipe of the report, with figures of these kinds.

        beside : recipes of what the report also shows: compared networks, claims, the audit
        """
        source = self.source(
            "infoplane.figures.page", "infoplane.figures.drawn", script="report.py"
        )
        folder = LIBRARY / "figures"
        template = [(folder / name).read_text(encoding="utf-8") for name in PAGE]
        made_of = [
            [*self.of_run(name).values(), *(self.checks(name, by) for by in run.estimators)]
            for name, run in self.experiment.alone.items()
        ]
        drawn = [self._source_of_figure(kind) for kind in sorted(kinds)]
        return recipe(made_of, beside, drawn, self.settings, source, template)

    @property
    def settings(self) -> dict:
        """The experiment's settings, as far as they change results."""
        left_out = {"runs": {"__all__": WITHOUT_EFFECT}, "compare": JOBS}
        return self.experiment.model_dump(mode="json", exclude=left_out)

    def measure_without_epochs(self, run: str) -> str:
        """The keys of a run's `measure` that a pool uses; the pool has its own epochs."""
        own = {"epochs": Listed(schedule="list", epochs=[0]), "share_activations": "never"}
        return self.experiment.runs[run].measure.model_copy(update=own).canonical()

    def of_run(self, run: str) -> dict[str, str]:
        """The stores of a run and of its data set, with their recipes."""
        settings, files = self.experiment.runs[run], self.files
        recipes = {files.dataset(settings.dataset): self.dataset(settings.dataset)}
        for seeds, store in zip(self.blocks.of(run), self.blocks.weights_of(run), strict=True):
            recipes[store] = self.weights(run, seeds)
            for by in settings.estimators if run in self.experiment.alone else ():
                recipes[files.information(run, by, seeds)] = self.information(run, by, seeds)
        for pool in settings.pools:
            for by in estimators_of(settings, pool):
                recipes[files.pooled(run, pool, by)] = self.pooled(run, pool, by)
        return recipes

    def _canonical(self, run: str, part: str) -> str:
        """A section of a run's settings, as text."""
        return getattr(self.experiment.runs[run], part).canonical()

    def _information(self, run: str, estimator: str) -> str:
        """The part of information's recipe that does not concern the weights."""
        method = self.experiment.estimators[estimator].estimator
        source = self.source(
            "infoplane.measurement.measure",
            ESTIMATORS.path(method),
            "infoplane.stores.information",
            script="estimate_information.py",
        )
        return recipe(
            self._estimator(estimator),
            self._canonical(run, "measure"),
            self._source_of_activations(run),
            source,
        )

    def _estimator(self, name: str) -> list[str]:
        """An estimator's settings, and the table of its intervals."""
        settings = self.experiment.estimators[name]
        return [settings.canonical(), calibration.digest_of(settings.estimator)]

    def _source_of_figure(self, kind: str) -> str:
        return self.source(FIGURES.path(kind), "infoplane.figures.drawn", script="draw.py")

    def _source_of_activations(self, run: str, script: str = "") -> str:
        settings = self.experiment.runs[run]
        made_by = (PROBES.path(settings.measure.probe), *self._families(run))
        source = self.source("infoplane.measurement.activations", *made_by, script=script)
        return source + self._network_made_of(run)

    def _network_made_of(self, run: str) -> str:
        return "".join(FAMILIES[n.family].made_of(n) for n in self._networks(run))

    def _families(self, run: str) -> list[str]:
        """Import paths of the families of a run's networks."""
        return list(dict.fromkeys(FAMILIES.path(n.family) for n in self._networks(run)))

    def _networks(self, run: str) -> list:
        """Settings of a run's networks: its own, and those of its trainer."""
        chosen = self.experiment.runs[run]
        return [chosen.network, *chosen.training.networks]
