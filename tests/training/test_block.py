"""A block from its settings to its store, also where every seed fails."""

import math

import pytest

from infoplane.datasets import SOURCES, prepare
from infoplane.stores.recipes import recipe_in
from infoplane.stores.weights import WeightsStore
from infoplane.training.block import Block, train_block


@pytest.fixture(scope="module")
def data():
    settings = SOURCES["digits"].Settings(source="digits", size=100, standardise="all")
    return prepare(settings)


def block(rate):
    optimizer = {"method": "sgd", "learning_rate": rate}
    training = {"trainer": "supervised", "epochs": 4, "optimizer": optimizer, "device": "cpu"}
    network = {"family": "mlp", "hidden": [4], "activation": "relu"}
    return Block("test", {"network": network, "training": training}, [0, 1], "its recipe")


@pytest.fixture(autouse=True)
def without_cache(monkeypatch):
    monkeypatch.setenv("INFOPLANE_CACHE", "off")


def test_a_block_leaves_a_store_that_says_its_recipe(data, tmp_path):
    path = tmp_path / "seeds-0-1.zarr.zip"
    train_block(block(0.1), data, path, 1, 20)
    assert recipe_in(path) == "its recipe"
    store = WeightsStore(path)
    assert store.lost == {} and store.epochs.tolist() == [0, 1, 2, 3, 4]


def test_a_training_of_which_every_seed_fails_is_an_error_or_kept_as_lost(data, tmp_path):
    path = tmp_path / "seeds-0-1.zarr.zip"
    with pytest.raises(FloatingPointError, match="every seed"):
        train_block(block(1e30), data, path, 1, 20)
    assert not path.exists()
    train_block(block(1e30), data, path, 1, 20, keep_failed=True)
    store = WeightsStore(path)
    assert sorted(store.lost) == [0, 1]
    assert all("NaN" in why.reason and not why.set_aside for why in store.lost.values())
    losses = store.metrics()["loss_train"].values
    assert all(math.isfinite(loss) for loss in losses[:, 0])
