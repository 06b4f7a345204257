"""What jobs ask for, seen by Snakemake's own record of them."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from infoplane.config import load
from infoplane.costs import request
from infoplane.costs.plan import Plan

pytestmark = pytest.mark.workflow

ONCE = """
from pathlib import Path
if not Path("failed.txt").exists():
    Path("failed.txt").touch()
    raise SystemExit("once")
"""


@pytest.fixture
def project(fresh):
    """A project with a folder of images, the data set of the user's own."""
    made = fresh()
    drawn = np.random.default_rng(0)
    for name in ("dark", "light"):
        (made.root / "images" / name).mkdir(parents=True)
        for i in range(12):
            pixels = drawn.integers(0, 256, (4, 4), dtype=np.uint8)
            Image.fromarray(pixels).save(made.root / "images" / name / f"{i}.png")
    return made


def asked(project, *parts: str) -> dict:
    """The resources of a job, from its extended benchmark file."""
    path = project.root.joinpath("benchmarks", "tiny", *parts)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    return json.loads(row["resources"].replace("'", '"'))


def test_jobs_ask_for_what_the_plan_says_and_for_twice_of_it_again(project, tiny):
    tiny["datasets"] = {"szt": {"source": "images", "path": "images"}}
    tiny["runs"] = {"relu": {**tiny["runs"]["relu"], "training": {"device": "auto"}}}
    tiny["figures"] = {}
    file = project.configure(tiny)
    project.edit("workflow/scripts/prepare_dataset.py", ONCE)
    target = "results/tiny/runs/relu/weights/seeds-0-0.zarr"
    options = ("--configfile", file, "--retries", "1", "--benchmark-extended")
    project.snakemake(target, *options)

    plan = Plan(load(tiny, file), project.results("tiny"))
    again = request(plan.dataset("szt"), attempt=2)
    found = asked(project, "prepare_dataset", "szt.tsv")
    assert (found["mem_mb"], found["runtime"]) == again
    assert "gpu" not in found
    found = asked(project, "train", "relu", "seeds-0-0.tsv")
    assert (found["mem_mb"], found["runtime"]) == request(plan.training("relu", "seeds-0-0"))
    assert found["gpu"] == 1
