"""A probe of the user's own, whose inputs change with the epoch: one file, one line."""

import numpy as np
import pytest
import torch

from infoplane.config import ConfigError, load
from infoplane.estimators import from_written
from infoplane.measurement.activations import Activations
from infoplane.measurement.checks import violations
from infoplane.measurement.measure import measure_scheduled
from infoplane.measurement.pooling import Pool
from infoplane.measurement.pooling import Settings as PoolSettings
from infoplane.probes import probe_of
from infoplane.stores.information import read_information, write_information

MINE = """
import numpy as np
from infoplane.probes.probe import Inputs, Probe, ProbeSettings


class Window(Probe):
    class Settings(ProbeSettings):
        n: int = 64

    fixed = False

    def inputs(self, seed, epoch, weights):
        rows = (np.arange(self.settings.n) // (1 + epoch % 3) + seed) % len(self.data.x)
        return Inputs.of(self.data.x[rows], self.data.y[rows])
"""


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """experiment(**keys of the run) -> Experiment."""
    (tmp_path / "mywindow.py").write_text(MINE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def loaded(probe="mywindow:Window", pools=None, **measure):
        epochs = {"schedule": "list", "epochs": [0, 4, 8]}
        run = {
            "dataset": "szt",
            "network": {"hidden": [6, 3]},
            "training": {"epochs": 8},
            "measure": {"probe": probe, "epochs": epochs, "device": "cpu", **measure},
            "pools": pools or {},
        }
        return load(
            {
                "experiment": "own",
                "datasets": {"szt": {"source": "szt"}},
                "estimators": {"binned": {"estimator": "binned"}},
                "runs": {"one": run},
            },
            "own.yaml",
        )

    return loaded


@pytest.fixture
def measured(experiment, weights, data):
    """The same weights measured by the probe: activations of seeds 3, 4, 5."""
    settings = experiment(n=50).runs["one"].measure
    return Activations(weights, probe_of(settings.canonical(), data))


def test_inputs_of_every_seed_and_epoch_are_its_own(measured, data):
    measured.at_once = 4  # blocks of several seeds and epochs
    seen = {}
    for batch in measured:
        for samples in batch:
            seen[samples.seed, samples.epoch, samples.layer] = samples
    assert len(seen) == 3 * 3 * 3
    for (seed, epoch, layer), samples in seen.items():
        rows = (np.arange(50) // (1 + epoch % 3) + seed) % 256
        x = torch.from_numpy(data.x[rows])
        assert torch.equal(samples.x, x)
        assert samples.entropy_x == pytest.approx(-_entropy(rows))
        named = measured.weights.read([epoch], [seed])
        t = torch.tanh(x @ _one(named, "hidden1.weight") + _one(named, "hidden1.bias"))
        if layer == "hidden1":
            torch.testing.assert_close(samples.t[:, 0], t)


def test_values_and_entropies_are_those_of_each_epochs_inputs(measured, data, tmp_path):
    estimator = from_written({"estimator": "exact"})
    found = measure_scheduled(measured, measured.probe.settings.epochs, estimator)
    path = tmp_path / "i.zarr.zip"
    layers = {layer: ["input"] for layer in measured.layers}
    write_information(
        found.records,
        [3, 4, 5],
        found.epochs,
        measured.layers,
        {"after": layers},
        path,
        entropies=measured.entropies(found.epochs),
    )
    table, about = read_information(path)
    first = table[table.layer == "hidden1"]  # a function of x that tells all inputs apart
    for row in first.itertuples():
        rows = (np.arange(50) // (1 + row.epoch % 3) + row.seed) % 256
        assert row.entropy_x == pytest.approx(-_entropy(rows))
        assert row.ixt == pytest.approx(row.entropy_x)
        assert row.entropy_y == pytest.approx(-_entropy(data.y[rows]))
        assert row.ity == pytest.approx(row.entropy_y)
    assert first.entropy_x.nunique() > 1
    assert violations(table, about["after"]).empty


def test_a_probe_that_is_not_fixed_makes_no_pool(experiment, measured):
    with pytest.raises(ValueError, match="gives each epoch its own inputs"):
        Pool(measured, PoolSettings(lengths=[2]), 100)
    with pytest.raises(ConfigError, match=r"runs\.one\.pools\.late: .*its own inputs"):
        experiment(pools={"late": {"lengths": [2]}})


def test_as_many_inputs_are_asked_each_time(measured, monkeypatch):
    inputs = measured.probe.inputs

    def fewer(seed, epoch, weights):
        found = inputs(seed, epoch, weights)
        return found if seed == 3 else found._replace(x=found.x[:9], y=found.y[:9])

    monkeypatch.setattr(measured.probe, "inputs", fewer)
    with pytest.raises(ValueError, match=r"gives 9 inputs for seed 4 at epoch 0, and 50"):
        list(measured)


def test_mistakes_are_said_when_the_file_is_read(experiment):
    with pytest.raises(ConfigError, match="write mywindow:Window"):
        experiment("mywindow")
    with pytest.raises(ConfigError, match=r"runs\.one\.measure\.inputs: is not a key here"):
        experiment(inputs="train")
    with pytest.raises(ConfigError, match=r"measure\.label: there is no label"):
        experiment("dataset", label="font")


def _entropy(values):
    _, counts = np.unique(values, axis=0, return_counts=True)
    shares = counts / counts.sum()
    return (shares * np.log2(shares)).sum()


def _one(named, name):
    return torch.from_numpy(named[name][0, 0])
