# Estimators beside the truth: the calibration page that `estimator_truth` makes. Which
# problems, estimators and sizes it has, config/truth/<page>.yaml says.


rule prepare_truth:
    input:
        otherwise=PROBLEM.otherwise,
    output:
        prepared=f"{TRUTH}/problems/{{problem}}.npz",
        tasks=f"{TRUTH}/problems/{{problem}}.csv",
        recipe=f"{TRUTH}/problems/{{problem}}.json",
    log:
        f"logs/truth/{experiment.truth}/prepare_truth/{{problem}}.log",
    benchmark:
        f"benchmarks/truth/{experiment.truth}/prepare_truth/{{problem}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_problem),
        runtime=minutes(cost_of_problem),
    params:
        settings=lambda w: truth_page().problems[w.problem].canonical(),
        recipe=PROBLEM.recipe,
    message:
        "prepare problems {wildcards.problem}"
    script:
        "../scripts/prepare_truth.py"


rule estimate_truth:
    input:
        prepared=ANSWERS.of(f"{TRUTH}/problems/{{problem}}.npz"),
        otherwise=ANSWERS.otherwise,
    output:
        f"{TRUTH}/estimates/{{answerer}}/{{problem}}.csv",
        recipe=f"{TRUTH}/estimates/{{answerer}}/{{problem}}.json",
    log:
        f"logs/truth/{experiment.truth}/estimate_truth/{{answerer}}/{{problem}}.log",
    benchmark:
        f"benchmarks/truth/{experiment.truth}/estimate_truth/{{answerer}}/{{problem}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_answers),
        runtime=minutes(cost_of_answers),
    params:
        settings=lambda w: truth_page().estimators[w.answerer].canonical(),
        problem_settings=lambda w: truth_page().problems[w.problem].canonical(),
        n=lambda w: truth_page().sizes_of(w.problem),
        seeds=lambda w: truth_page().seeds,
        limits=lambda w: truth_page().limits_of(w.answerer).canonical(),
        recipe=ANSWERS.recipe,
    message:
        "{wildcards.answerer} on {wildcards.problem}"
    script:
        "../scripts/estimate_truth.py"


rule plot_truth:
    input:
        estimates=PAGE.of(estimates_of_truth),
        tasks=PAGE.of(of_problems("csv")),
        prepared=PAGE.of(of_problems("npz")),
        otherwise=PAGE.otherwise,
    output:
        page=f"{TRUTH}/calibration.html",
        recipe=f"{TRUTH}/calibration.json",
        errors=f"{TRUTH}/errors.csv",
        figures=directory(f"{TRUTH}/figures"),
    log:
        f"logs/truth/{experiment.truth}/plot_truth.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_calibration),
        runtime=minutes(cost_of_calibration),
    params:
        page=lambda w: truth_page().canonical(),
        recipe=PAGE.recipe,
    message:
        "draw the calibration page"
    script:
        "../scripts/plot_truth.py"


rule estimator_truth:
    input:
        f"{TRUTH}/calibration.html",
