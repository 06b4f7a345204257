# The experiment, checked before any job, and the functions from which the rules take their
# inputs, settings and digests.

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

# The library is found also where it is not installed (an environment of `--sdm conda`);
# scripts do the same in job.py.
LIBRARY = str(Path(workflow.basedir) / "workflow")
if LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)

from snakemake.exceptions import WorkflowError

from infoplane.config import ConfigError, block_name, load, parse_block, seed_blocks
from infoplane.datasets import SOURCES, default_places, files_of
from infoplane.estimators import ESTIMATORS, regime
from infoplane.estimators.measure import why_whole
from infoplane.figures import FIGURES
from infoplane.networks import FAMILIES
from infoplane.provenance import digest_of_text, source_digest
from infoplane.schedules.parts import Part
from infoplane.stores import parts
from infoplane.training import TRAINERS

CONFIG_FILE = ([*workflow.overwrite_configfiles] or ["config/config.yaml"])[-1]
ENVIRONMENT = str(Path(workflow.basedir) / "envs" / "infoplane.yaml")

# Estimators of the user's own are found from the working directory; last, so that no file
# there takes the place of a package.
sys.path.append(os.getcwd())

try:
    experiment = load(config, file=str(CONFIG_FILE))
except ConfigError as error:
    raise WorkflowError(str(error))

HOME = f"results/{experiment.name}"
TRUTH = f"results/truth/{experiment.truth}"
RUN = f"{HOME}/runs/{{run}}"


def one_of(names):
    """A wildcard constraint that admits these names alone."""
    return "|".join(re.escape(name) for name in names) or "no_such_name"


FIGURES_OF_RUN = ("training_curves", "gradient_noise")
PLANES = ("information_plane", "information_curves")
FIGURES_OF_ESTIMATOR = (*PLANES, "clustering_curves")
VARIANTS = {name for names in experiment.sweeps.values() for name in names}

# Settings of a run that change no result, and so no page either.
WITHOUT_EFFECT = {"threads", "memory_mb", "checkpoint_seconds", "shards"}


wildcard_constraints:
    dataset=one_of(experiment.datasets),
    run=one_of(experiment.runs),
    estimator=one_of(experiment.estimators),
    comparison=one_of(experiment.comparisons),
    sweep=one_of(experiment.sweeps),
    seeds=r"seeds-\d+-\d+",
    part=r"\d+-of-\d+",


def what_is_trained(run):
    """All that decides a run's weights but the seeds and the sources."""
    chosen = experiment.runs[run]
    data = experiment.datasets[chosen.dataset].canonical()
    return data, chosen.network.canonical(), chosen.training.canonical()


@cache
def equal_runs():
    """Runs by what they train; those under one entry are one training."""
    found = {}
    for run in experiment.runs:
        found.setdefault(what_is_trained(run), []).append(run)
    return found


@cache
def trained_as(run):
    """The run under whose name the weights stand: of equal runs the first that has any."""
    equal = equal_runs()[what_is_trained(run)]
    return next((name for name in equal if blocks_on_disk(name)), equal[0])


@cache
def blocks_on_disk(run):
    """Blocks of seeds whose weights stand under a run's name."""
    stores = Path(f"{HOME}/runs/{run}/weights").glob("seeds-*.zarr")
    return tuple(sorted(parse_block(store.stem) for store in stores))


@cache
def blocks_of(run):
    """Names of the blocks of seeds of a run. Blocks that stand on disk stay as they are.

    Equal runs share their blocks: what one has too few seeds for, the next ones add.
    """
    blocks = list(blocks_on_disk(trained_as(run)))
    for name in equal_runs()[what_is_trained(run)]:
        chosen = experiment.runs[name]
        own = seed_blocks(chosen.seeds, blocks, chosen.seeds_per_block)
        if name == run:
            return tuple(block_name(block) for block in own)
        blocks += [block for block in own if block not in blocks]


def weights_of(run):
    """Weights of every block of a run."""
    return [f"{HOME}/runs/{trained_as(run)}/weights/{seeds}.zarr" for seeds in blocks_of(run)]


def all_weights():
    """Weights of every run, each once."""
    return list(dict.fromkeys(store for run in experiment.runs for store in weights_of(run)))


def weights_of_block(wildcards):
    """Weights of one block of a run."""
    return f"{HOME}/runs/{trained_as(wildcards.run)}/weights/{wildcards.seeds}.zarr"


def information_of(run, estimator):
    """Information of every block of a run by one estimator."""
    home = f"{HOME}/runs/{run}/information/{estimator}"
    return [f"{home}/{seeds}.zarr" for seeds in blocks_of(run)]


def dataset_of(wildcards):
    """The prepared data set of a run."""
    return f"{HOME}/datasets/{experiment.runs[wildcards.run].dataset}.zarr"


def files_of_dataset(wildcards):
    """The user's own files behind a data set: when they change, it is prepared again."""
    try:
        return files_of(experiment.datasets[wildcards.dataset], default_places())
    except (OSError, ValueError) as error:
        raise WorkflowError(f"{CONFIG_FILE}: datasets.{wildcards.dataset}: {error}")


def source_of_training(wildcards):
    run = experiment.runs[wildcards.run]
    return source_digest(
        "infoplane.training.loop",
        TRAINERS.path(run.training.trainer),
        FAMILIES.path(run.network.family),
    )


def source_of_activations(wildcards):
    family = experiment.runs[wildcards.run].network.family
    return source_digest("infoplane.activations", FAMILIES.path(family))


def source_of_estimator(wildcards):
    chosen = experiment.estimators[wildcards.estimator].estimator
    return source_digest(
        "infoplane.estimators.measure",
        ESTIMATORS.path(chosen),
        "infoplane.stores.information",
    )


def regime_of_estimator(wildcards):
    """Digest of the table that says where the estimator was tested."""
    return regime.digest_of(
        ESTIMATORS.path(experiment.estimators[wildcards.estimator].estimator)
    )


def recipe_of(wildcards):
    """Digest of all that decides what is measured, as far as the experiment says it."""
    run = experiment.runs[wildcards.run]
    made_by = [
        experiment.estimators[wildcards.estimator].canonical(),
        run.measure.canonical(),
        *what_is_trained(wildcards.run),
        source_of_training(wildcards),
        source_of_activations(wildcards),
        source_of_estimator(wildcards),
        regime_of_estimator(wildcards),
    ]
    return digest_of_text("\n".join(made_by))


def parts_of(wildcards):
    """The parts that a measurement is put together of; none where one job makes it.

    A measurement that stands stays as it was made, in however many parts.
    """
    run, name = experiment.runs[wildcards.run], wildcards.estimator
    settings = experiment.estimators[name]
    wanted = run.shards
    if wanted > 1 and why_whole(run.measure.epochs, ESTIMATORS[settings.estimator], settings):
        wanted = 1
    home = Path(f"{HOME}/runs/{wildcards.run}/information/{name}")
    store = home / f"{wildcards.seeds}.zarr"
    made = parts.number_of(store)
    if made != wanted and recipe_of(wildcards) == recipe_in(store):
        wanted = made
    if wanted == 1:
        return []
    names = [Part(number, wanted).name for number in range(1, wanted + 1)]
    return [str(parts.path_of(store, name)) for name in names]


def recipe_in(store):
    """The recipe by which a store of information was made; None where none stands."""
    try:
        return json.loads((store / "zarr.json").read_text())["attributes"].get("recipe")
    except (OSError, ValueError, KeyError):
        return None


def exemption(wildcards):
    """Why the data processing inequality does not hold for an estimator; empty: it does."""
    chosen = experiment.estimators[wildcards.estimator].estimator
    return getattr(ESTIMATORS[chosen], "EXEMPT_FROM_DPI", "")


def checks_of(run, estimator):
    """The list of a run's violations by one estimator."""
    return f"{HOME}/runs/{run}/checks/{estimator}.csv"


def activations_of(wildcards):
    """The shared store of activations, where the run shares one."""
    if not experiment.runs[wildcards.run].measure.share_activations:
        return []
    return f"{HOME}/runs/{wildcards.run}/activations/{wildcards.seeds}.zarr"


def source_of_figure(figure):
    return source_digest(
        FIGURES.path(figure),
        "infoplane.figures.sentences",
        "infoplane.figures.style",
        "infoplane.stores.information",
        "infoplane.stores.weights",
    )


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


def figures_of_estimator(name):
    """Kinds of figures of one estimator; variants of a sweep share one, of the sweep."""
    if name in VARIANTS:
        return ()
    chosen = experiment.estimators[name].estimator
    return getattr(ESTIMATORS[chosen], "FIGURES", PLANES)


def sweeps_of(run):
    """Sweeps every variant of which measures the run."""
    measuring = set(experiment.runs[run].estimators)
    return [name for name, of in experiment.sweeps.items() if measuring.issuperset(of)]


def weights_of_run(wildcards):
    return weights_of(wildcards.run)


def seeds_of(runs):
    """Wanted seeds by run: a block on disk may hold more than are asked for now."""
    return {run: experiment.runs[run].seeds for run in runs}


def figure_labels(figure):
    """What the report's table says of a figure."""
    return lambda w: {"figure": figure, **{name: str(value) for name, value in w.items()}}


def figures(run=None, estimator=None, figure=None):
    """Images of all figures, or of those of one run, one estimator, one kind."""
    found = []
    for name, settings in experiment.runs.items():
        home = f"{HOME}/runs/{name}/figures"
        found += [((name, None, kind), f"{home}/{kind}.png") for kind in FIGURES_OF_RUN]
        found += [
            ((name, by, kind), f"{home}/{kind}-{by}.png")
            for by in settings.estimators
            for kind in figures_of_estimator(by)
        ]
        found += [
            ((name, by, "sensitivity"), f"{home}/sensitivity-{by}.png")
            for by in sweeps_of(name)
        ]
    for name, runs in experiment.comparisons.items():
        measured = {
            by
            for each in runs
            for by in experiment.runs[each].estimators
            if "information_plane" in figures_of_estimator(by)
        }
        found += [
            ((None, by, "comparison"), f"{HOME}/figures/{name}-{by}.png")
            for by in sorted(measured)
        ]
    wanted = (run, estimator, figure)
    return chosen_of(found, wanted) + figures_of_pools(*wanted) + figures_of_pairs(*wanted)


def chosen_of(found, wanted):
    """Paths of what is about the wanted run, estimator and figure; None: any."""
    return [
        path
        for about, path in found
        if all(want in (None, has) for want, has in zip(wanted, about))
    ]
