"""Families of compared networks: the jobs that measure them, and the settings of these jobs."""

import json
import math
from collections.abc import Iterator
from functools import cache

from infoplane.compare.settings import Settings
from infoplane.config.models import Compared, Experiment, Member, Run
from infoplane.costs import DRAWING_MB, IMPORT_SECONDS, Cost
from infoplane.estimators import ESTIMATORS
from infoplane.figures import FAMILY_FIGURES
from infoplane.networks import FAMILIES
from infoplane.plan.costs import Costs
from infoplane.plan.files import Files
from infoplane.plan.recipes import Recipes, recipe
from infoplane.schedules.parts import Part
from infoplane.signals import SIGNALS
from infoplane.signals.cost import of_network
from infoplane.training.trainer import NETWORK

STORE_SECONDS = 0.1
"""Seconds to read the metrics of a store."""
SCORE_SECONDS = 2e-8
"""Seconds of a signal's scores, for each pair of networks and resample."""


def _names(n_parts: int) -> list[str]:
    return [Part(number + 1, n_parts).name for number in range(n_parts)]


class Families:
    """The families of an experiment, by name; none if it compares nothing."""

    def __init__(self, experiment: Experiment, files: Files, recipes: Recipes, costs: Costs):
        self.experiment, self.files, self.known = experiment, files, costs.known
        self._training = costs.training
        self.blocks, self.recipes = recipes.blocks, recipes
        self._costs: dict[tuple, Cost] = {}
        self.members = cache(self.members)
        self.selection_recipe = cache(self.selection_recipe)

    @property
    def compared(self) -> Compared:
        """The comparison. Raises ValueError if there is none."""
        if self.experiment.compare is None:
            raise ValueError("the experiment compares no networks; `compare` names families")
        return self.experiment.compare

    @property
    def names(self) -> list[str]:
        """Names of the families."""
        return [*self.experiment.compare.families] if self.experiment.compare else []

    def n_networks(self, family: str, part: str | None = None) -> int:
        """Networks of a family, or of one part of it."""
        return sum(len(self.experiment.runs[m.run].seeds) for m in self.members(family, part))

    def parts(self, family: str) -> list[str]:
        """Names of a family's parts, each measured by a job."""
        n_parts = -(-self.n_networks(family) // self.compared.networks_per_job)
        n_parts = min(n_parts, len(self._of(family)))
        return _names(n_parts)

    def trainings(self, family: str) -> list[str]:
        """Names of the parts into which a family's trainings are divided, one job each."""
        seconds = sum(self._seconds(member.run) for member in self.members(family))
        n_parts = math.ceil(seconds / 60 / self.compared.minutes_per_job)
        return _names(min(max(n_parts, 1), len(self._of(family))))

    def trained(self, family: str) -> list[str]:
        """The notes that all networks of a family were trained."""
        return [self.files.trained(family, part) for part in self.trainings(family)]

    @property
    def all_trained(self) -> list[str]:
        """The notes that the networks of all families were trained."""
        return [note for name in self.names for note in self.trained(name)]

    def members(self, family: str, part: str | None = None) -> list[Member]:
        """The runs of a family, or of one part of it."""
        every = self._of(family)
        return every[Part.parse(part).of_range(len(every))] if part else every

    def weights(self, family: str, part: str | None = None) -> list[str]:
        """Stores of the weights of a family's networks."""
        stores = (s for m in self.members(family, part) for s in self.blocks.weights_of(m.run))
        return list(dict.fromkeys(stores))

    def datasets(self, family: str, part: str | None = None) -> list[str]:
        """Prepared data sets of a family's networks."""
        runs = self.experiment.runs
        names = (runs[member.run].dataset for member in self.members(family, part))
        return [self.files.dataset(name) for name in dict.fromkeys(names)]

    @property
    def all_signals(self) -> list[str]:
        """Stores of the signals of all families."""
        return [
            self.files.signals(name, part) for name in self.names for part in self.parts(name)
        ]

    @property
    def all_selections(self) -> list[str]:
        """The files of chosen epochs of all families."""
        return [self.files.selection(name) for name in self.names]

    # Settings of jobs, as JSON texts

    def told(self, family: str, part: str | None = None) -> str:
        """The runs of a family, or of a part of it, and the place of each."""
        runs = self.experiment.runs
        return json.dumps(
            [
                {
                    "run": member.run,
                    "seeds": runs[member.run].seeds,
                    "weights": self.blocks.weights_of(member.run),
                    "dataset": self.files.dataset(runs[member.run].dataset),
                    "axes": member.point,
                }
                for member in self.members(family, part)
            ]
        )

    def blocks_of(self, family: str, part: str) -> str:
        """The blocks of seeds that one job trains, with all settings that decide their
        weights."""
        return json.dumps(
            [
                {
                    "title": f"{run} {seeds}",
                    "store": store,
                    "seeds": seeds,
                    "recipe": self.recipes.weights(run, seeds),
                    "dataset": self.files.dataset(settings.dataset),
                    "network": settings.network.canonical(),
                    "training": settings.training.canonical(),
                    "checkpoint_seconds": settings.checkpoint_seconds,
                }
                for run, settings, seeds, store in self._trained_by(family, part)
            ]
        )

    @property
    def figures(self) -> list[str]:
        """Figures of all families together, by name, for the targets of the comparison."""
        of_target = {"pairs_in_order": "accuracy_test", "pairs_in_order-gap": "gap"}
        of_target["strata"] = "accuracy_test"
        wanted = self.compared.targets
        return [name for name in FAMILY_FIGURES if of_target.get(name, wanted[0]) in wanted]

    @property
    def settings(self) -> str:
        """Settings of the comparison."""
        return self.compared.model_dump_json(include=set(Settings.model_fields))

    @property
    def strata(self) -> str:
        """Settings of the strata."""
        written = self.compared.model_dump(mode="json", include={"strata"})
        return json.dumps(written["strata"])

    @property
    def signals(self) -> str:
        """Settings of the signals, by name."""
        written = self.compared.signals
        return json.dumps({name: one.model_dump(mode="json") for name, one in written.items()})

    @property
    def stores(self) -> str:
        """Paths of each family's signals and selection, and its runs."""
        return json.dumps(
            {
                name: {
                    "signals": [self.files.signals(name, part) for part in self.parts(name)],
                    "selection": self.files.selection(name),
                    "members": json.loads(self.told(name)),
                }
                for name in self.names
            }
        )

    # Recipes

    def training_recipe(self, family: str, part: str) -> str:
        """The recipe of the note that a part of a family was trained."""
        stores = self.notes_of_training(family, part)
        del stores[self.files.trained(family, part)]
        return recipe({store: made_by for store, (made_by, _) in stores.items()})

    def notes_of_training(self, family: str, part: str) -> dict[str, tuple[str, tuple]]:
        """The stores of a part of a family with the recipes that they must have, and the
        note."""
        made = {
            store: (self.recipes.weights(run, seeds), ())
            for run, _, seeds, store in self._trained_by(family, part)
        }
        note = self.files.trained(family, part)
        whole = recipe({store: made_by for store, (made_by, _) in made.items()})
        return {**made, note: (whole, ())}

    def selection_recipe(self, family: str) -> str:
        """The recipe of the chosen epochs of a family."""
        source = self.recipes.source("infoplane.compare.strata", script="select_epochs.py")
        return recipe(self._made_of(self.members(family)), self.strata, source)

    def signals_recipe(self, family: str, part: str) -> str:
        """The recipe of the signals of a part of a family."""
        members = self.members(family, part)
        networks = {self.experiment.runs[member.run].network.family for member in members}
        used = list(self.compared.signals.values())
        estimators = [getattr(one, "estimator", None) for one in used]
        source = self.recipes.source(
            "infoplane.signals.measure",
            "infoplane.stores.signals",
            *sorted({SIGNALS.path(one.signal) for one in used}),
            *sorted({ESTIMATORS.path(by.estimator) for by in estimators if by is not None}),
            *sorted(FAMILIES.path(name) for name in networks),
            script="measure_signals.py",
        )
        own = [member.model_dump() for member in members]
        measure = self.compared.measure.canonical()
        chosen = self.selection_recipe(family)
        return recipe(chosen, own, self._made_of(members), self.signals, measure, source)

    def compared_recipe(self) -> str:
        """The recipe of the tables and figures of all families."""
        source = self.recipes.source(
            "infoplane.compare.report",
            "infoplane.compare.scores",
            *(FAMILY_FIGURES.path(name) for name in self.figures),
            "infoplane.stores.signals",
            script="compare_networks.py",
        )
        made_of = [
            [self.selection_recipe(name)]
            + [self.signals_recipe(name, part) for part in self.parts(name)]
            for name in self.names
        ]
        return recipe(made_of, self.settings, source)

    # Costs

    def cost_of_training(self, family: str, part: str) -> Cost:
        """The cost of the blocks that one job trains, one after the other."""
        blocks = self._trained_by(family, part)
        costs = [self._training(run, seeds) for run, _, seeds, _ in blocks]
        return Cost(max(cost.mb for cost in costs), sum(cost.seconds for cost in costs))

    def threads(self, family: str) -> int:
        """CPU threads of a family's trainings."""
        return max(self.experiment.runs[m.run].threads for m in self.members(family))

    def gpus_to_train(self, family: str, **_) -> int:
        """GPUs of a family's trainings: 0 or 1."""
        runs, networks = self.experiment.runs, self.known.networks
        of = {member.run: networks(member.run)[NETWORK] for member in self.members(family)}
        return max(runs[name].training.gpus(network) for name, network in of.items())

    def cost_of_selection(self, family: str) -> Cost:
        """The cost of choosing the epochs of a family."""
        return Cost(DRAWING_MB, IMPORT_SECONDS + STORE_SECONDS * len(self.weights(family)))

    def cost_of_signals(self, family: str, part: str) -> Cost:
        """The rough cost of measuring a part of a family; a killed job asks for more."""
        compared, runs = self.compared, self.experiment.runs
        mb, seconds = 0.0, float(IMPORT_SECONDS)
        for member in self.members(family, part):
            run = runs[member.run]
            key = run.network.canonical(), run.dataset
            if key not in self._costs:
                network = self.known.networks(member.run)[NETWORK]
                told = compared.measure, compared.signals.values()
                self._costs[key] = of_network(network, self.known.shape(run.dataset), *told)
            cost = self._costs[key]
            mb = max(mb, cost.mb)
            seconds += cost.seconds * len(run.seeds) * len(compared.strata)
        return Cost(mb, seconds)

    def cost_of_comparison(self) -> Cost:
        """The cost of tables, scores with intervals, and figures."""
        n = [self.n_networks(name) for name in self.names]
        most = max(n, default=0)
        times = len(self.compared.strata) * len(self.compared.signals) * 10
        seconds = SCORE_SECONDS * times * self.compared.resamples * sum(k * k for k in n)
        return Cost(DRAWING_MB + 3e-5 * most * most + 500, IMPORT_SECONDS + 60 + seconds)

    def _of(self, family: str) -> list[Member]:
        families = self.compared.families
        if family not in families:
            raise ValueError(f"there is no family '{family}'; there are {', '.join(families)}")
        return families[family]

    def _trained_by(self, family: str, part: str) -> Iterator[tuple[str, Run, str, str]]:
        """Runs of a part of a family with their settings, blocks of seeds and stores."""
        for member in self.members(family, part):
            settings = self.experiment.runs[member.run]
            stores = self.blocks.weights_of(member.run)
            for seeds, store in zip(self.blocks.of(member.run), stores, strict=True):
                yield member.run, settings, seeds, store

    def _seconds(self, run: str) -> float:
        return sum(self._training(run, seeds).seconds for seeds in self.blocks.of(run))

    def _made_of(self, members: list[Member]) -> list:
        """Recipes of the weights of these runs, with their seeds."""
        return [
            [
                member.run,
                self.experiment.runs[member.run].seeds,
                [
                    self.recipes.weights(member.run, seeds)
                    for seeds in self.blocks.of(member.run)
                ],
            ]
            for member in members
        ]
