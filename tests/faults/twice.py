"""Two processes that make the same thing: jobs by themselves, and Snakemakes."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tests.faults.bits import contents, difference
from tests.faults.experiment import CONFIG, HOME, Jobs, Undisturbed
from tests.faults.kills import JOBS, PATIENCE, TARGETS, away, seen, until_script
from tests.faults.table import Outcome

KINDS = [job for job in JOBS if not job.startswith("check_")]


def at_once(
    undisturbed: Undisturbed, jobs: Jobs, root: Path, number: int, seed: int
) -> Iterator[Outcome]:
    """Jobs by themselves, so many times each, then Snakemakes."""
    yield from jobs_at_once(undisturbed, jobs, root, number * len(KINDS), seed)
    yield from snakemakes(undisturbed, root)


def jobs_at_once(
    undisturbed: Undisturbed, jobs: Jobs, root: Path, number: int, seed: int
) -> Iterator[Outcome]:
    """Start the same job twice, a random time apart; the second begins as Snakemake begins
    a job, by taking away what stands in the place."""
    draw = np.random.default_rng(seed)
    project = undisturbed.copy(root)
    for turn in range(number):
        job = KINDS[turn % len(KINDS)]
        outputs = jobs.outputs(project.root, job)
        expected = [seen(path) for path in outputs]
        jobs.clear(project.root, job)
        first = jobs.start(project.root, job)
        apart = draw.uniform(0, 1.5)
        time.sleep(apart)
        away(outputs)
        second = jobs.start(project.root, job)
        codes = first.wait(), second.wait()
        if any(codes):
            came = f"one failed: {(first.text if codes[0] else second.text)[-800:]}", False
        else:
            same = [seen(path) for path in outputs] == expected
            came = ("both end: the same bits" if same else "OTHER BITS"), same
        yield Outcome("two at once", JOBS[job], f"{apart:.2f} s apart", *came)
    shutil.rmtree(root)


def snakemakes(undisturbed: Undisturbed, root: Path) -> Iterator[Outcome]:
    """A second Snakemake while the first one trains: refused; and with --nolock."""
    script, store = TARGETS["the training job"]
    target = f"{HOME}/{store}"
    for options, name in (((), "two Snakemakes"), (("--nolock",), "two with --nolock")):
        project = undisturbed.copy(root)
        shutil.rmtree(project.root / target)
        first = project.start(target, *options, "--notemp", *CONFIG)
        until_script(first, script)
        code, said = project.ends(target, *options, "--notemp", *CONFIG)
        ended = first.wait(PATIENCE)
        wrong = difference(contents(project.root / HOME), undisturbed.expected)
        if options:
            right, second = code == 0, "both end" if code == 0 else said[-500:]
        else:
            right = code != 0 and "--unlock" in said
            second = "the second is refused and says why" if right else said[-500:]
        came = f"{second}; {wrong or 'the same bits'}", right and not (ended or wrong)
        yield Outcome(name, "training", "while it trains", *came)
    shutil.rmtree(root)
