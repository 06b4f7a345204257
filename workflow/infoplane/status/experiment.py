"""The state of one experiment's folder: blocks of seeds, estimators, flags, what is wrong."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infoplane.progress import last_words
from infoplane.stores import glance
from infoplane.stores.archive import SUFFIX, StoreError, name_of, partial_of, verify
from infoplane.stores.recipes import recipe_in
from infoplane.stores.shapes import DATA

Block = str
"""Name of a block of seeds, 'seeds-0-9'."""


@dataclass(frozen=True)
class Wanted:
    """What a configuration requests of a run.

    estimators : names; those of pools as `pool/estimator`
    trained_as : the run under whose name the weights are stored, if it is another one
    recipes : recipes that its stores must have, as far as they are known
    """

    epochs: int
    blocks: Sequence[Block]
    estimators: Sequence[str]
    trained_as: str = ""
    recipes: Mapping[Path, str] = field(default_factory=dict)

    def is_other(self, store: Path) -> bool:
        """Whether an existing store was made with another recipe than the requested one."""
        return store in self.recipes and recipe_in(store) != self.recipes[store]


@dataclass(frozen=True)
class Trained:
    """The state of a block of seeds.

    state : finished, growing, halted, failed, missing, damaged, or other: made with other
        settings, code or inputs than requested
    epoch, epochs : the last written epoch, and the last one of the training; None if unknown
    remarks : on measured seeds, by seed
    """

    block: Block
    state: str
    epoch: int = -1
    epochs: int | None = None
    failed: int = 0
    set_aside: int = 0
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Measured:
    """An estimator's stores: how many exist, how many are wanted, values, values by flag."""

    done: int = 0
    wanted: int = 0
    values: int = 0
    flags: Counter = field(default_factory=Counter)

    def add(self, other: "Measured") -> None:
        """Add the counts of another."""
        self.done, self.wanted = self.done + other.done, self.wanted + other.wanted
        self.values += other.values
        self.flags.update(other.flags)


@dataclass(frozen=True)
class Run:
    """A run: its blocks of seeds and its estimators by name."""

    name: str
    blocks: list[Trained]
    measured: dict[str, Measured]
    asked_for: bool


@dataclass(frozen=True)
class Status:
    """The state of an experiment.

    wrong : sentences about damaged stores; failures : why trainings ended
    other : stores made with other settings, code or inputs than requested
    running : last words of jobs
    """

    name: str
    home: Path
    runs: list[Run]
    wrong: list[str]
    failures: list[str]
    other: list[Path]
    leftovers: list[Path]
    running: list[str]


def status_of(home: Path, logs: Path, wanted: Mapping[str, Wanted] | None = None) -> Status:
    """The state of an experiment, from its files.

    home, logs : its folders below results/ and logs/; neither has to exist
    wanted : what its configuration requests, by run; None: only existing files are known
    """
    there = {path.name for path in (home / "runs").glob("*") if path.is_dir()}
    names = [*(wanted or {}), *sorted(there - (wanted or {}).keys())]
    wrong: list[str] = []
    failures: list[str] = []
    runs = [
        Run(
            name,
            [*_blocks(_weights(home, name, wanted), (wanted or {}).get(name), wrong, failures)],
            _measured(home / "runs" / name, (wanted or {}).get(name), wrong),
            wanted is None or name in wanted,
        )
        for name in names
    ]
    asked = [(store, run) for run in (wanted or {}).values() for store in run.recipes]
    other = {store for store, run in asked if store.exists() and run.is_other(store)}
    for store in sorted((home / "datasets").glob(f"*{SUFFIX}")):
        try:
            verify(store, DATA)
        except StoreError as error:
            wrong.append(str(error))
    return Status(
        home.name,
        home,
        runs,
        [*dict.fromkeys(wrong)],
        [*dict.fromkeys(failures)],
        sorted(other),
        [*glance.leftovers(home)],
        _running(logs),
    )


def _weights(home: Path, name: str, wanted: Mapping[str, Wanted] | None) -> Path:
    """The folder of a run's weights."""
    asked = (wanted or {}).get(name)
    return (
        home / "runs" / (asked.trained_as if asked and asked.trained_as else name) / "weights"
    )


def _blocks(
    stores: Path, wanted: Wanted | None, wrong: list[str], failures: list[str]
) -> Iterator[Trained]:
    """The state of each requested block, or of each existing one if none is requested."""
    there = {path.name.split(".")[0] for path in stores.glob(f"seeds-*{SUFFIX}*")}
    for block in wanted.blocks if wanted else sorted(there, key=_first_seed):
        store = stores / f"{block}{SUFFIX}"
        epochs = wanted.epochs if wanted else None
        try:
            if store.exists():
                found = glance.trained(store)
                counts = found.failed, found.set_aside, found.remarks
                state = "other" if wanted and wanted.is_other(store) else "finished"
                yield Trained(block, state, found.epoch, found.epochs, *counts)
            elif (journal := partial_of(store)).exists():
                reason = glance.failure(journal)
                if reason:
                    failures.append(f"{journal}: {reason}")
                state = "growing" if glance.growing(journal) else "halted"
                state = "failed" if reason else state
                yield Trained(block, state, glance.journal_epoch(journal), epochs)
            else:
                yield Trained(block, "missing", -1, epochs)
        except StoreError as error:
            wrong.append(str(error))
            yield Trained(block, "damaged", -1, epochs)


def _first_seed(block: Block) -> int:
    return int(block.split("-")[1])


def _measured(home: Path, wanted: Wanted | None, wrong: list[str]) -> dict[str, Measured]:
    """Counts of every estimator's stores; those of pools as `pool/estimator`."""
    blocks = wanted.blocks if wanted else None
    stores: dict[str, list[Path]] = {name: [] for name in (wanted.estimators if wanted else ())}
    for store in sorted((home / "information").glob(f"*/seeds-*{SUFFIX}")):
        name = store.parent.name
        if ".part-" in store.name:  # a part does not count until the whole is put together
            continue
        if wanted is None or (name in stores and name_of(store) in blocks):
            stores.setdefault(name, []).append(store)
    for store in sorted((home / "pooled").glob(f"*/*{SUFFIX}")):
        name = f"{store.parent.name}/{name_of(store)}"
        if wanted is None or name in stores:
            stores.setdefault(name, []).append(store)
    found = {}
    for name, paths in stores.items():
        expected = 1 if "/" in name else len(blocks) if wanted else len(paths)
        counted = found[name] = Measured(wanted=expected)
        for path in paths:
            try:
                values, flags = glance.flags(path)
            except StoreError as error:
                wrong.append(str(error))
                continue
            if wanted is None or not wanted.is_other(path):
                counted.add(Measured(1, 0, values, flags))
    return found


def _running(logs: Path) -> list[str]:
    """The progress of jobs whose log has changed lately, in their own words."""
    words = {
        log: last_words(log, glance.GROWING_SECONDS) for log in sorted(logs.rglob("*.log"))
    }
    return [f"{_job(log.relative_to(logs))}: {far}" for log, far in words.items() if far]


def _job(log: Path) -> str:
    """train/tanh/seeds-0-9.log → train tanh seeds-0-9."""
    return " ".join(log.with_suffix("").parts)
