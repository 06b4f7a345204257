"""A network and a trainer from outside the package: one file, and a line in a configuration."""

import sys

import numpy as np
import pytest
import yaml

from infoplane.config import load
from infoplane.datasets.source import Shape
from infoplane.measurement.activations import Activations
from infoplane.networks import FAMILIES
from infoplane.probes.dataset import DatasetProbe
from infoplane.stores.weights import WeightsStore
from infoplane.training import TRAINERS
from infoplane.training.loop import train

SOURCE = '''
import numpy as np
import torch
from infoplane.networks.network import INPUT, Layer, Network, Reading, initialise_seeds
from infoplane.networks.arrays import to_array
from infoplane.schedules.fixed import All, Schedule
from infoplane.settings import Settings
from infoplane.training.trainer import Metric, Trainer, TrainerSettings


class LineSettings(Settings):
    family: str
    units: int


class Line(Network):
    """x → W x."""

    Settings = LineSettings

    def __init__(self, settings, input_shape, output_size):
        super().__init__(settings, input_shape, output_size)
        self.layers = (Layer("line", (settings.units,), (INPUT,)),)
        self.parameters = {"w": (*self.input_shape, settings.units)}

    def initialise(self, seed):
        return {"w": torch.randn(self.parameters["w"], generator=torch.manual_seed(seed))}

    def run(self, weights, x, *, training=False, random=None):
        return x @ weights["w"], {}

    def read(self, weights, x, random=None):
        yield "line", Reading(self.run(weights, x)[0])


class ShrinkSettings(TrainerSettings):
    trainer: str
    rounds: int
    keep: Schedule = All()
    device: str = "cpu"

    @property
    def numbers(self):
        return range(self.rounds + 1)


class Shrink(Trainer):
    """Halves the weights every round."""

    Settings = ShrinkSettings
    metrics = (Metric("size", "largest weight", "lower"),)

    def __init__(self, settings, network, data, seeds):
        self.networks, self.seeds, self.lost = {"network": network}, seeds, {}
        self.epochs = settings.numbers
        self.now = initialise_seeds(network, seeds)["w"]

    def advance(self, epoch):
        self.now = self.now / (1 if epoch == 0 else 2)
        return {"size": self.now.abs().amax((1, 2)).numpy()}

    def weights(self):
        return {"network": {"w": to_array(self.now)}}

    def state(self):
        return {"now": to_array(self.now)}

    def restore(self, state):
        self.now = torch.from_numpy(state["now"])
'''
EXPERIMENT = """
experiment: outside
datasets: {szt: {source: szt}}
estimators: {binned: {estimator: binned, n_bins: 10}}
runs:
  own:
    dataset: szt
    network: {family: "outside_lines:Line", units: 3}
    training: {trainer: "outside_lines:Shrink", rounds: 4}
    seeds: 2
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    (tmp_path / "outside_lines.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("outside_lines", None)


def test_a_network_and_a_trainer_of_the_users_own_train_and_are_measured(
    outside, tmp_path, data
):
    run = load(yaml.safe_load(EXPERIMENT), "config/outside.yaml").runs["own"]
    family, trainer = FAMILIES[run.network.family], TRAINERS[run.training.trainer]
    network = family(run.network, (8,), 2)
    assert trainer.cost(run.training, network, Shape(256, (8,), {"y": 2}, 200), 2).mb > 0
    path = tmp_path / "w.zarr.zip"
    train(trainer(run.training, network, data, run.seeds), path, "same")
    store = WeightsStore(path)
    size = store.metrics()["size"].values
    np.testing.assert_allclose(size[:, 1:] * 2, size[:, :-1])
    found = Activations(store, DatasetProbe(run.measure, data))
    assert found.layers == ["line"] and found.epochs == [0, 1, 2, 3, 4]
    (batch,) = list(found)
    assert len(batch) == 10 and batch[0].t.shape == (256, 1, 3)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('family: "outside_lines:Line", units: 3', 'family: "outside_lines:Lines", units: 3'),
        ("rounds: 4", "rounds: 4, laps: 2"),
    ],
)
def test_what_is_wrong_with_it_is_said(outside, line, said):
    with pytest.raises(ValueError, match=r"outside_lines:Line|laps: is not a key here"):
        load(yaml.safe_load(EXPERIMENT.replace(line, said)), "config/outside.yaml")
