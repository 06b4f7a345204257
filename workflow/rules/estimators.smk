rule estimate_information:
    input:
        weights=f"{RUN}/weights/{{seeds}}.zarr",
        dataset=dataset_of,
        activations=activations_of,
    output:
        information=directory(f"{RUN}/information/{{estimator}}/{{seeds}}.zarr"),
    log:
        f"logs/{experiment.name}/estimate_information/{{run}}/{{estimator}}/{{seeds}}.log",
    benchmark:
        f"benchmarks/{experiment.name}/estimate_information/{{run}}/{{estimator}}/{{seeds}}.tsv"
    conda:
        ENVIRONMENT
    threads: lambda w: experiment.runs[w.run].threads
    resources:
        mem_mb=memory(cost_of_estimation, gpu_to_estimate),
        runtime=minutes(cost_of_estimation),
        gpu=gpu_to_estimate,
        activations_mb=lambda w: experiment.runs[w.run].memory_mb,
    params:
        settings=lambda w: experiment.estimators[w.estimator].canonical(),
        measure=lambda w: experiment.runs[w.run].measure.canonical(),
        estimator_source=source_of_estimator,
        regime=regime_of_estimator,
        activations_source=source_of_activations,
    message:
        "estimate information of {wildcards.run} by {wildcards.estimator}, {wildcards.seeds}"
    script:
        "../scripts/estimate_information.py"
