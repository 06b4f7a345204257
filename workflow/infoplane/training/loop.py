"""The loop around a trainer: it yields epochs, the journal keeps them, a killed job resumes.

One process at a time: a job that finds another at work on its store (it outlived the Snakemake
that started it) waits, and takes what that one made if it is what it would make itself.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path

from infoplane.isolated import isolated
from infoplane.machine import require_disk, size
from infoplane.progress import Progress, announce
from infoplane.schedules.fixed import kept_epochs
from infoplane.stores.archive import StoreError
from infoplane.stores.files import open_tree
from infoplane.stores.locks import writing
from infoplane.stores.weights import Journal
from infoplane.training.trainer import Trainer

log = logging.getLogger(__name__)


def train(
    trainer: Trainer,
    settings,
    seeds: list[int],
    path: Path,
    identity: str,
    attributes: Mapping[str, str],
    title: str = "train",
    checkpoint_seconds: float = 20,
) -> None:
    """Train to the end and leave a store of weights at `path`.

    identity : what the result is made from; work of the same identity is resumed
    attributes : what the store is to say of itself
    checkpoint_seconds : time between two checkpoints; a killed job loses no more than that
    Raises OSError where the disk is too small for the weights.
    """
    with writing(path, title) as waited:
        if waited and _stands(path, identity):
            announce(title, "the other process has finished it")
            return
        _train(trainer, settings, seeds, path, identity, attributes, title, checkpoint_seconds)


def _stands(path: Path, identity: str) -> bool:
    """Whether the store is there, whole, and made from what `identity` says."""
    try:
        return open_tree(path).attrs.get("identity") == identity
    except StoreError:
        return False


@isolated()
def _train(trainer, settings, seeds, path, identity, attributes, title, checkpoint_seconds):
    epochs = kept_epochs(settings.keep, settings.epochs)
    journal = Journal(path, identity, trainer.parameters, seeds, epochs, trainer.layers)
    announce(
        title,
        f"{len(seeds)} seeds, {len(epochs)} epochs of weights kept, at most "
        f"{size(journal.n_bytes)} on disk",
    )
    require_disk(path, 2 * journal.n_bytes)  # the journal, and what it is packed into
    state = journal.resume()
    try:
        _go_on(trainer, settings, journal, state, title, checkpoint_seconds)
    except Exception as error:
        journal.fail(str(error) or type(error).__name__)
        raise
    for seed, value in trainer.set_aside.items():
        log.warning("seed %d: set aside, it ended with %.4g", seed, value)
    journal.finish({**attributes, "identity": identity}, trainer.failed, trainer.set_aside)


def _go_on(trainer, settings, journal, state, title, checkpoint_seconds):
    """Every epoch that is left, after the one of this state."""
    if state is not None:
        trainer.restore(state)
        log.info("resumed after epoch %d", len(journal.metrics) - 1)
    saved = time.monotonic()
    first = len(journal.metrics)
    with Progress(title, settings.epochs + 1, first, unit="epoch") as progress:
        for epoch in trainer.epochs():
            journal.append(epoch.number, epoch.weights, epoch.metrics)
            progress.advance()
            if time.monotonic() - saved > checkpoint_seconds:
                journal.checkpoint(trainer.state())
                saved = time.monotonic()
