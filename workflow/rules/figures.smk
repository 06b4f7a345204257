# One job draws all figures of a run and lists its violations, and one draws all figures of
# several runs. Targets with an estimator's or a figure's name draw into the same folders.


rule draw_run:
    input:
        stores=FIGURES_OF_RUN.of(lambda w: plan.drawings.stores(w.run)),
        otherwise=FIGURES_OF_RUN.otherwise,
    output:
        figures=report(
            directory(files.figures("{run}")),
            patterns=["{figure}.png"],
            caption="../report/figure.rst",
            category="{run}",
            labels={"figure": "{figure}"},
        ),
        checks=directory(files.checks("{run}")),
    log:
        f"logs/{experiment.name}/draw_run/{{run}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=FIGURES_OF_RUN.mem_mb,
        runtime=FIGURES_OF_RUN.runtime,
    params:
        figures=lambda w: files.figures(w.run),
        checks=lambda w: files.checks(w.run),
        drawn=lambda w: plan.drawings.written(w.run),
    message:
        "draw {wildcards.run}"
    script:
        "../scripts/draw.py"


use rule draw_run as draw_some_of_run with:
    input:
        stores=SOME_OF_RUN.of(lambda w: plan.drawings.stores(w.run, w.selection)),
        otherwise=SOME_OF_RUN.otherwise,
    output:
        record=SOME_OF_RUN.path,
    log:
        f"logs/{experiment.name}/draw_some_of_run/{{run}}/{{selection}}.log",
    resources:
        mem_mb=SOME_OF_RUN.mem_mb,
        runtime=SOME_OF_RUN.runtime,
    params:
        figures=lambda w: files.figures(w.run),
        checks=lambda w: files.checks(w.run),
        drawn=lambda w: plan.drawings.written(w.run, w.selection),
    message:
        "draw {wildcards.run}, {wildcards.selection}"


use rule draw_run as draw_comparisons with:
    input:
        stores=COMPARISONS.of(lambda w: plan.drawings.stores(None)),
        otherwise=COMPARISONS.otherwise,
    output:
        figures=report(
            directory(files.figures()),
            patterns=["{figure}.png"],
            caption="../report/figure.rst",
            category="comparisons",
            labels={"figure": "{figure}"},
        ),
    log:
        f"logs/{experiment.name}/draw_comparisons.log",
    resources:
        mem_mb=COMPARISONS.mem_mb,
        runtime=COMPARISONS.runtime,
    params:
        figures=lambda w: files.figures(),
        checks="",
        drawn=lambda w: plan.drawings.written(None),
    message:
        "draw comparisons of runs"


use rule draw_comparisons as draw_some_comparisons with:
    input:
        stores=SOME_COMPARISONS.of(lambda w: plan.drawings.stores(None, w.selection)),
        otherwise=SOME_COMPARISONS.otherwise,
    output:
        record=SOME_COMPARISONS.path,
    log:
        f"logs/{experiment.name}/draw_some_comparisons/{{selection}}.log",
    resources:
        mem_mb=SOME_COMPARISONS.mem_mb,
        runtime=SOME_COMPARISONS.runtime,
    params:
        figures=lambda w: files.figures(),
        checks="",
        drawn=lambda w: plan.drawings.written(None, w.selection),
    message:
        "draw comparisons of runs, {wildcards.selection}"
