"""Train the networks in a part of a family, block after block, except those that exist."""

import json
from functools import cache
from pathlib import Path

from job import job

from infoplane.seeds import parse_block
from infoplane.stores.datasets import read_data
from infoplane.stores.recipes import recipe_in, write_recipe
from infoplane.threads import use_threads
from infoplane.training.block import Block, train_block

with job(snakemake):
    use_threads(snakemake.threads)
    data = cache(read_data)
    for told in json.loads(snakemake.params.blocks):
        store = Path(told["store"])
        if recipe_in(store) == told["recipe"]:
            continue
        first, last = parse_block(told["seeds"])
        written = {name: json.loads(told[name]) for name in ("network", "training")}
        block = Block(told["title"], written, range(first, last + 1), told["recipe"])
        train_block(
            block,
            data(Path(told["dataset"])),
            store,
            snakemake.threads,
            told["checkpoint_seconds"],
            keep_failed=True,
        )
    write_recipe(Path(snakemake.output.trained), snakemake.params.recipe)
