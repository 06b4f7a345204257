"""Stores of weights: every kept epoch of every seed, and the metrics of every epoch.

    attributes      network, settings, seeds, versions, source digest
    weights/        one array a parameter, (seed, epoch, *shape), and the kept `epoch`s
    metrics/        (seed, epoch) and (seed, epoch, layer), all epochs; `failed_epoch` (seed);
                    `set_aside` (seed), what a seed ended with that is set aside, else NaN

While training runs they stand in a journal, `<store>.partial`: whole shards of weights, and a
checkpoint with all that is not in a whole shard yet. The checkpoint is replaced in one step, so
a job that is killed at any moment resumes at its last one.
"""

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import zarr

from infoplane.stores.archive import StoreError, damaged, partial_of, reading
from infoplane.stores.files import COMPRESSORS, WHOLE, add_dataset, open_tree, publish

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.npz"
IDENTITY = "identity.txt"
FAILURE = "failure.txt"
"""Why a training ended, in a journal that nobody writes any more."""
CHUNK_BYTES = 2**16
SHARD_BYTES = 2**25
NEVER = -1
"""Value of failed_epoch for a seed that did not fail."""

Arrays = Mapping[str, np.ndarray]


class Journal:
    """Weights and metrics of a training that may be killed and resumed.

    path : where the finished store will stand
    identity : what the training is made from; a journal of another identity is discarded
    parameters : shape of one network's array by name
    seeds, epochs : seeds, and the epochs (sorted) whose weights are to be kept
    layers : names for the last axis of metrics with three dimensions
    """

    def __init__(
        self,
        path: Path,
        identity: str,
        parameters: Mapping[str, tuple[int, ...]],
        seeds: Sequence[int],
        epochs: np.ndarray,
        layers: Sequence[str],
    ):
        self.path, self.partial = path, partial_of(path)
        self.parameters, self.seeds, self.layers = dict(parameters), list(seeds), list(layers)
        self.epochs = np.array(epochs)
        self.identity = identity
        bytes_per_epoch = sum(self._bytes(name) for name in self.parameters)
        self.shard = _power_of_two(SHARD_BYTES // max(bytes_per_epoch, 1))
        self.pending: list[Arrays] = []  # kept epochs that no whole shard holds yet
        self.n_written = 0  # kept epochs in whole shards
        self.metrics: list[Arrays] = []  # one entry an epoch, from epoch 0
        self.latest: Arrays | None = None  # weights of the latest epoch, where not kept

    @property
    def n_bytes(self) -> int:
        """Largest size of the weights on disk, before compression."""
        return len(self.epochs) * sum(self._bytes(name) for name in self.parameters)

    def resume(self) -> dict[str, np.ndarray] | None:
        """The trainer's state at the last checkpoint, or None after starting a new journal.

        A journal that is damaged is discarded like one of another identity, with a warning.
        """
        (self.partial / FAILURE).unlink(missing_ok=True)
        if self._is_ours():
            try:
                return self._load(self.partial / CHECKPOINT)
            except StoreError as error:
                log.warning("training starts anew, because %s", error)
        self.n_written, self.pending, self.metrics, self.latest = 0, [], [], None
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True)
        self._identity_file.write_text(self.identity, encoding="utf-8")
        self._create_arrays()
        return None

    def append(self, epoch: int, weights: Arrays, metrics: Arrays) -> None:
        """Take in one epoch: metrics always, weights (n_seeds, *shape) where it is kept."""
        self.metrics.append(metrics)
        n_kept = self.n_written + len(self.pending)
        weights = {name: np.asarray(w, np.float32) for name, w in weights.items()}
        kept = n_kept < len(self.epochs) and self.epochs[n_kept] == epoch
        self.latest = None if kept else weights
        if kept:
            self.pending.append(weights)
        if len(self.pending) == self.shard:
            self._write_pending()

    def checkpoint(self, state: Arrays) -> None:
        """Make everything so far safe, with the trainer's state, in one step."""
        arrays = {f"state/{name}": value for name, value in state.items()}
        arrays |= {f"metrics/{name}": value for name, value in self._stacked_metrics().items()}
        arrays |= {f"pending/{name}": value for name, value in self._stacked_pending().items()}
        arrays |= {f"latest/{name}": value for name, value in (self.latest or {}).items()}
        arrays["n_written"] = np.array(self.n_written)
        fresh = self.partial / f"new-{CHECKPOINT}"
        with fresh.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.partial / CHECKPOINT)

    def fail(self, reason: str) -> None:
        """Note why training ends here; a disk that is full has no place for it."""
        with suppress(OSError):
            (self.partial / FAILURE).write_text(reason, encoding="utf-8")

    def finish(
        self,
        attributes: Mapping[str, str],
        failed: Mapping[int, int],
        set_aside: Mapping[int, float] | None = None,
    ) -> None:
        """Write what is left and move the store into its place.

        The last epoch's weights are kept whatever the schedule says: a stopping rule may have
        ended training between two kept epochs.
        failed : epoch at which a seed failed, by seed
        set_aside : value for which a seed is set aside, by seed
        """
        if self.latest is not None:
            self.epochs[self.n_written + len(self.pending)] = len(self.metrics) - 1
            self.pending.append(self.latest)
        self._write_pending()
        root = zarr.open_group(self.partial, mode="r+")
        root.attrs.update({**attributes, "units": "loss in nats"})
        for name, shape in self.parameters.items():
            root[f"weights/{name}"].resize((len(self.seeds), self.n_written, *shape))
        failed_epochs = [failed.get(seed, NEVER) for seed in self.seeds]
        values = [(set_aside or {}).get(seed, np.nan) for seed in self.seeds]
        stacked = self._stacked_metrics()
        columns = {name: (self._dims(value), value) for name, value in stacked.items()}
        metrics = xr.Dataset(
            {
                **columns,
                "failed_epoch": ("seed", failed_epochs),
                "set_aside": ("seed", np.array(values, np.float64)),
            },
            {
                "seed": self.seeds,
                "epoch": np.arange(len(self.metrics)),
                "layer": np.array(self.layers, object),  # strings of any length in Zarr
            },
        )
        kept = xr.Dataset(coords={"seed": self.seeds, "epoch": self.epochs[: self.n_written]})
        for group, dataset in {"metrics": metrics, "weights": kept}.items():
            add_dataset(dataset, self.partial, group)
        publish(self.partial, self.path)

    @property
    def _identity_file(self) -> Path:
        return self.partial / IDENTITY

    def _is_ours(self) -> bool:
        """Whether there is a journal with a checkpoint, of what is trained now."""
        try:
            identity = self._identity_file.read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return False
        return identity == self.identity and (self.partial / CHECKPOINT).exists()

    def _bytes(self, name: str) -> int:
        return 4 * len(self.seeds) * int(np.prod(self.parameters[name]))

    def _create_arrays(self) -> None:
        group = zarr.open_group(self.partial, mode="a").require_group("weights")
        for name, shape in self.parameters.items():
            whole = (len(self.seeds), *shape)
            # One read gives an epoch of all seeds; small arrays share a chunk between epochs.
            chunk = min(self.shard, _power_of_two(CHUNK_BYTES // max(self._bytes(name), 1)))
            group.create_array(
                name,
                shape=(whole[0], len(self.epochs), *shape),
                dtype="float32",
                chunks=(whole[0], chunk, *shape),
                shards=(whole[0], self.shard, *shape),
                compressors=COMPRESSORS,
                fill_value=np.nan,
                config=WHOLE,
                dimension_names=("seed", "epoch", *(f"{name}.{i}" for i in range(len(shape)))),
            )

    def _write_pending(self) -> None:
        if not self.pending:
            return
        root = zarr.open_group(self.partial, mode="r+")
        place = slice(self.n_written, self.n_written + len(self.pending))
        for name, values in self._stacked_pending().items():
            root[f"weights/{name}"][:, place] = values
        self.n_written, self.pending = place.stop, []

    def _stacked_pending(self) -> dict[str, np.ndarray]:
        if not self.pending:
            return {}
        return {name: np.stack([w[name] for w in self.pending], 1) for name in self.parameters}

    def _stacked_metrics(self) -> dict[str, np.ndarray]:
        names = self.metrics[0] if self.metrics else ()
        return {name: np.stack([m[name] for m in self.metrics], 1) for name in names}

    @staticmethod
    def _dims(values: np.ndarray) -> tuple[str, ...]:
        return ("seed", "epoch", "layer")[: values.ndim]

    def _load(self, checkpoint: Path) -> dict[str, np.ndarray]:
        parts: dict[str, dict] = {"state": {}, "metrics": {}, "pending": {}, "latest": {}}
        with reading(self.partial), np.load(checkpoint, allow_pickle=False) as file:
            self.n_written = int(file["n_written"])
            for key in file.files:
                part, _, name = key.partition("/")
                if part in parts:
                    parts[part][name] = file[key]
        self.pending = _unstack(parts["pending"])
        self.metrics = _unstack(parts["metrics"])
        self.latest = parts["latest"] or None
        self._check_shards()
        return parts["state"]

    def _check_shards(self) -> None:
        """Read what the checkpoint counts as written; take away what came after it.

        Zarr takes a missing shard for weights that are NaN, and damage in one would be
        published with the store. What a kill has left half written is made again. So is the
        metadata, which no checksum guards.
        """
        for left in ("metrics", "weights/seed", "weights/epoch"):  # by a finish that was killed
            shutil.rmtree(self.partial / left, ignore_errors=True)
        for pattern in ("zarr.json", "*.partial"):  # Zarr's own half-written files
            for file in self.partial.rglob(pattern):
                file.unlink()
        self._create_arrays()
        whole = self.n_written // self.shard
        with reading(self.partial):
            root = zarr.open_group(self.partial, mode="r")
            for name in self.parameters:
                # c/<seed>/<epoch>/…: all seeds are in one shard
                place = self.partial / "weights" / name / "c"
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
                    root[f"weights/{name}"][:, i * self.shard : (i + 1) * self.shard]


class WeightsStore:
    """A finished store of weights, opened for reading."""

    def __init__(self, path: Path):
        self.path = Path(path)
        tree = open_tree(self.path)
        self.attributes = dict(tree.attrs)
        self._weights = tree["weights"].to_dataset()
        self._metrics = tree["metrics"].to_dataset()
        with reading(self.path):
            self.seeds = self._weights["seed"].values
            self.epochs = self._weights["epoch"].values
            failed = self._metrics["failed_epoch"].values
            aside = self._metrics["set_aside"].values
        self.failed = {
            int(s): int(e) for s, e in zip(self.seeds, failed, strict=True) if e != NEVER
        }
        self.set_aside = {
            int(s): float(v) for s, v in zip(self.seeds, aside, strict=True) if v == v
        }

    def read(self, epochs, seeds) -> dict[str, np.ndarray]:
        """Weights of these seeds at these kept epochs, (n_seeds, n_epochs, *shape) by name."""
        rows = {
            "seed": np.searchsorted(self.seeds, seeds),
            "epoch": np.searchsorted(self.epochs, epochs),
        }
        with reading(self.path):
            part = self._weights.isel(rows).load()
        return {str(name): array.values for name, array in part.data_vars.items()}

    def metrics(self) -> xr.Dataset:
        """Loss, accuracy and gradient statistics of every epoch."""
        with reading(self.path):
            return self._metrics.load()

    def metrics_table(self, by_layer: bool = False) -> pd.DataFrame:
        """Metrics as a table: a row a seed and epoch, or a row a seed, epoch and layer.

        set_aside : what the seed ended with, NaN for those that are not set aside
        """
        metrics = self.metrics()
        names = [name for name, v in metrics.items() if v.ndim == (3 if by_layer else 2)]
        order = {str(layer): i for i, layer in enumerate(metrics["layer"].values)}
        table = metrics[names].to_dataframe().reset_index()
        table["set_aside"] = table["seed"].map(self.set_aside)
        if not by_layer:
            return table.drop(columns="layer", errors="ignore").drop_duplicates(
                ["seed", "epoch"]
            )
        place = table["layer"].map(order).rename("place")
        return (
            table.assign(place=place)
            .sort_values(["seed", "epoch", "place"])
            .drop(columns="place")
        )


def _power_of_two(n: int) -> int:
    """The largest power of two that is at most n, and at least 1 and at most 4096."""
    return 1 << min(max(int(n), 1).bit_length() - 1, 12)


def _unstack(arrays: Mapping[str, np.ndarray]) -> list[Arrays]:
    """A list with one entry an epoch, out of arrays whose second axis is the epoch."""
    n = next(iter(arrays.values())).shape[1] if arrays else 0
    return [{name: values[:, i] for name, values in arrays.items()} for i in range(n)]
