# I(X;T) against what binning tracks, of the runs that are measured by `clustering` too.


rule plot_binned_entropy:
    input:
        information=BINNED_ENTROPY.of(information_of_run),
        clustering=BINNED_ENTROPY.of(lambda w: information_of(w.run, w.clustering)),
        otherwise=BINNED_ENTROPY.otherwise,
    output:
        png=report(
            f"{RUN}/figures/binned_entropy-{{estimator}}-{{clustering}}.png",
            caption="../report/binned_entropy.rst",
            category="{run}",
            labels=figure_labels("information and binned entropy"),
        ),
        pdf=f"{RUN}/figures/binned_entropy-{{estimator}}-{{clustering}}.pdf",
        csv=f"{RUN}/figures/binned_entropy-{{estimator}}-{{clustering}}.csv",
        caption=f"{RUN}/figures/binned_entropy-{{estimator}}-{{clustering}}.json",
    log:
        f"logs/{experiment.name}/plot_binned_entropy/{{run}}/{{estimator}}-{{clustering}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        seeds=lambda w: seeds_of([w.run]),
        recipe=BINNED_ENTROPY.recipe,
    message:
        "draw {wildcards.run} by {wildcards.estimator} against its binned entropy"
    script:
        "../scripts/plot_binned_entropy.py"
