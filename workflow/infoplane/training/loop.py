"""The loop around a trainer: it yields epochs, the journal keeps them, a killed job resumes.

One process at a time writes a store. A job may find another job at work on its store, which
outlived the Snakemake that started it. It waits, and takes the other's result if its own would
be the same.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from infoplane.isolated import isolated
from infoplane.machine import require_disk, size
from infoplane.networks.description import describe
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
    path: Path,
    identity: str,
    attributes: Mapping[str, Any] = MappingProxyType({}),
    title: str = "train",
    checkpoint_seconds: float = 20,
    keep_failed: bool = False,
) -> None:
    """Train to the end and leave a store of weights at `path`.

    identity : a digest of what makes the result; work with the same identity is resumed
    attributes : further attributes of the store, in JSON's types
    checkpoint_seconds : time between two checkpoints; a killed job loses at most that
    keep_failed : whether a training whose seeds all fail still leaves a store, up to the epoch
        before
    Raises OSError if the disk is too small for the weights.
    """
    with writing(path, title) as waited:
        if waited and _stands(path, identity):
            announce(title, "the other process has finished it")
            return
        _train(trainer, path, identity, attributes, title, checkpoint_seconds, keep_failed)


def _stands(path: Path, identity: str) -> bool:
    """Whether the store exists, is whole, and has this identity."""
    try:
        return open_tree(path).attrs.get("identity") == identity
    except StoreError:
        return False


@isolated()
def _train(trainer, path, identity, attributes, title, checkpoint_seconds, keep_failed):
    journal = Journal(
        path,
        identity,
        trainer.networks,
        trainer.metrics,
        trainer.seeds,
        trainer.epochs,
        kept_epochs(trainer.keep, np.array(trainer.epochs)),
        trainer.layers,
    )
    announce(
        title,
        f"{len(trainer.seeds)} seeds, {len(journal.kept)} epochs of weights kept, at most "
        f"{size(journal.n_bytes)} on disk",
    )
    require_disk(path, 2 * journal.n_bytes)  # the journal, and its packed file
    state = journal.resume()
    try:
        _go_on(trainer, journal, state, title, checkpoint_seconds)
    except FloatingPointError as error:
        if not keep_failed:
            journal.fail(str(error))
            raise
        log.error("%s", error)
        _keep_last(journal, trainer)
    except Exception as error:
        journal.fail(str(error) or type(error).__name__)
        raise
    for seed, (reason, set_aside) in trainer.lost.items():
        if set_aside:
            log.warning("seed %d: set aside, it ended with %s", seed, reason)
    for seed, said in trainer.remarks.items():
        log.warning("seed %d: %s; it is still measured", seed, said)
    described = {"networks": describe(trainer.networks), "identity": identity}
    journal.finish({**attributes, **described}, trainer.lost, trainer.remarks)


def _go_on(trainer, journal, state, title, checkpoint_seconds):
    """Every epoch after the one of this state."""
    if state is not None:
        trainer.restore(state)
        log.info("resumed after epoch %d", journal.last)
    saved = time.monotonic()
    first = len(journal.metrics)
    with Progress(title, len(trainer.epochs), first, unit="epoch") as progress:
        for epoch in trainer.epochs[first:]:
            if trainer.over:
                break
            metrics = trainer.advance(epoch)
            journal.append(metrics, trainer.weights() if journal.keeps(epoch) else None)
            progress.advance()
            if time.monotonic() - saved > checkpoint_seconds:
                journal.checkpoint(trainer.state())
                saved = time.monotonic()
    _keep_last(journal, trainer)


def _keep_last(journal, trainer):
    """Keep the weights of the last epoch, which may lie between two kept ones if a rule ended
    the training."""
    if not journal.keeps(journal.last):
        journal.keep(trainer.weights())
