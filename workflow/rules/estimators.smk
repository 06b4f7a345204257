rule estimate_information:
    input:
        weights=INFORMATION.of(weights_of_block),
        dataset=INFORMATION.of(dataset_of),
        activations=INFORMATION.of(activations_of),
        parts=INFORMATION.of(parts_of),
        otherwise=INFORMATION.otherwise,
    output:
        information=INFORMATION.path,
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
        settings=lambda w: canonical_of_estimator(w.estimator),
        measure=lambda w: canonical_of_run(w.run, "measure"),
        recipe=INFORMATION.recipe,
    message:
        "estimate information of {wildcards.run} by {wildcards.estimator}, {wildcards.seeds}"
    script:
        "../scripts/estimate_information.py"


# A run with `shards: 4` is measured by four of these, and put together by the rule above.
use rule estimate_information as estimate_part with:
    input:
        weights=PART.of(weights_of_block),
        dataset=PART.of(dataset_of),
        activations=PART.of(activations_of),
        otherwise=PART.otherwise,
    output:
        information=temp(PART.path),
    log:
        f"logs/{experiment.name}/estimate_part/{{run}}/{{estimator}}/{{seeds}}-{{part}}.log",
    benchmark:
        f"benchmarks/{experiment.name}/estimate_part/{{run}}/{{estimator}}/{{seeds}}-{{part}}.tsv"
    message:
        "estimate part {wildcards.part} of {wildcards.run} by {wildcards.estimator}, {wildcards.seeds}"
