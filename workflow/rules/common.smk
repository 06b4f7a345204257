# The experiment, checked before any job, its plan, and what rules take from that. What is
# planned, infoplane.plan says; here stands what only Snakemake knows: inputs that are ancient,
# attempts, and errors.

import os
import re
import sys
from pathlib import Path

# The library is found also where it is not installed (an environment of `--sdm conda`).
# Estimators of the user's own are found from the working directory; last, so that no file
# there takes the place of a package.
sys.path[:0] = [str(Path(workflow.basedir) / "workflow")]
sys.path.append(os.getcwd())

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from infoplane.deferred import defer

defer("torch")  # a plan needs the settings that stand beside torch's users, and not torch

from infoplane.config import ConfigError
from infoplane.figures import FIGURES
from infoplane.plan.opening import opened, put_newer
from infoplane.plan.stage import Standing
from infoplane.truth.plan import TruthPlan

CONFIG_FILES = [*workflow.overwrite_configfiles] or ["config/config.yaml"]
CONFIG_FILE = CONFIG_FILES[-1]
ENVIRONMENT = str(Path(workflow.basedir) / "envs" / "infoplane.yaml")
AROUND_MB, CUDA_MB = 600, 2000
"""What a job's allocation on a cluster holds beside the job itself: two Snakemakes (504 as
measured, more in large experiments), and CUDA's libraries and context (not measured)."""

try:
    plan = opened(config, CONFIG_FILES, thoroughly=workflow.is_main_process)
except ConfigError as error:
    raise WorkflowError(str(error))
experiment, files = plan.experiment, plan.files
NEWER = put_newer(Path("results"), anew=workflow.is_main_process)


def one_of(names):
    """A wildcard constraint that admits these names alone."""
    return "|".join(map(re.escape, names)) or "no_such_name"


wildcard_constraints:
    dataset=one_of(experiment.datasets),
    run=r"[^/]+",  # any: an experiment may have 10,000, and the plan names an unknown one
    estimator=one_of(experiment.estimators),
    pool=one_of(plan.drawings.pools),
    selection=r"(estimator|figure)-[^/]+",
    seeds=r"seeds-\d+-\d+",
    part=r"\d+-of-\d+",


def told(function):
    """The function as rules take it; what it finds wrong is named without a traceback."""

    def of_wildcards(wildcards):
        try:
            return function(wildcards)
        except (OSError, ValueError, ConfigError) as error:
            raise WorkflowError(f"{CONFIG_FILE}: {error}")

    return of_wildcards


def by_name(function):
    """A function of a result's names, as a function of wildcards."""
    return told(lambda wildcards: function(**dict(wildcards.items())))


class Result:
    """A stage of the plan as rules take it: inputs, recipe and resources.

    Snakemake remembers in .snakemake what results were made from; that may be lost, or be of
    another copy. Results say it themselves, and what a date says counts nowhere.
    """

    def __init__(self, stage):
        self.stage, self.path = stage, stage.path
        self.recipe, self.gpu = by_name(stage.recipe), by_name(stage.gpus)
        self._requests, self._standing = by_name(stage.requests), by_name(stage.standing)

    def of(self, inputs):
        """The inputs that a result is made of, given as a function of wildcards.

        `ancient` has Snakemake leave the result as it is even where an input is made anew. That
        is right for one that stands and is of the right recipe, and for no other.
        """
        found = told(inputs)

        def of_wildcards(wildcards):
            stays = self._standing(wildcards) is Standing.RIGHT
            return ancient(found(wildcards)) if stays else found(wildcards)

        return of_wildcards

    def otherwise(self, wildcards):
        """No input, or for a result of another recipe one that is newer than all results."""
        standing, path = self._standing(wildcards), self.stage.at(**dict(wildcards.items()))
        if standing in (Standing.ABSENT, Standing.RIGHT):
            return []
        if standing is Standing.SILENT:
            why = "it is damaged, or of an older infoplane. It is made anew"
            logger.warning(f"{path} {standing.value}: {why}")
        if not NEWER.exists():
            why = f"was made otherwise than {CONFIG_FILE} asks, and results/ may only be read"
            raise WorkflowError(f"{path} {why}")
        return str(NEWER)

    def mem_mb(self, wildcards, attempt):
        around = 0 if workflow.local_exec else AROUND_MB + CUDA_MB * self.gpu(wildcards)
        return self._requests(wildcards)(attempt, around).mb

    def runtime(self, wildcards, attempt):
        return self._requests(wildcards)(attempt).minutes


DATASET, WEIGHTS, ACTIVATIONS = map(Result, (plan.datasets, plan.weights, plan.activations))
INFORMATION, PART, POOLED = map(Result, (plan.information, plan.parts, plan.pooled))
FIGURES_OF_RUN, COMPARISONS, REPORT = map(Result, (plan.figures, plan.comparisons, plan.report))
SOME_OF_RUN, SOME_COMPARISONS = (Result(plan.drawing(of_run, True)) for of_run in (True, False))
