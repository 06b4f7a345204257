"""Kills at random moments: of jobs, of Snakemake with all that it started, of Snakemake alone.

A kill that comes after the end is one all the same: what it left has to be right.
"""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tests.faults.bits import contents, difference
from tests.faults.experiment import CONFIG, HOME, Disturbed, Jobs, Undisturbed
from tests.faults.table import Outcome
from tests.workflow.test_kills import script_under

JOBS = {
    "prepare_dataset-szt": "the preparing job",
    "train-tanh-seeds-0-1": "the training job",
    "regenerate_activations-relu-seeds-0-0": "the activations' job",
    "estimate_information-tanh-kde-seeds-0-1": "the estimating job",
    "estimate_part-relu-binned-seeds-0-0-1-of-2": "the job of a part",
    "estimate_information-relu-binned-seeds-0-0": "the gathering job",
    "pool_epochs-tanh-late-binned": "the pooling job",
}
PATIENCE = 1800
"""Seconds that anything may take on a busy machine."""


def of_jobs(
    undisturbed: Undisturbed, jobs: Jobs, root: Path, number: int, seed: int
) -> Iterator[Outcome]:
    """Kill every kind of job so many times, twice in a row each time, and start it again."""
    draw = np.random.default_rng(seed)
    for job, name in JOBS.items():
        project = undisturbed.copy(root)
        outputs = jobs.outputs(project.root, job)
        expected = [seen(path) for path in outputs]
        jobs.clear(project.root, job)
        started = time.monotonic()
        run = jobs.start(project.root, job)
        assert run.wait() == 0, run.text
        duration = time.monotonic() - started
        for _ in range(number):
            jobs.clear(project.root, job)
            when = sorted(draw.uniform(0, duration, 2))
            killed = 0
            for moment in when:
                if all(path.exists() for path in outputs):
                    break  # Snakemake would not start it again
                away(outputs)
                run = jobs.start(project.root, job)
                time.sleep(moment)
                killed += run.kill()
            left = [path for path in outputs if path.exists()]
            wrong = any(half(p, e) for p, e in zip(outputs, expected, strict=True) if p in left)
            if wrong and len(outputs) == 1:  # Snakemake sees a job of several files unfinished
                came = "HALF A RESULT STANDS IN ITS PLACE", False
            else:
                away(outputs)
                run = jobs.start(project.root, job)
                came = ended(run, outputs, expected)
            moments = " and ".join(f"{moment:.2f} s" for moment in when)
            yield Outcome("SIGKILL", name, f"{killed} kills, after {moments}", *came)
    shutil.rmtree(root, ignore_errors=True)


def half(path: Path, expected) -> bool:
    """Whether what stands in a place is not all that belongs there."""
    return seen(path) != expected


def away(outputs: list[Path]) -> None:
    """What Snakemake does before a job starts."""
    for path in outputs:
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def ended(run, outputs: list[Path], expected: list) -> tuple[str, bool]:
    """What a job made that was let run to its end."""
    if run.wait() != 0:
        return f"started again, it failed: {run.text[-500:]}", False
    same = [seen(path) for path in outputs] == expected
    return ("started again: the same bits" if same else "OTHER BITS"), same


def seen(path: Path) -> bytes:
    """All that a store or a file says."""
    return path.read_bytes()


TARGETS = {
    "the training job": (
        "train.py",
        "runs/tanh/weights/seeds-0-1.zarr.zip",
    ),
    "the estimating job": (
        "estimate_information.py",
        "runs/tanh/information/kde/seeds-0-1.zarr.zip",
    ),
    "the gathering job": (
        "estimate_information.py",
        "runs/relu/information/binned/seeds-0-0.zarr.zip",
    ),
}
"""Script and store of jobs that are killed under Snakemake."""
KINDS = (*TARGETS, "Snakemake and its job", "Snakemake alone")


def under_snakemake(
    undisturbed: Undisturbed, root: Path, number: int, seed: int
) -> Iterator[Outcome]:
    """Kill, so many times in turn, the training, the estimating and the gathering job of a
    running Snakemake, Snakemake with its job, and Snakemake alone, whose job lives on while
    the next Snakemake starts it again."""
    draw = np.random.default_rng(seed)
    durations: dict[str, float] = {}
    for turn in range(number):
        kind = KINDS[turn % len(KINDS)]
        job = kind if kind in TARGETS else [*TARGETS][turn // len(KINDS) % len(TARGETS)]
        script, store = TARGETS[job]
        if job not in durations:
            durations[job] = seconds_of(undisturbed, root, job)
        project, target, process, found = started_job(undisturbed, root, script, store)
        started = time.monotonic()
        moment = draw.uniform(0, durations[job])
        while time.monotonic() < started + moment and alive(found):
            time.sleep(0.01)
        when = f"{moment:.2f} s after {job} began"
        if not alive(found):
            when = f"{when} and had ended"
        if kind in TARGETS:
            if alive(found):
                os.kill(found, signal.SIGKILL)
        elif kind == "Snakemake alone":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
        yield Outcome(f"SIGKILL of {kind}", job, when, *next_run(undisturbed, project, target))
        while alive(found):
            time.sleep(0.1)
    shutil.rmtree(root, ignore_errors=True)


def started_job(undisturbed: Undisturbed, root: Path, script: str, store: str):
    """A project, its target, the Snakemake that makes it and the id of the job's process."""
    project, target = undisturbed.copy(root), f"{HOME}/{store}"
    (project.root / target).unlink()
    process = project.start(target, "--notemp", *CONFIG)
    return project, target, process, until_script(process, script)


def seconds_of(undisturbed: Undisturbed, root: Path, job: str) -> float:
    """How long a job's process takes under a Snakemake that nobody disturbs."""
    _, _, process, found = started_job(undisturbed, root, *TARGETS[job])
    started = time.monotonic()
    while alive(found):
        time.sleep(0.01)
    took = time.monotonic() - started
    assert process.wait(PATIENCE) == 0
    return took


def until_script(process, script: str) -> int:
    """Process id of a rule's script, once it runs."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if pid := script_under(process, script):
            return pid
        assert process.poll() is None, f"Snakemake ended before {script} began"
        time.sleep(0.05)
    raise TimeoutError(script)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def next_run(undisturbed: Undisturbed, project: Disturbed, target: str) -> tuple[str, bool]:
    """What comes of starting again what was killed."""
    code, said = project.ends(target, "--notemp", *CONFIG)
    before = "started again:"
    if code and "--unlock" in said:
        code, said = project.ends("--unlock", *CONFIG)
        assert code == 0, said
        code, said = project.ends(target, "--notemp", *CONFIG)
        before = "unlocked and started again:"
    if code:
        return f"{before} it failed: {said[-800:]}", False
    wrong = difference(contents(project.root / HOME), undisturbed.expected)
    return f"{before} {wrong or 'the same bits'}", not wrong
