# Weights of many epochs or seeds taken for draws of one random network: pooled information,
# and its figures. A pool is of all blocks of a run at once.


rule pool_epochs:
    input:
        weights=POOLED.of(weights_of_run),
        dataset=POOLED.of(dataset_of),
        otherwise=POOLED.otherwise,
    output:
        pooled=POOLED.path,
    log:
        f"logs/{experiment.name}/pool_epochs/{{run}}/{{pool}}/{{estimator}}.log",
    benchmark:
        f"benchmarks/{experiment.name}/pool_epochs/{{run}}/{{pool}}/{{estimator}}.tsv"
    conda:
        ENVIRONMENT
    threads: lambda w: experiment.runs[w.run].threads
    resources:
        mem_mb=memory(cost_of_pool, gpu_to_estimate),
        runtime=minutes(cost_of_pool),
        gpu=gpu_to_estimate,
        activations_mb=lambda w: experiment.runs[w.run].memory_mb,
    params:
        settings=lambda w: canonical_of_estimator(w.estimator),
        measure=lambda w: RECIPES.measure_without_epochs(w.run),
        pool=lambda w: experiment.runs[w.run].pools[w.pool].canonical(),
        seeds=lambda w: experiment.runs[w.run].seeds,
        recipe=POOLED.recipe,
    message:
        "pool {wildcards.pool} of {wildcards.run} by {wildcards.estimator}"
    script:
        "../scripts/pool_epochs.py"


rule plot_window_length:
    input:
        pooled=WINDOW_LENGTH.of(lambda w: [filled(POOLED.path, w)]),
        otherwise=WINDOW_LENGTH.otherwise,
    output:
        png=report(
            f"{RUN}/figures/window_length-{{pool}}-{{estimator}}.png",
            caption="../report/window_length.rst",
            category="{run}",
            labels=figure_labels("pooled information"),
        ),
        pdf=f"{RUN}/figures/window_length-{{pool}}-{{estimator}}.pdf",
        csv=f"{RUN}/figures/window_length-{{pool}}-{{estimator}}.csv",
        caption=f"{RUN}/figures/window_length-{{pool}}-{{estimator}}.json",
    log:
        f"logs/{experiment.name}/plot_window_length/{{run}}/{{pool}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        figure="window_length",
        seeds=lambda w: seeds_of([w.run]),
        recipe=WINDOW_LENGTH.recipe,
    message:
        "draw pool {wildcards.pool} of {wildcards.run} by {wildcards.estimator}"
    script:
        "../scripts/plot_pooled.py"


rule plot_pooled_planes:
    input:
        pooled=POOLED_PLANES.of(pooled_of_runs),
        information=POOLED_PLANES.of(information_of_pooled_runs),
        otherwise=POOLED_PLANES.otherwise,
    output:
        png=report(
            f"{HOME}/figures/pooled_planes-{{pool}}-{{estimator}}.png",
            caption="../report/pooled_planes.rst",
            category="comparisons",
            labels=figure_labels("pooled planes"),
        ),
        pdf=f"{HOME}/figures/pooled_planes-{{pool}}-{{estimator}}.pdf",
        csv=f"{HOME}/figures/pooled_planes-{{pool}}-{{estimator}}.csv",
        caption=f"{HOME}/figures/pooled_planes-{{pool}}-{{estimator}}.json",
    log:
        f"logs/{experiment.name}/plot_pooled_planes/{{pool}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        figure="pooled_planes",
        seeds=lambda w: seeds_of(runs_with_pool(w.pool, w.estimator)),
        recipe=POOLED_PLANES.recipe,
    message:
        "draw planes of single and pooled epochs, {wildcards.pool}, by {wildcards.estimator}"
    script:
        "../scripts/plot_pooled.py"
