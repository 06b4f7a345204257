"""Jobs that are killed: what is lost, what a user has to type, and the bits of the result."""

import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds jobs in /proc"),
]

WEIGHTS = "killed/runs/tanh/weights/seeds-0-1.zarr.zip"
KDE = "killed/runs/tanh/information/kde/seeds-0-1.zarr.zip"
OPTIONS = ("--configfile", "experiment.yaml")
EPOCHS = 500
PATIENCE = 240
"""Seconds that anything here may take on a machine that is busy with other things."""


@pytest.fixture(scope="module")
def killed(tiny):
    """A training of some seconds by torch's operators, on all of the data set."""
    defaults = {
        **tiny["defaults"],
        "training": {
            "batch_size": 256,
            "epochs": EPOCHS,
            "device": "cpu",
            "kernel": "torch",  # compiled loops would be through before the kill
        },
        "measure": {"epochs": {"schedule": "logarithmic", "number": 60}, "device": "cpu"},
        "checkpoint_seconds": 0.3,
        "seeds": 2,
    }
    run = {"network": {"activation": "tanh", "hidden": [10, 7, 5, 4, 3]}}
    return {
        **tiny,
        "experiment": "killed",
        "datasets": {"szt": {"source": "szt"}},
        "defaults": defaults,
        "runs": {"tanh": run},
        "figures": {},
    }


@pytest.fixture(scope="module")
def undisturbed(fresh, killed):
    """The same experiment without a kill; made while the other one is killed."""
    project = fresh()
    project.configure(killed)
    process = project.start(f"results/{KDE}", *OPTIONS)

    def finished():
        assert process.wait(PATIENCE) == 0
        return project

    yield finished
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def until(found, process):
    """What `found` gives, once it gives something and while Snakemake runs."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        assert process.poll() is None, "Snakemake ended before there was anything to kill"
        time.sleep(0.02)
    raise TimeoutError("nothing to kill")


def script_under(process, script):
    """Process id of a rule's script among the descendants of Snakemake, if it runs."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat, command = (folder / "stat").read_text(), (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
        commands[int(folder.name)] = command.decode(errors="replace").split("\0")
    for pid, command in commands.items():
        words = [word for word in command if word]
        if len(words) < 2 or not words[-1].endswith(script) or "python" not in words[0]:
            continue
        above = pid
        while above in parents:
            above = parents[above]
            if above == process.pid:
                return pid
    return None


def checkpoint_epoch(project):
    """The epoch of the journal's checkpoint, −1 where there is none."""
    try:
        with np.load(project.results(f"{WEIGHTS}.partial", "checkpoint.npz")) as file:
            return int(file["state/epoch"])
    except FileNotFoundError:
        return -1


@pytest.fixture(scope="module")
def story(fresh, killed, undisturbed):
    """Training killed twice: its script, then Snakemake with all that it started."""
    project = fresh()
    project.configure(killed)
    process = project.start(f"results/{WEIGHTS}", *OPTIONS)
    until(lambda: checkpoint_epoch(project) > 20, process)
    os.kill(script_under(process, "train.py"), signal.SIGKILL)
    told = {"code": process.wait(PATIENCE), "published": project.results(WEIGHTS).exists()}

    told["first kill"] = checkpoint_epoch(project)
    process = project.start(f"results/{WEIGHTS}", *OPTIONS)
    until(lambda: checkpoint_epoch(project) > told["first kill"] + 20, process)
    script = script_under(process, "train.py")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)
    until_gone(script)
    told["second kill"] = checkpoint_epoch(project)
    told["second log"] = project.log("killed/train/tanh/seeds-0-1.log")

    told["locked"] = project.snakemake(f"results/{WEIGHTS}", *OPTIONS, fails=True)
    told["unlocked"] = project.snakemake("--unlock", *OPTIONS)
    told["again"] = project.snakemake(f"results/{WEIGHTS}", *OPTIONS)
    told["third log"] = project.log("killed/train/tanh/seeds-0-1.log")
    return project, told


def until_gone(pid):
    end = time.monotonic() + PATIENCE
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < end
        time.sleep(0.02)


def resumed_after(log):
    """The epoch that a log says training was resumed after."""
    return int(re.search(r"tanh.*resumed after epoch (\d+)", log)[1])


def test_killed_training_fails_and_publishes_nothing(story):
    _, told = story
    assert told["code"] == 1
    assert not told["published"]


def test_killed_training_resumes_after_its_last_checkpoint(story):
    _, told = story
    assert resumed_after(told["second log"]) == told["first kill"] > 20
    assert resumed_after(told["third log"]) == told["second kill"] > told["first kill"]


def test_killed_snakemake_leaves_a_lock_and_says_what_to_type(story):
    _, told = story
    assert "--unlock" in told["locked"]
    assert "Traceback" not in told["locked"]
    assert "Unlock" in told["unlocked"]


def test_killed_training_ends_with_the_same_bits(story, undisturbed, assert_same_bits):
    project, _ = story
    assert_same_bits(project.results(WEIGHTS), undisturbed().results(WEIGHTS))
    assert not project.results(f"{WEIGHTS}.partial").exists()


def test_killed_estimate_ends_with_the_same_bits(story, undisturbed, assert_same_bits):
    project, _ = story
    process = project.start(f"results/{KDE}", *OPTIONS)
    log = project.root / "logs/killed/estimate_information/tanh/kde/seeds-0-1.log"
    until(log.exists, process)  # it is there once the script's imports are done
    time.sleep(0.1)
    os.kill(script_under(process, "estimate_information.py"), signal.SIGKILL)
    assert process.wait(PATIENCE) == 1
    assert not project.results(KDE).exists()

    project.snakemake(f"results/{KDE}", *OPTIONS)
    assert_same_bits(project.results(KDE), undisturbed().results(KDE))
