# Compared networks: one job for each family chooses the epochs at which its networks are
# compared, and one job for all families collects signals and targets, scores them and draws.


rule select_epochs:
    input:
        trained=SELECTION.of(lambda w: plan.families.trained(w.family)),
        otherwise=SELECTION.otherwise,
    output:
        selection=SELECTION.path,
    log:
        f"logs/{experiment.name}/select_epochs/{{family}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=SELECTION.mem_mb,
        runtime=SELECTION.runtime,
    params:
        members=lambda w: plan.families.told(w.family),
        strata=lambda w: plan.families.strata,
        recipe=SELECTION.recipe,
    message:
        "choose epochs of {wildcards.family}"
    script:
        "../scripts/select_epochs.py"


rule compare_networks:
    input:
        signals=COMPARED.of(lambda w: plan.families.all_signals),
        selections=COMPARED.of(lambda w: plan.families.all_selections),
        otherwise=COMPARED.otherwise,
    output:
        networks=files.compared("networks"),
        scores=files.compared("scores"),
        collapsed=files.compared("collapsed"),
        left_out=files.compared("left_out"),
        figures=report(
            directory(files.figures_of_families),
            patterns=["{figure}.png"],
            caption="../report/figure.rst",
            category="compare",
            labels={"figure": "{figure}"},
        ),
        recipe=COMPARED.path,
    log:
        f"logs/{experiment.name}/compare_networks.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=COMPARED.mem_mb,
        runtime=COMPARED.runtime,
    params:
        families=lambda w: plan.families.stores,
        settings=lambda w: plan.families.settings,
        figures=lambda w: files.figures_of_families,
        shown=lambda w: json.dumps(plan.families.figures),
        recipe=COMPARED.recipe,
    message:
        "compare networks"
    script:
        "../scripts/compare_networks.py"
