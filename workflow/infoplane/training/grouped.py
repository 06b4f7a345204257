"""Trainers whose seeds train in groups: all as one if that is faster, or one by one.

This module records which seeds continue, failed or have ended. The trainer decides what a group
does in an epoch.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import torch

from infoplane.machine import Done, one_thread_each
from infoplane.networks.arrays import to_array, to_tensor
from infoplane.networks.dtypes import PLAIN, missing
from infoplane.training.parameters import Parameters, copies, part_of
from infoplane.training.trainer import Arrays, Lost, Trainer

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

Weights = Mapping[str, Mapping[str, "Tensor"]]
"""By network and array, (n_networks, *shape)."""


class Group(Protocol):
    """Networks of some seeds that train as one.

    rows, seeds : for each network, its row in the block and its seed
    players : the parameters that an optimizer steps, by network
    """

    rows: Sequence[int]
    seeds: Sequence[int]
    players: Mapping[str, Parameters]

    def leave(self, rows: set[int]) -> None:
        """Continue without the networks of these rows."""

    def state(self) -> Arrays:
        """All state, except the weights, that is needed to continue with the same bits."""

    def restore(self, state: Arrays) -> None:
        """Restore a state from `state`."""


class Grouped(Trainer):
    """A block of seeds in groups.

    losses : metrics that end a seed if they become NaN or infinite
    may_help : a remedy, for the error message
    latest : weights of all seeds by network and array; those of continuing seeds are updated on
        demand
    values : metrics by name, (n_seeds,) or (n_seeds, n_layers)
    books : a trainer's further state of every seed, by name, (n_seeds,)
    failed : seeds whose loss became NaN, with the epoch
    """

    losses: ClassVar[tuple[str, ...]]
    may_help: ClassVar[str]

    def begin(self, first: Weights, books: Arrays) -> None:
        """Before the first epoch. first : initial weights"""
        self.latest = {
            of: {name: to_array(value) for name, value in arrays.items()}
            for of, arrays in first.items()
        }
        self.failed: dict[int, int] = {}
        self.values = {metric.name: self._unknown(metric.by_layer) for metric in self.metrics}
        self.books, self.epoch = dict(books), -1
        self.groups = self._grouped(range(len(self.seeds)))

    @abstractmethod
    def group(self, rows: Sequence[int], seeds: Sequence[int], weights: Weights) -> Group:
        """A group of these seeds, with these weights."""

    @abstractmethod
    def epoch_of(self, group, epoch: int) -> Mapping[str, np.ndarray | float]:
        """Train a group for an epoch, except epoch 0, and measure it; metrics by name."""

    def is_over(self, row: int) -> bool:
        """Whether a rule ends a seed's training with this epoch."""
        return False

    @property
    def running(self) -> list[int]:
        """Rows of the seeds that continue."""
        return [row for group in self.groups for row in group.rows]

    @property
    def over(self) -> bool:
        return not self.groups

    @property
    def lost(self) -> dict[int, Lost]:
        return {
            seed: Lost(f"the loss became NaN or infinite in epoch {epoch}")
            for seed, epoch in self.failed.items()
        }

    def advance(self, epoch: int) -> Arrays:
        results = self.each(lambda group: self.epoch_of(group, epoch))
        for group, found in zip(self.groups, results, strict=True):
            for name, value in found.items():
                self.values[name][group.rows] = value
        self.epoch = epoch
        self._let_go(epoch)
        if len(self.failed) == len(self.seeds):
            raise FloatingPointError(
                f"the loss of every seed became NaN (seed: epoch {self.failed}); "
                f"{self.may_help} may help"
            )
        return copies(self.values)

    def each(self, work: Callable[[Group], Done]) -> list[Done]:
        """Call work(group) for every group; seeds that train one by one share the job's
        threads, one each."""
        parallel = all(network.parallel for network in self.networks.values())
        n_threads = min(torch.get_num_threads(), len(self.groups)) if parallel else 1
        return one_thread_each(work, self.groups, n_threads)

    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        self._take_down(self.running)
        return {of: dict(arrays) for of, arrays in self.latest.items()}

    def state(self) -> dict[str, np.ndarray]:
        kept = {
            **{f"latest.{of}": arrays for of, arrays in self.weights().items()},
            "values": self.values,
            "books": self.books,
            **{f"group.{i}": group.state() for i, group in enumerate(self.groups)},
        }
        return {
            "epoch": np.array(self.epoch),
            "running": np.array(self.running, np.int64),
            "failed": np.array(list(self.failed.items()), np.int64).reshape(-1, 2),
            **{f"{of}.{name}": v for of, arrays in kept.items() for name, v in arrays.items()},
        }

    def restore(self, state: Arrays) -> None:
        self.epoch = int(state["epoch"])
        self.failed = {int(seed): int(epoch) for seed, epoch in state["failed"]}
        self.latest = {of: copies(part_of(state, f"latest.{of}.")) for of in self.networks}
        self.values = copies(part_of(state, "values."))
        self.books = copies(part_of(state, "books."))
        self.groups = self._grouped(state["running"].tolist())
        for i, group in enumerate(self.groups):
            group.restore(part_of(state, f"group.{i}."))

    def _grouped(self, rows: Sequence[int]) -> list[Group]:
        """Groups of these seeds with their latest weights: one of all, or one of each."""
        stacks = all(network.stacks for network in self.networks.values())
        together = stacks or self.device.type != "cpu"
        groups = [list(rows)] if together else [[row] for row in rows]
        return [
            self.group(rows, [self.seeds[row] for row in rows], self._tensors(rows))
            for rows in groups
            if rows
        ]

    def _tensors(self, rows: Sequence[int]) -> Weights:
        return {
            of: {
                name: to_tensor(value[rows], network.dtypes.get(name, PLAIN)).to(self.device)
                for name, value in self.latest[of].items()
            }
            for of, network in self.networks.items()
        }

    def _unknown(self, by_layer: bool) -> np.ndarray:
        layers = (len(self.layers),) if by_layer else ()
        return np.full((len(self.seeds), *layers), np.nan, np.float32)

    def _take_down(self, rows: Iterable[int]) -> None:
        """Put these seeds' weights into the latest. All of these become new arrays, because
        `weights` has given out the earlier ones."""
        wanted, everything = set(rows), list(range(len(self.seeds)))
        together = len(self.groups) == 1 and self.groups[0].rows == everything
        whole = together and wanted == set(everything)
        if not whole:
            self.latest = {of: copies(arrays) for of, arrays in self.latest.items()}
        for group in self.groups:
            own = [(i, row) for i, row in enumerate(group.rows) if row in wanted]
            if not own:
                continue
            places, into = map(_successive, zip(*own, strict=True))
            for of, player in group.players.items():
                for name, value in player.weights.items():
                    if whole:
                        self.latest[of][name] = to_array(value)
                    else:
                        self.latest[of][name][into] = to_array(value[places])

    def _let_go(self, epoch: int) -> None:
        """Remove seeds whose loss is NaN, and seeds whose training has ended, from the
        groups."""
        rows = self.running
        sound = np.all([np.isfinite(self.values[name][rows]) for name in self.losses], axis=0)
        lost = [row for row, fine in zip(rows, sound, strict=True) if not fine]
        finished = [row for row in rows if row not in lost and self.is_over(row)]
        for row in lost:
            self.failed[self.seeds[row]] = epoch
            log.error(
                "seed %d: the loss became NaN or infinite in epoch %d; this seed stops here, "
                "any others continue",
                self.seeds[row],
                epoch,
            )
        for row in finished:
            log.info("seed %d: stopped by its rule in epoch %d", self.seeds[row], epoch)
        if not lost and not finished:
            return
        self._take_down(finished)
        for of, arrays in self.latest.items():
            for name, value in arrays.items():
                value[lost] = missing(self.networks[of].dtypes.get(name, PLAIN))
        for value in self.values.values():
            value[lost] = np.nan
        for group in self.groups:
            group.leave({*lost, *finished})
        self.groups = [group for group in self.groups if group.rows]


def _successive(places: Sequence[int]) -> slice | list[int]:
    """The places, as a slice if they follow one another, which is a tenth of the work."""
    first, last = places[0], places[-1]
    follow = list(places) == list(range(first, last + 1))
    return slice(first, last + 1) if follow else list(places)
