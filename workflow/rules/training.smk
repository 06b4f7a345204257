rule train:
    input:
        dataset=WEIGHTS.of(lambda w: plan.dataset_of(w.run)),
        otherwise=WEIGHTS.otherwise,
    output:
        weights=WEIGHTS.path,
    log:
        f"logs/{experiment.name}/train/{{run}}/{{seeds}}.log",
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


# Compared networks are many and small: one job trains all networks in a part of a family, one
# after another. Each has a store like any run's; networks with a store are not trained again.
rule train_family:
    input:
        datasets=FAMILY.of(lambda w: plan.families.datasets(w.family, w.part)),
        otherwise=FAMILY.otherwise,
    output:
        trained=FAMILY.path,
    log:
        f"logs/{experiment.name}/train_family/{{family}}/{{part}}.log",
    conda:
        ENVIRONMENT
    threads: lambda w: plan.families.threads(w.family)
    resources:
        mem_mb=FAMILY.mem_mb,
        runtime=FAMILY.runtime,
        gpu=FAMILY.gpu,
    params:
        blocks=lambda w: plan.families.blocks_of(w.family, w.part),
        recipe=FAMILY.recipe,
    message:
        "train {wildcards.family}, {wildcards.part}"
    script:
        "../scripts/train_family.py"
