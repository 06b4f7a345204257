rule prepare_dataset:
    input:
        otherwise=DATASET.otherwise,
    output:
        DATASET.path,
    log:
        f"logs/{experiment.name}/prepare_dataset/{{dataset}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=DATASET.mem_mb,
        runtime=DATASET.runtime,
    params:
        settings=lambda w: experiment.datasets[w.dataset].canonical(),
        contents=told(lambda w: plan.recipes.contents(w.dataset)),
        recipe=DATASET.recipe,
    message:
        "prepare data set {wildcards.dataset}"
    script:
        "../scripts/prepare_dataset.py"
