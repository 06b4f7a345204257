# The functions from which the rules of pools, and of pairs of estimators, take their inputs
# and settings; common.smk has those of the others.

from infoplane.config.pools import estimators_of as estimators_of_pool

POOLS = {pool for run in experiment.runs.values() for pool in run.pools}


wildcard_constraints:
    pool=one_of(POOLS),
    clustering=one_of(experiment.estimators),


@cache
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
    return [FILES.pooled(run, wildcards.pool, wildcards.estimator) for run in runs]


def information_of_pooled_runs(wildcards):
    """Information at single epochs of the same runs."""
    runs = runs_with_pool(wildcards.pool, wildcards.estimator)
    return [s for run in runs for s in information_of(run, wildcards.estimator)]


def clusterings_of(run):
    """The run's estimators that measure clustering."""
    names = experiment.runs[run].estimators
    return [n for n in names if experiment.estimators[n].estimator == "clustering"]


def pairs_of(run):
    """Figures of one estimator's I(X;T) against the binned entropy by another."""
    home = f"{HOME}/runs/{run}/figures"
    for other in clusterings_of(run):
        for by in experiment.runs[run].estimators:
            if by not in clusterings_of(run):
                yield (run, by, "binned_entropy"), f"{home}/binned_entropy-{by}-{other}.png"


def window_lengths_of(run):
    """Figures of a run's pools by length."""
    home = f"{HOME}/runs/{run}/figures"
    for pool in sorted(experiment.runs[run].pools):
        for by in estimators_of_pool(experiment.runs[run], pool):
            yield (run, by, "window_length"), f"{home}/window_length-{pool}-{by}.png"


def figures_of_pools():
    """Planes of all runs that have a pool, one figure an estimator."""
    for pool in sorted(POOLS):
        for by in experiment.estimators:
            if runs_with_pool(pool, by):
                path = f"{HOME}/figures/pooled_planes-{pool}-{by}.png"
                yield (None, by, "pooled_planes"), path
