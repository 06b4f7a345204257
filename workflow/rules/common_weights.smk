# Which stores hold a run's weights. The disk is asked once a call of Snakemake: what this call
# trains is what is planned here.

from infoplane.plan.blocks import Blocks

BLOCKS = Blocks(experiment, FILES)


@cache
def weights_of(run):
    """Weights of every block of a run."""
    return BLOCKS.weights_of(run)


def weights_of_run(wildcards):
    return weights_of(known_run(wildcards.run))


def weights_of_block(wildcards):
    """Weights of one block of a run."""
    name = BLOCKS.trained_as(known_run(wildcards.run))
    return FILES.weights(name, wildcards.seeds)


def all_weights(wildcards):
    """Weights of every run, each once."""
    return list(dict.fromkeys(store for run in experiment.runs for store in weights_of(run)))
