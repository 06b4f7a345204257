"""Checkpoints of a user's own training loop, for `trainer: adopt`."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infoplane.isolated import isolated
from infoplane.networks.arrays import to_array
from infoplane.networks.dtypes import PLAIN
from infoplane.networks.network import Shape
from infoplane.provenance import package_versions
from infoplane.stores import series
from infoplane.stores.archive import SUFFIX, name_of, partial_of, sync
from infoplane.stores.locks import writing
from infoplane.stores.series import ABOUT, RECORDED, RECORDER, Array, header, recorded
from infoplane.stores.weights import Journal

if TYPE_CHECKING:
    import torch

LEFT = re.compile(r"epoch-.*\.partial|\.tmp\w{6}")
"""Names of partial files that a kill leaves: the recorder's, and those of safetensors before a
move."""
NO_NAMES = ("seed", "epoch", "layer")
"""Names that no metric can have: a store's axes have them."""


class Recorder:
    """Records a model's weights, epoch by epoch, for one seed.

    path : a folder for this recording alone, made if missing; it holds one safetensors file per
        epoch
    model : a torch.nn.Module; parameters and buffers are recorded as its state_dict has them
    seed : the seed of the training; several seeds are several recordings, `runs/{seed}`
    replace : whether a recorded epoch may be recorded again, which removes later epochs;
        without it, that is an error
    store : the store of weights that `finish` makes of the folder, `<path>.zarr.zip`

    A kill at any moment leaves whole epochs: a file is moved into place once it is on disk. A
    recording that is opened again continues after its last epoch, `recorder.last`. `with
    Recorder(…) as recorder:` finishes it, unless an error ends the block.
    Raises ValueError if the folder holds a recording of another seed or model, or if the
    recording is finished.

    Examples
    --------
    >>> import torch
    >>> import infoplane
    >>> model = torch.nn.Linear(8, 2)
    >>> with infoplane.Recorder("runs/0", model, seed=0) as recorder:
    ...     for epoch in range(3):
    ...         # train an epoch here
    ...         saved = recorder.save(epoch, loss=1 / (1 + epoch))
    >>> recorder.store.name
    '0.zarr.zip'
    """

    def __init__(
        self, path: str | Path, model: torch.nn.Module, seed: int = 0, replace: bool = False
    ):
        name = name_of(Path(path))
        self.path, self.store = (Path(path).with_name(n) for n in (name, name + SUFFIX))
        self.model, self.seed, self.replace = model, int(seed), replace
        if self.seed < 0:
            raise ValueError(f"seed must be ≥ 0, not {seed}")
        self._check_is_open()
        self.path.mkdir(parents=True, exist_ok=True)
        others = [f for f in self.path.iterdir() if not RECORDED.fullmatch(f.name)]
        foreign = [f.name for f in others if not LEFT.fullmatch(f.name)]
        if foreign:
            raise ValueError(f"{self.path} is not a recording: it holds {sorted(foreign)[0]}")
        for left in others:
            left.unlink(missing_ok=True)
        if self.epochs:
            self._check_is_same(self._file(self.epochs[-1]))

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, error, *_) -> None:
        if error is None:
            self.finish()

    @property
    def epochs(self) -> list[int]:
        """The recorded epochs."""
        found = (RECORDED.fullmatch(file.name) for file in self.path.iterdir())
        return sorted(int(name[1]) for name in found if name)

    @property
    def last(self) -> int | None:
        """The last recorded epoch; None if there is none."""
        return max(self.epochs, default=None)

    def save(self, epoch: int, **metrics: float) -> Path:
        """Record the model's present state; metrics, such as loss=…, are numbers.

        Raises ValueError if this epoch or a later one is recorded already (see `replace`).
        """
        from safetensors.torch import save_file

        self._check_is_open()
        for name in metrics:
            if "/" in name or name in NO_NAMES:
                raise ValueError(
                    f"a metric cannot be called '{name}': names contain no /, and "
                    f"{', '.join(NO_NAMES)} are axes"
                )
        epoch = int(epoch)
        if epoch < 0:
            raise ValueError(f"epoch must be ≥ 0, not {epoch}")
        later = [e for e in self.epochs if e >= epoch]
        if later and not self.replace:
            raise ValueError(
                f"{self.path} has epoch {later[-1]} already, and epoch {epoch} comes no later; "
                "replace=True records it again"
            )
        for old in reversed(later[1:] if later[:1] == [epoch] else later):
            self._file(old).unlink()
        numbers = {name: float(value) for name, value in metrics.items()}
        about = {"seed": self.seed, "epoch": epoch, "metrics": numbers}
        target = self._file(epoch)
        fresh = target.with_name(f"{target.name}.{os.getpid()}.partial")
        save_file(_arrays_of(self.model), fresh, {ABOUT: json.dumps(about)})
        sync(fresh)
        fresh.replace(target)
        sync(self.path)
        return target

    @isolated()
    def finish(self) -> Path:
        """Pack all epochs into one store of weights, `store`, and remove the folder.

        A kill at any moment leaves either the whole folder or the whole store. Raises
        ValueError if no epoch is recorded or the recording is finished already.
        """
        self._check_is_open()
        if not self.epochs:
            raise ValueError(f"{self.path} has no epoch; save one before you finish")
        files = {epoch: self._file(epoch) for epoch in self.epochs}
        metrics = {epoch: recorded(file)["metrics"] for epoch, file in files.items()}
        declared = series.declared(metrics.values())
        held = _Held.by(self.model, header(files[self.last]))
        with writing(self.store):
            epochs, networks = list(files), {"network": held}
            journal = Journal(
                self.store,
                RECORDER,
                networks,
                declared,
                [self.seed],
                epochs,
                np.array(epochs),
                [],
            )
            journal.resume()
            for epoch, file in files.items():
                numbers = {m.name: metrics[epoch].get(m.name, np.nan) for m in declared}
                arrays = series.load(file)
                journal.append(
                    {name: np.array([number]) for name, number in numbers.items()},
                    {"network": {name: to_array(arrays[name])[None] for name in held.arrays}},
                )
            model = f"{type(self.model).__module__}:{type(self.model).__qualname__}"
            about = {"trainer": RECORDER, "versions": package_versions()}
            journal.finish({"networks": {"network": {"model": model}}, **about}, {})
            left = partial_of(self.store)  # a name that marks the store as unfinished
            self.path.rename(left)
            shutil.rmtree(left)
        return self.store

    def _check_is_open(self) -> None:
        """Raises ValueError if the recording is finished."""
        if self.store.exists():
            raise ValueError(
                f"{self.store} is a finished recording and takes no more epochs. "
                "`trainer: adopt` measures it. To record again, remove it or take another path"
            )

    def _file(self, epoch: int) -> Path:
        return self.path / f"epoch-{epoch:06d}.safetensors"

    def _check_is_same(self, file: Path) -> None:
        """Raises ValueError if a file belongs to another seed or another model."""
        about = recorded(file)
        if about is None:
            raise ValueError(f"{file} was not written by infoplane.Recorder")
        if about["seed"] != self.seed:
            raise ValueError(f"{self.path} records seed {about['seed']}, not {self.seed}")
        mine = {
            name: Array(tuple(a.shape), str(a.dtype).removeprefix("torch."))
            for name, a in _arrays_of(self.model).items()
        }
        theirs = header(file)
        if mine != theirs:
            differing = sorted(n for n in {*mine, *theirs} if mine.get(n) != theirs.get(n))
            raise ValueError(f"{self.path} records another model: {differing[0]} differs")


class _Held(NamedTuple):
    """Arrays of a model as a store of weights holds them; shared ones appear once."""

    parameters: dict[str, Shape]
    buffers: dict[str, Shape]
    dtypes: dict[str, str]

    @property
    def arrays(self) -> list[str]:
        return [*self.parameters, *self.buffers]

    @classmethod
    def by(cls, model: torch.nn.Module, arrays: dict[str, Array]) -> _Held:
        """arrays : the model's recorded arrays; frozen parameters count as buffers."""
        state = model.state_dict(keep_vars=True)
        first: dict[int, str] = {}
        for name, array in state.items():
            first.setdefault(id(array), name)
        trained = {name for name in first.values() if state[name].requires_grad}
        return cls(
            {name: arrays[name].shape for name in first.values() if name in trained},
            {name: arrays[name].shape for name in first.values() if name not in trained},
            {name: a.dtype for name, a in arrays.items() if a.dtype != PLAIN},
        )


def _arrays_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state_dict on the CPU; arrays that share memory become separate copies."""
    return {
        name: array.detach().cpu().contiguous().clone()
        for name, array in model.state_dict().items()
    }
