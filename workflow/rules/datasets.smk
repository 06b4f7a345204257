rule prepare_dataset:
    input:
        files_of_dataset,
    output:
        directory(f"{HOME}/datasets/{{dataset}}.zarr"),
    log:
        f"logs/{experiment.name}/prepare_dataset/{{dataset}}.log",
    benchmark:
        f"benchmarks/{experiment.name}/prepare_dataset/{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_dataset),
        runtime=minutes(cost_of_dataset),
    params:
        settings=lambda w: experiment.datasets[w.dataset].canonical(),
        source=lambda w: source_digest(
            "infoplane.datasets.prepare",
            SOURCES.path(experiment.datasets[w.dataset].source),
            "infoplane.stores.datasets",
        ),
    message:
        "prepare data set {wildcards.dataset}"
    script:
        "../scripts/prepare_dataset.py"
