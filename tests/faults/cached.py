"""Damage to what the cache keeps, kills while it is filled and read, two users of one cache."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tests.faults.damage import KINDS, damage
from tests.faults.experiment import Jobs, Undisturbed
from tests.faults.kills import JOBS, away, ended, seen
from tests.faults.table import Outcome

from infoplane.stores.archive import StoreError, verify

SHARED = ("prepare_dataset-szt", "train-tanh-seeds-0-1")


def of_entries(
    undisturbed: Undisturbed, jobs: Jobs, root: Path, number: int, seed: int
) -> Iterator[Outcome]:
    """Damage an entry, have it taken; kill jobs that fill and take it; start two at once."""
    draw = np.random.default_rng(seed)
    project, cache = undisturbed.copy(root), root / "cache"
    other = undisturbed.copy(root.with_name(f"{root.name}-other"))
    for job in SHARED:
        outputs = jobs.outputs(project.root, job)
        expected = [seen(path) for path in outputs]
        jobs.clear(project.root, job)
        run = jobs.start(project.root, job, cache)
        assert run.wait() == 0, run.text
        (entry,) = cache.glob(f"{'datasets' if 'dataset' in job else 'weights'}/*.zarr.zip")
        for turn in range(number):
            kind = [*KINDS][turn % len(KINDS)]
            said = damage(entry, kind, draw)
            jobs.clear(project.root, job)
            run = jobs.start(project.root, job, cache)
            came = whole(ended(run, outputs, expected), entry, "the entry was made anew")
            yield Outcome(f"{kind} in the cache", JOBS[job], said, *came)
        for _ in range(number):
            entry.unlink()
            jobs.clear(project.root, job)
            moment = draw.uniform(0, 3)
            run = jobs.start(project.root, job, cache)
            time.sleep(moment)
            run.kill()
            away(outputs)
            run = jobs.start(project.root, job, cache)
            came = whole(ended(run, outputs, expected), entry, "the entry is whole")
            yield Outcome("SIGKILL, cache on", JOBS[job], f"after {moment:.2f} s", *came)
        entry.unlink()
        runs = []
        for place in (project, other):
            jobs.clear(place.root, job)
            runs.append(jobs.start(place.root, job, cache))
        for place, run in zip((project, other), runs, strict=True):
            came = whole(
                ended(run, jobs.outputs(place.root, job), expected), entry, "one entry"
            )
            yield Outcome("two folders, one cache", JOBS[job], "at once", *came)
    shutil.rmtree(root)
    shutil.rmtree(other.root)


def whole(came: tuple[str, bool], entry: Path, said: str) -> tuple[str, bool]:
    """The same, if the cache's entry is as it should be besides."""
    try:
        verify(entry, whole=True)
    except StoreError as error:
        return f"{came[0]}, BUT THE ENTRY: {error}", False
    return f"{came[0]}, {said}", came[1]
