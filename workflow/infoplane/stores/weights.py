"""Stores of weights: every kept epoch of every seed, and the metrics of every epoch.

    attributes      networks (settings and shapes), settings, seeds, versions, source digest
    <network>/      the axes `seed` and `epoch`, the kept ones
    <network>/parameters/, <network>/buffers/
                    one array each, (seed, epoch, *shape): arrays that the optimizer trains,
                    and other arrays that training writes
    metrics/        (seed, epoch) and (seed, epoch, layer), all epochs; its attributes declare
                    the metrics (name, label, better, by_layer), the seeds that are `lost`, and
                    `remarks` on others

While training runs, the arrays are in a journal, `<store>.partial`: whole shards of weights,
and a checkpoint with all that is not in a whole shard yet. The checkpoint is replaced in one
step, so a job that is killed at any moment resumes at its last one. A trainer's state may have
rows that only grow; they have their own files, to which a checkpoint appends (rows.py).
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import xarray as xr
import zarr

from infoplane.networks.dtypes import BITS, PLAIN, in_files, missing
from infoplane.networks.network import NONE, Shape
from infoplane.stores import rows
from infoplane.stores.archive import KIND, StoreError, damaged, partial_of, reading
from infoplane.stores.files import (
    WHOLE,
    add_dataset,
    compressors,
    open_tree,
    publish,
    written_whole,
)
from infoplane.training.trainer import NETWORK, Growing, Lost, Metric, State

log = logging.getLogger(__name__)

WEIGHTS = "weights"
"""The kind of these stores."""
CHECKPOINT = "checkpoint.npz"
IDENTITY = "identity.txt"
FAILURE = "failure.txt"
"""Why a training ended, in a journal that no job writes any more."""
CHUNK_BYTES = 2**18
SHARD_BYTES = 2**25
KINDS = ("parameters", "buffers")
LOST, REMARKS, DECLARED = "lost", "remarks", "metrics"
"""Attributes of the group of metrics."""
STANDS_FOR = "bits_of"
"""Attribute of an array that holds the bits of numbers whose type files do not support."""

Arrays = Mapping[str, np.ndarray]


class _Array(NamedTuple):
    """One array of weights: its shape in one network, and the declared type of its numbers."""

    shape: Shape
    dtype: str

    @property
    def n_bytes(self) -> int:
        return in_files(self.dtype).itemsize * int(np.prod(self.shape))


class Arrayed(Protocol):
    """A network's attributes that a journal needs; every `Network` has them."""

    @property
    def parameters(self) -> Mapping[str, Shape]: ...
    @property
    def buffers(self) -> Mapping[str, Shape]: ...
    @property
    def dtypes(self) -> Mapping[str, str]: ...


class Journal:
    """Weights and metrics of a training that may be killed and resumed.

    path : of the finished store
    identity : a digest of what makes the training; a journal with another identity is discarded
    networks : by name
    metrics : the declarations of the metrics
    seeds, epochs : of the training; kept : the epochs, sorted, whose weights are kept
    layers : names for the last axis of metrics by layer
    """

    def __init__(
        self,
        path: Path,
        identity: str,
        networks: Mapping[str, Arrayed],
        metrics: Sequence[Metric],
        seeds: Sequence[int],
        epochs: Sequence[int],
        kept: np.ndarray,
        layers: Sequence[str],
    ):
        self.path, self.partial = path, partial_of(path)
        self.identity, self.networks, self.declared = identity, dict(networks), tuple(metrics)
        self.seeds, self.layers = list(seeds), list(layers)
        self.epochs, self.kept = np.array(epochs), np.array(kept)
        self.arrays = {
            f"{name}/{kind}/{array}": _Array(tuple(shape), network.dtypes.get(array, PLAIN))
            for name, network in networks.items()
            for kind, shapes in zip(KINDS, (network.parameters, network.buffers), strict=True)
            for array, shape in shapes.items()
        }
        # by path: network, name and type of what trainers give
        self._given = {
            path: (*path.split("/", 2)[::2], in_files(array.dtype))
            for path, array in self.arrays.items()
        }
        bytes_per_epoch = sum(self._bytes(name) for name in self.arrays)
        self.shard = _power_of_two(SHARD_BYTES // max(bytes_per_epoch, 1))
        self.pending: list[Arrays] = []  # kept epochs that no whole shard holds yet
        self.n_written = 0  # kept epochs in whole shards
        self.metrics: list[Arrays] = []  # one entry per epoch
        self.n_rows: dict[str, int] = {}  # numbers of written rows, of arrays that only grow

    @property
    def n_bytes(self) -> int:
        """Largest size of the weights on disk, before compression."""
        return len(self.kept) * sum(self._bytes(name) for name in self.arrays)

    @property
    def last(self) -> int:
        """The latest epoch that was added."""
        return int(self.epochs[len(self.metrics) - 1])

    def keeps(self, epoch: int) -> bool:
        """Whether the weights of an epoch are kept."""
        return bool((self.kept == epoch).any())

    def resume(self) -> State | None:
        """The trainer's state at the last checkpoint, or None after starting a new journal.

        A damaged journal is discarded like one with another identity, with a warning.
        """
        (self.partial / FAILURE).unlink(missing_ok=True)
        if self._is_ours():
            try:
                return self._load(self.partial / CHECKPOINT)
            except StoreError as error:
                log.warning("training starts anew, because %s", error)
        self.n_written, self.pending, self.metrics, self.n_rows = 0, [], [], {}
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True)
        self._identity_file.write_text(self.identity, encoding="utf-8")
        self._create_arrays()
        return None

    def append(self, metrics: Arrays, weights: Mapping[str, Arrays] | None) -> None:
        """Add the next epoch: its metrics, and its weights if they are kept.

        weights : (n_seeds, *shape) by network and name
        """
        self.metrics.append(metrics)
        if weights is not None:
            self._take(weights)

    def keep(self, weights: Mapping[str, Arrays]) -> None:
        """Keep the latest epoch too, even if the schedule would not, because it was the
        last."""
        self.kept[self.n_written + len(self.pending)] = self.last
        self._take(weights)

    def checkpoint(self, state: State) -> None:
        """Make all epochs so far safe, with the trainer's state, in one step."""
        growing = {name: value for name, value in state.items() if isinstance(value, Growing)}
        arrays = {f"state/{n}": value for n, value in state.items() if n not in growing}
        for name, (first, some) in growing.items():
            new = max(0, self.n_rows.get(name, 0) - first)
            if len(some) > new:
                rows.append(self._rows_file(name), first + new, some[new:])
            self.n_rows[name] = first + len(some)
            arrays[f"growing/{name}"] = some[:0]
            arrays[f"rows/{name}"] = np.array([first, first + len(some)])
        arrays |= {f"metrics/{name}": value for name, value in self._stacked_metrics().items()}
        arrays |= {f"pending/{name}": value for name, value in self._stacked_pending().items()}
        arrays["n_written"] = np.array(self.n_written)
        fresh = self.partial / f"new-{CHECKPOINT}"
        with fresh.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.partial / CHECKPOINT)

    def fail(self, reason: str) -> None:
        """Note why training ends here; a full disk has no space for it."""
        with suppress(OSError):
            (self.partial / FAILURE).write_text(reason, encoding="utf-8")

    def finish(
        self,
        attributes: Mapping[str, Any],
        lost: Mapping[int, Lost],
        remarks: Mapping[int, str] = NONE,
    ) -> None:
        """Write the rest and move the store into its place.

        attributes : of the store, as JSON can hold them
        lost : seeds that are not measured; remarks : on seeds that are
        """
        self._write_pending()
        root = zarr.open_group(self.partial, mode="r+")
        root.attrs.update({**attributes, KIND: WEIGHTS})
        for name, array in self.arrays.items():
            root[name].resize((len(self.seeds), self.n_written, *array.shape))
        stacked = self._stacked_metrics()
        about = {
            DECLARED: [metric._asdict() for metric in self.declared],
            LOST: {str(seed): why._asdict() for seed, why in lost.items()},
            REMARKS: {str(seed): said for seed, said in remarks.items()},
        }
        metrics = xr.Dataset(
            {name: (self._dims(value), value) for name, value in stacked.items()},
            {
                "seed": self.seeds,
                "epoch": self.epochs[: len(self.metrics)],
                "layer": np.array(self.layers, object),  # strings of any length in Zarr
            },
            about,
        )
        kept = xr.Dataset(coords={"seed": self.seeds, "epoch": self.kept[: self.n_written]})
        add_dataset(metrics, self.partial, "metrics")
        for name in self.networks:
            add_dataset(kept, self.partial, name)
        publish(self.partial, self.path)

    @property
    def _identity_file(self) -> Path:
        return self.partial / IDENTITY

    def _is_ours(self) -> bool:
        """Whether there is a journal of this training with a checkpoint."""
        try:
            identity = self._identity_file.read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return False
        return identity == self.identity and (self.partial / CHECKPOINT).exists()

    def _bytes(self, name: str) -> int:
        return len(self.seeds) * self.arrays[name].n_bytes

    def _create_arrays(self) -> None:
        root = zarr.open_group(self.partial, mode="a")
        for path, array in self.arrays.items():
            name = path.rpartition("/")[2]
            # One read gives an epoch of all seeds; small arrays share a chunk between epochs.
            chunk = min(self.shard, _power_of_two(CHUNK_BYTES // max(self._bytes(path), 1)))
            root.create_array(
                path,
                shape=(len(self.seeds), len(self.kept), *array.shape),
                dtype=in_files(array.dtype),
                chunks=(len(self.seeds), chunk, *array.shape),
                shards=(len(self.seeds), self.shard, *array.shape),
                compressors=compressors(),
                fill_value=missing(array.dtype),
                config=WHOLE,
                dimension_names=(
                    "seed",
                    "epoch",
                    *(f"{name}.{i}" for i in range(len(array.shape))),
                ),
                attributes={STANDS_FOR: array.dtype} if array.dtype in BITS else {},
            )

    def _take(self, weights: Mapping[str, Arrays]) -> None:
        arrays = {}
        for path, (network, name, dtype) in self._given.items():
            value = np.asarray(weights[network][name])
            if value.dtype != dtype:
                declared = self.arrays[path].dtype
                raise TypeError(
                    f"{name} of {network} is declared as {declared}, given as {value.dtype}"
                )
            arrays[path] = value
        self.pending.append(arrays)
        if len(self.pending) == self.shard:
            self._write_pending()

    def _write_pending(self) -> None:
        if not self.pending:
            return
        root = zarr.open_group(self.partial, mode="r+")
        place = slice(self.n_written, self.n_written + len(self.pending))
        with written_whole():
            for name, values in self._stacked_pending().items():
                root[name][:, place] = values
        self.n_written, self.pending = place.stop, []

    def _stacked_pending(self) -> dict[str, np.ndarray]:
        if not self.pending:
            return {}
        return {name: np.stack([w[name] for w in self.pending], 1) for name in self.arrays}

    def _stacked_metrics(self) -> dict[str, np.ndarray]:
        names = self.metrics[0] if self.metrics else ()
        return {name: np.stack([m[name] for m in self.metrics], 1) for name in names}

    @staticmethod
    def _dims(values: np.ndarray) -> tuple[str, ...]:
        return ("seed", "epoch", "layer")[: values.ndim]

    def _rows_file(self, name: str) -> Path:
        return self.partial / f"{name}.rows"

    def _load(self, checkpoint: Path) -> State:
        names = ("state", "metrics", "pending", "growing", "rows")
        parts: dict[str, dict] = {name: {} for name in names}
        with reading(self.partial), np.load(checkpoint, allow_pickle=False) as file:
            self.n_written = int(file["n_written"])
            for key in file.files:
                part, _, name = key.partition("/")
                if part in parts:
                    parts[part][name] = file[key]
        self.pending = _unstack(parts["pending"])
        self.metrics = _unstack(parts["metrics"])
        self._check_shards()
        growing = {}
        for name, (first, stop) in parts["rows"].items():
            self.n_rows[name] = int(stop)
            some = rows.taken_up(self._rows_file(name), first, stop, parts["growing"][name])
            growing[name] = Growing(int(first), some)
        return {**parts["state"], **growing}

    def _check_shards(self) -> None:
        """Read the part that the checkpoint counts as written, and remove the rest.

        Zarr reads a missing shard as weights that are NaN, and a damaged one would be published
        with the store. Shards that a kill left half written are written again. So is the
        metadata, which has no checksum.
        """
        axes = [f"{name}/{axis}" for name in self.networks for axis in ("seed", "epoch")]
        for left in ("metrics", *axes):  # from a finish that was killed
            shutil.rmtree(self.partial / left, ignore_errors=True)
        for pattern in ("zarr.json", "*.partial"):  # Zarr's own half-written files
            for file in self.partial.rglob(pattern):
                file.unlink()
        self._create_arrays()
        whole = self.n_written // self.shard
        with reading(self.partial):
            root = zarr.open_group(self.partial, mode="r")
            for name in self.arrays:
                # c/<seed>/<epoch>/…: all seeds are in one shard
                place = self.partial / name / "c"
                shards = {
                    int(file.relative_to(place).parts[1]): file
                    for file in place.rglob("*")
                    if file.is_file()
                }
                for i in shards.keys() - range(whole):
                    shards[i].unlink()
                for i in range(whole):
                    if i not in shards:
                        raise damaged(self.partial, f"shard {i} of {name} is missing")
                    root[name][:, i * self.shard : (i + 1) * self.shard]


class WeightsStore:
    """A finished store of weights, opened for reading.

    attributes : of the store; networks : described by name, as `networks.description` does
    seeds, epochs : those whose weights are kept; lost : seeds that are not measured
    remarks : on seeds that are measured; declared : the metrics
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._tree = open_tree(self.path, WEIGHTS)
        self.attributes = dict(self._tree.attrs)
        self.networks: dict[str, Any] = self.attributes["networks"]
        self._metrics = self._tree["metrics"].to_dataset()
        axes = self._tree[next(iter(self.networks))].to_dataset()
        with reading(self.path):
            self.seeds, self.epochs = axes["seed"].values, axes["epoch"].values
        about = self._metrics.attrs
        self.declared = tuple(Metric(**metric) for metric in about[DECLARED])
        self.lost = {int(seed): Lost(**why) for seed, why in about[LOST].items()}
        self.remarks = {int(seed): said for seed, said in about[REMARKS].items()}

    def read(self, epochs, seeds, network: str | None = None) -> dict[str, np.ndarray]:
        """Parameters and buffers of these seeds at these kept epochs, by name.

        network : its name; None: the only one
        Returns (n_seeds, n_epochs, *shape), as `networks.arrays.to_array` gave them.
        """
        rows = {
            "seed": np.searchsorted(self.seeds, seeds),
            "epoch": np.searchsorted(self.epochs, epochs),
        }
        group = self._tree[measured_network(self.networks, network)]
        arrays = {}
        with reading(self.path):
            for kind in KINDS:
                if kind in group.children:
                    part = group[kind].to_dataset().isel(rows).load()
                    arrays |= {str(name): array.values for name, array in part.items()}
        return arrays

    def metrics(self) -> xr.Dataset:
        """Metrics of every epoch."""
        with reading(self.path):
            return self._metrics.load()

    def metrics_table(self, by_layer: bool = False) -> pd.DataFrame:
        """Metrics as a table: one row for each seed and epoch, or for each seed, epoch and
        layer.

        lost : why the seed is not measured, empty for the others; set_aside : whether a rule
            set it aside; remark : a remark on a measured seed
        """
        metrics = self.metrics()
        names = [m.name for m in self.declared if m.by_layer == by_layer]
        order = {str(layer): i for i, layer in enumerate(metrics["layer"].values)}
        axes = ["seed", "epoch", "layer"] if by_layer else ["seed", "epoch"]
        rows = metrics.coords.to_dataset()[axes]
        table = rows.merge(metrics[names]).to_dataframe(axes).reset_index()
        seeds = table["seed"].unique()
        reasons = {s: self.lost[s].reason if s in self.lost else "" for s in seeds}
        table["lost"] = table["seed"].map(reasons)
        table["set_aside"] = table["seed"].isin(
            [s for s, why in self.lost.items() if why.set_aside]
        )
        table["remark"] = table["seed"].map({s: self.remarks.get(s, "") for s in seeds})
        if not by_layer:
            return table
        place = table["layer"].map(order).rename("place")
        return (
            table.assign(place=place)
            .sort_values(["seed", "epoch", "place"])
            .drop(columns="place")
        )


def measured_network(networks: Mapping[str, Any], name: str | None) -> str:
    """The name of one of several networks; None: the run's own, or the only one. A ValueError
    names the existing ones."""
    if name is None and (len(networks) == 1 or NETWORK in networks):
        return NETWORK if NETWORK in networks else next(iter(networks))
    if name not in networks:
        raise ValueError(
            f"measure.network: must be one of {', '.join(networks)}, not {name or 'left out'}"
        )
    return name


def _power_of_two(n: int) -> int:
    """The largest power of two that is at most n, and at least 1 and at most 4096."""
    return 1 << min(max(int(n), 1).bit_length() - 1, 12)


def _unstack(arrays: Mapping[str, np.ndarray]) -> list[Arrays]:
    """A list with one entry per epoch, from arrays whose second axis is the epoch."""
    n = next(iter(arrays.values())).shape[1] if arrays else 0
    return [{name: values[:, i] for name, values in arrays.items()} for i in range(n)]
