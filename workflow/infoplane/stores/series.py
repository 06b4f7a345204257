"""Series of checkpoints from other programs: their files, their arrays and the content.

A file is a state_dict, written by `torch.save` or safetensors. Its name gives seed and epoch;
in a recording (`infoplane.Recorder`), the file itself does. A finished recording is one store
of weights with all its epochs. Planning reads names and headers alone.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infoplane.stores.archive import SUFFIX, StoreError, inside, verify
from infoplane.stores.weights import KINDS as OF_NETWORK
from infoplane.stores.weights import STANDS_FOR, WEIGHTS, WeightsStore
from infoplane.training.trainer import Metric

if TYPE_CHECKING:
    from torch import Tensor

PLACEHOLDERS = ("seed", "epoch")
RECORDED = re.compile(r"epoch-(\d+)\.safetensors")
"""Names of the files of a recording."""
ABOUT = "infoplane"
"""Key of a recording's metadata in the header of a safetensors file."""
LEFT = re.compile(rf"{re.escape(SUFFIX)}\.(partial|lock)$")
"""Names of partial files that a kill leaves next to recordings."""
RECORDER = "infoplane.Recorder"
"""The trainer that the store of a finished recording names."""
MOST_HEADER = 10**8
"""The largest safetensors header that the format allows, in bytes."""
KINDS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
"""Types of numbers as safetensors names them."""

Files = Mapping[int, Mapping[int, Path]]
"""Files by seed and epoch."""


class Array(NamedTuple):
    """A header's entry for an array."""

    shape: tuple[int, ...]
    dtype: str


class SeriesError(ValueError):
    """A mistake in a series of files, with the file's name."""


def files_of(pattern: str) -> Files:
    """Files by seed and epoch, of a pattern with {epoch} and perhaps {seed}, or of recordings.

    Raises SeriesError if there are none, if a name has no number, if two files have the same
    seed and epoch, or if a seed lacks an epoch that another has.
    """
    unknown = [n for n in re.findall(r"\{([^}]*)\}", pattern) if n not in PLACEHOLDERS]
    if unknown:
        raise SeriesError(
            f"{pattern}: {{{unknown[0]}}} is not known here; use {{seed}} and {{epoch}}"
        )
    files: dict[int, dict[int, Path]] = {}
    for seed, epoch, path in _numbered(pattern):
        other = files.setdefault(seed, {}).setdefault(epoch, path)
        if other != path:
            raise SeriesError(f"{other} and {path} are both of seed {seed}, epoch {epoch}")
    if not files:
        raise SeriesError(f"{pattern}: there are no such files in {Path.cwd()}")
    epochs = {epoch for of_seed in files.values() for epoch in of_seed}
    for seed, of_seed in sorted(files.items()):
        if missing := sorted(epochs - of_seed.keys()):
            other = next(s for s in files if missing[0] in files[s])
            raise SeriesError(
                f"{pattern}: seed {seed} has no epoch {missing[0]}, which seed {other} has"
            )
    return {s: dict(sorted(of_seed.items())) for s, of_seed in sorted(files.items())}


def gap(epochs: Sequence[int]) -> str:
    """The missing epoch of a series that is regular otherwise; empty if there is none."""
    steps = [after - before for before, after in itertools.pairwise(epochs)]
    if len(steps) < 2:
        return ""
    step, n = Counter(steps).most_common(1)[0]
    even = 2 * n > len(steps) and all(s % step == 0 for s in steps)
    for before, s in zip(epochs, steps, strict=False):
        if even and s != step:
            return f"epoch {before + step} is missing between {before} and {before + s}"
    return ""


def header(path: Path, key: str | None = None) -> dict[str, Array]:
    """Names, shapes and types of a file's arrays, without their numbers."""
    if path.name.endswith(SUFFIX):
        return _store_header(path)
    if path.suffix == ".safetensors":
        arrays = _safetensors_header(path)
        return {
            name: Array(tuple(a["shape"]), KINDS.get(a["dtype"], a["dtype"]))
            for name, a in arrays.items()
            if name != "__metadata__"
        }
    arrays = _state_dict(path, key, device="meta")
    return {
        name: Array(tuple(a.shape), str(a.dtype).removeprefix("torch."))
        for name, a in arrays.items()
    }


def load(path: Path, key: str | None = None, epoch: int = 0) -> dict[str, Tensor]:
    """A file's arrays; for a finished recording, those of an epoch.

    Raises SeriesError if the file is damaged or not a state_dict.
    """
    if path.name.endswith(SUFFIX):
        return _of_store(path, epoch)
    if path.suffix != ".safetensors":
        return _state_dict(path, key, device="cpu")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise SeriesError(f"{path} cannot be read: {error}") from error


def recorded(path: Path, epoch: int = 0) -> dict | None:
    """The Recorder's note on an epoch: seed, epoch, metrics; None if it did not write the file.

    epoch : of a finished recording
    """
    if path.name.endswith(SUFFIX):
        return _said_by_store(path, epoch)
    if path.suffix != ".safetensors":
        return None
    about = _safetensors_header(path).get("__metadata__", {}).get(ABOUT)
    return None if about is None else json.loads(about)


def declared(metrics: Iterable[Mapping[str, float]]) -> tuple[Metric, ...]:
    """Labels of the metrics that a Recorder was given, epoch by epoch; those of training and
    test data share a label."""
    names = dict.fromkeys(name for of_epoch in metrics for name in of_epoch)
    return tuple(Metric(n, n.removesuffix("_train").removesuffix("_test")) for n in names)


def stripped(name: str, known: Mapping, prefixes: Sequence[str]) -> str:
    """The array's name in the network, without extra prefixes."""
    while name not in known:
        prefix = next((p for p in prefixes if name.startswith(p)), None)
        if prefix is None:
            break
        name = name.removeprefix(prefix)
    return name


def mismatch(
    arrays: Mapping[str, Array], expected: Mapping[str, Array], aliases: Mapping[str, str]
) -> str:
    """The mismatch between a file's arrays and a network; empty if they fit.

    aliases : second names of arrays that a network uses twice
    """
    named = {aliases.get(name, name): array for name, array in arrays.items()}
    missing = [name for name in expected if name not in named]
    extra = [name for name in named if name not in expected]
    if missing or extra:
        parts = [f"lacks {_few(missing)}"] * bool(missing)
        parts += [f"has {_few(extra)}, which the network lacks"] * bool(extra)
        return " and ".join(parts)
    for name, array in named.items():
        wanted = expected[name]
        if array.shape != wanted.shape:
            return f"{name} is of shape {array.shape}, in the network of {wanted.shape}"
        if not _holds(array.dtype, wanted.dtype):
            return f"{name} is {array.dtype}, in the network {wanted.dtype}, which would round"
    return ""


def _holds(kind: str, wanted: str) -> bool:
    """Whether another type holds the numbers of a type exactly."""
    import torch

    a, b = getattr(torch, kind, None), getattr(torch, wanted)
    return isinstance(a, torch.dtype) and torch.promote_types(a, b) == b


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _numbered(pattern: str) -> Iterator[tuple[int, int, Path]]:
    """Seed, epoch and path of every file that matches the pattern."""
    by_epoch, is_finished = "{epoch}" in pattern, pattern.endswith(SUFFIX)
    if by_epoch and is_finished:
        raise SeriesError(f"{pattern}: a store holds all its epochs; leave {{epoch}} out")
    if not by_epoch and not is_finished:
        for path, _ in _matching(pattern + SUFFIX):
            raise SeriesError(
                f"{path} is a finished recording; finish all of them and adopt them by "
                f"{pattern}{SUFFIX}"
            )
    for path, numbers in _matching(pattern):
        if by_epoch:
            yield numbers.get("seed", 0), numbers["epoch"], path
            continue
        epochs = _epochs_of_store(path) if is_finished else _epochs_in(path)
        for of_seed, epoch, file in epochs:
            if numbers.get("seed", of_seed) != of_seed:
                raise SeriesError(f"{file} holds seed {of_seed}, but its path names another")
            yield of_seed, epoch, file


def _epochs_in(path: Path) -> Iterator[tuple[int, int, Path]]:
    """Seed, epoch and file of each epoch of a recording that is not finished."""
    files = sorted(path.iterdir()) if path.is_dir() else []
    checkpoints = [f for f in files if RECORDED.fullmatch(f.name)]
    if not checkpoints:
        raise SeriesError(
            f"{path} is not a recording of infoplane.Recorder; a series of other files has "
            "{epoch} in its name"
        )
    for file in checkpoints:
        about = recorded(file)
        if about is None:
            raise SeriesError(f"{file} was not written by infoplane.Recorder")
        if int(RECORDED.fullmatch(file.name)[1]) != about["epoch"]:
            raise SeriesError(
                f"{file} holds epoch {about['epoch']}, but its name gives another"
            )
        yield about["seed"], about["epoch"], file


def _epochs_of_store(path: Path) -> Iterator[tuple[int, int, Path]]:
    """Seed and epoch of each epoch of a finished recording, and its path."""
    store = _store(path)
    return ((int(store.seeds[0]), int(epoch), path) for epoch in store.epochs)


def _matching(pattern: str) -> Iterator[tuple[Path, dict[str, int]]]:
    """Paths that match the pattern, with the numbers of their placeholders."""
    parts = re.split(r"(\{seed\}|\{epoch\})", pattern)
    seen: set[str] = set()
    expression = ""
    for part in parts:
        name = part[1:-1]
        if part not in ("{seed}", "{epoch}"):
            expression += re.escape(part)
        elif name in seen:
            expression += f"(?P={name})"
        else:
            seen.add(name)
            expression += f"(?P<{name}>[^/]*)"
    whole = Path(pattern)
    root = Path(whole.anchor) if whole.is_absolute() else Path()
    globbed = "".join(
        "*" if part in ("{seed}", "{epoch}") else _escaped(part) for part in parts
    )
    for path in sorted(root.glob(globbed.removeprefix(whole.anchor))):
        if LEFT.search(path.name):
            continue
        match = re.fullmatch(expression, str(path))
        if match is None:  # one placeholder that occurs twice, with two numbers
            raise SeriesError(f"{path} has two numbers for one placeholder of {pattern}")
        numbers = match.groupdict()
        for name, text in numbers.items():
            if not re.fullmatch(r"\d+", text, re.ASCII):
                raise SeriesError(
                    f"{path}: {{{name}}} of {pattern} would be '{text}', not a number; "
                    "move the file, or name the series more narrowly"
                )
        yield path, {name: int(text) for name, text in numbers.items()}


def _escaped(text: str) -> str:
    """Text in which a glob finds no wildcards."""
    return re.sub(r"([*?[])", r"[\1]", text)


def _safetensors_header(path: Path) -> dict:
    """The header of a safetensors file: eight bytes of length, and JSON."""
    return _header_at(path, path.stat().st_mtime_ns)


@cache
def _header_at(path: Path, stamp: int) -> dict:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= MOST_HEADER:
                raise ValueError("it has no header")
            arrays = json.loads(file.read(length))
            ends = [a["data_offsets"][1] for n, a in arrays.items() if n != "__metadata__"]
            if path.stat().st_size != 8 + length + max(ends, default=0):
                raise ValueError("it is cut off")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SeriesError(f"{path} is not a whole safetensors file: {error}") from error
    return arrays


def _store(path: Path) -> WeightsStore:
    """The store of a finished recording. Raises SeriesError if it is damaged or not a
    recording."""
    return _store_at(path, path.stat().st_mtime_ns)


@cache
def _store_at(path: Path, stamp: int) -> WeightsStore:
    try:
        store = WeightsStore(path)
    except StoreError as error:
        raise SeriesError(f"{path} cannot be read: {error.reason or error}") from error
    if store.attributes.get("trainer") != RECORDER:
        raise SeriesError(f"{path} was not written by {RECORDER}")
    return store


def _store_header(path: Path) -> dict[str, Array]:
    try:
        metadata = inside(verify(path, WEIGHTS))
    except StoreError as error:
        raise SeriesError(f"{path} cannot be read: {error.reason or error}") from error
    arrays = {}
    for place, about in metadata.items():
        group, _, name = place.rpartition("/")
        if group in [f"network/{kind}" for kind in OF_NETWORK]:
            kind = about["attributes"].get(STANDS_FOR, about["data_type"])
            arrays[name] = Array(tuple(about["shape"][2:]), kind)
    return arrays


def _of_store(path: Path, epoch: int) -> dict[str, Tensor]:
    from infoplane.networks.arrays import to_tensor

    store, kinds = _store(path), _store_header(path)
    try:
        arrays = store.read([epoch], store.seeds)
    except StoreError as error:
        raise SeriesError(f"{path} cannot be read: {error.reason or error}") from error
    return {n: to_tensor(np.asarray(a[0, 0]), kinds[n].dtype) for n, a in arrays.items()}


def _said_by_store(path: Path, epoch: int) -> dict:
    store = _store(path)
    values = store.metrics().sel(seed=store.seeds[0], epoch=epoch)
    metrics = {m.name: float(values[m.name]) for m in store.declared}
    return {"seed": int(store.seeds[0]), "epoch": epoch, "metrics": metrics}


def _state_dict(path: Path, key: str | None, device: str) -> dict[str, Tensor]:
    """The state_dict in a file of torch.save; a file that would run code is refused."""
    from pickle import UnpicklingError

    import torch

    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except UnpicklingError as error:
        what = re.findall(r"GLOBAL ([\w.]+)", str(error))
        holds = f"a pickle that holds more than arrays ({what[0]})" if what else "no whole file"
        raise SeriesError(
            f"{path} is {holds}, and reading it could run code: refused. Save "
            "model.state_dict() by itself"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise SeriesError(f"{path} cannot be read: {error}") from error
    if key is not None:
        if not isinstance(content, Mapping) or key not in content:
            has = f"; its keys are {_few(list(map(str, content)))}" * isinstance(
                content, Mapping
            )
            raise SeriesError(f"{path} has no key '{key}'{has}")
        content = content[key]
    if not isinstance(content, Mapping):
        raise SeriesError(f"{path} holds a {type(content).__name__}, not a state_dict")
    others = [str(name) for name, a in content.items() if not torch.is_tensor(a)]
    if others:
        inside = [str(n) for n, a in content.items() if _is_state_dict(a)]
        hint = f"; give training.key, such as {inside[0]}" if inside else ""
        raise SeriesError(f"{path} is not a state_dict: {_few(others)} is not an array{hint}")
    if not content:
        raise SeriesError(f"{path} holds no arrays")
    return {str(name): a for name, a in content.items()}


def _is_state_dict(value) -> bool:
    import torch

    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(map(torch.is_tensor, value.values()))
    )
