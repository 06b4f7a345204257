"""The claims of an experiment as a stage: the tables that test them, and the job's settings."""

import json
from collections.abc import Iterator
from functools import cached_property

from infoplane.claims.settings import Claim, OrderClaim, PhaseClaim
from infoplane.config.estimators import informs
from infoplane.config.models import Experiment
from infoplane.costs import IMPORT_SECONDS, Cost
from infoplane.measurement.readings import Reader
from infoplane.plan.costs import Costs
from infoplane.plan.drawings import Drawings
from infoplane.plan.families import Families
from infoplane.plan.files import Files
from infoplane.plan.known import Known
from infoplane.plan.recipes import Recipes, recipe
from infoplane.signals.layers import SUMMARIES
from infoplane.table import nearest

READING_MB, ANALYSIS_SECONDS = 600, 0.05
"""Memory of a job that has read the largest run's table; time of one analysis, judged and
drawn."""


class Claims:
    """The claims of an experiment, by name; none if it claims nothing."""

    def __init__(
        self,
        experiment: Experiment,
        files: Files,
        recipes: Recipes,
        drawings: Drawings,
        families: Families,
        costs: Costs,
    ):
        self.experiment, self.files, self.recipes = experiment, files, recipes
        self.drawings, self.families, self.costs = drawings, families, costs

    @property
    def names(self) -> list[str]:
        """Names of the claims."""
        return list(self.experiment.claims)

    @property
    def of_families(self) -> bool:
        """Whether a claim concerns networks that are compared pair by pair."""
        return any(isinstance(one, OrderClaim) for one in self.experiment.claims.values())

    @cached_property
    def pairs(self) -> dict[str, list[tuple[str, str]]]:
        """The runs and estimators that test each claim about phases."""
        return {
            name: [(run, by) for run in claim.runs for by in self._estimators(claim, run)]
            for name, claim in self.experiment.claims.items()
            if isinstance(claim, PhaseClaim)
        }

    @property
    def figures(self) -> list[str]:
        """Names of the figures: one of all claims, and one of each."""
        return ["claims", *(f"claim-{name}" for name in self.names)] if self.names else []

    def inputs(self) -> list[str]:
        """All files that the claims are tested on."""
        paths = [*self._of_networks]
        if self.of_families:
            paths += [*self.families.all_signals, *self.families.all_selections]
        return paths

    def told(self) -> dict[str, str]:
        """The job's settings, as JSON texts."""
        runs, claims = self.experiment.runs, self.experiment.claims
        data = {run: runs[run].dataset for run in self._runs}
        families = self.families.stores if self.of_families else "{}"
        for name in self.families.names:
            members = self.families.members(name)
            data[name] = ", ".join(dict.fromkeys(runs[one.run].dataset for one in members))
        return {
            "claims": json.dumps({n: c.model_dump(mode="json") for n, c in claims.items()}),
            "pairs": json.dumps(self._by_pair),
            "data": json.dumps(data),
            "material": self.drawings.material(self._runs),
            "families": families,
            "compare": self.families.settings if self.of_families else "{}",
        }

    def recipe(self) -> str:
        """The recipe of the table and the figures of all claims."""
        source = self.recipes.source(
            "infoplane.claims.networks",
            "infoplane.claims.orders",
            "infoplane.claims.verdicts",
            "infoplane.figures.claims",
            "infoplane.figures.material",
            script="try_claims.py",
        )
        made_of = list(self._of_networks.values())
        if self.of_families:
            made_of.append(self.families.compared_recipe())
        told = self.told()
        own = [told[name] for name in ("claims", "pairs", "data", "compare")]
        seeds = {run: self.experiment.runs[run].seeds for run in self._runs}
        return recipe(made_of, own, seeds, source)

    def cost(self) -> Cost:
        """The cost of testing all claims, and of their figures."""
        runs = self.experiment.runs
        n = sum(len(runs[run].seeds) for pairs in self.pairs.values() for run, _ in pairs)
        drawing = self.costs.report()
        seconds = IMPORT_SECONDS + 5 * len(self.names) + ANALYSIS_SECONDS * n
        comparison = self.families.cost_of_comparison() if self.of_families else Cost(0, 0)
        return Cost(
            max(drawing.mb, READING_MB, comparison.mb),
            seconds + drawing.seconds + comparison.seconds,
        )

    @property
    def _by_pair(self) -> list[tuple[str, str, list[str]]]:
        """Runs and estimators, each with the claims that they test."""
        found: dict[tuple[str, str], list[str]] = {}
        for name, pairs in self.pairs.items():
            for pair in pairs:
                found.setdefault(pair, []).append(name)
        return [(*pair, names) for pair, names in found.items()]

    @property
    def _runs(self) -> list[str]:
        return list(dict.fromkeys(run for pairs in self.pairs.values() for run, _ in pairs))

    @property
    def _of_networks(self) -> dict[str, str]:
        """Stores that test claims about phases, with their recipes."""
        recipes = {}
        for name, pairs in self.pairs.items():
            for run, by in pairs:
                for seeds in self.drawings.blocks.of(run):
                    store = self.files.information(run, by, seeds)
                    recipes[store] = self.recipes.information(run, by, seeds)
                if self.experiment.claims[name].statistic == "gradient_snr":
                    stores = self.drawings.blocks.weights_of(run)
                    blocks = self.drawings.blocks.of(run)
                    for store, seeds in zip(stores, blocks, strict=True):
                        recipes[store] = self.recipes.weights(run, seeds)
        return recipes

    def _estimators(self, claim: PhaseClaim, run: str) -> list[str]:
        """Estimators of a run that test a claim."""
        measured = self.experiment.runs[run].estimators
        if claim.estimators is not None:
            return [by for by in measured if by in claim.estimators]
        return [by for by in measured if informs(self.experiment.estimators[by])]


def problems(experiment: Experiment, known: Known) -> Iterator[str]:
    """Layers of claims that no network has, one line each. The jobs check what depends on a
    data set that is still unknown."""
    for name, claim in experiment.claims.items():
        for wanted, run in _wanted(claim, experiment):
            settings = experiment.runs[run]
            if not known.has_shape(settings.dataset):
                continue
            is_order = isinstance(claim, OrderClaim)
            chosen = experiment.compare.measure if is_order else settings.measure
            try:
                network = known.network(run)
                reading = chosen.layers, chosen.reading
                layers = Reader(network.layers, network.by_default, *reading).names
            except ValueError:
                continue  # reported with the run
            if wanted not in layers:
                key = f"claims.{name}.{'layer' if is_order else 'layers'}"
                hint = nearest(wanted, layers)
                text = f"there is no measured layer '{wanted}' in run '{run}'.{hint}"
                yield f"{key}: {text} Known: {', '.join(layers)}."
                break


def _wanted(claim: Claim, experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Layers that a claim names, each with the runs that must have it."""
    if isinstance(claim, PhaseClaim):
        for layer in () if isinstance(claim.layers, str) else claim.layers:
            yield from ((layer, run) for run in claim.runs)
    elif claim.layer is not None and claim.layer not in SUMMARIES:
        for family in claim.families or experiment.compare.families:
            members = experiment.compare.families[family]
            yield from ((claim.layer, member.run) for member in members)
