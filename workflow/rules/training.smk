rule train:
    input:
        dataset=WEIGHTS.of(lambda w: plan.dataset_of(w.run)),
        otherwise=WEIGHTS.otherwise,
    output:
        weights=WEIGHTS.path,
    log:
        f"logs/{experiment.name}/train/{{run}}/{{seeds}}.log",
    benchmark:
        f"benchmarks/{experiment.name}/train/{{run}}/{{seeds}}.tsv"
    conda:
        ENVIRONMENT
    threads: lambda w: experiment.runs[w.run].threads
    resources:
        mem_mb=WEIGHTS.mem_mb,
        runtime=WEIGHTS.runtime,
        gpu=WEIGHTS.gpu,
        checkpoint_seconds=lambda w: experiment.runs[w.run].checkpoint_seconds,
    params:
        network=lambda w: plan.settings(w.run, "network"),
        training=lambda w: plan.settings(w.run, "training"),
        recipe=WEIGHTS.recipe,
    message:
        "train {wildcards.run}, {wildcards.seeds}"
    script:
        "../scripts/train.py"
