"""Training: a trainer yields epochs, the journal keeps them, a killed job resumes.

A trainer is a module with `Settings` (with `trainer`, `epochs`, `keep`,
`checkpoint_seconds`) and `build(settings, network, data, seeds) -> Trainer`.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm

from infoplane.machine import require_disk, size
from infoplane.schedules import kept_epochs
from infoplane.stores.weights import Journal
from infoplane.table import Table
from infoplane.training.trainer import Trainer

TRAINERS = Table("trainer", {"supervised": "infoplane.training.supervised"})

log = logging.getLogger(__name__)


def build(settings, network, data, seeds) -> Trainer:
    """The trainer that these settings, of whatever kind, describe."""
    return TRAINERS[settings.trainer].build(settings, network, data, seeds)


def train(
    trainer: Trainer,
    settings,
    seeds: list[int],
    path: Path,
    identity: str,
    attributes: Mapping[str, str],
    title: str = "train",
) -> None:
    """Train to the end and leave a store of weights at `path`.

    identity : what the result is made from; work of the same identity is resumed
    attributes : what the store is to say of itself
    Raises OSError where the disk is too small for the weights.
    """
    epochs = kept_epochs(settings.keep, settings.epochs)
    journal = Journal(path, identity, trainer.parameters, seeds, epochs, trainer.layers)
    log.info(
        "%s: %d seeds, %d epochs of weights kept, at most %s on disk",
        title,
        len(seeds),
        len(epochs),
        size(journal.n_bytes),
    )
    require_disk(path, journal.n_bytes)
    state = journal.resume()
    if state is not None:
        trainer.restore(state)
        log.info("%s: resumed after epoch %d", title, len(journal.metrics) - 1)
    saved = time.monotonic()
    first = len(journal.metrics)
    with tqdm(total=settings.epochs + 1, initial=first, desc=title, unit="epoch") as bar:
        for epoch in trainer.epochs():
            journal.append(epoch.number, epoch.weights, epoch.metrics)
            bar.update()
            if time.monotonic() - saved > settings.checkpoint_seconds:
                journal.checkpoint(trainer.state())
                saved = time.monotonic()
    journal.finish(attributes, trainer.failed)
