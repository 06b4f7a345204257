"""The workflow on a real SLURM: where jobs go, and what is left of those that SLURM ends.

A job that has to be ended in the middle is stopped there (SIGSTOP), so that no machine is too
fast for it. What is long runs side by side, in the background.
"""

import getpass
import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.slurm]

OPTIONS = ("--configfile", "experiment.yaml")
WEIGHTS = "killed/runs/tanh/weights/seeds-0-1.zarr.zip"
PATIENCE = 900
"""Seconds that anything here may take on a machine that is busy with other things."""


def until(found, process=None):
    """What `found` gives, once it gives something and while Snakemake runs."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        assert process is None or process.poll() is None, "Snakemake ended before"
        time.sleep(0.1)
    about = (
        ("squeue", "--states=all"),
        ("sinfo", "--list-reasons"),
        ("scontrol", "show", "jobs"),
    )
    raise TimeoutError("\n".join(["waited in vain", *(slurm(*command) for command in about)]))


def slurm(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def states(project):
    """Job ids of the project and their states, of jobs that SLURM remembers."""
    lines = slurm("squeue", "--states=all", "--noheader", "--format=%i %T %Z").splitlines()
    rows = [line.split(maxsplit=2) for line in lines]
    return {job: state for job, state, place in rows if place == str(project.root)}


def running(project):
    return [job for job, state in states(project).items() if state == "RUNNING"]


def scripts(project, name):
    """Process ids of a script of the project's jobs."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            place = (folder / "cwd").readlink()
        except OSError:
            continue  # it has ended meanwhile
        if place == project.root and any(word.endswith(f".{name}") for word in words[:2]):
            found.append(int(folder.name))
    return found


def checkpoint_epoch(project):
    """The epoch of the journal's checkpoint, −1 where there is none."""
    for file in project.root.glob("results/*/runs/*/weights/*.partial/checkpoint.npz"):
        try:
            with np.load(file) as checkpoint:
                return int(checkpoint["state/epoch"])
        except FileNotFoundError:
            pass  # it was moved into place meanwhile
    return -1


def stopped_in_the_middle(project, process):
    """Stop the training between two epochs; the epoch of its last checkpoint.

    SLURM has a job go on (SIGCONT) before it ends it, so that it may get an epoch further.
    """
    until(lambda: checkpoint_epoch(project) > 20, process)
    (script,) = until(lambda: scripts(project, "train.py"), process)
    os.kill(script, signal.SIGSTOP)
    until(lambda: stands_still(script), process)  # on a busy machine a moment later
    return checkpoint_epoch(project)


def stands_still(pid):
    """Whether a signal to stop has reached every thread of a process."""
    stats = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in stats)


def resumed_after(project):
    """The epoch that the last training's log says it was resumed after."""
    log = project.log("killed/train/tanh/seeds-0-1.log")
    return int(re.search(r"resumed after epoch (\d+)", log)[1])


@pytest.fixture(scope="module")
def started():
    """A function that starts Snakemake in the background; what still runs at the end, ends."""
    processes = []

    def start(project, *arguments):
        processes.append(project.start(*arguments))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    slurm("scancel", f"--user={getpass.getuser()}")


# --- The default experiment, in fewer epochs and seeds.


@pytest.fixture(scope="module")
def default(fresh):
    """The shape of config/config.yaml; torch trains its tanh networks, on GPUs if it may, and
    compiled loops its ReLU networks, which need none."""
    project = fresh()
    config = yaml.safe_load((project.root / "config/config.yaml").read_text())
    config["defaults"]["training"]["epochs"] = 30
    config["defaults"]["measure"]["epochs"]["number"] = 8
    config["defaults"]["seeds"] = config["defaults"]["seeds_per_block"] = 2
    config["runs"]["tanh"]["training"] = {"kernel": "torch"}
    config["runs"]["relu"]["measure"] = {"device": "cpu"}
    return config


@pytest.fixture(scope="module")
def local(fresh, default, started):
    """The same by this machine alone; made while SLURM works."""
    project = fresh()
    project.configure(default)
    process = started(project, *OPTIONS)

    def finished():
        assert process.wait(PATIENCE) == 0
        return project

    return finished


@pytest.fixture(scope="module")
def submitted(submitting, default, local):
    project = submitting()
    project.configure(default)
    return project, project.snakemake(*OPTIONS)


def test_default_experiment_ends_in_the_bits_of_a_local_run(submitted, local, assert_same_bits):
    project, _ = submitted
    assert project.results("default/report.html").exists()
    stores = sorted(local().results().glob("default/runs/*/**/seeds-0-1.zarr.zip"))
    assert len(stores) == 6
    for store in stores:
        assert_same_bits(project.root / store.relative_to(local().root), store)


def rules_of(said):
    """Rule of every job that was submitted, by SLURM's job id, from what Snakemake said."""
    return dict(re.findall(r"SLURM jobid (\d+) \(log: \S*/rule_(\w+)/", said))


def test_only_training_and_estimating_are_submitted(submitted):
    _, said = submitted
    assert sorted(rules_of(said).values()) == ["estimate_information"] * 4 + ["train"] * 2


def test_jobs_for_a_gpu_and_no_others_go_to_its_partition(submitted, cluster):
    project, said = submitted
    rules = rules_of(said)
    places = {}
    for job in cluster(project):
        assert job["JobState"] == "COMPLETED"
        assert (job["Partition"], job["NodeList"]) in {("cpu", "cpu1"), ("gpu", "gpu1")}
        places.setdefault(rules[job["JobId"]], []).append(job["Partition"])
    assert sorted(places["train"]) == ["cpu", "gpu"]  # relu, tanh
    assert places["estimate_information"] == ["cpu"] * 4  # neither trains networks


def test_log_of_a_failed_job_is_shown(submitting, default):
    project = submitting("--retries", "0")
    target = "results/default/runs/tanh/weights/seeds-0-1.zarr.zip"
    project.configure(default, {"runs.tanh.training": {"device": "cuda"}})
    said = project.snakemake(target, *OPTIONS, fails=True)
    assert "RuntimeError: device: cuda, but torch sees no CUDA GPU here" in said
    assert "logs/default/train/tanh/seeds-0-1.log" in said


# --- Learners that do not classify.


@pytest.fixture(scope="module")
def learners():
    """A GAN, and players of tic-tac-toe, whose seeds are jobs of their own."""
    return {
        "experiment": "learners",
        "datasets": {
            "digits": {"source": "digits", "size": 200},
            "ring": {"source": "ring", "n": 300},
            "ttt": {"source": "game", "game": "tic_tac_toe"},
        },
        "estimators": {"binned": {"estimator": "binned"}},
        "defaults": {
            "measure": {"epochs": {"schedule": "list", "epochs": [0, 2]}, "device": "cpu"},
            "seeds": 2,
        },
        "runs": {
            "gan": {
                "dataset": "ring",
                "network": {"hidden": [5]},
                "training": {
                    "trainer": "gan",
                    "generator": {"hidden": [5]},
                    "latent": 2,
                    "epochs": 2,
                    "device": "cpu",
                },
                "measure": {"probe": "real_or_fake"},
            },
            "play": {
                "dataset": "ttt",
                "network": {
                    "family": "policy_value",
                    "trunk": {"kind": "dense", "units": [8]},
                },
                "training": {
                    "trainer": "selfplay",
                    "epochs": 2,
                    "games": 2,
                    "simulations": 5,
                    "evaluation": {"games": 2, "positions": 5},
                    "device": "cpu",
                },
                "measure": {"probe": "positions", "label": "choice"},
            },
        },
        "compare": {
            "families": {
                "family": {
                    "dataset": "digits",
                    "network": {"hidden": [5]},
                    "training": {"epochs": 2, "device": "cpu"},
                    "seeds": 2,
                }
            },
            "axes": {"training.batch_size": [32, 128]},
            "measure": {"device": "cpu"},
            "resamples": 20,
        },
        "figures": {},
    }


def test_a_gan_self_play_and_a_family_end_in_the_bits_of_a_local_run(
    submitting, fresh, learners, started, assert_same_bits
):
    project, alone = submitting(), fresh()
    for place in (project, alone):
        place.configure(learners)
    process = started(alone, *OPTIONS)
    said = project.snakemake(*OPTIONS)
    assert process.wait(PATIENCE) == 0
    # one job for the seeds of a GAN, one for each that plays
    rules = ["compare_networks", *["estimate_information"] * 3, "measure_signals"]
    assert sorted(rules_of(said).values()) == [*rules, *["train"] * 3, "train_family"]
    stores = sorted(alone.results().glob("learners/runs/*/**/seeds-*.zarr.zip"))
    assert len(stores) == 8
    for store in stores:
        assert_same_bits(project.root / store.relative_to(alone.root), store)
    scores = "learners/compare/scores.csv"
    assert project.results(scores).read_bytes() == alone.results(scores).read_bytes()


# --- Work that is divided, and work that is shared.


def test_shards_are_jobs_and_together_the_bits_of_one(
    submitting, fresh, killed, assert_same_bits
):
    target = "results/killed/runs/tanh/information/kde/seeds-0-1.zarr.zip"
    project, alone = submitting(), fresh()
    project.configure(killed, {"defaults.shards": 2})
    said = project.snakemake(target, *OPTIONS)
    wanted = ["estimate_information", "estimate_part", "estimate_part", "train"]
    assert sorted(rules_of(said).values()) == wanted
    alone.configure(killed)
    cache = str(project.results(".cache"))
    alone.snakemake(target, *OPTIONS, INFOPLANE_CACHE=cache)
    assert "taken from the cache" in alone.log("killed/train/tanh/seeds-0-1.log")
    assert_same_bits(project.root / target, alone.root / target)


def test_two_working_directories_train_once(submitting, killed, started, tmp_path):
    """Submitted at the same time: one of the two jobs trains, the other one waits for it."""
    cache = {"INFOPLANE_CACHE": str(tmp_path / "cache")}
    projects = []
    for project in (submitting(), submitting()):
        project = replace(project, environment=project.environment | cache)
        project.configure(killed)
        projects.append((project, started(project, f"results/{WEIGHTS}", *OPTIONS)))
    for _, process in projects:
        assert process.wait(PATIENCE) == 0
    logs = [project.log("killed/train/tanh/seeds-0-1.log") for project, _ in projects]
    assert sum("taken from the cache" in log for log in logs) == 1
    assert sum("401 epoch in" in log for log in logs) == 1


# --- Jobs that SLURM ends: each story is told to its end before its test looks at it.


@pytest.fixture(scope="module")
def killed(tiny):
    """A training of some seconds by torch's operators, on all of the data set, of no GPU."""
    training = {"batch_size": 256, "epochs": 400, "device": "cpu", "kernel": "torch"}
    defaults = {
        **tiny["defaults"],
        "training": training,
        "checkpoint_seconds": 0.3,
        "seeds": 2,
    }
    run = {"network": {"activation": "tanh", "hidden": [10, 7, 5, 4, 3]}}
    data = {"szt": {"source": "szt"}}
    own = {"experiment": "killed", "datasets": data, "defaults": defaults, "figures": {}}
    return {**tiny, **own, "runs": {"tanh": run}}


@pytest.fixture(scope="module")
def undisturbed(fresh, killed, started):
    project = fresh()
    project.configure(killed)
    process = started(project, f"results/{WEIGHTS}", *OPTIONS)

    def finished():
        assert process.wait(PATIENCE) == 0
        return project.results(WEIGHTS)

    return finished


@pytest.fixture(scope="module")
def late(submitting, killed, started):
    """A training that stands still until its minute is over; begun first, it takes longest."""
    # Retries to spare: on a busy machine a minute may be over before training begins.
    project = submitting("--set-resources", "train:runtime=attempt", "--retries", "5")
    project.configure(killed)
    process = started(project, f"results/{WEIGHTS}", *OPTIONS)
    epoch = stopped_in_the_middle(project, process)
    return project, process, epoch


def test_cancelled_training_is_resumed_to_the_same_bits(
    late, submitting, killed, undisturbed, started, assert_same_bits
):
    project = submitting("--retries", "0")
    project.configure(killed)
    process = started(project, f"results/{WEIGHTS}", *OPTIONS)
    epoch = stopped_in_the_middle(project, process)
    slurm("scancel", *running(project))
    assert process.wait(PATIENCE) == 1
    assert not project.results(WEIGHTS).exists()
    left = checkpoint_epoch(project)
    assert left >= epoch

    project.snakemake(f"results/{WEIGHTS}", *OPTIONS)
    assert resumed_after(project) == left
    assert_same_bits(project.results(WEIGHTS), undisturbed())


def test_training_over_its_memory_is_tried_again_with_more(
    late, submitting, killed, undisturbed, cluster, assert_same_bits
):
    project = submitting("--set-resources", "train:mem_mb=150 if attempt == 1 else 4000")
    project.configure(killed)
    project.snakemake(f"results/{WEIGHTS}", *OPTIONS)
    assert_same_bits(project.results(WEIGHTS), undisturbed())
    ends = [(job["JobState"], job["Tres"].split(",")[1]) for job in cluster(project)]
    assert ends == [("FAILED", "mem=150M"), ("COMPLETED", "mem=4000M")]


def steps_of(job):
    """What SLURM's daemons on the nodes still run of a job."""
    found = ["pgrep", "--full", rf"^slurmstepd: \[{job}\."]
    return subprocess.run(found, capture_output=True, text=True).stdout.split()


def state_of_gpu1():
    return slurm("sinfo", "--noheader", "--nodes=gpu1", "--format=%T").strip()


def set_gpu1(state):
    slurm("scontrol", "update", "nodename=gpu1", f"state={state}", "reason=test")


def ended(process, job):
    """Whether Snakemake has ended. Where SLURM started the job on a node that still cleaned up,
    it drained the node; then node and job go on, as an administrator would have them."""
    time.sleep(1)
    if state_of_gpu1() in ("drained", "down"):
        set_gpu1("resume")
        until(lambda: not steps_of(job), process)
        slurm("scontrol", "release", job)
        slurm("scontrol", "update", f"jobid={job}", "starttime=now")
    return process.poll() is not None


@pytest.fixture
def on_gpu1(submitting, killed, started):
    """A training stopped in the middle on the node gpu1, which takes jobs again afterwards."""
    project = submitting()
    project.configure(killed, {"defaults.training.device": "auto"})
    process = started(project, f"results/{WEIGHTS}", *OPTIONS)
    epoch = stopped_in_the_middle(project, process)
    yield project, process, epoch
    if state_of_gpu1() in ("draining", "drained", "down"):
        set_gpu1("resume")


def test_training_on_a_node_that_is_drained_ends_there(
    late, on_gpu1, undisturbed, cluster, assert_same_bits
):
    project, process, _ = on_gpu1
    set_gpu1("drain")
    assert state_of_gpu1() == "draining"
    for script in scripts(project, "train.py"):
        os.kill(script, signal.SIGCONT)
    assert process.wait(PATIENCE) == 0
    assert state_of_gpu1() == "drained"
    assert_same_bits(project.results(WEIGHTS), undisturbed())
    assert [job["NodeList"] for job in cluster(project)] == ["gpu1"]


def test_training_on_a_node_that_fails_is_resumed_to_the_same_bits(
    late, on_gpu1, undisturbed, cluster, assert_same_bits
):
    """SLURM itself queues the job again, and runs it once there is a node."""
    project, process, epoch = on_gpu1
    set_gpu1("down")
    until(lambda: set(states(project).values()) == {"PENDING"}, process)
    until(lambda: not scripts(project, "train.py"), process)
    assert not project.results(WEIGHTS).exists()
    left = checkpoint_epoch(project)
    assert left >= epoch
    (job,) = states(project)
    # A node that still cleans up after a job does not start it again, and is drained for it.
    until(lambda: not steps_of(job), process)
    set_gpu1("resume")
    slurm("scontrol", "update", f"jobid={job}", "starttime=now")  # not in two minutes
    until(lambda: ended(process, job))
    assert process.returncode == 0
    assert resumed_after(project) == left
    assert_same_bits(project.results(WEIGHTS), undisturbed())
    first, *refused, last = [job["JobState"] for job in cluster(project)]
    assert (first, last) == ("NODE_FAIL", "COMPLETED")
    assert set(refused) <= {"PENDING"}  # starts on a node that still cleaned up


def test_training_over_its_time_is_resumed_to_the_same_bits(
    late, undisturbed, cluster, assert_same_bits
):
    project, process, epoch = late
    assert process.wait(PATIENCE) == 0
    assert resumed_after(project) >= epoch
    assert_same_bits(project.results(WEIGHTS), undisturbed())
    *earlier, last = [(job["JobState"], job["TimeLimit"]) for job in cluster(project)]
    assert earlier == [("TIMEOUT", str(minutes + 1)) for minutes in range(len(earlier))]
    assert earlier
    assert last == ("COMPLETED", str(len(earlier) + 1))
