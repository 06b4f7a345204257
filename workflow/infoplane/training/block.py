"""One block of seeds, from its settings to its store: from the cache, or by training."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from infoplane.datasets.source import Data
from infoplane.networks import FAMILIES
from infoplane.provenance import digest_of_text, package_versions
from infoplane.stores.cache import Cache
from infoplane.training import TRAINERS
from infoplane.training.loop import train
from infoplane.training.trainer import NETWORK


class Block(NamedTuple):
    """Seeds of a run that train together.

    written : settings of the `network` and of the `training`; recipe : of the store
    """

    title: str
    written: Mapping[str, Any]
    seeds: Sequence[int]
    recipe: str


def train_block(
    block: Block,
    data: Data,
    path: Path,
    threads: int,
    checkpoint_seconds: float,
    keep_failed: bool = False,
) -> None:
    """Leave the store of a block at `path`.

    keep_failed : whether a training whose seeds all fail also leaves a store, in which all are
        lost; else it raises FloatingPointError
    """
    trainer = TRAINERS[block.written["training"]["trainer"]]
    settings = trainer.Settings.model_validate(block.written["training"])
    family = FAMILIES[block.written["network"]["family"]]
    network = family.Settings.model_validate(block.written["network"])
    networks = trainer.networks_of(settings, network, data.shape)
    made_from = {
        **block.written,
        "dataset": data.attributes["digest"],
        "seeds": list(block.seeds),
    }
    attributes = {
        "recipe": block.recipe,
        "settings": made_from,
        "versions": package_versions(),
        "threads": threads,
        "dataset": data.attributes["settings"],
    }
    identity = digest_of_text(json.dumps([block.recipe, made_from, package_versions()]))
    with Cache.of_environment().sharing("weights", identity, path) as taken:
        if not taken:
            train(
                trainer(settings, networks[NETWORK], data, list(block.seeds)),
                path,
                identity=identity,
                attributes=attributes,
                title=f"train {block.title}",
                checkpoint_seconds=checkpoint_seconds,
                keep_failed=keep_failed,
            )
