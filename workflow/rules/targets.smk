# What can be asked for by name: everything, one run, one estimator, one kind of figure.


rule report:
    input:
        figures=figures(),
        weights=all_weights(),
        information=[
            store
            for run, settings in experiment.runs.items()
            for estimator in settings.estimators
            for store in information_of(run, estimator)
        ],
        checks=[
            checks_of(run, estimator)
            for run, settings in experiment.runs.items()
            for estimator in settings.estimators
        ],
        # relative: a moved project has the same input, and nothing to do
        template=os.path.relpath(f"{LIBRARY}/infoplane/figures/page.html.j2"),
    output:
        f"{HOME}/report.html",
    log:
        f"logs/{experiment.name}/report.log",
    conda:
        ENVIRONMENT
    params:
        experiment=experiment.model_dump(
            mode="json", exclude={"runs": {"__all__": WITHOUT_EFFECT}}
        ),
        weights={run: weights_of(run) for run in experiment.runs},
        source=source_digest("infoplane.figures.page", "infoplane.stores.information"),
    message:
        "write {output}"
    script:
        "../scripts/report.py"


# All that needs a network connection.
rule datasets:
    input:
        expand(f"{HOME}/datasets/{{dataset}}.zarr", dataset=experiment.datasets),


rule weights:
    input:
        all_weights(),


for run in experiment.runs:

    rule:
        name:
            f"run_{run}"
        input:
            figures(run=run),


for estimator in (*experiment.estimators, *experiment.sweeps):

    rule:
        name:
            f"estimator_{estimator}"
        input:
            figures(estimator=estimator),


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
            figures(figure=figure),
