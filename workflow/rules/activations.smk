# Only where a run shares its activations between estimators; otherwise each estimating job
# regenerates them from the weights and keeps none.
rule regenerate_activations:
    input:
        weights=ACTIVATIONS.of(weights_of_block),
        dataset=ACTIVATIONS.of(dataset_of),
        otherwise=ACTIVATIONS.otherwise,
    output:
        activations=temp(ACTIVATIONS.path),
    log:
        f"logs/{experiment.name}/regenerate_activations/{{run}}/{{seeds}}.log",
    benchmark:
        f"benchmarks/{experiment.name}/regenerate_activations/{{run}}/{{seeds}}.tsv"
    conda:
        ENVIRONMENT
    threads: lambda w: experiment.runs[w.run].threads
    resources:
        mem_mb=memory(cost_of_activations, gpu_for_activations),
        runtime=minutes(cost_of_activations),
        gpu=gpu_for_activations,
        activations_mb=lambda w: experiment.runs[w.run].memory_mb,
    params:
        measure=lambda w: canonical_of_run(w.run, "measure"),
        recipe=ACTIVATIONS.recipe,
    message:
        "regenerate activations of {wildcards.run}, {wildcards.seeds}"
    script:
        "../scripts/regenerate_activations.py"
