"""Train one block of seeds of a run, unless the cache has it, and store the weights."""

import json
from pathlib import Path

from job import job

from infoplane.seeds import parse_block
from infoplane.stores.datasets import read_data
from infoplane.threads import use_threads
from infoplane.training.block import Block, train_block

with job(snakemake):
    use_threads(snakemake.threads)
    params, names = snakemake.params, snakemake.wildcards
    first, last = parse_block(names.seeds)
    train_block(
        Block(
            title=f"{names.run} {names.seeds}",
            written={name: json.loads(params[name]) for name in ("network", "training")},
            seeds=range(first, last + 1),
            recipe=params.recipe,
        ),
        read_data(Path(snakemake.input.dataset)),
        Path(snakemake.output.weights),
        snakemake.threads,
        snakemake.resources.checkpoint_seconds,
    )
