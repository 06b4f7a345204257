# What results are to be made from, and which of those that stand were made from something else.
# Snakemake remembers that in .snakemake, which may be lost, or be of another copy; results say
# it themselves. All inputs are `ancient`: what a date says counts nowhere.

import time

from snakemake.logging import logger

from infoplane.plan.recipes import Recipes
from infoplane.stores.recipes import recipe_in

RECIPES = Recipes(experiment, BLOCKS, FILES)


def filled(pattern, wildcards):
    """A path with its wildcards filled in."""
    return pattern.format(**dict(wildcards.items()))


def known(recipe_of):
    """The function of wildcards; what is wrong with a name or a user's files is named."""

    def recipe(wildcards):
        if "run" in wildcards.keys():
            known_run(wildcards.run)
        try:
            return recipe_of(wildcards)
        except (OSError, ValueError) as error:
            raise WorkflowError(f"{CONFIG_FILE}: {error}")

    return recipe


class Result:
    """What a rule makes, for the inputs of that rule.

    path : of what says the result's recipe, with wildcards; recipe : the function of wildcards
    that gives the recipe by which it is to be made
    """

    def __init__(self, path, recipe):
        self.path, self.recipe = path, recipe
        self._looked_at = {}

    def stands(self, wildcards):
        """Whether the result is there and of the right recipe; None: it is not there."""
        path = Path(filled(self.path, wildcards))
        if path not in self._looked_at:
            self._looked_at[path] = self._look(path, wildcards) if path.exists() else None
        return self._looked_at[path]

    def _look(self, path, wildcards):
        made_by = recipe_in(path)
        if made_by is None:
            logger.warning(
                f"{path} does not say what it was made from: it is damaged, or of an older "
                "infoplane. It is made anew"
            )
        return made_by == self.recipe(wildcards)

    def of(self, paths):
        """The input that the result is made of, the dates of which count for nothing.

        `ancient` has Snakemake leave the result as it is even where an input is made anew. That
        is right for one that stands and is of the right recipe, and for no other.
        """

        def found(wildcards):
            found = paths(wildcards) if callable(paths) else filled(paths, wildcards)
            return ancient(found) if self.stands(wildcards) else found

        return found

    def otherwise(self, wildcards):
        """No input, or for a result of another recipe one that is newer than all results."""
        if self.stands(wildcards) is not False:
            return []
        if not NEWER.exists():
            other = filled(self.path, wildcards)
            raise WorkflowError(
                f"{other} was made otherwise than {CONFIG_FILE} asks, and results/ may only be "
                "read"
            )
        return str(NEWER)


DATASET = Result(FILES.dataset(), known(lambda w: RECIPES.dataset(w.dataset)))
WEIGHTS = Result(FILES.weights(), known(lambda w: RECIPES.weights(w.run, w.seeds)))
ACTIVATIONS = Result(FILES.activations(), known(lambda w: RECIPES.activations(w.run, w.seeds)))
INFORMATION = Result(
    FILES.information(),
    known(lambda w: RECIPES.information(w.run, w.estimator, w.seeds)),
)
PART = Result(FILES.part(), INFORMATION.recipe)
POOLED = Result(
    FILES.pooled(),
    known(lambda w: RECIPES.pooled(w.run, w.pool, w.estimator)),
)
CHECKS = Result(
    f"{RUN}/checks/{{estimator}}.json", known(lambda w: RECIPES.checks(w.run, w.estimator))
)


# A file that is newer than all results. It is written before Snakemake looks at the disk, and of
# other content each time, as Snakemake takes a file for the same whose content is.
NEWER = Path("results/.made_otherwise")
try:
    if workflow.is_main_process and NEWER.parent.is_dir():
        NEWER.write_text(f"{time.time_ns()}\n", encoding="utf-8")
except OSError:
    pass  # results that may only be read are looked at, and not made anew
