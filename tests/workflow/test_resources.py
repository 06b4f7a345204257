"""What jobs ask for, as Snakemake says it."""

import json
import re
from copy import deepcopy

import pytest

from infoplane.config import load
from infoplane.costs import request
from infoplane.plan.plan import Plan

pytestmark = pytest.mark.workflow

ONCE = """
    asked = {name: snakemake.resources[name] for name in ("mem_mb", "runtime")}
    Path("asked.json").write_text(json.dumps(asked))
    if not Path("failed.txt").exists():
        Path("failed.txt").touch()
        raise RuntimeError("once")
"""
"""The last lines of a script's `with job(…)`."""
WITH_GPU = {"train": 1, "regenerate_activations": 1, "estimate_information": 0}


def asked_in(plan: str) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """(rule, wildcards, resources) of the jobs of a dry run."""
    found = []
    for job in re.split(r"\n(?=rule )", plan)[1:]:
        lines = dict(re.findall(r"^    (wildcards|resources): (.*)$", job, re.MULTILINE))
        parts = [
            dict(p.split("=", 1) for p in lines[k].split(", ")) if k in lines else {}
            for k in ("wildcards", "resources")
        ]
        found.append((re.match(r"rule (\w+)", job)[1], *parts))
    return found


def test_every_job_asks_for_what_the_plan_says(fresh, tiny):
    project = fresh()
    for file in project.root.glob("workflow/rules/*.smk"):
        # Snakemake lists a job's resources where its rule has no message.
        text = re.sub(r"    message:\n        \".*\"\n", "", file.read_text())
        file.write_text(text)
    tiny = deepcopy(tiny)  # other tests take it as it was
    tiny["defaults"]["training"]["device"] = tiny["defaults"]["measure"]["device"] = "auto"
    tiny["defaults"]["training"]["kernel"] = "torch"
    tiny["runs"]["relu"]["measure"] = {"share_activations": "always"}
    file = project.configure(tiny)
    jobs = asked_in(project.snakemake("--configfile", file, "-n"))

    assert {"prepare_dataset", "report", "draw_run"} < {rule for rule, _, _ in jobs}
    plan = Plan(load(tiny, file), project.results("tiny"))
    of_rule = {
        "prepare_dataset": plan.datasets,
        "train": plan.weights,
        "regenerate_activations": plan.activations,
        "estimate_information": plan.information,
        "draw_run": plan.figures,
        "draw_comparisons": plan.comparisons,
        "report": plan.report,
    }
    assert of_rule.keys() < {rule for rule, _, _ in jobs}
    for rule, wildcards, resources in jobs:
        if rule == "all":
            continue
        asked = int(resources["mem_mb"]), int(resources["runtime"])
        assert min(asked) > 0, rule
        if rule in of_rule:
            assert asked == request(of_rule[rule].cost(**wildcards)), rule
        if rule in WITH_GPU:
            assert int(resources["gpu"]) == WITH_GPU[rule], rule
        else:
            assert "gpu" not in resources, rule


def test_a_further_attempt_asks_for_twice_of_it(fresh, tiny):
    project = fresh()
    file = project.configure(tiny)
    project.edit("workflow/scripts/prepare_dataset.py", ONCE)
    store = "results/tiny/datasets/szt.zarr.zip"
    project.snakemake(store, "--configfile", file, "--retries", "1")
    found = json.loads(project.root.joinpath("asked.json").read_text())
    plan = Plan(load(tiny, file), project.results("tiny"))
    again = request(plan.datasets.cost(dataset="szt"), attempt=2)
    assert (found["mem_mb"], found["runtime"]) == again
    assert again.mb > request(plan.datasets.cost(dataset="szt")).mb


def test_a_plan_imports_no_torch(fresh, tiny):
    """Two Snakemakes are in the memory of every job on a cluster."""
    project = fresh()
    file = project.configure(tiny)
    said = project.snakemake("-n", "--configfile", file, PYTHONPROFILEIMPORTTIME="1")
    imported = set(re.findall(r"\| +([\w.]+)$", said, re.MULTILINE))
    assert "infoplane.estimators.kernels.pairwise" in imported  # by kde
    assert not {name for name in imported if name.split(".")[0] == "torch"}
