rule train:
    input:
        dataset=WEIGHTS.of(dataset_of),
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
        mem_mb=memory(cost_of_training, gpu_to_train),
        runtime=minutes(cost_of_training),
        gpu=gpu_to_train,
        checkpoint_seconds=lambda w: experiment.runs[w.run].checkpoint_seconds,
    params:
        network=lambda w: canonical_of_run(w.run, "network"),
        training=lambda w: canonical_of_run(w.run, "training"),
        recipe=WEIGHTS.recipe,
    message:
        "train {wildcards.run}, {wildcards.seeds}"
    script:
        "../scripts/train.py"
