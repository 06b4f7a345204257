# The experiment, checked before any job, and the functions from which the rules take their
# inputs, settings and digests.

import gc
import os
import re
import sys
from functools import cache
from pathlib import Path

# A graph of many thousand jobs is all alive: looking it through for garbage less often saves
# a sixth of the time to build it, and takes no more memory.
gc.set_threshold(50_000, 20, 100)

# The library is found also where it is not installed (an environment of `--sdm conda`);
# scripts do the same in job.py.
LIBRARY = str(Path(workflow.basedir) / "workflow")
if LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)

from snakemake.exceptions import WorkflowError

from infoplane.deferred import defer

defer("torch")  # a plan needs the settings that stand beside torch's users, and not torch

from infoplane.config import ConfigError, load, read_file
from infoplane.estimators import ESTIMATORS
from infoplane.plan.files import Files
from infoplane.table import nearest

CONFIG_FILES = [*workflow.overwrite_configfiles] or ["config/config.yaml"]
CONFIG_FILE = CONFIG_FILES[-1]
ENVIRONMENT = str(Path(workflow.basedir) / "envs" / "infoplane.yaml")

# Estimators of the user's own are found from the working directory; last, so that no file
# there takes the place of a package.
sys.path.append(os.getcwd())

try:
    # Snakemake's reading drops some things without a word. A job's process need not look again.
    for file in filter(os.path.isfile, CONFIG_FILES if workflow.is_main_process else []):
        read_file(Path(file))
    experiment = load(config, file=str(CONFIG_FILE))
except ConfigError as error:
    raise WorkflowError(str(error))

HOME = f"results/{experiment.name}"
FILES = Files(HOME)
TRUTH = f"results/truth/{experiment.truth}"
RUN = f"{HOME}/runs/{{run}}"


def one_of(names):
    """A wildcard constraint that admits these names alone."""
    return "|".join(re.escape(name) for name in names) or "no_such_name"


wildcard_constraints:
    dataset=one_of(experiment.datasets),
    run=r"[^/]+",  # any: an experiment may have 10,000, and `run_of` names an unknown one
    estimator=one_of(experiment.estimators),
    comparison=one_of(experiment.comparisons),
    sweep=one_of(experiment.sweeps),
    seeds=r"seeds-\d+-\d+",
    part=r"\d+-of-\d+",


def known_run(name):
    """The name itself; a wrong one comes from a path that was asked for."""
    if name not in experiment.runs:
        known = nearest(name, experiment.runs)
        raise WorkflowError(f"{CONFIG_FILE}: there is no run '{name}'.{known}")
    return name


def run_of(name):
    """The settings of a run."""
    return experiment.runs[known_run(name)]


@cache
def canonical_of_run(run, part):
    """A section of a run's settings, as text; equal texts are one, whatever number of jobs."""
    return sys.intern(getattr(run_of(run), part).canonical())


@cache
def canonical_of_estimator(name):
    """An estimator's settings, as text."""
    return experiment.estimators[name].canonical()


def information_of(run, estimator):
    """Information of every block of a run by one estimator."""
    return [FILES.information(run, estimator, seeds) for seeds in BLOCKS.of(run)]


def dataset_of(wildcards):
    """The prepared data set of a run."""
    return FILES.dataset(run_of(wildcards.run).dataset)


def exemption_of(name):
    """Why the data processing inequality does not hold for an estimator; empty: it does."""
    chosen = experiment.estimators[name].estimator
    return ESTIMATORS[chosen].exempt_from_dpi


def checks_of(run, estimator):
    """The list of a run's violations by one estimator."""
    return f"{HOME}/runs/{run}/checks/{estimator}.csv"


def measured_pairs():
    """Every run with every estimator that measures it, as names."""
    return [(run, by) for run in experiment.runs for by in experiment.runs[run].estimators]


def all_information(wildcards):
    """Information of every run by every estimator that measures it."""
    return [store for pair in measured_pairs() for store in information_of(*pair)]


def all_checks(wildcards):
    """Lists of violations of every run; where runs get no figures of their own, of those that
    are compared, whose figures need them."""
    if experiment.figures_per_run:
        pairs = measured_pairs()
    else:
        compared = {run for runs in experiment.comparisons.values() for run in runs}
        pairs = [pair for pair in measured_pairs() if pair[0] in compared]
    return [checks_of(*pair) for pair in pairs]


def activations_of(wildcards):
    """The shared store of activations, where the run shares one."""
    if not run_of(wildcards.run).measure.share_activations:
        return []
    return FILES.activations(wildcards.run, wildcards.seeds)


def information_of_run(wildcards):
    return information_of(wildcards.run, wildcards.estimator)


def compared(wildcards):
    """Runs of a comparison that the estimator measured."""
    runs = experiment.comparisons[wildcards.comparison]
    return [run for run in runs if wildcards.estimator in experiment.runs[run].estimators]


def information_of_comparison(wildcards):
    return [s for run in compared(wildcards) for s in information_of(run, wildcards.estimator)]


def information_of_sweep(wildcards):
    """Information of a run by every variant of a swept estimator."""
    names = experiment.sweeps[wildcards.sweep]
    return [store for name in names for store in information_of(wildcards.run, name)]


def seeds_of(runs):
    """Wanted seeds by run: a block on disk may hold more than are asked for now."""
    return {run: experiment.runs[run].seeds for run in runs}
