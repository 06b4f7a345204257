# Pooled information: weights of many epochs or seeds count as draws of one random network. A
# pool takes all blocks of a run at once.


rule pool_epochs:
    input:
        weights=POOLED.of(lambda w: plan.weights_of(w.run)),
        dataset=POOLED.of(lambda w: plan.dataset_of(w.run)),
        otherwise=POOLED.otherwise,
    output:
        pooled=POOLED.path,
    log:
        f"logs/{experiment.name}/pool_epochs/{{run}}/{{pool}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    threads: lambda w: experiment.runs[w.run].threads
    resources:
        mem_mb=POOLED.mem_mb,
        runtime=POOLED.runtime,
        gpu=POOLED.gpu,
        activations_mb=lambda w: experiment.runs[w.run].memory_mb,
    params:
        settings=lambda w: experiment.estimators[w.estimator].canonical(),
        measure=lambda w: plan.recipes.measure_without_epochs(w.run),
        pool=lambda w: experiment.runs[w.run].pools[w.pool].canonical(),
        seeds=lambda w: experiment.runs[w.run].seeds,
        recipe=POOLED.recipe,
    message:
        "pool {wildcards.pool} of {wildcards.run} by {wildcards.estimator}"
    script:
        "../scripts/pool_epochs.py"
