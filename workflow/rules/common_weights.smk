# Which stores hold a run's weights: blocks of seeds, and runs that are one training under
# several names.

from infoplane.config import block_name, parse_block, seed_blocks


@cache
def what_is_trained(run):
    """All that decides a run's weights but the seeds and the sources."""
    data = experiment.datasets[run_of(run).dataset].canonical()
    return data, canonical_of_run(run, "network"), canonical_of_run(run, "training")


@cache
def equal_runs():
    """Runs by what they train; those under one entry are one training."""
    found = {}
    for run in experiment.runs:
        found.setdefault(what_is_trained(run), []).append(run)
    return found


@cache
def trained_as(run):
    """The run under whose name the weights stand: of equal runs the first that has any."""
    equal = equal_runs()[what_is_trained(run)]
    return next((name for name in equal if blocks_on_disk(name)), equal[0])


@cache
def blocks_on_disk(run):
    """Blocks of seeds whose weights stand under a run's name.

    The disk is asked once a call of Snakemake: what this call trains is what is planned here.
    """
    stores = Path(f"{HOME}/runs/{run}/weights").glob("seeds-*.zarr")
    return tuple(sorted(parse_block(store.stem) for store in stores))


@cache
def blocks_of(run):
    """Names of the blocks of seeds of a run. Blocks that stand on disk stay as they are.

    Equal runs share their blocks: what one has too few seeds for, the next ones add.
    """
    blocks = list(blocks_on_disk(trained_as(run)))
    for name in equal_runs()[what_is_trained(run)]:
        chosen = experiment.runs[name]
        own = seed_blocks(chosen.seeds, blocks, chosen.seeds_per_block)
        if name == run:
            return tuple(block_name(block) for block in own)
        blocks += [block for block in own if block not in blocks]


@cache
def weights_of(run):
    """Weights of every block of a run."""
    home = f"{HOME}/runs/{trained_as(run)}/weights"
    return [f"{home}/{seeds}.zarr" for seeds in blocks_of(run)]


def weights_of_run(wildcards):
    return weights_of(wildcards.run)


def weights_of_block(wildcards):
    """Weights of one block of a run."""
    return f"{HOME}/runs/{trained_as(wildcards.run)}/weights/{wildcards.seeds}.zarr"


def all_weights(wildcards):
    """Weights of every run, each once."""
    return list(dict.fromkeys(store for run in experiment.runs for store in weights_of(run)))
