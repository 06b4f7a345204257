"""Small trained networks, as signals see them."""

from pathlib import Path

import pytest

from infoplane.measurement.readings import Reader
from infoplane.signals.measure import Member
from infoplane.signals.trained import Trained, TrainingInputs
from infoplane.stores.datasets import write_data
from infoplane.stores.weights import WeightsStore
from infoplane.training.loop import train


@pytest.fixture
def trained_of():
    """A `Trained` of a network with these weights of one network, by name."""

    def build(network, weights, x, y, **about):
        inputs = TrainingInputs.of(x, y)
        reader = Reader(network.layers, network.by_default, None, "flatten")
        stacked = {name: array[None] for name, array in weights.items()}
        return Trained(network, stacked, inputs, reader, **about)

    return build


@pytest.fixture
def weights(trainer_of, tmp_path) -> WeightsStore:
    """Of seeds 3, 4 and 5, all of 8 epochs."""
    path = tmp_path / "w.zarr.zip"
    written = {"training": {"trainer": "supervised", "label": "y"}}
    train(trainer_of([3, 4, 5], epochs=8), path, "same", {"settings": written})
    return WeightsStore(path)


@pytest.fixture
def member(weights, data, tmp_path) -> Member:
    """The run `own`: three networks of 8 epochs."""
    path = Path(tmp_path, "data.zarr.zip")
    write_data(data, path)
    return Member("own", (weights.path,), path, {"training.l2": 0})
