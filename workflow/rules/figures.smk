rule plot_information_plane:
    input:
        information=INFORMATION_PLANE.of(information_of_run),
        checks=INFORMATION_PLANE.of(lambda w: [checks_of(w.run, w.estimator)]),
        otherwise=INFORMATION_PLANE.otherwise,
    output:
        png=report(
            f"{RUN}/figures/information_plane-{{estimator}}.png",
            caption="../report/information_plane.rst",
            category="{run}",
            labels=figure_labels("information plane"),
        ),
        pdf=f"{RUN}/figures/information_plane-{{estimator}}.pdf",
        csv=f"{RUN}/figures/information_plane-{{estimator}}.csv",
        caption=f"{RUN}/figures/information_plane-{{estimator}}.json",
    log:
        f"logs/{experiment.name}/plot_information_plane/{{run}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        figure="information_plane",
        seeds=lambda w: seeds_of([w.run]),
        recipe=INFORMATION_PLANE.recipe,
    message:
        "draw the information plane of {wildcards.run} by {wildcards.estimator}"
    script:
        "../scripts/plot_information.py"


rule plot_information_curves:
    input:
        information=INFORMATION_CURVES.of(information_of_run),
        checks=INFORMATION_CURVES.of(lambda w: [checks_of(w.run, w.estimator)]),
        otherwise=INFORMATION_CURVES.otherwise,
    output:
        png=report(
            f"{RUN}/figures/information_curves-{{estimator}}.png",
            caption="../report/information_curves.rst",
            category="{run}",
            labels=figure_labels("information over epochs"),
        ),
        pdf=f"{RUN}/figures/information_curves-{{estimator}}.pdf",
        csv=f"{RUN}/figures/information_curves-{{estimator}}.csv",
        caption=f"{RUN}/figures/information_curves-{{estimator}}.json",
    log:
        f"logs/{experiment.name}/plot_information_curves/{{run}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        figure="information_curves",
        seeds=lambda w: seeds_of([w.run]),
        recipe=INFORMATION_CURVES.recipe,
    message:
        "draw information over epochs of {wildcards.run} by {wildcards.estimator}"
    script:
        "../scripts/plot_information.py"


rule plot_sensitivity:
    input:
        information=SENSITIVITY.of(information_of_sweep),
        checks=SENSITIVITY.of(
            lambda w: [checks_of(w.run, by) for by in experiment.sweeps[w.sweep]]
        ),
        otherwise=SENSITIVITY.otherwise,
    output:
        png=report(
            f"{RUN}/figures/sensitivity-{{sweep}}.png",
            caption="../report/sensitivity.rst",
            category="{run}",
            labels=figure_labels("sensitivity"),
        ),
        pdf=f"{RUN}/figures/sensitivity-{{sweep}}.pdf",
        csv=f"{RUN}/figures/sensitivity-{{sweep}}.csv",
        caption=f"{RUN}/figures/sensitivity-{{sweep}}.json",
    log:
        f"logs/{experiment.name}/plot_sensitivity/{{run}}/{{sweep}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        figure="sensitivity",
        seeds=lambda w: seeds_of([w.run]),
        recipe=SENSITIVITY.recipe,
    message:
        "draw {wildcards.run} under the settings of {wildcards.sweep}"
    script:
        "../scripts/plot_information.py"


rule plot_clustering_curves:
    input:
        information=CLUSTERING_CURVES.of(information_of_run),
        checks=CLUSTERING_CURVES.of(lambda w: [checks_of(w.run, w.estimator)]),
        otherwise=CLUSTERING_CURVES.otherwise,
    output:
        png=report(
            f"{RUN}/figures/clustering_curves-{{estimator}}.png",
            caption="../report/clustering_curves.rst",
            category="{run}",
            labels=figure_labels("clustering over epochs"),
        ),
        pdf=f"{RUN}/figures/clustering_curves-{{estimator}}.pdf",
        csv=f"{RUN}/figures/clustering_curves-{{estimator}}.csv",
        caption=f"{RUN}/figures/clustering_curves-{{estimator}}.json",
    log:
        f"logs/{experiment.name}/plot_clustering_curves/{{run}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        figure="clustering_curves",
        seeds=lambda w: seeds_of([w.run]),
        recipe=CLUSTERING_CURVES.recipe,
    message:
        "draw clustering of {wildcards.run} by {wildcards.estimator}"
    script:
        "../scripts/plot_information.py"


rule plot_comparison:
    input:
        information=COMPARISON.of(information_of_comparison),
        checks=COMPARISON.of(lambda w: [checks_of(run, w.estimator) for run in compared(w)]),
        otherwise=COMPARISON.otherwise,
    output:
        png=report(
            f"{HOME}/figures/{{comparison}}-{{estimator}}.png",
            caption="../report/comparison.rst",
            category="comparisons",
            labels=figure_labels("information planes"),
        ),
        pdf=f"{HOME}/figures/{{comparison}}-{{estimator}}.pdf",
        csv=f"{HOME}/figures/{{comparison}}-{{estimator}}.csv",
        caption=f"{HOME}/figures/{{comparison}}-{{estimator}}.json",
    log:
        f"logs/{experiment.name}/plot_comparison/{{comparison}}/{{estimator}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_figure),
        runtime=minutes(cost_of_figure),
    params:
        figure="comparison",
        seeds=lambda w: seeds_of(experiment.comparisons[w.comparison]),
        recipe=COMPARISON.recipe,
    message:
        "draw {wildcards.comparison} by {wildcards.estimator}"
    script:
        "../scripts/plot_information.py"


rule plot_training_curves:
    input:
        weights=TRAINING_CURVES.of(weights_of_run),
        otherwise=TRAINING_CURVES.otherwise,
    output:
        png=report(
            f"{RUN}/figures/training_curves.png",
            caption="../report/training_curves.rst",
            category="{run}",
            labels=figure_labels("loss and accuracy"),
        ),
        pdf=f"{RUN}/figures/training_curves.pdf",
        csv=f"{RUN}/figures/training_curves.csv",
        caption=f"{RUN}/figures/training_curves.json",
    log:
        f"logs/{experiment.name}/plot_training_curves/{{run}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_training_figure),
        runtime=minutes(cost_of_training_figure),
    params:
        figure="training_curves",
        seeds=lambda w: seeds_of([w.run]),
        recipe=TRAINING_CURVES.recipe,
    message:
        "draw loss and accuracy of {wildcards.run}"
    script:
        "../scripts/plot_training.py"


rule plot_gradient_noise:
    input:
        weights=GRADIENT_NOISE.of(weights_of_run),
        otherwise=GRADIENT_NOISE.otherwise,
    output:
        png=report(
            f"{RUN}/figures/gradient_noise.png",
            caption="../report/gradient_noise.rst",
            category="{run}",
            labels=figure_labels("gradient signal-to-noise"),
        ),
        pdf=f"{RUN}/figures/gradient_noise.pdf",
        csv=f"{RUN}/figures/gradient_noise.csv",
        caption=f"{RUN}/figures/gradient_noise.json",
    log:
        f"logs/{experiment.name}/plot_gradient_noise/{{run}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(cost_of_training_figure),
        runtime=minutes(cost_of_training_figure),
    params:
        figure="gradient_noise",
        seeds=lambda w: seeds_of([w.run]),
        recipe=GRADIENT_NOISE.recipe,
    message:
        "draw gradient signal-to-noise of {wildcards.run}"
    script:
        "../scripts/plot_training.py"
