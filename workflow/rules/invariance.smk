# The invariance audit: each estimator of a run measures a few of its layers in other
# coordinates, and one job puts all results together. The target is `audit`.


rule audit_layers:
    input:
        weights=AUDITED.of(lambda w: plan.audits.weights_of(w.run)),
        dataset=AUDITED.of(lambda w: plan.dataset_of(w.run)),
        otherwise=AUDITED.otherwise,
    output:
        values=AUDITED.path,
    log:
        f"logs/{experiment.name}/audit_layers/{{run}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    threads: lambda w: experiment.runs[w.run].threads
    resources:
        mem_mb=AUDITED.mem_mb,
        runtime=AUDITED.runtime,
        gpu=AUDITED.gpu,
        activations_mb=lambda w: experiment.runs[w.run].memory_mb,
    params:
        settings=lambda w: experiment.estimators[w.estimator].canonical(),
        measure=lambda w: plan.settings(w.run, "measure"),
        audit=lambda w: plan.audits.told,
        seeds=lambda w: plan.audits.seeds(w.run),
        recipe=AUDITED.recipe,
    message:
        "audit layers of {wildcards.run} by {wildcards.estimator}"
    script:
        "../scripts/audit_layers.py"


rule draw_audit:
    input:
        values=AUDIT.of(lambda w: plan.audits.all_values()),
        otherwise=AUDIT.otherwise,
    output:
        values=files.of_audit("values.csv"),
        moves=files.of_audit("moves.csv"),
        figures=report(
            directory(files.figures_of_audit),
            patterns=["{figure}.png"],
            caption="../report/figure.rst",
            category="audit",
            labels={"figure": "{figure}"},
        ),
        recipe=AUDIT.path,
    log:
        f"logs/{experiment.name}/draw_audit.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=AUDIT.mem_mb,
        runtime=AUDIT.runtime,
    params:
        figures=lambda w: files.figures_of_audit,
        exempt=lambda w: plan.audits.exempt,
        recipe=AUDIT.recipe,
    message:
        "draw the audit"
    script:
        "../scripts/draw_audit.py"
