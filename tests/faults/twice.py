"""Two processes that make the same thing: jobs by themselves, and Snakemakes."""

import os
import shutil
import signal
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
    """A second Snakemake while the first one trains: refused; and with --nolock.

    The first one's training is stopped until the second has got that far, or it would have
    ended on a machine where Snakemake takes longer to start than the training to run.
    """
    script, store = TARGETS["the training job"]
    target = f"{HOME}/{store}"
    for options, name in (((), "two Snakemakes"), (("--nolock",), "two with --nolock")):
        project = undisturbed.copy(root)
        (project.root / target).unlink()
        command = (target, *options, "--notemp", *CONFIG)
        first = project.start(*command)
        training = until_script(first, script)
        os.kill(training, signal.SIGSTOP)
        try:
            if options:
                second = project.start(*command)
                until_script(second, script)
            else:
                code, said = project.ends(*command)
        finally:
            os.kill(training, signal.SIGCONT)
        ended = first.wait(PATIENCE)
        if options:
            code = second.wait(PATIENCE)
            right, came = code == 0, "both end" if code == 0 else f"the second ends with {code}"
        else:
            right = code != 0 and "--unlock" in said
            came = "the second is refused and says why" if right else said[-500:]
        wrong = difference(contents(project.root / HOME), undisturbed.expected)
        came = f"{came}; {wrong or 'the same bits'}"
        holds = right and not (ended or wrong)
        yield Outcome(name, "training", "while it trains", came, holds)
    shutil.rmtree(root)
