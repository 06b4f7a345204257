"""A source of the user's own: one file beside the experiment, and one line in it."""

import pytest
import torch

from infoplane import datasets
from infoplane.config import ConfigError, load
from infoplane.networks import mlp
from infoplane.plan.blocks import Blocks
from infoplane.plan.costs import Costs
from infoplane.plan.files import Files
from infoplane.plan.known import Known
from infoplane.plan.recipes import Recipes
from infoplane.stores.datasets import read_data, write_data
from infoplane.stores.weights import WeightsStore
from infoplane.training.loop import train
from infoplane.training.supervised import Supervised

MINE = """
import numpy as np
from infoplane.datasets import Label, Raw, Source, SourceSettings


class Signs(Source):
    class Settings(SourceSettings):
        n: int = 64

    def load(self, places):
        x = np.random.default_rng(0).normal(size=(self.settings.n, 3))
        first, second = (np.int64(x[:, i] > 0) for i in range(2))
        names = ("minus", "plus")
        return Raw(x, {"first": Label(first, names), "second": Label(second, names)})
"""


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """experiment(**keys of the data set) -> Experiment."""
    (tmp_path / "mysigns.py").write_text(MINE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def loaded(source="mysigns:Signs", **keys):
        run = {"dataset": "mine", "network": {"hidden": [4]}, "training": {"epochs": 1}}
        written = {
            "experiment": "own",
            "datasets": {"mine": {"source": source, **keys}},
            "estimators": {"binned": {"estimator": "binned"}},
            "runs": {"one": run},
        }
        return load(written, "own.yaml")

    return loaded


def test_own_source_is_prepared_and_stored(experiment, tmp_path):
    data = datasets.prepare(experiment(n=40, shuffled_labels=0.5).datasets["mine"])
    write_data(data, tmp_path / "mine.zarr.zip")
    again = read_data(tmp_path / "mine.zarr.zip")
    assert again.x.shape == (40, 3) and list(again.labels) == ["first", "second"]
    assert again.label().class_names == ("minus", "plus")
    assert again.attributes["settings"]["source"] == "mysigns:Signs"


def test_own_source_without_a_shape_is_planned(experiment, tmp_path):
    chosen = experiment()
    plan = Costs(Known(chosen, tmp_path))
    assert plan.dataset("mine").mb > 0 and plan.training("one", "seeds-0-9").seconds > 0
    assert plan.estimation("one", "binned", "seeds-0-9").mb > 0

    def recipe(experiment):
        files = Files(tmp_path)
        return Recipes(experiment, Blocks(experiment, files), files).dataset("mine")

    assert recipe(chosen) == recipe(experiment()) != recipe(experiment(n=30))


@pytest.mark.parametrize("name", ["first", "second"])
def test_own_source_is_learnt_by_the_label_that_is_named(experiment, tmp_path, name):
    data = datasets.prepare(experiment().datasets["mine"])
    options = {"epochs": 40, "optimizer": {"method": "adam", "learning_rate": 0.05}}
    chosen = Supervised.Settings.model_validate({**options, "label": name, "device": "cpu"})
    networks = Supervised.networks_of(chosen, mlp.Settings(hidden=[8]), data.shape)
    network = networks["network"]
    assert [*networks] == ["network"] and network.output_size == 2
    train(Supervised(chosen, network, data, [0]), tmp_path / "w.zarr.zip", name)
    last = WeightsStore(tmp_path / "w.zarr.zip").read([40], [0])
    weights = {name: torch.from_numpy(values[0]) for name, values in last.items()}
    found = network.run(weights, torch.from_numpy(data.x))[0][0].argmax(1).numpy()
    right = {label: (found == data.labels[label].codes).mean() for label in data.labels}
    assert max(right, key=right.get) == name and right[name] > 0.9


def test_own_source_that_is_none_is_refused_by_name(experiment):
    with pytest.raises(ConfigError, match="write mysigns:Signs"):
        experiment("mysigns")
    with pytest.raises(ConfigError, match=r"must be one of szt.*not 'gone:Signs'"):
        experiment("gone:Signs")
    with pytest.raises(ConfigError, match=r"datasets\.mine\.m: is not a key here"):
        experiment(m=3)
