"""The invariance audit of an experiment as two stages: measure layers in other coordinates,
then put the results together."""

import json

from infoplane.config.estimators import informs
from infoplane.config.models import Experiment
from infoplane.costs import Cost
from infoplane.estimators import ESTIMATORS
from infoplane.invariance.settings import AuditSettings
from infoplane.plan.blocks import Blocks
from infoplane.plan.costs import Costs, of_drawing
from infoplane.plan.files import Files
from infoplane.plan.recipes import Recipes, recipe
from infoplane.seeds import parse_block


class Audits:
    """The audited runs and the estimators that audit them. An experiment without an `audit` has
    the default settings."""

    def __init__(self, experiment: Experiment, files: Files, recipes: Recipes, costs: Costs):
        self.experiment, self.files, self.recipes = experiment, files, recipes
        self.costs = costs
        self.settings = experiment.audit or AuditSettings()

    @property
    def blocks(self) -> Blocks:
        """The experiment's runs."""
        return self.recipes.blocks

    @property
    def in_report(self) -> bool:
        """Whether the report shows the audit: only if the experiment has the section."""
        return self.experiment.audit is not None and bool(self.pairs)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every audited run with every estimator, as names."""
        settings, runs = self.settings, self.experiment.alone
        chosen = [name for name in runs if settings.runs is None or name in settings.runs]
        return [
            (run, by)
            for run in chosen
            for by in runs[run].estimators
            if informs(self.experiment.estimators[by])
            and (settings.estimators is None or by in settings.estimators)
        ]

    def blocks_of(self, run: str) -> list[str]:
        """Names of the blocks that hold the audited seeds."""
        return [
            block
            for block in self.blocks.of(run)
            if any(self._holds(block, seed) for seed in self.seeds(run))
        ]

    def seeds(self, run: str) -> list[int]:
        """The audited seeds of a run."""
        return self.experiment.run(run).seeds[: self.settings.seeds]

    def weights_of(self, run: str) -> list[str]:
        """Stores of the audited weights."""
        trained_as = self.blocks.trained_as(run)
        return [self.files.weights(trained_as, block) for block in self.blocks_of(run)]

    def all_values(self) -> list[str]:
        """Tables of all runs and estimators. Raises ValueError if there are none."""
        if not self.pairs:
            raise ValueError(
                "there is nothing to audit: no run outside of families is measured by an "
                "estimator of information"
            )
        return [self.files.audited(*pair) for pair in self.pairs]

    @property
    def told(self) -> str:
        """The settings for both jobs, as text."""
        return self.settings.canonical()

    @property
    def exempt(self) -> str:
        """Why estimators are exempt, by their names in the experiment, as text."""
        names = dict.fromkeys(by for _, by in self.pairs)
        methods = {by: self.experiment.estimators[by].estimator for by in names}
        return json.dumps({by: ESTIMATORS[of].not_invariant for by, of in methods.items()})

    # Recipes and costs

    def recipe_of_values(self, run: str, estimator: str) -> str:
        """The recipe of one estimator's values for a run's layers in other coordinates."""
        self.experiment.run(run)
        source = self.recipes.source("infoplane.invariance.run", script="audit_layers.py")
        blocks = self.blocks_of(run)
        made_of = [self.recipes.information(run, estimator, block) for block in blocks]
        chosen = self.settings.model_dump(exclude={"runs", "estimators"})
        return recipe(made_of, self.seeds(run), chosen, source)

    def recipe_of_all(self) -> str:
        """The recipe of the tables and the figure."""
        source = self.recipes.source("infoplane.figures.audit", script="draw_audit.py")
        made_of = [[*pair, self.recipe_of_values(*pair)] for pair in self.pairs]
        return recipe(made_of, self.exempt, source)

    def cost_of_values(self, run: str, estimator: str) -> Cost:
        """The cost of measuring the layers as they are, and once for each map and repeat."""
        settings = self.settings
        times = 1 + len(settings.maps) * settings.repeats
        n = min(settings.epochs, self.experiment.run(run).n_measured)
        return self.costs.audit(run, estimator, len(self.seeds(run)), n, times)

    def cost_of_all(self) -> Cost:
        """The cost of the tables and the figure."""
        return of_drawing(0, n_figures=1)

    @staticmethod
    def _holds(block: str, seed: int) -> bool:
        first, last = parse_block(block)
        return first <= seed <= last
