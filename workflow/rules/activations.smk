# This rule runs only if a run shares its activations between estimators; otherwise each
# estimating job regenerates them from the weights and keeps none.
rule regenerate_activations:
    input:
        weights=ACTIVATIONS.of(lambda w: plan.weights_of_block(w.run, w.seeds)),
        dataset=ACTIVATIONS.of(lambda w: plan.dataset_of(w.run)),
        otherwise=ACTIVATIONS.otherwise,
    output:
        activations=temp(ACTIVATIONS.path),
    log:
        f"logs/{experiment.name}/regenerate_activations/{{run}}/{{seeds}}.log",
    conda:
        ENVIRONMENT
    threads: lambda w: experiment.runs[w.run].threads
    resources:
        mem_mb=ACTIVATIONS.mem_mb,
        runtime=ACTIVATIONS.runtime,
        gpu=ACTIVATIONS.gpu,
        activations_mb=lambda w: experiment.runs[w.run].memory_mb,
    params:
        measure=lambda w: plan.settings(w.run, "measure"),
        recipe=ACTIVATIONS.recipe,
    message:
        "regenerate activations of {wildcards.run}, {wildcards.seeds}"
    script:
        "../scripts/regenerate_activations.py"
