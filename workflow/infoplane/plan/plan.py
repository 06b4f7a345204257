"""Everything that the rules of an experiment take: files, stages, inputs, settings, targets."""

import json
import re
import sys
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

from infoplane.config.models import Experiment
from infoplane.estimators import estimator_of
from infoplane.measurement.measure import why_whole
from infoplane.plan import sharing
from infoplane.plan.audits import Audits
from infoplane.plan.blocks import Blocks
from infoplane.plan.claims import Claims
from infoplane.plan.costs import Costs
from infoplane.plan.drawings import Drawings
from infoplane.plan.families import Families
from infoplane.plan.files import Files
from infoplane.plan.known import Known
from infoplane.plan.recipes import Recipes
from infoplane.plan.stage import Stage, Standing, stand
from infoplane.schedules.parts import Part
from infoplane.stores import parts
from infoplane.training.trainer import NETWORK

MOST_TARGETS = 200
"""With at most this many runs, each has its own target. With 10,000 runs, one rule per run
would cost Snakemake more than all its other work."""


class Plan:
    """The plan of an experiment, made from its settings and the files in its folder.

    The plan reads the disk once: a call of Snakemake makes what was planned at its start.
    Names of runs come from requested paths; an unknown one raises ValueError.
    """

    def __init__(self, experiment: Experiment, home: str | Path):
        self.experiment, self.files = experiment, Files(home)
        self.blocks = Blocks(experiment, self.files)
        self.recipes = Recipes(experiment, self.blocks, self.files)
        self.drawings = Drawings(experiment, self.files, self.blocks, self.recipes)
        self.known = Known(experiment, home)
        self.costs = Costs(self.known)
        self._shares = cache(lambda run: sharing.shares(self.known, run))
        self.families = Families(experiment, self.files, self.recipes, self.costs)
        stages = self.recipes, self.drawings, self.families, self.costs
        self.claims = Claims(experiment, self.files, *stages)
        self.audits = Audits(experiment, self.files, self.recipes, self.costs)
        self.settings = cache(self._settings)
        self._stages()

    def _stages(self) -> None:
        files, recipes, costs = self.files, self.recipes, self.costs
        self.datasets = Stage(files.dataset(), recipes.dataset, costs.dataset)
        self.weights = Stage(
            files.weights(), self._known(recipes.weights), costs.training, self.gpus_to_train
        )
        self.activations = Stage(
            files.activations(),
            self._known(recipes.activations),
            costs.activations,
            self.gpus_to_measure,
        )
        self.information = Stage(
            files.information(),
            self._known(recipes.information),
            self._cost_of_estimation,
            self.gpus_to_measure,
        )
        self.parts = Stage(
            files.part(),
            lambda part, **names: self.information.recipe(**names),
            self._cost_of_part,
            self.gpus_to_measure,
        )
        self.pooled = Stage(
            files.pooled(), self._known(recipes.pooled), costs.pool, self.gpus_to_measure
        )
        families = self.families
        self.trainings = Stage(
            files.trained(),
            families.training_recipe,
            families.cost_of_training,
            families.gpus_to_train,
            notes=families.notes_of_training,
        )
        self.selections = Stage(
            files.selection(), families.selection_recipe, families.cost_of_selection
        )
        self.signals = Stage(
            files.signals(),
            families.signals_recipe,
            families.cost_of_signals,
            self.gpus_to_signal,
        )
        self.compared = Stage(
            files.compared("recipe", "json"),
            families.compared_recipe,
            families.cost_of_comparison,
        )
        claims = self.claims
        self.claimed = Stage(files.table("claims", "json"), claims.recipe, claims.cost)
        audits = self.audits
        self.audited = Stage(
            files.audited(),
            audits.recipe_of_values,
            audits.cost_of_values,
            self.gpus_to_measure,
        )
        self.audit = Stage(
            files.of_audit("audit.json"), audits.recipe_of_all, audits.cost_of_all
        )
        self.report = Stage(
            files.table("settings", "json"),
            lambda: recipes.report(self._kinds_of_report(), *self._beside_runs()),
            costs.report,
        )
        self.figures = self.drawing(of_run=True)
        self.comparisons = self.drawing(of_run=False)

    def drawing(self, of_run: bool, selected: bool = False) -> Stage:
        """The stage that draws all figures of a run or of several runs; selected : some of
        them."""
        name = "{run}" if of_run else None

        def checked(function):
            def of_names(run=None, selection=None):
                self.run(run) if run else None
                return function(run, selection)

            return of_names

        return Stage(
            self.files.drawn(name) if selected else self.files.figures(name),
            checked(lambda *names: self.drawings.written(*names)["subjects"]),
            checked(lambda run, some: self.costs.drawing(self.drawings.some(run, some))),
            notes=checked(self.drawings.notes),
        )

    def run(self, name: str):
        """The settings of a run."""
        return self.experiment.run(name)

    def _known(self, of_run):
        def checked(run, **names):
            self.run(run)
            return of_run(run=run, **names)

        return checked

    @property
    def wildcards(self) -> dict[str, str]:
        """Constraints of the wildcards in paths, as regular expressions."""

        def one_of(names: Iterable[str]) -> str:
            return "|".join(map(re.escape, names)) or "no_such_name"

        return {
            "dataset": one_of(self.experiment.datasets),
            "run": r"[^/]+",  # any name: there may be 10,000, and an error names an unknown one
            "estimator": one_of(self.experiment.estimators),
            "pool": one_of(self.drawings.pools),
            "selection": r"(estimator|figure)-[^/]+",
            "seeds": r"seeds-\d+-\d+",
            "part": r"\d+-of-\d+",
            "family": one_of(self.families.names),
        }

    # Inputs

    def dataset_of(self, run: str) -> str:
        """The prepared data set of a run."""
        return self.files.dataset(self.run(run).dataset)

    def weights_of(self, run: str) -> list[str]:
        """Weights of all blocks of a run."""
        self.run(run)
        return self.blocks.weights_of(run)

    def weights_of_block(self, run: str, seeds: str) -> str:
        """Weights of one block of a run."""
        self.run(run)
        return self.files.weights(self.blocks.trained_as(run), seeds)

    def activations_of(self, run: str, seeds: str) -> list[str]:
        """The shared store of activations, if the run shares one."""
        self.run(run)
        return [self.files.activations(run, seeds)] if self._shares(run) else []

    def information_of(self, run: str, estimator: str) -> list[str]:
        """Information of every block of a run by one estimator."""
        return [self.files.information(run, estimator, s) for s in self.blocks.of(run)]

    def parts_of(self, run: str, estimator: str, seeds: str) -> list[str]:
        """The parts of a measurement; none if one job makes it.

        An existing measurement stays as it is, whatever its number of parts.
        """
        chosen, settings = self.run(run), self.experiment.estimators[estimator]
        wanted = chosen.shards
        if wanted > 1 and why_whole(chosen.measure.epochs, estimator_of(settings)):
            wanted = 1
        names = {"run": run, "estimator": estimator, "seeds": seeds}
        if self.information.standing(**names) is Standing.RIGHT:
            wanted = parts.number_of(Path(self.information.at(**names)))
        numbers = range(1, wanted + 1) if wanted > 1 else ()
        return [self.files.part(**names, part=Part(n, wanted).name) for n in numbers]

    # The report, and targets with a name

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every run with every estimator that measures it, as names."""
        runs = self.experiment.alone
        return [(run, by) for run in runs for by in runs[run].estimators]

    @property
    def all_weights(self) -> list[str]:
        """Weights of every run, each once; for families, the notes that they were trained."""
        return [*self.weights_of_report, *self.families.all_trained]

    @property
    def weights_of_report(self) -> list[str]:
        """Weights of the runs that have a section in the report."""
        stores = (store for run in self.experiment.alone for store in self.weights_of(run))
        return list(dict.fromkeys(stores))

    @property
    def all_information(self) -> list[str]:
        """Information of every run by every estimator that measures it."""
        return [store for pair in self.pairs for store in self.information_of(*pair)]

    @cached_property
    def all_drawn(self) -> list[str | None]:
        """Runs that have their own figures; None means figures of several runs."""
        runs = [*self.experiment.alone] if self.experiment.figures_per_run else []
        return [*runs, *([None] if self.drawings.of_several else [])]

    @property
    def tables_of_families(self) -> list[str]:
        """The tables of compared networks; none without a comparison."""
        return [self.files.compared("recipe", "json")] if self.families.names else []

    @property
    def tables_of_claims(self) -> list[str]:
        """The table of how often claims are true; none without claims."""
        return [self.files.table("claims", "json")] if self.claims.names else []

    @property
    def tables_of_audit(self) -> list[str]:
        """The table of the audit, if the report shows it."""
        return [self.audit.path] if self.audits.in_report else []

    def _beside_runs(self) -> list[str]:
        """Recipes of the report's parts on families, claims and the audit."""
        recipes = [self.families.compared_recipe()] if self.families.names else []
        recipes += [self.claims.recipe()] if self.claims.names else []
        return [*recipes, *([self.audits.recipe_of_all()] if self.audits.in_report else [])]

    @property
    def shown(self) -> dict[str, str]:
        """The report's settings, as JSON texts."""
        folder = self.files.figures_of_families if self.families.names else ""
        return self.drawings.shown(self.all_drawn) | {
            "families": json.dumps([folder, self.families.figures if folder else []]),
            "claims": json.dumps([self.files.figures_of_claims, self.claims.figures]),
            "audit": json.dumps(
                [self.files.figures_of_audit, ["audit"] if self.audits.in_report else []]
            ),
            "exempt": self.audits.exempt,
        }

    @property
    def all_figures(self) -> list[str]:
        """Folders of all figures of the report."""
        return [self.files.figures(run) for run in self.all_drawn]

    def target_of_claims(self) -> list[str]:
        """The files of the target `claims`. Raises ValueError if the experiment claims
        nothing."""
        if not self.claims.names:
            raise ValueError("the experiment claims nothing; `claims` states claims by name")
        return self.tables_of_claims

    @property
    def runs_with_target(self) -> list[str]:
        """Runs with a target of their name; with many runs, the folder of their figures is the
        target."""
        runs = self.experiment.alone
        return [*runs] if len(runs) <= MOST_TARGETS else []

    def target_of_estimator(self, name: str) -> list[str]:
        """The files of the target `estimator_NAME`: its figures or, without figures, its
        information."""
        if self.experiment.figures_per_run:
            return self._selected(f"estimator-{name}", [*self.experiment.alone, None])
        variants = self.experiment.sweeps.get(name, [name])
        pairs = [pair for pair in self.pairs if pair[1] in variants]
        stores = [store for pair in pairs for store in self.information_of(*pair)]
        return [*self._selected(f"estimator-{name}", [None]), *stores]

    def target_of_figure(self, kind: str) -> list[str]:
        """The files of the target `figure_KIND`: this figure of every run that has it."""
        return self._selected(f"figure-{kind}", [*self.experiment.alone, None])

    def _selected(self, selection: str, runs: Iterable[str | None]) -> list[str]:
        """Notes that some figures were drawn, if they do not exist already."""
        notes = []
        for run in runs:
            some = self.drawings.some(run, selection)
            if some and not stand(self.drawings.notes(run, selection)):
                notes.append(self.files.drawn(run, selection))
        return notes

    def _kinds_of_report(self) -> set[str]:
        return {s.kind for run in self.all_drawn for s in self.drawings.of(run)}

    # Settings and costs

    def _settings(self, run: str, part: str) -> str:
        """A section of a run's settings, as text; equal texts are one object for all jobs."""
        return sys.intern(getattr(self.run(run), part).canonical())

    def _cost_of_estimation(self, run: str, estimator: str, seeds: str):
        """The cost of the whole, or of putting parts together."""
        gathers = self.parts_of(run, estimator, seeds)
        return self.costs.estimation(run, estimator, seeds, None if gathers else 1)

    def _cost_of_part(self, run: str, estimator: str, seeds: str, part: str):
        return self.costs.estimation(run, estimator, seeds, Part.parse(part).of)

    def gpus_to_train(self, run: str, **_) -> int:
        """GPUs of a training: 0 or 1."""
        return self.run(run).training.gpus(self.known.networks(run)[NETWORK])

    def gpus_to_measure(self, run: str, estimator: str | None = None, **_) -> int:
        """GPUs of activations, an estimate or a pool; with `auto`, an estimate has one only if
        the estimator trains networks."""
        device = self.run(run).measure.device
        trains = estimator is None or estimator_of(self.experiment.estimators[estimator]).trains
        return int(device in (("cuda", "auto") if trains else ("cuda",)))

    def gpus_to_signal(self, **_) -> int:
        """GPUs of measuring signals: only if the settings name one."""
        return int(self.families.compared.measure.device == "cuda")
