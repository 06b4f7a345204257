"""Real Snakemake on tiny experiments, in copies of the project that tests may edit.

A call of Snakemake costs seconds of imports, so one tiny experiment is finished once a session
and copied; what an edit would rerun is read from `snakemake --summary`, which runs nothing.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from zarr.storage import ZipStore

REPOSITORY = Path(__file__).parents[2]
PARTS = ("workflow", "config", "envs/infoplane.yaml")

TINY = {
    "experiment": "tiny",
    "datasets": {"szt": {"source": "szt", "size": 256, "training_fraction": 0.75}},
    "estimators": {
        "binned": {"estimator": "binned", "n_bins": 30, "range": "layer_over_training"},
        "kde": {"estimator": "kde", "noise_variance": 1e-3},
    },
    "defaults": {
        "dataset": "szt",
        "network": {"hidden": [5, 3]},
        "training": {"batch_size": 64, "epochs": 6, "device": "cpu"},
        "measure": {"epochs": {"schedule": "list", "epochs": [0, 2, 6]}, "device": "cpu"},
        "seeds": 3,
        "seeds_per_block": 2,
    },
    "runs": {
        "tanh": {"network": {"activation": "tanh"}},
        "relu": {"network": {"activation": "relu"}, "seeds": [0]},
    },
    "figures": {"comparisons": {"tanh-vs-relu": ["tanh", "relu"]}},
}


@dataclass
class Project:
    """A copy of the project in a folder of its own."""

    root: Path
    environment: dict[str, str]
    options: tuple[str, ...] = ("--cores", "2")
    """Of every call of Snakemake, after its arguments."""
    patience: float = 600
    """Seconds that a call may take."""

    def configure(self, config: dict, changes=(), name: str = "experiment.yaml") -> str:
        """Write a configuration with other values at dotted keys; its file's name."""
        config = deepcopy(config)
        for key, value in dict(changes).items():
            *above, last = key.split(".")
            place = config
            for part in above:
                place = place.setdefault(part, {})
            place[last] = value
        (self.root / name).write_text(yaml.safe_dump(config, sort_keys=False))
        return name

    def command(self, *arguments: str) -> list[str]:
        """Targets come first: --configfile takes all the words that follow it."""
        return [sys.executable, "-m", "snakemake", *arguments, *self.options]

    def snakemake(self, *arguments: str, fails: bool = False, **environment: str) -> str:
        """Everything that Snakemake says; it has to succeed, or to fail where `fails`."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.patience,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen:
        """Snakemake in the background, the leader of a process group; it says nothing."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def summary(self, *arguments: str) -> list[dict[str, str]]:
        """Snakemake's own table of what is there and what it would make: a row an output."""
        done = subprocess.run(
            self.command(*arguments, "--summary"),
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.patience,
        )
        assert done.returncode == 0, done.stderr
        head, *lines = done.stdout.splitlines()
        keys = head.split("\t")
        return [dict(zip(keys, line.split("\t"), strict=True)) for line in lines]

    def plan(self, *arguments: str) -> set[str]:
        """What Snakemake would make, below results/, without its tables."""
        pending = [
            row["output_file"].removeprefix("results/")
            for row in self.summary(*arguments)
            if row["plan"] != "no update"
        ]
        return {path for path in pending if not path.endswith((".csv", ".json", "/checks"))}

    def results(self, *parts: str) -> Path:
        return self.root.joinpath("results", *parts)

    def log(self, *parts: str) -> str:
        return self.root.joinpath("logs", *parts).read_text()

    def edit(self, file: str, line: str = "\nedited = True\n") -> None:
        """Append to a file of the copy."""
        path = self.root / file
        path.write_text((path.read_text() if path.exists() else "") + line)

    def forget(self) -> None:
        """Take away what Snakemake remembers: results of a colleague, or of a clone."""
        shutil.rmtree(self.root / ".snakemake")

    def copy(self, root: Path) -> "Project":
        """The same, modification times included, in another place."""
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root, self.environment)


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Of the subprocesses: the machine's, without its data sets."""
    chosen = {k: v for k, v in os.environ.items() if k != "INFOPLANE_DATA"}
    # Dozens of processes would each compile the library again.
    chosen.pop("PYTHONDONTWRITEBYTECODE", None)
    return chosen


@pytest.fixture(scope="session")
def fresh(tmp_path_factory, environment):
    """A function that gives a fresh copy of the project, without results."""

    def copied() -> Project:
        root = tmp_path_factory.mktemp("project")
        for part in PARTS:
            source, place = REPOSITORY / part, root / part
            place.parent.mkdir(exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, place)
        return Project(root, environment)

    return copied


@pytest.fixture(scope="session")
def pool():
    """Two workers for calls of Snakemake that do not depend on each other."""
    with ThreadPoolExecutor(2) as workers:
        yield workers
        workers.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def tiny() -> dict:
    """The configuration of the tiny experiment: to be changed by `Project.configure`."""
    return deepcopy(TINY)


@pytest.fixture(scope="session")
def finished(fresh, tiny) -> Project:
    """The tiny experiment, finished. Tests read it; those that change it copy it first.

    Its library leaves the place from which it was imported in imported.txt; a package's
    __init__ takes part in no digest.
    """
    project = fresh()
    record = (
        "\nimport os\n"
        "with open(os.environ.get('IMPORTED', os.devnull), 'a') as _file:\n"
        "    _file.write(f'{__file__}\\n')\n"
    )
    project.edit("workflow/infoplane/__init__.py", record)
    imported = str(project.root / "imported.txt")
    project.snakemake("--configfile", project.configure(tiny), IMPORTED=imported)
    return project


@pytest.fixture
def copy(finished, tmp_path) -> Project:
    """A copy of the finished tiny experiment."""
    return finished.copy(tmp_path / "copy")


@pytest.fixture(scope="session")
def arrays_of():
    """A function that gives every array of a store by its path within."""

    def arrays(store: Path) -> dict[str, np.ndarray]:
        tree = xr.open_datatree(ZipStore(store, mode="r"), engine="zarr", consolidated=False)
        return {
            f"{node.path}/{name}": variable.values
            for node in tree.subtree
            for name, variable in node.to_dataset(inherit=False).variables.items()
        }

    return arrays


@pytest.fixture(scope="session")
def assert_same_bits(arrays_of):
    """A function that compares every array of two stores, bit by bit."""

    def compare(store: Path, other: Path) -> None:
        found, expected = arrays_of(store), arrays_of(other)
        assert found.keys() == expected.keys()
        assert found
        for name, array in found.items():
            assert array.dtype == expected[name].dtype, name
            if array.dtype == object:
                assert array.tolist() == expected[name].tolist(), name
            else:
                assert array.tobytes() == expected[name].tobytes(), name

    return compare
