# infoplane: data set → training → activations → information → planes and a report.
#
#   snakemake --cores all                                       the default experiment
#   snakemake --cores all --configfile config/experiments/….yaml  another one
#   snakemake --cores all run_tanh | estimator_kde | figure_information_plane
#                                                               a part of it
#   snakemake -n                                                what would be done

from snakemake.utils import min_version

min_version("9.5")

# A configuration file given on the command line replaces the default one: merged into it,
# an experiment would take over the default's runs.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


# Jobs of seconds, and those that may download: a cluster's login node does them itself. All
# others are submitted, where there is something to submit to.
localrules:
    prepare_dataset,
    prepare_truth,
    draw_run,
    draw_some_of_run,
    draw_comparisons,
    draw_some_comparisons,
    try_claims,
    draw_audit,
    plot_truth,
    report,
    select_epochs,


rule all:
    input:
        files.report,


include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/activations.smk"
include: "workflow/rules/estimators.smk"
include: "workflow/rules/pooling.smk"
include: "workflow/rules/signals.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/invariance.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/truth.smk"
include: "workflow/rules/targets.smk"
