"""Trainers of several networks, of other types of numbers, of networks one by one."""

import numpy as np
import pytest
import torch

from infoplane.measurement.activations import Activations
from infoplane.networks import mlp
from infoplane.networks.arrays import to_array, to_tensor
from infoplane.networks.network import Layer, Network, Reading
from infoplane.probes.dataset import DatasetProbe, Settings
from infoplane.schedules.fixed import Every
from infoplane.stores.weights import Journal, WeightsStore
from infoplane.training import supervised
from infoplane.training.loop import train
from infoplane.training.trainer import Lost, Metric, Trainer


class Walk(Trainer):
    """Two perceptrons whose weights go a step each epoch; the second seed is lost."""

    metrics = (
        Metric("distance", "way that was gone", None),
        Metric("norm", "‖b‖", by_layer=True),
    )

    def __init__(self):
        self.networks = {
            "first": mlp.MLP(mlp.Settings(hidden=[3]), (8,), 2),
            "second": mlp.MLP(mlp.Settings(hidden=[4, 3]), (8,), 2),
        }
        self.seeds, self.epochs = [5, 7], [0, 10, 20, 30]
        self.keep = Every(schedule="every", n=20)
        self.lost, self.gone = {7: Lost("it stumbled")}, 0.0

    def advance(self, epoch):
        self.gone += epoch
        layers = len(self.layers)
        return {"distance": np.full(2, self.gone), "norm": np.full((2, layers), self.gone)}

    def weights(self):
        return {
            name: {n: np.full((2, *s), self.gone, np.float32) for n, s in net.arrays.items()}
            for name, net in self.networks.items()
        }

    def state(self):
        return {"gone": np.array(self.gone)}

    def restore(self, state):
        self.gone = float(state["gone"])


def test_two_networks_are_stored_and_each_is_measured_by_its_name(tmp_path, data):
    path = tmp_path / "w.zarr.zip"
    train(Walk(), path, "same", {"settings": {"plain": [1, 2.5, None]}})
    store = WeightsStore(path)
    assert store.attributes["settings"] == {"plain": [1, 2.5, None]}
    assert list(store.networks) == ["first", "second"] and store.declared == Walk.metrics
    assert store.lost == {7: ("it stumbled", False)}
    assert store.epochs.tolist() == [0, 20, 30]
    metrics = store.metrics()
    assert metrics["distance"].values.tolist() == [[0, 10, 30, 60]] * 2
    assert metrics["layer"].values.tolist() == [
        *("first/hidden1", "first/output"),
        *("second/hidden1", "second/hidden2", "second/output"),
    ]
    assert store.read([20], [5], "second")["hidden2.bias"].tolist() == [[[30.0] * 3]]

    def measured(name):
        chosen = Settings(device="cpu", epochs={"schedule": "all"}, network=name)
        return Activations(store, DatasetProbe(chosen, data))

    found = measured("second")
    assert found.layers == ["hidden1", "hidden2", "output"] and found.seeds == [5]
    assert len(list(found)) == 3
    with pytest.raises(ValueError, match=r"network: must be one of first, second, not third"):
        measured("third")
    with pytest.raises(ValueError, match=r"must be one of first, second, not left out"):
        measured(None)


class Mixed(Network):
    """One layer, numbers of several types; nothing is computed."""

    def __init__(self):
        super().__init__(mlp.Settings(hidden=[1]), (4,), 3)
        self.layers = (Layer("only", (3,), ("input",)),)
        self.parameters = {"plain": (3, 2), "wide": (3,), "short": (2, 3)}
        self.buffers = {"seen": (), "mean": (3,)}
        self.dtypes = {
            **{"wide": "float64", "short": "bfloat16", "seen": "int64", "mean": "float64"}
        }

    def initialise(self, seed):
        drawn = torch.Generator().manual_seed(seed)
        return {
            name: torch.randn(shape, generator=drawn).mul(9).to(getattr(torch, self.type(name)))
            for name, shape in self.arrays.items()
        }

    def type(self, name):
        return self.dtypes.get(name, "float32")

    def run(self, weights, x, *, training=False, random=None):
        return weights["wide"][:, None].expand(-1, x.shape[-2], -1), {}

    def read(self, weights, x, random=None):
        yield "only", Reading(self.run(weights, x)[0].float())


@pytest.mark.parametrize("killed", [False, True])
def test_numbers_of_every_type_survive_store_and_resume(tmp_path, killed):
    network, seeds = Mixed(), [0, 1]
    drawn = [network.initialise(seed) for seed in seeds]
    weights = {n: to_array(torch.stack([d[n] for d in drawn])) for n in network.arrays}
    metrics = (Metric("loss", "loss", "lower"),)

    def journal():
        return Journal(
            tmp_path / "w.zarr.zip",
            "same",
            {"network": network},
            metrics,
            seeds,
            [0, 1],
            [0, 1],
            ["only"],
        )

    one = journal()
    assert one.resume() is None
    one.append({"loss": np.ones(2)}, {"network": weights})
    if killed:
        one.checkpoint({"momentum": weights["short"]})
        one = journal()
        assert np.array_equal(one.resume()["momentum"], weights["short"])
    one.append({"loss": np.ones(2)}, {"network": weights})
    one.finish({"networks": {"network": {}}}, {})
    store = WeightsStore(tmp_path / "w.zarr.zip")
    for epoch in (0, 1):
        read = store.read([epoch], seeds)
        assert read.keys() == network.arrays.keys()
        for name, value in read.items():
            again = to_tensor(value[:, 0], network.type(name))
            assert torch.equal(again, torch.stack([d[name] for d in drawn])), name
    with pytest.raises(TypeError, match="wide of network is declared as float64, given as"):
        one.append({}, {"network": {**weights, "wide": weights["plain"]}})


@pytest.mark.parametrize("method", ["sgd", "adam"])
def test_other_types_of_numbers_train_and_resume_with_the_same_bits(method, data):
    class Half(mlp.MLP):
        """A perceptron with a float64 first layer and a bfloat16 last bias."""

        def __init__(self, *args):
            super().__init__(*args)
            self.dtypes = {"hidden1.weight": "float64", "output.bias": "bfloat16"}

        def initialise(self, seed):
            first = super().initialise(seed)
            types = {n: getattr(torch, self.dtypes.get(n, "float32")) for n in first}
            return {n: w.to(types[n]) for n, w in first.items()}

        def run(self, weights, x, **options):
            return super().run({n: w.float() for n, w in weights.items()}, x, **options)

    chosen = supervised.Settings.model_validate(
        {"epochs": 4, "device": "cpu", "optimizer": {"method": method, "learning_rate": 0.01}}
    )

    def trainer():
        return supervised.Supervised(
            chosen, Half(mlp.Settings(hidden=[4]), (8,), 2), data, [0, 1]
        )

    whole, stopped, resumed = trainer(), trainer(), trainer()
    for epoch in range(5):
        whole.advance(epoch)
    for epoch in range(2):
        stopped.advance(epoch)
    resumed.restore(stopped.state())
    for epoch in range(2, 5):
        resumed.advance(epoch)
    ours, theirs = (t.weights()["network"] for t in (resumed, whole))
    assert theirs["hidden1.weight"].dtype == np.float64
    assert theirs["output.bias"].dtype == np.uint16
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_seeds_train_alike_one_by_one_and_stacked(data):
    class Alone(mlp.MLP):
        stacks = False
        parallel = True

    chosen = supervised.Settings(epochs=5, batch_size=64, device="cpu")
    kept = {}
    for family in (mlp.MLP, Alone):
        network = family(mlp.Settings(hidden=[6, 3], noise={"sigma": 0.1}), (8,), 2)
        trainer = supervised.Supervised(chosen, network, data, [3, 4, 9])
        torch.set_num_threads(2)
        try:
            for epoch in trainer.epochs:
                metrics = trainer.advance(epoch)
        finally:
            torch.set_num_threads(1)
        kept[family] = trainer.weights()["network"], metrics
    assert len(trainer.groups) == 3
    for ours, theirs in zip(*kept.values(), strict=True):
        for name, value in theirs.items():
            # float32 sums in another order, over 20 steps
            np.testing.assert_allclose(ours[name], value, rtol=1e-3, atol=2e-5)


def test_every_seed_of_networks_one_by_one_depends_on_itself_alone(data):
    class Alone(mlp.MLP):
        stacks = False

    chosen = supervised.Settings(epochs=3, batch_size=64, device="cpu")

    def last(seeds):
        network = Alone(mlp.Settings(hidden=[6, 3]), (8,), 2)
        trainer = supervised.Supervised(chosen, network, data, seeds)
        for epoch in trainer.epochs:
            trainer.advance(epoch)
        return trainer.weights()["network"]

    together, alone = last([3, 4, 9]), last([4])
    assert all(np.array_equal(together[name][1], alone[name][0]) for name in alone)
