"""Train one block of seeds of a run, unless the cache has it; its weights go into a store."""

import json
from pathlib import Path

from job import job

from infoplane.config import parse_block
from infoplane.machine import use_threads
from infoplane.networks import FAMILIES
from infoplane.provenance import digest_of_text, package_versions
from infoplane.stores.cache import Cache
from infoplane.stores.datasets import read_data
from infoplane.training import TRAINERS
from infoplane.training.loop import train
from infoplane.training.trainer import NETWORK

with job(snakemake):
    use_threads(snakemake.threads)
    written = {name: json.loads(snakemake.params[name]) for name in ("network", "training")}
    family = FAMILIES[written["network"]["family"]]
    trainer = TRAINERS[written["training"]["trainer"]]
    settings = trainer.Settings.model_validate(written["training"])

    data = read_data(Path(snakemake.input.dataset))
    first, last = parse_block(snakemake.wildcards.seeds)
    seeds = list(range(first, last + 1))
    network = family.Settings.model_validate(written["network"])
    networks = trainer.networks_of(settings, network, data.shape)
    made_from = {
        **written,
        "dataset": data.attributes["digest"],
        "seeds": seeds,
    }
    attributes = {
        "recipe": snakemake.params.recipe,
        "settings": made_from,
        "versions": package_versions(),
        "threads": snakemake.threads,
        "dataset": data.attributes["settings"],
    }
    made_from_all = [snakemake.params.recipe, made_from, package_versions()]
    identity = digest_of_text(json.dumps(made_from_all))
    path = Path(snakemake.output.weights)
    with Cache.of_environment().sharing("weights", identity, path) as taken:
        if not taken:
            train(
                trainer(settings, networks[NETWORK], data, seeds),
                path,
                identity=identity,
                attributes=attributes,
                title=f"train {snakemake.wildcards.run} {snakemake.wildcards.seeds}",
                checkpoint_seconds=snakemake.resources.checkpoint_seconds,
            )
