# infoplane: data set → training → activations → information → planes and a report.
#
#   snakemake --cores all                                       the default experiment
#   snakemake --cores all --configfile config/experiments/….yaml  another one
#   snakemake --cores all run_tanh | estimator_kde | figure_plane  a part of it
#   snakemake -n                                                what would be done

from snakemake.utils import min_version

min_version("9.5")

# A configuration file given on the command line replaces the default one: merged into it,
# an experiment would take over the default's runs.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_weights.smk"
include: "workflow/rules/common_recipes.smk"
include: "workflow/rules/common_parts.smk"
include: "workflow/rules/common_figures.smk"
include: "workflow/rules/common_pooling.smk"
include: "workflow/rules/common_truth.smk"
include: "workflow/rules/common_resources.smk"


# Jobs of seconds, and those that may download: a cluster's login node does them itself. All
# others are submitted, where there is something to submit to.
localrules:
    prepare_dataset,
    prepare_truth,
    check_information,
    plot_information_plane,
    plot_information_curves,
    plot_sensitivity,
    plot_clustering_curves,
    plot_comparison,
    plot_training_curves,
    plot_gradient_noise,
    plot_window_length,
    plot_pooled_planes,
    plot_binned_entropy,
    plot_truth,
    report,


rule all:
    input:
        f"{HOME}/report.html",


include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/activations.smk"
include: "workflow/rules/estimators.smk"
include: "workflow/rules/pooling.smk"
include: "workflow/rules/checks.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/binned_entropy.smk"
include: "workflow/rules/truth.smk"
include: "workflow/rules/targets.smk"
