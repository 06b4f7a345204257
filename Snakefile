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
include: "workflow/rules/common_parts.smk"
include: "workflow/rules/common_pooling.smk"
include: "workflow/rules/common_truth.smk"
include: "workflow/rules/common_resources.smk"


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
