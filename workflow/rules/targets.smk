# What can be asked for by name: everything, one run, one estimator, one kind of figure.


rule report:
    input:
        figures=lambda w: figures(),
        weights=all_weights,
        information=all_information,
        checks=all_checks,
        # relative: a moved project has the same input, and nothing to do
        template=os.path.relpath(f"{LIBRARY}/infoplane/figures/page.html.j2"),
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
        experiment=lambda w: experiment.model_dump(
            mode="json", exclude={"runs": {"__all__": WITHOUT_EFFECT}}
        ),
        weights=lambda w: {run: weights_of(run) for run in experiment.runs},
        exempt=lambda w: {name: exemption_of(name) for name in experiment.estimators},
        source=lambda w: source_digest("infoplane.figures.page", "infoplane.stores.information"),
    message:
        "write {output[0]}"
    script:
        "../scripts/report.py"


# All that needs a network connection.
rule datasets:
    input:
        expand(f"{HOME}/datasets/{{dataset}}.zarr", dataset=experiment.datasets),


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
