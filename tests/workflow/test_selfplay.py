"""A self-play run, whole: killed and resumed, in shards, its status and its figures."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.workflow.test_kills import script_under, until

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds jobs in /proc"),
]

OPTIONS = ("--configfile", "experiment.yaml")
WEIGHTS = "play/runs/value/weights/seeds-1-1.zarr.zip"
INFORMATION = [
    f"play/runs/{run}/information/exact/seeds-0-0.zarr.zip" for run in ("value", "choice")
]
PLAY = {
    "experiment": "play",
    "datasets": {
        "nim": {"source": "game", "game": "nim", "parameters": {"pile_sizes": "1;2;3"}}
    },
    "estimators": {"exact": {"estimator": "exact"}},
    "defaults": {
        "dataset": "nim",
        "network": {
            "family": "policy_value",
            "trunk": {"kind": "dense", "units": [8]},
            "quantisation": {"bits": 4},
        },
        "training": {
            "trainer": "selfplay",
            "epochs": 60,
            "games": 6,
            "simulations": 20,
            "buffer": 100,
            "steps": 10,
            "evaluation": {"every": 20, "games": 4, "positions": 5},
            "device": "cpu",
        },
        "seeds": 2,
        "checkpoint_seconds": 0.3,
        "measure": {
            "probe": "positions",
            "epochs": {"schedule": "list", "epochs": [0, 20, 60]},
            "device": "cpu",
        },
    },
    "runs": {
        "value": {"measure": {"label": "value"}},
        "choice": {"measure": {"label": "choice"}},
    },
}


@pytest.fixture(scope="module")
def whole(fresh):
    """The experiment, made without a kill."""
    project = fresh()
    project.configure(PLAY)
    project.snakemake(*OPTIONS)
    return project


def test_one_training_of_a_job_a_seed_serves_both_labels(whole):
    weights = whole.results("play/runs/value/weights")
    assert sorted(path.name for path in weights.iterdir() if not path.name.startswith(".")) == [
        "seeds-0-0.zarr.zip",
        "seeds-1-1.zarr.zip",
    ]
    assert not whole.results("play/runs/choice/weights").exists()
    for run in ("value", "choice"):
        assert list(whole.results(f"play/runs/{run}").rglob("information_plane*.png"))


def test_killed_self_play_ends_with_the_same_bits(whole, fresh, assert_same_bits):
    project = fresh()
    project.configure(PLAY)
    process = project.start(f"results/{WEIGHTS}", *OPTIONS)
    partial = project.results(f"{WEIGHTS}.partial")
    until(lambda: (partial / "1.games.rows").exists(), process)
    os.kill(script_under(process, "train.py"), signal.SIGKILL)
    assert process.wait(240) == 1 and not project.results(WEIGHTS).exists()
    project.snakemake(f"results/{WEIGHTS}", *OPTIONS)
    assert "resumed after epoch" in project.log("play/train/value/seeds-1-1.log")
    assert_same_bits(project.results(WEIGHTS), whole.results(WEIGHTS))


def test_shards_of_positions_change_no_bit(whole, fresh, assert_same_bits):
    project = fresh()
    project.configure(PLAY, {"defaults.shards": 2})
    shutil.copytree(whole.root / "results", project.root / "results", dirs_exist_ok=True)
    for run in ("value", "choice"):
        shutil.rmtree(project.results(f"play/runs/{run}/information"))
    said = project.snakemake(*(f"results/{store}" for store in INFORMATION), *OPTIONS)
    assert said.count("estimate part ") == 4
    for store in INFORMATION:
        assert_same_bits(project.results(store), whole.results(store))


def test_status_tells_of_self_play(whole):
    command = [sys.executable, "-m", "infoplane.status", *OPTIONS]
    done = subprocess.run(command, cwd=whole.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2 of 2 blocks  60 of 60") == 2
    assert re.search(r"exact +4 of 4", done.stdout)
