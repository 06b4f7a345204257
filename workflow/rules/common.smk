# The experiment, checked before any job, its plan, and the parts that rules take from it.
# infoplane.plan makes the plan; this file adds what only Snakemake has: ancient inputs,
# attempts and errors.

import gc
import json
import os
import sys
from functools import partial
from pathlib import Path

# The library is found even if it is not installed (an environment of `--sdm conda`). The user's
# own estimators are found in the working directory, which comes last, so that no file there
# replaces a package.
sys.path[:0] = [workflow.basedir]
sys.path.append(os.getcwd())

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from infoplane.deferred import defer_for_a_plan
from infoplane.settings import without_descriptions

defer_for_a_plan()
without_descriptions()
gc.disable()  # modules stay: a search for garbage among them takes a tenth of a start

from infoplane.config import ConfigError
from infoplane.figures import FIGURES
from infoplane.plan.opening import opened, put_newer
from infoplane.truth.plan import TruthPlan

gc.freeze()
gc.set_threshold(20_000)  # new objects between two searches, as in a job
gc.enable()

CONFIG_FILES = [*workflow.overwrite_configfiles] or ["config/config.yaml"]
ENVIRONMENT = str(Path(workflow.basedir).parent / "envs" / "infoplane.yaml")

try:
    plan = opened(config, CONFIG_FILES, thoroughly=workflow.is_main_process)
except ConfigError as error:
    raise WorkflowError(str(error))
experiment, files = plan.experiment, plan.files
os.environ.update(INFOPLANE_REPORT=files.report)  # the logger ends with it
NEWER = put_newer(Path("results"), anew=workflow.is_main_process)


wildcard_constraints:
    **plan.wildcards,


def told(function):
    """The function as an input of rules; its errors are shown without a traceback."""

    def of_wildcards(wildcards):
        try:
            return function(wildcards)
        except (OSError, ValueError, ConfigError) as error:
            raise WorkflowError(f"{CONFIG_FILES[-1]}: {error}")

    return of_wildcards


def by_name(function):
    """A function of a result's names as a function of wildcards."""
    return told(lambda wildcards: function(**dict(wildcards.items())))


class Result:
    """A stage of the plan for its rule: inputs, recipe and resources.

    Snakemake remembers in .snakemake what results were made from, but this folder may be lost
    or belong to another copy. So each result stores its recipe, and dates of files never count.
    """

    def __init__(self, stage):
        self.path, self.recipe, self.gpu = (
            stage.path,
            by_name(stage.recipe),
            by_name(stage.gpus),
        )
        self._stays, self._requests = by_name(stage.stays), by_name(stage.requests)
        self.otherwise = by_name(partial(stage.made_otherwise, NEWER, logger.warning))

    def of(self, inputs):
        """The inputs of a result, as a function of wildcards.

        With `ancient`, Snakemake leaves the result as it is even if an input is made again.
        That is right only for a result that exists and has the right recipe.
        """
        inputs = told(inputs)
        return lambda w: ancient(inputs(w)) if self._stays(w) else inputs(w)

    def mem_mb(self, wildcards, attempt):
        return self._requests(wildcards)(attempt, submitted=not workflow.local_exec).mb

    def runtime(self, wildcards, attempt):
        return self._requests(wildcards)(attempt).minutes


DATASET, WEIGHTS, ACTIVATIONS = map(Result, (plan.datasets, plan.weights, plan.activations))
INFORMATION, PART, POOLED = map(Result, (plan.information, plan.parts, plan.pooled))
FAMILY = Result(plan.trainings)
SELECTION, SIGNALS, COMPARED = map(Result, (plan.selections, plan.signals, plan.compared))
CLAIMED = Result(plan.claimed)
AUDITED, AUDIT = map(Result, (plan.audited, plan.audit))
FIGURES_OF_RUN, COMPARISONS, REPORT = map(Result, (plan.figures, plan.comparisons, plan.report))
SOME_OF_RUN, SOME_COMPARISONS = (Result(plan.drawing(of_run, True)) for of_run in (True, False))
