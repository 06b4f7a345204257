# Targets with a name: everything, one run, one estimator, one kind of figure.


rule report:
    input:
        figures=REPORT.of(lambda w: plan.all_figures),
        weights=REPORT.of(lambda w: plan.weights_of_report),
        information=REPORT.of(lambda w: plan.all_information),
        families=REPORT.of(lambda w: plan.tables_of_families),
        claims=REPORT.of(lambda w: plan.tables_of_claims),
        audit=REPORT.of(lambda w: plan.tables_of_audit),
        otherwise=REPORT.otherwise,
    output:
        files.report,
        runs=files.table("runs"),
        endings=files.table("endings"),
        flags=files.table("flags"),
        checks=files.table("checks"),
        statements=files.table("statements"),
        settings=files.table("settings", "json"),
    log:
        f"logs/{experiment.name}/report.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=REPORT.mem_mb,
        runtime=REPORT.runtime,
    params:
        experiment=lambda w: plan.recipes.settings,
        drawn=lambda w: plan.shown,
        recipe=REPORT.recipe,
    message:
        "write {output[0]}"
    script:
        "../scripts/report.py"


# All data sets; only these jobs need a network connection.
rule datasets:
    input:
        expand(files.dataset(), dataset=experiment.datasets),


rule weights:
    input:
        told(lambda w: plan.all_weights),


# Tables and figures of compared networks.
rule compared:
    input:
        told(lambda w: plan.tables_of_families),


# Claims: the table of all analyses, the verdicts, and figures.
rule claims:
    input:
        told(lambda w: plan.target_of_claims()),


# The invariance audit: how far estimates move when layers change coordinates.
rule audit:
    input:
        files.of_audit("audit.json"),


# Inputs are functions, because a call of Snakemake needs at most one of these targets.
for run in plan.runs_with_target:

    rule:
        name:
            f"run_{run}"
        input:
            files.figures(run),


for name in (*experiment.estimators, *experiment.sweeps):

    rule:
        name:
            f"estimator_{name}"
        input:
            told(lambda w, name=name: plan.target_of_estimator(name)),


for kind in (*FIGURES, *experiment.own_figures):

    rule:
        name:
            f"figure_{kind}"
        input:
            told(lambda w, kind=kind: plan.target_of_figure(kind)),
