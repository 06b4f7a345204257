"""The small experiment that faults happen to, undisturbed once, and copies of it.

Its jobs leave what Snakemake gave them beside the project, so that they can be run again
without it, in a process that has its imports behind it: a kill every second, not every minute.
"""

import os
import pickle
import runpy
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults import here
from tests.faults.bits import contents
from tests.workflow.conftest import PARTS, REPOSITORY, TINY, Project

SMALL = {
    "experiment": "small",
    "datasets": {"szt": {"source": "szt", "size": 1024, "training_fraction": 0.75}},
    "estimators": TINY["estimators"],
    "defaults": {
        "dataset": "szt",
        "network": {"hidden": [7, 5, 3]},
        "training": {"batch_size": 64, "epochs": 100, "device": "cpu"},
        "measure": {"epochs": {"schedule": "logarithmic", "number": 24}, "device": "cpu"},
        "checkpoint_seconds": 0.01,
    },
    "runs": {
        "tanh": {
            "network": {"activation": "tanh"},
            "seeds": 3,
            "seeds_per_block": 2,
            "pools": {"late": {"lengths": [1, 4], "estimators": ["binned"]}},
        },
        "relu": {
            "network": {"activation": "relu"},
            "seeds": [0],
            "measure": {"share_activations": "always"},
            "estimators": ["binned"],
            "shards": 2,
        },
    },
    "figures": {},
}
CONFIG = ("--configfile", "experiment.yaml")
HOME = "results/small"
WANTED = [
    f"{HOME}/runs/tanh/figures",
    f"{HOME}/runs/relu/information/binned/seeds-0-0.zarr.zip",
]
"""A store of every kind comes about on the way to these."""

RECORD = """

_job = job


@contextmanager
def job(snakemake):
    import os
    import pickle

    if place := os.environ.get("RECORDED"):
        name = "-".join([snakemake.rule, *snakemake.wildcards])
        script = sys.argv[0].rpartition("/")[2].partition(".")[2]  # tmp….train.py
        Path(place, f"{name}.pickle").write_bytes(pickle.dumps((script, snakemake)))
    with _job(snakemake):
        yield
"""


class Disturbed(Project):
    """A project in which Snakemake may fail."""

    def ends(self, *arguments: str) -> tuple[int, str]:
        """Snakemake's exit code and all that it says, in a fork of this process."""
        said = self.root / f"said-{time.monotonic_ns()}.txt"
        process = here.start(said, self.root, self.environment, here.snakemake, arguments)
        process.join()
        return process.exitcode, said.read_text()


@dataclass(frozen=True)
class Undisturbed:
    """The experiment, finished. jobs: a folder of what its jobs were given; expected: all
    that it says, by path below results/small."""

    project: Project
    jobs: Path
    expected: dict[str, object]

    def copy(self, root: Path) -> "Disturbed":
        """The same in another place, where faults may happen."""
        shutil.rmtree(root, ignore_errors=True)
        return Disturbed(self.project.copy(root).root, self.project.environment)


def undisturbed(root: Path) -> Undisturbed:
    """Run the experiment once, with its temporary stores kept."""
    here.warm()
    environment = {k: v for k, v in os.environ.items() if k != "INFOPLANE_DATA"}
    environment["INFOPLANE_CACHE"] = "off"  # what is gone is to be made anew, not taken there
    project = Project(root / "undisturbed", environment)
    for part in PARTS:
        source, place = REPOSITORY / part, project.root / part
        place.parent.mkdir(exist_ok=True, parents=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, place)
    jobs = root / "jobs"
    jobs.mkdir()
    project.edit("workflow/scripts/job.py", RECORD)
    project.configure(SMALL)
    recorded = Disturbed(project.root, environment | {"RECORDED": str(jobs)})
    code, said = recorded.ends(*WANTED, "--notemp", *CONFIG)
    assert code == 0, said
    return Undisturbed(project, jobs, contents(project.root / HOME))


@dataclass
class Run:
    """A job in a process of its own."""

    process: object
    said: Path

    def wait(self, seconds: float = 600) -> int:
        """Its exit code."""
        self.process.join(seconds)
        assert not self.process.is_alive(), f"still running after {seconds} s"
        return self.process.exitcode

    def kill(self) -> bool:
        """SIGKILL; whether it was still running."""
        alive = self.process.is_alive()
        if alive:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()
        return alive

    @property
    def text(self) -> str:
        """What it wrote to the terminal."""
        return self.said.read_text()


class Jobs:
    """Jobs of the undisturbed run, run again in any copy of it without Snakemake."""

    def __init__(self, undisturbed: Undisturbed):
        self.place = undisturbed.jobs
        self.environment = undisturbed.project.environment

    def outputs(self, root: Path, name: str) -> list[Path]:
        """The stores and files that a job makes."""
        return [root / output for output in self._given(name)[1].output]

    def start(self, root: Path, name: str, cache: str | Path = "off") -> Run:
        """Run a job in a project. What it makes has to be away, as Snakemake takes it away."""
        said = root / f"said-{name}-{time.monotonic_ns()}.txt"
        environment = self.environment | {"INFOPLANE_CACHE": str(cache)}
        process = here.start(said, root, environment, self._run, root, name)
        return Run(process, said)

    def clear(self, root: Path, name: str) -> None:
        """Take away what a job has made, finished or not."""
        for output in self.outputs(root, name):
            for path in output.parent.glob(f"{output.name}*"):  # its .partial
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _given(self, name: str):
        return pickle.loads((self.place / f"{name}.pickle").read_bytes())

    def _run(self, root: Path, name: str) -> None:
        script, given = self._given(name)
        scripts = root / "workflow" / "scripts"
        sys.path.insert(0, str(scripts))
        runpy.run_path(str(scripts / script), init_globals={"snakemake": given})


def shell(command: str, root: Path) -> None:
    """Do what a message says, word by word."""
    subprocess.run(command, shell=True, cwd=root, check=True)
