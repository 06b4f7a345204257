# The experiment, checked before any job, and the functions from which the rules take their
# inputs, settings and digests.

import os
import re
import sys
from pathlib import Path

# Scripts find the library also where it is not installed (an environment of `--sdm conda`).
LIBRARY = str(Path(workflow.basedir) / "workflow")
if LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])
    )

from snakemake.exceptions import WorkflowError

from infoplane.config import ConfigError, block_name, load, parse_block, seed_blocks
from infoplane.datasets import SOURCES, default_places, files_of
from infoplane.estimators import ESTIMATORS
from infoplane.networks import FAMILIES
from infoplane.provenance import source_digest
from infoplane.training import TRAINERS

CONFIG_FILE = ([*workflow.overwrite_configfiles] or ["config/config.yaml"])[-1]
ENVIRONMENT = str(Path(workflow.basedir) / "envs" / "infoplane.yaml")

try:
    experiment = load(config, file=str(CONFIG_FILE))
except ConfigError as error:
    raise WorkflowError(str(error))

HOME = f"results/{experiment.name}"
RUN = f"{HOME}/runs/{{run}}"


def one_of(names):
    """A wildcard constraint that admits these names alone."""
    return "|".join(re.escape(name) for name in names) or "no_such_name"


wildcard_constraints:
    dataset=one_of(experiment.datasets),
    run=one_of(experiment.runs),
    estimator=one_of(experiment.estimators),
    comparison=one_of(experiment.comparisons),
    seeds=r"seeds-\d+-\d+",


def blocks_of(run):
    """Names of the blocks of seeds of a run. Blocks that stand on disk stay as they are."""
    chosen = experiment.runs[run]
    stores = Path(f"{HOME}/runs/{run}/weights").glob("seeds-*.zarr")
    existing = sorted(parse_block(store.stem) for store in stores)
    blocks = seed_blocks(chosen.seeds, existing, chosen.seeds_per_block)
    return [block_name(block) for block in blocks]


def weights_of(run):
    """Weights of every block of a run."""
    return [f"{HOME}/runs/{run}/weights/{seeds}.zarr" for seeds in blocks_of(run)]


def information_of(run, estimator):
    """Information of every block of a run by one estimator."""
    home = f"{HOME}/runs/{run}/information/{estimator}"
    return [f"{home}/{seeds}.zarr" for seeds in blocks_of(run)]


def dataset_of(wildcards):
    """The prepared data set of a run."""
    return f"{HOME}/datasets/{experiment.runs[wildcards.run].dataset}.zarr"


def title_of(wildcards):
    """What a progress bar or a log calls a job."""
    return " ".join(str(value) for value in wildcards.values())
