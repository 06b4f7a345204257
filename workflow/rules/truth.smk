# Estimators compared with the truth: the calibration page of the target `estimator_truth`.
# config/truth/<page>.yaml lists its problems, estimators and sizes; it is read on demand.

truth = TruthPlan(experiment.truth)
PROBLEM, ANSWERS, CALIBRATION = map(Result, (truth.problems, truth.answers, truth.calibration))


rule prepare_truth:
    input:
        otherwise=PROBLEM.otherwise,
    output:
        prepared=f"{truth.home}/problems/{{problem}}.npz",
        tasks=f"{truth.home}/problems/{{problem}}.csv",
        recipe=f"{truth.home}/problems/{{problem}}.json",
    log:
        f"logs/truth/{experiment.truth}/prepare_truth/{{problem}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=PROBLEM.mem_mb,
        runtime=PROBLEM.runtime,
    params:
        settings=lambda w: truth.page.problems[w.problem].canonical(),
        recipe=PROBLEM.recipe,
    message:
        "prepare problems {wildcards.problem}"
    script:
        "../scripts/prepare_truth.py"


rule estimate_truth:
    input:
        prepared=ANSWERS.of(lambda w: f"{truth.home}/problems/{w.problem}.npz"),
        otherwise=ANSWERS.otherwise,
    output:
        f"{truth.home}/estimates/{{answerer}}/{{problem}}.csv",
        recipe=f"{truth.home}/estimates/{{answerer}}/{{problem}}.json",
    log:
        f"logs/truth/{experiment.truth}/estimate_truth/{{answerer}}/{{problem}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=ANSWERS.mem_mb,
        runtime=ANSWERS.runtime,
    params:
        settings=lambda w: truth.page.estimators[w.answerer].canonical(),
        problem_settings=lambda w: truth.page.problems[w.problem].canonical(),
        n=lambda w: truth.page.sizes_of(w.problem),
        seeds=lambda w: truth.page.seeds,
        limits=lambda w: truth.page.limits_of(w.answerer).canonical(),
        recipe=ANSWERS.recipe,
    message:
        "{wildcards.answerer} on {wildcards.problem}"
    script:
        "../scripts/estimate_truth.py"


rule plot_truth:
    input:
        estimates=CALIBRATION.of(lambda w: truth.estimates),
        tasks=CALIBRATION.of(lambda w: truth.of_problems("csv")),
        prepared=CALIBRATION.of(lambda w: truth.of_problems("npz")),
        otherwise=CALIBRATION.otherwise,
    output:
        page=f"{truth.home}/calibration.html",
        recipe=f"{truth.home}/calibration.json",
        errors=f"{truth.home}/errors.csv",
        figures=directory(f"{truth.home}/figures"),
    log:
        f"logs/truth/{experiment.truth}/plot_truth.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=CALIBRATION.mem_mb,
        runtime=CALIBRATION.runtime,
    params:
        page=lambda w: truth.page.canonical(),
        recipe=CALIBRATION.recipe,
    message:
        "draw the calibration page"
    script:
        "../scripts/plot_truth.py"


rule estimator_truth:
    input:
        f"{truth.home}/calibration.html",
