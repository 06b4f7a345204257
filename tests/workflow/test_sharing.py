"""Equal networks train once: under two names, in two experiments, in two folders."""

import shutil

import pandas as pd
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

OPTIONS = ("--configfile", "experiment.yaml")
WEIGHTS = "runs/{}/weights/seeds-0-1.zarr.zip"


def trained(said):
    return said.count(": train ")


def test_equal_runs_under_two_names_train_once(copy, tiny):
    """Their weights stand under the first name; more seeds of the second train beside them."""
    measure = {"epochs": {"schedule": "list", "epochs": [0, 6]}, "device": "cpu"}
    twin = {"network": {"activation": "tanh"}, "measure": measure}
    copy.configure(tiny, {"runs.twin": twin, "figures": {}})
    said = copy.snakemake("--dry-run", "run_twin", *OPTIONS)
    assert trained(said) == 0
    copy.configure(tiny, {"runs.twin": {**twin, "seeds": 5}, "figures": {}})
    said = copy.snakemake("figure_training_curves", *OPTIONS)
    assert trained(said) == 1
    home = copy.results("tiny/runs")
    assert not (home / "twin/weights").exists()
    assert (home / "tanh/weights/seeds-3-4.zarr.zip").exists()
    assert (pd.read_csv(home / "twin/figures/training_curves.csv").n_seeds == 5).all()
    said = copy.snakemake("--dry-run", "run_tanh", *OPTIONS)
    assert "Nothing to be done" in said


def test_two_experiments_in_one_folder_train_once(copy, tiny, finished, assert_same_bits):
    copy.configure(tiny, {"experiment": "another", "runs.relu.seeds": [0, 1]})
    name = WEIGHTS.format("tanh")
    copy.snakemake(f"results/another/{name}", *OPTIONS)
    assert "taken from the cache" in copy.log("another/train/tanh/seeds-0-1.log")
    assert "taken from the cache" in copy.log("another/prepare_dataset/szt.log")
    assert_same_bits(copy.results("another", name), finished.results("tiny", name))
    # and a run that was renamed, or removed with its results
    shutil.rmtree(copy.results("another"))
    copy.snakemake(f"results/another/{name}", *OPTIONS)
    assert_same_bits(copy.results("another", name), finished.results("tiny", name))


def test_two_working_directories_share_what_one_has_made(
    fresh, tiny, tmp_path, pool, assert_same_bits
):
    """Two people at once, on one file system: one trains, the other waits for it."""
    projects = [fresh(), fresh()]
    name = WEIGHTS.format("tanh")
    for project, experiment in zip(projects, ("mine", "yours"), strict=True):
        project.configure(tiny, {"experiment": experiment})
    cache = {"INFOPLANE_CACHE": str(tmp_path / "cache")}
    calls = [
        pool.submit(project.snakemake, f"results/{experiment}/{name}", *OPTIONS, **cache)
        for project, experiment in zip(projects, ("mine", "yours"), strict=True)
    ]
    for call in calls:
        call.result()
    mine, yours = (
        project.results(experiment, name)
        for project, experiment in zip(projects, ("mine", "yours"), strict=True)
    )
    assert_same_bits(mine, yours)
    logs = [
        project.log(f"{experiment}/train/tanh/seeds-0-1.log")
        for project, experiment in zip(projects, ("mine", "yours"), strict=True)
    ]
    assert sum("taken from the cache" in log for log in logs) == 1
    assert sum("7 epoch in" in log for log in logs) == 1  # epochs 0 … 6 of the other
    assert not (projects[0].root / "results/.cache").exists()


def test_a_cache_that_is_off_keeps_nothing(fresh, tiny):
    project = fresh()
    project.configure(tiny)
    project.snakemake("results/tiny/datasets/szt.zarr.zip", *OPTIONS, INFOPLANE_CACHE="off")
    assert not project.results(".cache").exists()
