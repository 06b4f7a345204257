"""What the machine gives a job: a device, free disk, threads for parts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

from infoplane.settings import DeviceName

Part = TypeVar("Part")
Done = TypeVar("Done")


def one_thread_each(
    work: Callable[[Part], Done], parts: Sequence[Part], n_threads: int
) -> list[Done]:
    """Call work(part) for every part, n_threads at a time; torch uses one thread in each.

    For matrices too small for two cores to share: their threads would wait for one another
    longer than they compute, and far longer on a busy machine.
    """
    if n_threads == 1:
        return [work(part) for part in parts]
    alone = {"initializer": torch.set_num_threads, "initargs": (1,)}
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(n_threads, **alone) as pool:
            return list(pool.map(work, parts))
    finally:
        torch.set_num_threads(usual)


def device_of(name: DeviceName) -> torch.device:
    """The device behind a name; 'auto' is CUDA if there is a GPU.

    Raises RuntimeError if the name is 'cuda' and there is no CUDA GPU.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            "device: cuda, but torch sees no CUDA GPU here; use device: auto or device: cpu"
        )
    return torch.device(name)


def require_disk(path: Path, n_bytes: int) -> None:
    """Raise OSError if the disk that holds `path` has less than n_bytes free."""
    place = next(p for p in (path, *path.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if n_bytes > free:
        raise OSError(
            f"{path} may take {size(n_bytes)}, but {place} has {size(free)} free. Keep fewer "
            "epochs (training.keep: {schedule: logarithmic, number: 100}) or free some disk"
        )


def size(n_bytes: float) -> str:
    """A size as people read it: 12.3 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"
