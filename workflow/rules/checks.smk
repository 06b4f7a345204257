rule check_information:
    input:
        information=CHECKS.of(information_of_run),
        otherwise=CHECKS.otherwise,
    output:
        csv=f"{RUN}/checks/{{estimator}}.csv",
        json=f"{RUN}/checks/{{estimator}}.json",
    log:
        f"logs/{experiment.name}/check_information/{{run}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        seeds=lambda w: seeds_of([w.run]),
        exempt=lambda w: exemption_of(w.estimator),
        recipe=CHECKS.recipe,
    message:
        "check {wildcards.run} by {wildcards.estimator} for the data processing inequality"
    script:
        "../scripts/check_information.py"
