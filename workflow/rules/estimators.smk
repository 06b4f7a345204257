rule estimate_information:
    input:
        weights=INFORMATION.of(lambda w: plan.weights_of_block(w.run, w.seeds)),
        dataset=INFORMATION.of(lambda w: plan.dataset_of(w.run)),
        activations=INFORMATION.of(lambda w: plan.activations_of(w.run, w.seeds)),
        parts=INFORMATION.of(lambda w: plan.parts_of(w.run, w.estimator, w.seeds)),
        otherwise=INFORMATION.otherwise,
    output:
        information=INFORMATION.path,
    log:
        f"logs/{experiment.name}/estimate_information/{{run}}/{{estimator}}/{{seeds}}.log",
    conda:
        ENVIRONMENT
    threads: lambda w: experiment.runs[w.run].threads
    resources:
        mem_mb=INFORMATION.mem_mb,
        runtime=INFORMATION.runtime,
        gpu=INFORMATION.gpu,
        activations_mb=lambda w: experiment.runs[w.run].memory_mb,
    params:
        settings=lambda w: experiment.estimators[w.estimator].canonical(),
        measure=lambda w: plan.settings(w.run, "measure"),
        recipe=INFORMATION.recipe,
    message:
        "estimate information of {wildcards.run} by {wildcards.estimator}, {wildcards.seeds}"
    script:
        "../scripts/estimate_information.py"


# Four of these jobs measure a run with `shards: 4`; the rule above puts the parts together.
use rule estimate_information as estimate_part with:
    input:
        weights=PART.of(lambda w: plan.weights_of_block(w.run, w.seeds)),
        dataset=PART.of(lambda w: plan.dataset_of(w.run)),
        activations=PART.of(lambda w: plan.activations_of(w.run, w.seeds)),
        otherwise=PART.otherwise,
    output:
        information=temp(PART.path),
    log:
        f"logs/{experiment.name}/estimate_part/{{run}}/{{estimator}}/{{seeds}}-{{part}}.log",
    resources:
        mem_mb=PART.mem_mb,
        runtime=PART.runtime,
        gpu=PART.gpu,
        activations_mb=lambda w: experiment.runs[w.run].memory_mb,
    params:
        settings=lambda w: experiment.estimators[w.estimator].canonical(),
        measure=lambda w: plan.settings(w.run, "measure"),
        recipe=PART.recipe,
    message:
        "estimate part {wildcards.part} of {wildcards.run} by {wildcards.estimator}, {wildcards.seeds}"
