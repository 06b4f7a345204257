# Memory, time and GPUs that jobs ask for, derived from the problem by infoplane.costs. A
# function here is asked for every job of a plan: what it needs of a run or a data set is kept.

import contextlib

from infoplane.config import parse_block
from infoplane.costs import measuring, request, shapes, small, training
from infoplane.costs.devices import gpus
from infoplane.costs.schedules import n_of

SNAKEMAKES_MB = 1300
"""Resident memory of the two Snakemakes around a job in its allocation on a cluster, measured."""


@cache
def shape_of(dataset):
    """Inputs, features and classes of a data set: as prepared, or as its settings say.

    Raises FileNotFoundError, which Snakemake shows as <TBD> and asks again once the inputs
    are there, where only the prepared data can tell.
    """
    store = Path(f"{HOME}/datasets/{dataset}.zarr")
    with contextlib.suppress(FileNotFoundError):
        return shapes.of_store(store)
    found = shapes.of_settings(experiment.datasets[dataset])
    if found is None:
        raise FileNotFoundError(store)
    return found


@cache
def network_of(run):
    """The run's network, without any weights."""
    chosen = experiment.runs[run]
    family, shape = FAMILIES[chosen.network.family], shape_of(chosen.dataset)
    return family.build(chosen.network, shape.of_input, shape.n_classes)


def n_seeds_of(seeds):
    """Seeds of a block."""
    first, last = parse_block(seeds)
    return last - first + 1


def work_of(run, n_seeds, n_epochs):
    """What a job of a run measures."""
    chosen = experiment.runs[run]
    data = shape_of(chosen.dataset)
    return measuring.Work(
        network_of(run),
        chosen.measure,
        data,
        n_seeds,
        n_epochs,
        chosen.memory_mb,
        chosen.threads,
    )


def rows_of(runs):
    """Estimates of each of these runs by one estimator."""
    chosen = [(experiment.runs[run], network_of(run)) for run in runs]
    return sum(
        len(run.seeds) * measuring.n_measured(run.measure, run.training) * len(network.layers)
        for run, network in chosen
    )


def cost_of_dataset(wildcards):
    return small.of_dataset(shape_of(wildcards.dataset))


def cost_of_training(wildcards):
    run = experiment.runs[wildcards.run]
    network, data = network_of(wildcards.run), shape_of(run.dataset)
    n_seeds = n_seeds_of(wildcards.seeds)
    cost = training.of_training(network, run.training, data, n_seeds, run.threads)
    return cost.on_gpu() if gpus(run.training.device) else cost


def cost_of_activations(wildcards):
    run = experiment.runs[wildcards.run]
    n_epochs = measuring.n_measured(run.measure, run.training)
    work = work_of(wildcards.run, n_seeds_of(wildcards.seeds), n_epochs)
    cost = measuring.of_activations(work)
    return cost.on_gpu() if gpus(run.measure.device) else cost


def estimator_of(name):
    """An estimator's module and settings."""
    settings = experiment.estimators[name]
    return ESTIMATORS[settings.estimator], settings


def cost_of_estimation(wildcards, n_epochs=None):
    """n_epochs : that the job measures, where they are not all of the run's."""
    run = experiment.runs[wildcards.run]
    n_epochs = measuring.n_measured(run.measure, run.training, n_epochs)
    work = work_of(wildcards.run, n_seeds_of(wildcards.seeds), n_epochs)
    method, settings = estimator_of(wildcards.estimator)
    cost = measuring.of_estimation(work, method, settings)
    return cost.on_gpu() if gpus(run.measure.device, method) else cost


def cost_of_pool(wildcards):
    run = experiment.runs[wildcards.run]
    n_kept = n_of(run.training.keep, run.training.epochs + 1)
    work = work_of(wildcards.run, len(run.seeds), n_kept)
    method, settings = estimator_of(wildcards.estimator)
    cost = measuring.of_pool(work, run.pools[wildcards.pool], method, settings, n_kept)
    return cost.on_gpu() if gpus(run.measure.device, method) else cost


def gpu_to_train(wildcards):
    return gpus(experiment.runs[wildcards.run].training.device)


def gpu_for_activations(wildcards):
    return gpus(experiment.runs[wildcards.run].measure.device)


def gpu_to_estimate(wildcards):
    method, _ = estimator_of(wildcards.estimator)
    return gpus(experiment.runs[wildcards.run].measure.device, method)


def cost_of_figure(wildcards):
    """Of a figure, or a check, of one run or of all that it compares."""
    named = wildcards.get("run")
    return small.of_drawing(rows_of([named] if named else experiment.runs))


def cost_of_training_figure(wildcards):
    run, network = experiment.runs[wildcards.run], network_of(wildcards.run)
    return small.of_drawing(len(run.seeds) * run.training.epochs * len(network.layers))


def cost_of_report(wildcards):
    """All estimates, and the metrics of every epoch."""
    runs = experiment.runs.items()
    n_estimates = sum(len(run.estimators) * rows_of([name]) for name, run in runs)
    n_metrics = sum(len(run.seeds) * run.training.epochs for _, run in runs)
    return small.of_drawing(n_estimates + n_metrics)


def cost_of_problem(wildcards):
    page = truth_page()
    return small.of_problem(page.problems[wildcards.problem], page.sizes_of(wildcards.problem))


def cost_of_answers(wildcards):
    page, problem, by = truth_page(), wildcards.problem, wildcards.answerer
    settings = page.estimators[by]
    return small.of_answers(
        ESTIMATORS[settings.estimator],
        settings,
        page.problems[problem],
        page.sizes_of(problem),
        page.seeds,
        page.limits_of(by),
    )


def cost_of_calibration(wildcards):
    page = truth_page()
    n_tasks = small.MOST_TASKS * sum(len(page.sizes_of(p)) for p in page.problems)
    return small.of_drawing(len(page.estimators) * page.seeds * n_tasks)


COSTS = {}
"""By function and wildcards: every job is asked for several of its resources."""


def wanted(cost_of, wildcards, attempt):
    """What a job asks for at this attempt."""
    key = (cost_of.__name__, *wildcards)
    if key not in COSTS:
        COSTS[key] = cost_of(wildcards)
    return request(COSTS[key], attempt, 0 if workflow.local_exec else SNAKEMAKES_MB)


def memory(cost_of):
    """The function that a rule takes for mem_mb, of one that gives a job's cost."""
    return lambda wildcards, attempt: wanted(cost_of, wildcards, attempt).mb


def minutes(cost_of):
    """The function that a rule takes for runtime."""
    return lambda wildcards, attempt: wanted(cost_of, wildcards, attempt).minutes
