"""A GAN through the whole workflow: killed, resumed, measured in parts, remarked upon."""

import os
import signal
import subprocess
import sys

import pytest
import xarray as xr
from tests.workflow.test_kills import (
    PATIENCE,
    checkpoint_epoch,
    resumed_after,
    script_under,
    until,
)
from zarr.storage import ZipStore

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

OPTIONS = ("--configfile", "experiment.yaml")
WEIGHTS = "killed/runs/tanh/weights/seeds-0-1.zarr.zip"
INFORMATION = [
    f"killed/runs/{run}/information/{by}/seeds-0-1.zarr.zip"
    for run in ("tanh", "made")
    for by in ("binned", "ksg")
]


@pytest.fixture(scope="module")
def experiment():
    """Points on a ring, an affine generator, and a rule that remarks on every seed."""
    return {
        "experiment": "killed",
        "datasets": {"ring": {"source": "ring", "n": 400, "deviation": 0.3}},
        "estimators": {"binned": {"estimator": "binned"}, "ksg": {"estimator": "ksg"}},
        "defaults": {
            "dataset": "ring",
            "network": {"hidden": [8, 4]},
            "training": {
                "trainer": "gan",
                "generator": {"hidden": []},
                "latent": 2,
                "epochs": 500,
                "batch_size": 64,
                "optimizer": {"method": "adam", "learning_rate": 0.001},
                "collapse": {"distance": 100},
                "device": "cpu",
            },
            "measure": {
                "probe": "real_or_fake",
                "subset": 100,
                "epochs": {"schedule": "logarithmic", "number": 7},
                "device": "cpu",
            },
            "checkpoint_seconds": 0.3,
            "seeds": 2,
        },
        "runs": {"tanh": {}, "made": {"measure": {"network": "generator"}}},
        "figures": {},
    }


@pytest.fixture(scope="module")
def whole(fresh, experiment):
    """The experiment without a kill, each measurement in one job."""
    project = fresh()
    project.configure(experiment)
    project.snakemake(*OPTIONS)
    return project


def test_a_killed_gan_that_is_measured_in_parts_ends_with_the_same_bits(
    fresh, experiment, whole, assert_same_bits
):
    project = fresh()
    project.configure(experiment, {"defaults.shards": 2})
    process = project.start(f"results/{WEIGHTS}", *OPTIONS)
    until(lambda: checkpoint_epoch(project) > 20, process)
    os.kill(script_under(process, "train.py"), signal.SIGKILL)
    assert process.wait(PATIENCE) == 1 and not project.results(WEIGHTS).exists()
    at = checkpoint_epoch(project)
    said = project.snakemake(*(f"results/{store}" for store in INFORMATION), *OPTIONS)
    assert said.count("estimate part ") == 2 * len(INFORMATION)
    assert resumed_after(project.log("killed/train/tanh/seeds-0-1.log")) == at
    for store in (WEIGHTS, *INFORMATION):
        assert_same_bits(project.results(store), whole.results(store))


def test_a_remark_is_in_store_figures_report_and_status(whole):
    store = ZipStore(whole.results(WEIGHTS), mode="r")
    tree = xr.open_datatree(store, engine="zarr", consolidated=False)
    remarks = tree["metrics"].attrs["remarks"]
    assert [*remarks] == ["0", "1"] and remarks["0"].startswith("collapsed generator: the mean")
    figures = whole.results("killed/runs/tanh/figures")
    for name in ("training_curves", "information_plane-binned"):
        caption = (figures / f"{name}.json").read_text()
        assert "seeds 0, 1: collapsed generator" in caption
    assert "collapsed generator: the mean" in whole.results("killed/report.html").read_text()
    status = subprocess.run(
        [sys.executable, "-m", "infoplane.status", *OPTIONS],
        cwd=whole.root,
        env=whole.environment | {"PYTHONPATH": "workflow"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "tanh seed 1: collapsed generator: the mean distance of two fakes is" in status


def test_the_ceiling_falls_as_the_generator_learns(whole):
    store = ZipStore(whole.results(INFORMATION[1]), mode="r")
    found = xr.open_datatree(store, engine="zarr", consolidated=False).to_dataset()
    ceiling = found["information_xy"].values
    assert ceiling.shape == (2, found.sizes["epoch"]) and (ceiling > 0).all()
    assert (ceiling[:, -1] < ceiling[:, 0] - 0.1).all()
    assert "I(X;Y), which no true I(T;Y) exceeds" in (
        whole.results("killed/runs/tanh/figures/information_plane-ksg.json").read_text()
    )
