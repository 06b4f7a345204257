# Claims: one job tests all of them on the tables of their runs and families.


rule try_claims:
    input:
        tried_on=CLAIMED.of(lambda w: plan.claims.inputs()),
        otherwise=CLAIMED.otherwise,
    output:
        table=files.table("claims"),
        figures=report(
            directory(files.figures_of_claims),
            patterns=["{figure}.png"],
            caption="../report/figure.rst",
            category="claims",
            labels={"figure": "{figure}"},
        ),
        verdicts=CLAIMED.path,
    log:
        f"logs/{experiment.name}/try_claims.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=CLAIMED.mem_mb,
        runtime=CLAIMED.runtime,
    params:
        told=lambda w: plan.claims.told(),
        figures=lambda w: files.figures_of_claims,
        recipe=CLAIMED.recipe,
    message:
        "try claims"
    script:
        "../scripts/try_claims.py"
