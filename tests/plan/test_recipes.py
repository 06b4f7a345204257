"""What decides each result of an experiment, and what does not."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from infoplane.config import load
from infoplane.datasets import prepare
from infoplane.plan.blocks import Blocks
from infoplane.plan.files import Files
from infoplane.plan.recipes import Recipes
from infoplane.stores.datasets import write_data

CONFIG = {
    "experiment": "mine",
    "datasets": {"own": {"source": "arrays", "path": "mine.npz"}},
    "estimators": {
        "binned": {"estimator": "binned"},
        "kde": {"estimator": "kde", "noise_variance": 0.1},
    },
    "runs": {
        "tanh": {
            "dataset": "own",
            "network": {"hidden": [3], "activation": "tanh"},
            "training": {"epochs": 7},
            "seeds": 2,
            "pools": {"late": {"lengths": [1, 2]}},
        }
    },
}
WEIGHTS = "results/mine/runs/tanh/weights/seeds-0-1.zarr.zip"
OF_BINNED = {
    "results/mine/runs/tanh/information/binned/seeds-0-1.zarr.zip",
    "results/mine/runs/tanh/pooled/late/binned.zarr.zip",
}
OF_KDE = {path.replace("binned", "kde") for path in OF_BINNED}
OF_RUN = {WEIGHTS, *OF_BINNED, *OF_KDE}
DATA = {"results/mine/datasets/own.zarr.zip"}


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """The user's own file, in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INFOPLANE_DATA", raising=False)
    monkeypatch.delenv("INFOPLANE_CACHE", raising=False)
    np.savez("mine.npz", x=np.eye(6), y=[0, 1] * 3)


def recipes_of(config):
    experiment = load(config, file="mine.yaml")
    files = Files("results/mine")
    return Recipes(experiment, Blocks(experiment, files), files)


def stores_of(config):
    return recipes_of(config).of_run("tanh")


def changed(key, value):
    config = deepcopy(CONFIG)
    *above, last = key.split("/")
    place = config
    for part in above:
        place = place[part]
    place[last] = value
    return config


@pytest.mark.parametrize(
    ("key", "value", "differing"),
    [
        ("estimators/binned/n_bins", 20, OF_BINNED),
        ("estimators/kde/noise_variance", 0.2, OF_KDE),
        ("runs/tanh/training/epochs", 8, OF_RUN),
        ("runs/tanh/network/hidden", [4], OF_RUN),
        ("runs/tanh/training/kernel", "torch", OF_RUN),  # weights differ by rounding
        ("datasets/own/seed", 1, OF_RUN | DATA),
        ("runs/tanh/measure", {"inputs": "train"}, OF_BINNED | OF_KDE),
        ("runs/tanh/pools/late/lengths", [2], {p for p in OF_RUN if "pooled" in p}),
        ("runs/tanh/threads", 2, set()),
        ("runs/tanh/shards", 2, set()),
    ],
)
def test_a_setting_changes_the_recipes_of_what_depends_on_it(key, value, differing):
    before, after = stores_of(CONFIG), stores_of(changed(key, value))
    assert {path for path in before if before[path] != after[path]} == differing


def test_the_bytes_of_a_users_file_count_and_not_its_name(tmp_path):
    before = stores_of(CONFIG)
    (tmp_path / "mine.npz").rename("other.npz")
    assert stores_of(changed("datasets/own/path", "other.npz")) == before
    np.savez("other.npz", x=np.eye(6)[::-1], y=[0, 1] * 3)
    after = stores_of(changed("datasets/own/path", "other.npz"))
    assert all(after[path] != before[path] for path in before)


def test_a_file_that_is_gone_is_taken_for_what_the_store_says_it_was(tmp_path):
    recipes = recipes_of(CONFIG)
    path = Path(recipes.files.dataset("own"))
    path.parent.mkdir(parents=True)
    data = prepare(recipes.experiment.datasets["own"])
    write_data(data, path, recipes.dataset("own"), recipes.contents("own"))
    (tmp_path / "mine.npz").unlink()
    assert recipes_of(CONFIG).dataset("own") == recipes.dataset("own")
    assert recipes_of(changed("datasets/own/seed", 1)).dataset("own") != recipes.dataset("own")
