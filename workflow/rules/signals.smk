# Signals of compared networks: one job per family, or per part of a large one, measures all
# signals of its networks at the chosen epochs.


rule measure_signals:
    input:
        trained=SIGNALS.of(lambda w: plan.families.trained(w.family)),
        datasets=SIGNALS.of(lambda w: plan.families.datasets(w.family, w.part)),
        selection=SIGNALS.of(lambda w: files.selection(w.family)),
        otherwise=SIGNALS.otherwise,
    output:
        signals=SIGNALS.path,
    log:
        f"logs/{experiment.name}/measure_signals/{{family}}/{{part}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=SIGNALS.mem_mb,
        runtime=SIGNALS.runtime,
        gpu=SIGNALS.gpu,
    params:
        members=lambda w: plan.families.told(w.family, w.part),
        signals=lambda w: plan.families.signals,
        measure=lambda w: experiment.compare.measure.canonical(),
        recipe=SIGNALS.recipe,
    message:
        "measure signals of {wildcards.family}, {wildcards.part}"
    script:
        "../scripts/measure_signals.py"
