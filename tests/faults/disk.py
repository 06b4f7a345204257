"""Disks that fill up while jobs write, and places that are read-only. Needs to mount: root."""

import errno
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tests.faults.bits import contents, difference
from tests.faults.experiment import CONFIG, HOME, WANTED, Jobs, Undisturbed
from tests.faults.kills import JOBS, away, ended, seen
from tests.faults.table import Outcome

SIZE = "64m"
WRITERS = [job for job in JOBS if not job.startswith("check_")]


def mountable(root: Path) -> bool:
    """Whether file systems may be mounted here."""
    place = root / "probe"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True)
    if done.returncode == 0:
        subprocess.run(["umount", place], check=True)
    place.rmdir()
    return done.returncode == 0


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """What stands there, on a file system of its own."""
    kept = place.with_name(f"{place.name}-kept")
    place.rename(kept)
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], check=True)
    try:
        shutil.copytree(kept, place, dirs_exist_ok=True, symlinks=True)
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)
        shutil.rmtree(kept)


def fill(disk: Path) -> Path:
    """Write until nothing more fits; the file to remove."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC
    return filler


def full(
    undisturbed: Undisturbed, jobs: Jobs, root: Path, number: int, seed: int
) -> Iterator[Outcome]:
    """Fill the disk at random moments of jobs that write, free it, start them again."""
    draw = np.random.default_rng(seed)
    project = undisturbed.copy(root)
    with small_disk(project.root / "results"):
        for turn in range(number):
            job = WRITERS[turn % len(WRITERS)]
            outputs = jobs.outputs(project.root, job)
            expected = [seen(path) for path in outputs]
            jobs.clear(project.root, job)
            moment = draw.uniform(0, 1.5)
            run = jobs.start(project.root, job)
            time.sleep(moment)
            filler = fill(project.root / "results")
            code = run.wait()
            filler.unlink()
            right = code == 0 or names_the_disk(run.text, outputs[0], project.root)
            other = code == 0 and [seen(path) for path in outputs] != expected
            away(outputs)
            text, same = ended(jobs.start(project.root, job), outputs, expected)
            if other:
                came = "OTHER BITS, and no error", False
            elif not right:
                came = f"unclear: {run.text[-800:]}", False
            else:
                first = "it had ended" if code == 0 else "an error names store and disk"
                came = f"{first}; {text}", same
            yield Outcome("the disk fills up", JOBS[job], f"after {moment:.2f} s", *came)
    shutil.rmtree(root)


def names_the_disk(said: str, store: Path, root: Path) -> bool:
    """Whether an error names the store and the disk that is full, and says what to do."""
    named = str(store.relative_to(root)) in said
    # The second before training, which would not fit.
    full = "is full" in said or re.search(r"may take .* but .* has .* free", said)
    return bool(named and full and re.search(r"[Ff]ree some", said))


def full_from_the_start(undisturbed: Undisturbed, root: Path) -> Iterator[Outcome]:
    """The whole workflow on a disk that is too small, then on one that is large enough."""
    project = undisturbed.copy(root)
    results = project.root / "results"
    with small_disk(results):
        shutil.rmtree(results / "small")
        filler = fill(results)
        os.truncate(filler, filler.stat().st_size - 300_000)
        code, said = project.ends(*WANTED, "--notemp", *CONFIG)
        filler.unlink()
        wrong = not code or ("is full" not in said and "No space left" not in said)
        if wrong:
            came = f"unclear: {said[-800:]}", False
        else:
            code, said = project.ends(*WANTED, "--notemp", *CONFIG)
            other = difference(contents(project.root / HOME), undisturbed.expected)
            came = (
                f"an error says it; freed and started again: {other or 'the same bits'}",
                not (code or other),
            )
        yield Outcome("a disk too small", "Snakemake", "300 kB free", *came)
    shutil.rmtree(root)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """A folder, mounted on itself so that nobody writes there."""
    subprocess.run(["mount", "--bind", place, place], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


READERS = {
    "train-tanh-seeds-0-1": "datasets/szt.zarr.zip",
    "regenerate_activations-relu-seeds-0-0": "runs/relu/weights/seeds-0-0.zarr.zip",
    "estimate_information-tanh-kde-seeds-0-1": "runs/tanh/weights/seeds-0-1.zarr.zip",
    "pool_epochs-tanh-late-binned": "runs/tanh/weights/seeds-2-2.zarr.zip",
}


def refused(undisturbed: Undisturbed, jobs: Jobs, root: Path) -> Iterator[Outcome]:
    """Read-only stores are read; read-only places are named by who would write there."""
    project = undisturbed.copy(root)
    for job, store in READERS.items():
        outputs = jobs.outputs(project.root, job)
        expected = [seen(path) for path in outputs]
        jobs.clear(project.root, job)
        with read_only(project.root / HOME / store):
            came = ended(jobs.start(project.root, job), outputs, expected)
        yield Outcome("a store is read-only", f"{JOBS[job]} reads it", store, *came)
    for job in WRITERS:
        outputs = jobs.outputs(project.root, job)
        expected = [seen(path) for path in outputs]
        jobs.clear(project.root, job)
        with read_only(outputs[0].parent):
            run = jobs.start(project.root, job)
            code = run.wait()
        store = str(outputs[0].relative_to(project.root))
        if code == 0 or store not in run.text or "Make it writable" not in run.text:
            came = f"unclear: {run.text[-800:]}", False
        else:
            text, same = ended(jobs.start(project.root, job), outputs, expected)
            came = f"an error names it and its remedy; {text}", same
        yield Outcome("a place is read-only", f"{JOBS[job]} writes there", store, *came)
    shutil.rmtree(root)
