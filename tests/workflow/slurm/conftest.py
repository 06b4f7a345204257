"""The SLURM of `cluster.py`, and projects that submit to it by the users' profile."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROFILE = (
    *("--profile", "workflow/profiles/slurm"),
    # Jobs of tests take seconds, and one machine's files are there at once.
    *("--slurm-init-seconds-before-status-checks", "4", "--latency-wait", "5"),
)


@pytest.fixture(scope="session")
def cluster():
    """A function that gives SLURM's own record of jobs that have ended: a dict a job."""
    done = subprocess.run([sys.executable, HERE / "cluster.py", "status"], capture_output=True)
    if done.returncode:
        pytest.skip("the tests' SLURM does not run here: make test-slurm starts it")
    record = Path("/var/tmp/infoplane-slurm/jobs.txt")

    def jobs(project) -> list[dict[str, str]]:
        lines = record.read_text().splitlines() if record.exists() else []
        found = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]
        return [job for job in found if job["WorkDir"] == str(project.root)]

    return jobs


@pytest.fixture(scope="session")
def submitting(cluster, fresh):
    """A function that gives a fresh project whose calls of Snakemake submit jobs."""

    def project(*options: str):
        return replace(fresh(), options=(*PROFILE, *options), patience=900)

    return project
