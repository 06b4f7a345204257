# Which figures there are of an experiment, by run, estimator and kind, and what targets ask for.

from infoplane.estimators.interface import INFORMATION_FIGURES

FIGURES_OF_RUN = ("training_curves", "gradient_noise")
FIGURES_OF_ESTIMATOR = (*INFORMATION_FIGURES, "clustering_curves")
MOST_TARGETS = 200  # runs that all have a target of their own
VARIANTS = {name for names in experiment.sweeps.values() for name in names}


def informed(run, *estimators):
    """Recipes of a run's information by these estimators."""
    return [
        RECIPES.information(run, by, seeds) for by in estimators for seeds in BLOCKS.of(run)
    ]


def checked(run, *estimators):
    """Recipes of a run's information by these estimators, and of the lists of violations."""
    return [*informed(run, *estimators), *(RECIPES.checks(run, by) for by in estimators)]


def trained(wildcards, run):
    """Recipes of a run's weights."""
    return [RECIPES.weights(run, seeds) for seeds in BLOCKS.of(run)]


def this_run(wildcards):
    return [known_run(wildcards.run)]


def figure_result(kind, path, runs_of, made_of):
    """A kind of figure, with what it says of itself at `path`.

    runs_of : gives the runs it shows; made_of : gives, of one, the recipes of what it shows
    """

    def recipe(wildcards):
        runs = runs_of(wildcards)
        made = [recipe for run in runs for recipe in made_of(wildcards, run)]
        return RECIPES.figure(kind, made, runs)

    return Result(path, known(recipe))


OF_RUN = f"{RUN}/figures"
TRAINING_CURVES, GRADIENT_NOISE = (
    figure_result(kind, f"{OF_RUN}/{kind}.json", this_run, trained) for kind in FIGURES_OF_RUN
)
INFORMATION_PLANE, INFORMATION_CURVES, CLUSTERING_CURVES = (
    figure_result(
        kind,
        f"{OF_RUN}/{kind}-{{estimator}}.json",
        this_run,
        lambda w, run: checked(run, w.estimator),
    )
    for kind in FIGURES_OF_ESTIMATOR
)
SENSITIVITY = figure_result(
    "sensitivity",
    f"{OF_RUN}/sensitivity-{{sweep}}.json",
    this_run,
    lambda w, run: checked(run, *experiment.sweeps[w.sweep]),
)
COMPARISON = figure_result(
    "comparison",
    f"{HOME}/figures/{{comparison}}-{{estimator}}.json",
    lambda w: compared(w),
    lambda w, run: checked(run, w.estimator),
)
BINNED_ENTROPY = figure_result(
    "binned_entropy",
    f"{OF_RUN}/binned_entropy-{{estimator}}-{{clustering}}.json",
    this_run,
    lambda w, run: informed(run, w.estimator, w.clustering),
)
WINDOW_LENGTH = figure_result(
    "window_length",
    f"{OF_RUN}/window_length-{{pool}}-{{estimator}}.json",
    this_run,
    lambda w, run: [RECIPES.pooled(run, w.pool, w.estimator)],
)
POOLED_PLANES = figure_result(
    "pooled_planes",
    f"{HOME}/figures/pooled_planes-{{pool}}-{{estimator}}.json",
    lambda w: runs_with_pool(w.pool, w.estimator),
    lambda w, run: [RECIPES.pooled(run, w.pool, w.estimator), *informed(run, w.estimator)],
)


@cache
def figures_of_estimator(name):
    """Kinds of figures of one estimator; variants of a sweep share one, of the sweep."""
    if name in VARIANTS:
        return ()
    chosen = experiment.estimators[name].estimator
    return ESTIMATORS[chosen].figures


def sweeps_of(run):
    """Sweeps every variant of which measures the run."""
    measuring = set(experiment.runs[run].estimators)
    return [name for name, of in experiment.sweeps.items() if measuring.issuperset(of)]


def figure_labels(figure):
    """What the report's table says of a figure."""
    return lambda w: {"figure": figure, **{name: str(value) for name, value in w.items()}}


def figures(run=None, estimator=None, figure=None):
    """Images of all figures, or of those of one run, one estimator, one kind.

    Where runs get no figures of their own, those of a run or a kind that is asked for by name
    are drawn nevertheless.
    """
    found = all_figures(experiment.figures_per_run or run or figure)
    return chosen_of(found, (run, estimator, figure))


def all_figures(of_runs=experiment.figures_per_run):
    """What every figure is of (run, estimator, kind), and its path."""
    found = [*figures_of_comparisons(), *figures_of_pools()]
    for name in experiment.runs if of_runs else ():
        found += [*figures_of_run(name), *window_lengths_of(name), *pairs_of(name)]
    return found


def figures_of_run(run):
    """A run's own figures of its training and its information: what they are of, and paths."""
    home = f"{HOME}/runs/{run}/figures"
    for kind in FIGURES_OF_RUN:
        yield (run, None, kind), f"{home}/{kind}.png"
    for by in experiment.runs[run].estimators:
        for kind in figures_of_estimator(by):
            yield (run, by, kind), f"{home}/{kind}-{by}.png"
    for by in sweeps_of(run):
        yield (run, by, "sensitivity"), f"{home}/sensitivity-{by}.png"


def figures_of_comparisons():
    """Figures of several runs side by side: what they are of, and paths."""
    for name, runs in experiment.comparisons.items():
        measured = {by for run in runs for by in experiment.runs[run].estimators}
        for by in sorted(measured):
            if "information_plane" in figures_of_estimator(by):
                yield (None, by, "comparison"), f"{HOME}/figures/{name}-{by}.png"


def runs_with_target():
    """Runs that can be asked for by name: a few all, of many those that the command names.

    A rule a run would cost a call of Snakemake with 10,000 runs more than all else it does.
    """
    if len(experiment.runs) <= MOST_TARGETS:
        return experiment.runs
    words = {word.removeprefix("run_") for word in sys.argv if word.startswith("run_")}
    return [run for run in experiment.runs if run in words]


def target(run=None, estimator=None, figure=None):
    """What a target's name stands for; an estimator's without figures, its information."""

    def made(wildcards):
        found = figures(run, estimator, figure)
        if estimator and not experiment.figures_per_run:
            variants = experiment.sweeps.get(estimator, [estimator])
            pairs = [pair for pair in measured_pairs() if pair[1] in variants]
            found += [store for pair in pairs for store in information_of(*pair)]
        return found

    return made


def chosen_of(found, wanted):
    """Paths of what is about the wanted run, estimator and figure; None: any."""
    return [
        path
        for about, path in found
        if all(want in (None, has) for want, has in zip(wanted, about))
    ]
