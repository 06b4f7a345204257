"""`python -m infoplane.costs`: what was asked for beside what was used."""

import subprocess
import sys

import pytest
import yaml

from infoplane.costs.__main__ import recorded, table

HEAD = "s\th:m:s\tmax_rss\tmax_vms"


@pytest.fixture
def write(tmp_path):
    """A function that writes a benchmark file below benchmarks/costly."""

    def benchmark(name: str, seconds: float, mib: float | str) -> None:
        path = tmp_path / "benchmarks" / "costly" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEAD}\n{seconds}\t0:00:00\t{mib}\t0\n")

    return benchmark


def test_recorded_jobs_stand_beside_their_requests(planned, write, tmp_path):
    write("prepare_dataset/szt", 5, 600)
    write("train/run/seeds-0-9", 50, 700)
    write("estimate_information/run/kde/seeds-0-9", 70, 800)
    write("pool_epochs/run/pool/kde", 70, 800)
    write("train/gone/seeds-0-9", 1, 1)  # a run that the experiment no longer has
    write("estimate_information/run/ksg/seeds-0-9", 0.1, "NA")
    jobs = [*recorded(planned(), tmp_path / "benchmarks" / "costly")]
    assert sorted(job.name for job in jobs) == [
        "estimate_information kde",
        "pool_epochs kde",
        "prepare_dataset",
        "train",
    ]
    assert all(min(job.ratios) > 1 for job in jobs)
    (train,) = (job for job in jobs if job.name == "train")
    assert train.mb == pytest.approx(700 * 1.048576)
    assert len(table(jobs)) == 2 + 4


def test_a_job_that_used_more_is_named_and_fails(written, write, tmp_path):
    write("train/run/seeds-0-9", 50, 90_000)
    (tmp_path / "costly.yaml").write_text(yaml.safe_dump(written))
    done = subprocess.run(
        [sys.executable, "-m", "infoplane.costs", "costly.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "train: used 94372 MB" in done.stdout
