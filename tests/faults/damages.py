"""Random damage to every kind of store: it is named with its remedy, or changes nothing.

Most of them happen to a copy of one store that is then opened through the library, in this
process; some to a store in a project, whose readers are made again by Snakemake.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from tests.faults.bits import bits, contents, difference
from tests.faults.damage import KINDS, OF_STORES, damage
from tests.faults.experiment import CONFIG, HOME, Jobs, Undisturbed, shell
from tests.faults.table import Outcome

from infoplane.stores.activations import ActivationsStore
from infoplane.stores.archive import StoreError
from infoplane.stores.datasets import read_data
from infoplane.stores.files import open_tree
from infoplane.stores.information import read_information
from infoplane.stores.pooled import read_pooled
from infoplane.stores.weights import WeightsStore

REMEDY = re.compile(r"Remove it \((rm -r '[^']*')\) and start the workflow")
GONE = "does not exist; the workflow makes it"
ONCE = ("deleted", "emptied", "a folder")
"""Damages that chance has no part in."""


def data(path: Path):
    found = read_data(path)
    arrays = (found.x, found.y, found.train, found.test)
    return [bits(array) for array in arrays], found.attributes


def weights(path: Path):
    store = WeightsStore(path)
    read = store.read(store.epochs, store.seeds)
    metrics = {str(name): bits(value.values) for name, value in store.metrics().items()}
    axes = bits(store.seeds), bits(store.epochs)
    arrays = {name: bits(array) for name, array in read.items()}
    return axes, arrays, metrics, store.lost, store.attributes


def information(path: Path):
    table, attributes = read_information(path)
    return table.to_csv(), attributes


def pooled(path: Path):
    table, attributes = read_pooled(path)
    return table.to_csv(), attributes


def activations(path: Path):
    store = ActivationsStore(path)
    axes = open_tree(path).to_dataset()
    epochs, seeds = axes["epoch"].values.tolist(), axes["seed"].values.tolist()
    layers = [str(name) for name in axes.data_vars]
    return epochs, seeds, {layer: bits(store.read(layer, epochs, seeds)) for layer in layers}


STORES: dict[str, tuple[str, Callable]] = {
    "data set": ("datasets/szt.zarr.zip", data),
    "weights": ("runs/tanh/weights/seeds-0-1.zarr.zip", weights),
    "information": ("runs/tanh/information/kde/seeds-0-1.zarr.zip", information),
    "pooled": ("runs/tanh/pooled/late/binned.zarr.zip", pooled),
    "activations": ("runs/relu/activations/seeds-0-0.zarr.zip", activations),
}
"""A store of each kind, below results/small, and all that the library reads of it."""


def opened(undisturbed: Undisturbed, root: Path, number: int, seed: int) -> Iterator[Outcome]:
    """Damage a copy of every kind of store so many times in every way, and open it; open a
    store of another kind in its place."""
    draw = np.random.default_rng(seed)
    for name, (place, read) in STORES.items():
        store = undisturbed.project.root / HOME / place
        expected, copy = read(store), root / f"copy-{store.name}"
        for kind in OF_STORES:
            for _ in range(number if kind not in ONCE else 1):
                shutil.copy(store, copy)
                said = damage(copy, kind, draw)
                yield Outcome(kind, name, said, *judged(read, copy, expected))
                shutil.rmtree(copy) if copy.is_dir() else copy.unlink(missing_ok=True)
        for other, (elsewhere, _) in STORES.items():
            if other != name:
                shutil.copy(undisturbed.project.root / HOME / elsewhere, copy)
                said = f"{other} in its place"
                yield Outcome("replaced", name, said, *judged(read, copy, expected))
        copy.unlink()


def judged(read: Callable, store: Path, expected) -> tuple[str, bool]:
    """What comes of reading a damaged store, and whether that is right."""
    try:
        found = read(store)
    except StoreError as error:
        return named(str(error), store)
    except Exception as error:
        return f"{type(error).__name__} instead of a StoreError: {error}", False
    same = found == expected
    return ("nothing that is read changed" if same else "WRONG VALUES ARE READ"), same


def named(said: str, store: Path | str) -> tuple[str, bool]:
    """Whether a message names a store and says what to do."""
    remedy = REMEDY.search(said)
    right = str(store) in remedy[1] if remedy else f"{store} {GONE}" in said
    return ("an error names it and its remedy" if right else f"unclear: {said}"), right


THROUGH = {
    "data set": ("datasets/szt.zarr.zip", "runs/tanh/weights/seeds-2-2.zarr.zip"),
    "weights": (
        "runs/tanh/weights/seeds-0-1.zarr.zip",
        "runs/tanh/information/kde/seeds-0-1.zarr.zip",
    ),
    "information": (
        "runs/tanh/information/kde/seeds-0-1.zarr.zip",
        "runs/tanh/figures",
    ),
    "pooled": (
        "runs/tanh/pooled/late/binned.zarr.zip",
        "runs/tanh/figures",
    ),
    "activations": (
        "runs/relu/activations/seeds-0-0.zarr.zip",
        "runs/relu/information/binned/seeds-0-0.zarr.zip",
    ),
}
"""A store of each kind and something that is made of it, both below results/small."""


def through(undisturbed: Undisturbed, root: Path, number: int, seed: int) -> Iterator[Outcome]:
    """Damage stores in a project, make again what is made of them, follow the remedy."""
    draw = np.random.default_rng(seed)
    for turn in range(number):
        name = list(THROUGH)[turn % len(THROUGH)]
        kind = list(KINDS)[(turn // len(THROUGH) + turn) % len(KINDS)]
        store, made = (f"{HOME}/{path}" for path in THROUGH[name])
        project = undisturbed.copy(root)
        said = damage(project.root / store, kind, draw)
        # with the parts that it would be put together from, unread
        shell(f"rm -rf '{made}' {made.removesuffix('.zarr.zip')}.part-*", project.root)
        yield Outcome(
            f"{kind}, by Snakemake", name, said, *mended(undisturbed, project, store, made)
        )
    shutil.rmtree(root, ignore_errors=True)


def mended(undisturbed: Undisturbed, project, store: str, made: str) -> tuple[str, bool]:
    """Make something of a damaged store; where it is refused, as the message says."""
    code, said = project.ends(made, "--notemp", *CONFIG)
    before = "the first run mends it"
    if code:
        if (project.root / made).exists():
            return "something was made of it all the same", False
        text, right = named(said, store)
        if not right:
            return text, False
        shell(REMEDY.search(said)[1], project.root)
        code, said = project.ends(made, "--notemp", *CONFIG)
        if code:
            return f"the remedy does not help: {said[-500:]}", False
        before = "an error names it and its remedy; then"
    # what only the whole workflow makes again, from the same stores, is as it was
    wrong = difference(contents(project.root / HOME), undisturbed.expected)
    return f"{before} the same bits" if not wrong else f"{before} {wrong}", not wrong


def of_journals(
    undisturbed: Undisturbed, jobs: Jobs, root: Path, number: int, seed: int
) -> Iterator[Outcome]:
    """Kill a training, damage its journal, start it again."""
    draw = np.random.default_rng(seed)
    job = "train-tanh-seeds-0-1"
    project = undisturbed.copy(root)
    (store,) = jobs.outputs(project.root, job)
    expected = weights(store)
    journal, kept = store.with_name(f"{store.name}.partial"), root / "journal"
    killed_with_a_checkpoint(jobs, project.root, job, journal)
    shutil.copytree(journal, kept)
    for turn in range(number):
        kind = list(KINDS)[turn % len(KINDS)]
        jobs.clear(project.root, job)
        shutil.copytree(kept, journal)
        said = damage(journal, kind, draw)
        run = jobs.start(project.root, job)
        if run.wait() == 0:
            found = judged(weights, store, expected)
            came = ("trained to the same bits", True) if found[1] else found
        else:
            came = named(run.text, f"{store.relative_to(project.root)}.partial")
        yield Outcome(f"{kind}, training resumed", "journal", said, *came)
    shutil.rmtree(root)


def killed_with_a_checkpoint(jobs: Jobs, root: Path, job: str, journal: Path) -> None:
    """Kill a training after its first checkpoint; a fast machine may end before the kill."""
    for _ in range(20):
        jobs.clear(root, job)
        run = jobs.start(root, job)
        while run.process.is_alive() and not (journal / "checkpoint.npz").exists():
            time.sleep(0.001)
        if run.kill() and (journal / "checkpoint.npz").exists():
            return
    raise AssertionError(f"20 trainings ended before a kill: {run.text}")
