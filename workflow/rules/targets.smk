# What can be asked for by name: everything, one run, one estimator, one kind of figure.


REPORT = Result(
    f"{HOME}/tables/settings.json",
    known(lambda w: RECIPES.report({kind for (_, _, kind), _ in all_figures()})),
)


rule report:
    input:
        figures=REPORT.of(lambda w: figures()),
        weights=REPORT.of(all_weights),
        information=REPORT.of(all_information),
        checks=REPORT.of(all_checks),
        otherwise=REPORT.otherwise,
    output:
        f"{HOME}/report.html",
        runs=f"{HOME}/tables/runs.csv",
        accuracies=f"{HOME}/tables/accuracies.csv",
        flags=f"{HOME}/tables/flags.csv",
        checks=f"{HOME}/tables/checks.csv",
        settings=f"{HOME}/tables/settings.json",
    log:
        f"logs/{experiment.name}/report.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_report),
        runtime=minutes(cost_of_report),
    params:
        experiment=lambda w: RECIPES.settings,
        weights=lambda w: {run: weights_of(run) for run in experiment.runs},
        exempt=lambda w: {name: exemption_of(name) for name in experiment.estimators},
        recipe=REPORT.recipe,
    message:
        "write {output[0]}"
    script:
        "../scripts/report.py"


# All that needs a network connection.
rule datasets:
    input:
        expand(FILES.dataset(), dataset=experiment.datasets),


rule weights:
    input:
        all_weights,


# Inputs are functions: of all these targets, a call of Snakemake asks for one or none.
for run in runs_with_target():

    rule:
        name:
            f"run_{run}"
        input:
            target(run=run),


for estimator in (*experiment.estimators, *experiment.sweeps):

    rule:
        name:
            f"estimator_{estimator}"
        input:
            target(estimator=estimator),


for figure in (
    *FIGURES_OF_RUN,
    *FIGURES_OF_ESTIMATOR,
    "sensitivity",
    "comparison",
    "window_length",
    "pooled_planes",
    "binned_entropy",
):

    rule:
        name:
            f"figure_{figure}"
        input:
            target(figure=figure),
