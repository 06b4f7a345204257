# I(X;T) against what binning tracks, of the runs that are measured by `clustering` too.


rule plot_binned_entropy:
    input:
        information=information_of_run,
        clustering=lambda w: information_of(w.run, w.clustering),
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
        source=source_of_figure("binned_entropy"),
    message:
        "draw {wildcards.run} by {wildcards.estimator} against its binned entropy"
    script:
        "../scripts/plot_binned_entropy.py"
