"""The state of stores at a glance: from a few small arrays and file times, without reading a
whole store."""

import os
import time
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zarr

from infoplane.stores.archive import inside, reading, verify
from infoplane.stores.information import FLAG_COLUMNS, MASKS, joined
from infoplane.stores.members import Members
from infoplane.stores.weights import CHECKPOINT, FAILURE, LOST, REMARKS, WEIGHTS

GROWING_SECONDS = 120
"""A file that changed within this time counts as being written; checkpoints come every 20 s."""


@dataclass(frozen=True)
class Trained:
    """A finished store of weights: its last epoch, the epoch it was set to reach, lost seeds,
    and remarks on others."""

    epoch: int
    epochs: int
    failed: int
    set_aside: int
    remarks: Mapping[str, str]


def trained(store: Path) -> Trained:
    """The state of a finished, verified store of weights. Raises StoreError if it is
    damaged."""
    root = verify(store, WEIGHTS)
    with reading(store):
        about = inside(root)
        said = about["metrics"]["attributes"]
        lost = said[LOST].values()
        return Trained(
            epoch=about["metrics/epoch"]["shape"][0] - 1,
            epochs=root["attributes"]["settings"]["training"]["epochs"],
            failed=sum(not why["set_aside"] for why in lost),
            set_aside=sum(why["set_aside"] for why in lost),
            remarks=said[REMARKS],
        )


def journal_epoch(journal: Path) -> int:
    """Epoch of the last checkpoint of a training that has not ended; −1 before the first.

    Raises StoreError if the checkpoint cannot be read.
    """
    try:
        stream = (journal / CHECKPOINT).open("rb")
    except FileNotFoundError:
        return -1
    with stream, reading(journal), zipfile.ZipFile(stream) as file:
        name = next((n for n in file.namelist() if n.startswith("metrics/")), None)
        if name is None:
            raise KeyError("no metrics in its checkpoint")
        with file.open(name) as array:  # its head holds the shape, (seed, epoch, …)
            major, _ = np.lib.format.read_magic(array)
            head = getattr(np.lib.format, f"read_array_header_{major}_0")
            return head(array)[0][1] - 1


def failure(journal: Path) -> str:
    """Why the training of this journal ended; empty if it still runs or was killed."""
    try:
        return (journal / FAILURE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def flags(store: Path) -> tuple[int, Counter]:
    """Number of values in a store of information, and the number with each flag.

    store : of information or of pooled information. Raises StoreError if it is damaged
    """
    verify(store)
    with reading(store), Members(store) as file:
        root = zarr.open_group(file, mode="r", use_consolidated=True)
        masks = joined(*(root[name][...] for name in FLAG_COLUMNS))
    counts = {name: int(((masks & bit) != 0).sum()) for name, bit in MASKS.items()}
    return masks.size, Counter({name: n for name, n in counts.items() if n})


def age(path: Path) -> float:
    """Seconds since the last change of a file, or of the newest file in a folder; inf if there
    is none."""
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    times = [file.stat().st_mtime for file in files if file.exists()]
    return max(time.time() - max(times), 0.0) if times else float("inf")


def growing(path: Path) -> bool:
    """Whether a job is writing there."""
    return age(path) < GROWING_SECONDS


def leftovers(home: Path) -> list[Path]:
    """Half-written stores below a folder that no job writes any more, apart from journals."""
    partial = []
    for folder, folders, _ in os.walk(home):
        partial += [Path(folder, name) for name in folders if name.endswith(".partial")]
        folders[:] = [name for name in folders if not name.endswith(".partial")]
    return sorted(p for p in partial if not (p / CHECKPOINT).exists() and not growing(p))
