# The experiment, checked before any job, its plan, and what rules take from that. What is
# planned, infoplane.plan says; here stands what only Snakemake knows: inputs that are ancient,
# attempts, and errors.

import os
import re
import sys
import time
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

from infoplane.config import ConfigError, load, read_file
from infoplane.costs import request
from infoplane.figures import FIGURES
from infoplane.plan import own
from infoplane.plan.plan import Plan
from infoplane.plan.stage import Standing
from infoplane.truth.plan import TruthPlan

CONFIG_FILES = [*workflow.overwrite_configfiles] or ["config/config.yaml"]
CONFIG_FILE = CONFIG_FILES[-1]
ENVIRONMENT = str(Path(workflow.basedir) / "envs" / "infoplane.yaml")
AROUND_MB, CUDA_MB = 600, 2000
"""What a job's allocation on a cluster holds beside the job itself: two Snakemakes (504 as
measured, more in large experiments), and CUDA's libraries and context (not measured)."""

try:
    # Snakemake's reading drops some things without a word. A job's process need not look again.
    for file in filter(os.path.isfile, CONFIG_FILES if workflow.is_main_process else []):
        read_file(Path(file))
    experiment = load(config, file=str(CONFIG_FILE))
except ConfigError as error:
    raise WorkflowError(str(error))

plan = Plan(experiment, f"results/{experiment.name}")
if workflow.is_main_process and (wrong := own.problems(experiment, plan.costs)):
    raise WorkflowError("\n".join(f"{CONFIG_FILE}: {line}" for line in wrong))
files = plan.files


def one_of(names):
    """A wildcard constraint that admits these names alone."""
    return "|".join(re.escape(name) for name in names) or "no_such_name"


wildcard_constraints:
    dataset=one_of(experiment.datasets),
    run=r"[^/]+",  # any: an experiment may have 10,000, and the plan names an unknown one
    estimator=one_of(experiment.estimators),
    pool=one_of(plan.drawings.pools),
    selection=r"(estimator|figure)-[^/]+",
    seeds=r"seeds-\d+-\d+",
    part=r"\d+-of-\d+",


# A file that is newer than all results. It is written before Snakemake looks at the disk, and of
# other content each time, as Snakemake takes a file for the same whose content is.
NEWER = Path("results/.made_otherwise")
try:
    if workflow.is_main_process and NEWER.parent.is_dir():
        NEWER.write_text(f"{time.time_ns()}\n", encoding="utf-8")
except OSError:
    pass  # results that may only be read are looked at, and not made anew


def told(function):
    """The function, as a rule takes it: what it finds wrong is named without a traceback."""

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
    """A stage of the plan, as its rule takes it: inputs, recipe and resources.

    Snakemake remembers in .snakemake what results were made from; that may be lost, or be of
    another copy. Results say it themselves, and what a date says counts nowhere.
    """

    def __init__(self, stage):
        self.stage, self.path = stage, stage.path
        self.recipe, self.gpu = by_name(stage.recipe), by_name(stage.gpus)
        self._cost, self._standing = by_name(stage.cost), by_name(stage.standing)
        self._costs = {}

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
            logger.warning(
                f"{path} {standing.value}: it is damaged, or of an older infoplane. It is made anew"
            )
        if not NEWER.exists():
            raise WorkflowError(
                f"{path} was made otherwise than {CONFIG_FILE} asks, and results/ may only be read"
            )
        return str(NEWER)

    def mem_mb(self, wildcards, attempt):
        return self._wanted(wildcards, attempt).mb

    def runtime(self, wildcards, attempt):
        return self._wanted(wildcards, attempt).minutes

    def _wanted(self, wildcards, attempt):
        """What a job asks for at this attempt; every job is asked several times."""
        key = tuple(wildcards)
        if key not in self._costs:
            self._costs[key] = self._cost(wildcards), self.gpu(wildcards)
        cost, gpu = self._costs[key]
        return request(cost, attempt, 0 if workflow.local_exec else AROUND_MB + CUDA_MB * gpu)


DATASET, WEIGHTS, ACTIVATIONS = map(Result, (plan.datasets, plan.weights, plan.activations))
INFORMATION, PART, POOLED = map(Result, (plan.information, plan.parts, plan.pooled))
FIGURES_OF_RUN, COMPARISONS, REPORT = map(Result, (plan.figures, plan.comparisons, plan.report))
SOME_OF_RUN, SOME_COMPARISONS = (Result(plan.drawing(of_run, True)) for of_run in (True, False))
