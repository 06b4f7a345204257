# Memory, time and GPUs that jobs ask for, derived from the problem by infoplane.costs. No
# function here waits for a prepared data set (<TBD>): Snakemake allows that only in rules that
# take the data set as input, which those that prepare and draw do not.

from infoplane.costs import request, small
from infoplane.costs.plan import Plan

# What a job's allocation on a cluster holds beside the job itself.
SNAKEMAKES_MB = 600  # two Snakemakes: 504 as measured, more in large experiments
CUDA_MB = 2000  # an allowance for CUDA's libraries and context; not measured

PLAN = Plan(experiment, HOME)
COSTS = {}
"""By function and wildcards: every job is asked for several of its resources."""


def wanted(cost_of, wildcards, attempt, gpu=0):
    """What a job asks for at this attempt."""
    key = (cost_of, *wildcards)
    if key not in COSTS:
        COSTS[key] = cost_of(wildcards)
    around = 0 if workflow.local_exec else SNAKEMAKES_MB + CUDA_MB * gpu
    return request(COSTS[key], attempt, around)


def memory(cost_of, gpu_of=lambda wildcards: 0):
    """The function that a rule takes for mem_mb, of one that gives a job's cost, and one that
    gives its GPUs."""
    return lambda wildcards, attempt: wanted(cost_of, wildcards, attempt, gpu_of(wildcards)).mb


def minutes(cost_of):
    """The function that a rule takes for runtime."""
    return lambda wildcards, attempt: wanted(cost_of, wildcards, attempt).minutes


def cost_of_dataset(wildcards):
    return PLAN.dataset(wildcards.dataset)


def cost_of_training(wildcards):
    return PLAN.training(wildcards.run, wildcards.seeds)


def cost_of_activations(wildcards):
    return PLAN.activations(wildcards.run, wildcards.seeds)


def cost_of_estimation(wildcards):
    """Of the whole, of a part, or of putting parts together, which measures next to nothing."""
    names = wildcards.run, wildcards.estimator, wildcards.seeds
    if "part" in wildcards.keys():
        n_parts = Part.parse(wildcards.part).of
        return PLAN.estimation(*names, PLAN.n_epochs_of_part(wildcards.run, n_parts))
    return PLAN.estimation(*names, 1 if parts_of(wildcards) else None)


def cost_of_pool(wildcards):
    return PLAN.pool(wildcards.run, wildcards.pool, wildcards.estimator)


def cost_of_figure(wildcards):
    """Of a figure, or a check, of one run or of all that it compares."""
    run = wildcards.get("run")
    return PLAN.figure([run] if run else compared_or_pooled(wildcards))


def compared_or_pooled(wildcards):
    """Runs that a figure of several is drawn from."""
    if "comparison" in wildcards.keys():
        return experiment.comparisons[wildcards.comparison]
    return runs_with_pool(wildcards.pool, wildcards.estimator)


def cost_of_training_figure(wildcards):
    return PLAN.training_figure(wildcards.run)


def cost_of_report(wildcards):
    return PLAN.report


def cost_of_problem(wildcards):
    return small.of_problem(truth_page().sizes_of(wildcards.problem))


def cost_of_answers(wildcards):
    return small.of_answers(truth_page(), wildcards.answerer, wildcards.problem)


def cost_of_calibration(wildcards):
    return small.of_calibration(truth_page())


def gpu_to_train(wildcards):
    return PLAN.gpus_to_train(wildcards.run)


def gpu_for_activations(wildcards):
    return PLAN.gpus_for_activations(wildcards.run)


def gpu_to_estimate(wildcards):
    return PLAN.gpus_to_estimate(wildcards.run, wildcards.estimator)
