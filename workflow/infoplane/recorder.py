"""Checkpoints of a training loop of the user's own, which `trainer: adopt` takes up."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from infoplane.stores.series import ABOUT, RECORDED, Array, header, recorded

if TYPE_CHECKING:
    import torch


class Recorder:
    """Records a model's weights, epoch by epoch, of one seed.

    path : a folder of its own, made where it is missing; one safetensors file an epoch
    model : a torch.nn.Module; parameters and buffers are recorded as its state_dict has them
    seed : of the training; several seeds are several recordings, `runs/{seed}`
    replace : whether an epoch that is recorded already is recorded anew, and what comes after
        it forgotten; else that is an error

    A kill at any moment leaves whole epochs: a file is moved into its place when it is on
    disk. A recording that is opened again goes on after its last epoch, `recorder.last`.
    Raises ValueError where the folder holds a recording of another seed or model.
    """

    def __init__(
        self, path: str | Path, model: torch.nn.Module, seed: int = 0, replace: bool = False
    ):
        self.path, self.model, self.seed, self.replace = Path(path), model, int(seed), replace
        if self.seed < 0:
            raise ValueError(f"seed must be ≥ 0, not {seed}")
        self.path.mkdir(parents=True, exist_ok=True)
        foreign = [f.name for f in self.path.iterdir() if not _is_ours(f.name)]
        if foreign:
            raise ValueError(f"{self.path} is no recording: it holds {sorted(foreign)[0]}")
        for left in self.path.glob("*.partial"):  # by a kill
            left.unlink(missing_ok=True)
        if self.epochs:
            self._check_is_same(self._file(self.epochs[-1]))

    @property
    def epochs(self) -> list[int]:
        """Epochs that are recorded."""
        found = (RECORDED.fullmatch(file.name) for file in self.path.iterdir())
        return sorted(int(name[1]) for name in found if name)

    @property
    def last(self) -> int | None:
        """The last epoch that is recorded; None: none is."""
        return max(self.epochs, default=None)

    def save(self, epoch: int, **metrics: float) -> Path:
        """Record the model as it is now; metrics, such as loss=…, are numbers.

        Raises ValueError where the epoch, or a later one, is recorded already (`replace`).
        """
        from safetensors.torch import save_file

        epoch = int(epoch)
        if epoch < 0:
            raise ValueError(f"epoch must be ≥ 0, not {epoch}")
        later = [e for e in self.epochs if e >= epoch]
        if later and not self.replace:
            raise ValueError(
                f"{self.path} has epoch {later[-1]} already, and epoch {epoch} comes no later; "
                "replace=True records it anew"
            )
        for old in reversed(later[1:] if later[:1] == [epoch] else later):
            self._file(old).unlink()
        numbers = {name: float(value) for name, value in metrics.items()}
        about = {"seed": self.seed, "epoch": epoch, "metrics": numbers}
        target = self._file(epoch)
        fresh = target.with_name(f"{target.name}.{os.getpid()}.partial")
        save_file(_arrays_of(self.model), fresh, {ABOUT: json.dumps(about)})
        _to_disk(fresh)
        fresh.replace(target)
        _to_disk(self.path)
        return target

    def _file(self, epoch: int) -> Path:
        return self.path / f"epoch-{epoch:06d}.safetensors"

    def _check_is_same(self, file: Path) -> None:
        """Raises ValueError where a file is of another seed or of another model."""
        about = recorded(file)
        if about is None:
            raise ValueError(f"{file} was not written by infoplane.Recorder")
        if about["seed"] != self.seed:
            raise ValueError(f"{self.path} is of seed {about['seed']}, not {self.seed}")
        mine = {
            name: Array(tuple(a.shape), str(a.dtype).removeprefix("torch."))
            for name, a in _arrays_of(self.model).items()
        }
        theirs = header(file)
        if mine != theirs:
            differing = sorted(n for n in {*mine, *theirs} if mine.get(n) != theirs.get(n))
            raise ValueError(f"{self.path} is of another model: {differing[0]} differs")


def _is_ours(name: str) -> bool:
    return bool(RECORDED.fullmatch(name) or re.fullmatch(r"epoch-.*\.partial", name))


def _arrays_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state_dict on the CPU, arrays that share memory each by itself."""
    return {
        name: array.detach().cpu().contiguous().clone()
        for name, array in model.state_dict().items()
    }


def _to_disk(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
