"""What all tests share: a small data set, a small network, its trainer."""

import numpy as np
import pytest
import torch
from hypothesis import settings

from infoplane.datasets.source import Data, Label
from infoplane.networks import mlp
from infoplane.stores.weights import WeightsStore
from infoplane.training import supervised
from infoplane.training.loop import train

torch.set_num_threads(1)
# No test fails for being slow on a busy machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def one_thread():
    """One thread again: numba, as it starts its threads, gives torch as many. Small matrices on
    several threads wait for each other on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture
def data() -> Data:
    """256 patterns of 8 bits; label: more ones in the first half than in the second."""
    x = ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype(np.float32)
    y = (x[:, :4].sum(1) > x[:, 4:].sum(1)).astype(np.int64)
    order = np.random.default_rng(0).permutation(256)
    train, test = np.sort(order[:200]), np.sort(order[200:])
    labels = {"y": Label(y, ("fewer", "more"))}
    return Data(x, labels, train, test, {"digest": "of a test"})


@pytest.fixture
def network_settings() -> mlp.Settings:
    return mlp.Settings(hidden=[6, 3], activation="tanh", initialisation="fan_in")


@pytest.fixture
def network(network_settings) -> mlp.MLP:
    return mlp.MLP(network_settings, (8,), 2)


@pytest.fixture
def trainer_of(network, data):
    """A trainer of these seeds and settings."""

    def build(seeds, **settings):
        options = {"epochs": 5, "batch_size": 64, "device": "cpu"} | settings
        chosen = supervised.Settings.model_validate(options)
        return supervised.Supervised(chosen, network, data, seeds)

    return build


@pytest.fixture
def weights(trainer_of, tmp_path):
    """Of seeds 3, 4 and 5, all of 8 epochs."""
    path = tmp_path / "w.zarr.zip"
    train(trainer_of([3, 4, 5], epochs=8), path, "same")
    return WeightsStore(path)
