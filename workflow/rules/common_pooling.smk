# The functions from which the rules of pools, and of pairs of estimators, take their inputs
# and settings; common.smk has those of the others.

from infoplane.config.pools import estimators_of as estimators_of_pool
from infoplane.schedules.fixed import Listed

POOLS = {pool for run in experiment.runs.values() for pool in run.pools}


wildcard_constraints:
    pool=one_of(POOLS),
    clustering=one_of(experiment.estimators),


def measure_without_epochs(wildcards):
    """What a pool takes from a run's `measure`; its epochs are the pool's own."""
    chosen = experiment.runs[wildcards.run].measure
    own = {"epochs": Listed(schedule="list", epochs=[0]), "share_activations": False}
    return chosen.model_copy(update=own).canonical()


def source_of_pool(wildcards):
    chosen = experiment.estimators[wildcards.estimator].estimator
    return source_digest(
        "infoplane.pooling",
        "infoplane.stores.joined",
        "infoplane.stores.pooled",
        ESTIMATORS.path(chosen),
    )


def runs_with_pool(pool, estimator):
    """Runs that have the pool and measure it by the estimator."""
    return [
        name
        for name, run in experiment.runs.items()
        if pool in run.pools and estimator in estimators_of_pool(run, pool)
    ]


def pooled_of_runs(wildcards):
    """Pooled information of every run that has the pool."""
    runs = runs_with_pool(wildcards.pool, wildcards.estimator)
    end = f"pooled/{wildcards.pool}/{wildcards.estimator}.zarr"
    return [f"{HOME}/runs/{run}/{end}" for run in runs]


def information_of_pooled_runs(wildcards):
    """Information at single epochs of the same runs."""
    runs = runs_with_pool(wildcards.pool, wildcards.estimator)
    return [s for run in runs for s in information_of(run, wildcards.estimator)]


def clusterings_of(run):
    """The run's estimators that measure clustering."""
    names = experiment.runs[run].estimators
    return [n for n in names if experiment.estimators[n].estimator == "clustering"]


def figures_of_pairs(run=None, estimator=None, figure=None):
    """Images of one estimator's I(X;T) against the binned entropy by another."""
    found = [
        (
            (name, by, "binned_entropy"),
            f"{HOME}/runs/{name}/figures/binned_entropy-{by}-{other}.png",
        )
        for name, settings in experiment.runs.items()
        for other in clusterings_of(name)
        for by in settings.estimators
        if by not in clusterings_of(name)
    ]
    return chosen_of(found, (run, estimator, figure))


def figures_of_pools(run=None, estimator=None, figure=None):
    """Images of pools: by length for every run, planes for all runs that have the pool."""
    found = []
    for pool in sorted(POOLS):
        for by in experiment.estimators:
            runs = runs_with_pool(pool, by)
            found += [
                (
                    (name, by, "window_length"),
                    f"{HOME}/runs/{name}/figures/window_length-{pool}-{by}.png",
                )
                for name in runs
            ]
            if runs:
                path = f"{HOME}/figures/pooled_planes-{pool}-{by}.png"
                found.append(((None, by, "pooled_planes"), path))
    return chosen_of(found, (run, estimator, figure))
