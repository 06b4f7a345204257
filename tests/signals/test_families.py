"""Every signal of every family of networks, and of those that failed: a number or a reason."""

import math

import numpy as np
import pytest
import torch
from tests.signals.small import inputs

from infoplane.networks import cnn, mlp, module
from infoplane.signals import SIGNALS, by_default, from_written
from infoplane.signals.measure import Chosen, Member, measure, rows_of_network
from infoplane.signals.settings import Settings
from infoplane.training.loop import train

EVERY = {name: from_written(written) for name, written in by_default().items()} | {
    f"{of}_binned": from_written(
        {"signal": "information", "of": of, "estimator": {"estimator": "binned"}}
    )
    for of in ("ixt", "ity")
}
METRICS = {"loss_train": 1.0, "accuracy_train": 0.5}
OF_OPERATORS = {"spectral_product", "frobenius_product", "path_norm", "normalised_margin"}
STAGES = [
    {"stage": "conv", "channels": 3, "kernel": 3},
    {"stage": "pool", "method": "max"},
    {"stage": "flatten"},
    {"stage": "dense", "units": 4},
]


def networks():
    perceptron = {"hidden": [6, 4]}
    convolutional = {"family": "cnn", "stages": STAGES}
    for norm in (False, True):
        more = {"batch_norm": norm, "dropout": 0.2}
        yield mlp.MLP(mlp.Settings.model_validate({**perceptron, **more}), (8,), 3)
        chosen = cnn.Settings.model_validate({**convolutional, **more})
        yield cnn.CNN(chosen, (2, 6, 6), 3)
    noisy = {**perceptron, "noise": {"sigma": 0.05}}
    yield mlp.MLP(mlp.Settings.model_validate(noisy), (8,), 3)
    quantised = {**convolutional, "quantisation": {"bits": 4}}
    yield cnn.CNN(cnn.Settings.model_validate(quantised), (2, 6, 6), 3)


def test_every_default_signal_stands_in_the_table_by_its_own_name():
    assert {*by_default()} | {"information"} == {*SIGNALS}
    for name in by_default():
        assert EVERY[name].name == name and EVERY[name].label


@pytest.mark.parametrize("network", [*networks()], ids=lambda n: f"{n.settings.family}")
def test_every_signal_of_a_perceptron_or_convolutional_network_is_a_number(network, trained_of):
    weights = network.initialise(1)
    initial = {name: array[None] for name, array in network.initialise(2).items()}
    own = trained_of(network, weights, *inputs(network), initial=initial, metrics=METRICS)
    before = {name: array.clone() for name, array in own.weights.items()}
    rows, dead = rows_of_network(own, EVERY)
    assert [row for row in rows if row.reason] == []
    assert all(math.isfinite(row.value) for row in rows) and 0 <= dead <= 1
    assert {row.signal for row in rows} == {*EVERY}
    for name, array in own.weights.items():  # nothing was changed on the way
        assert torch.equal(array, before[name])


def test_of_the_users_own_module_what_cannot_be_has_its_reason(trained_of):
    settings = module.Settings(family="module", path="tests.networks.nets:Net")
    network = module.Module(settings, (8,), 2)
    x, y = inputs(network)
    weights = network.initialise(1)
    initial = {name: array[None] for name, array in network.initialise(2).items()}
    own = trained_of(network, weights, x, y % 2, initial=initial, metrics=METRICS)
    rows, _ = rows_of_network(own, EVERY)
    without = {row.signal: row.reason for row in rows if row.reason}
    assert {*without} == OF_OPERATORS
    assert all("family module" in reason for reason in without.values())
    assert all(math.isfinite(row.value) for row in rows if not row.reason)


def test_a_network_without_hidden_layers_says_so(trained_of):
    chosen = cnn.Settings.model_validate({"family": "cnn", "stages": [{"stage": "flatten"}]})
    network = cnn.CNN(chosen, (2, 6, 6), 3)
    own = trained_of(network, network.initialise(0), *inputs(network))
    rows, dead = rows_of_network(own, {"cdnv": EVERY["cdnv"]})
    assert [row.layer for row in rows] == ["output", "@last_hidden", "@mean"]
    assert rows[1].reason == "no hidden layer is measured" and math.isnan(dead)


def test_dead_units_are_counted_where_no_signal_is_by_layer(trained_of):
    network = mlp.MLP(mlp.Settings(hidden=[4, 4], activation="relu"), (8,), 3)
    weights = network.initialise(0)
    weights["hidden2.weight"][:, :3] = 0
    own = trained_of(network, weights, *inputs(network))
    rows, dead = rows_of_network(own, {"random": EVERY["random"]})
    assert len(rows) == 1 and dead == 0.75


@pytest.fixture
def failed(trainer_of, member, tmp_path) -> Member:
    """A run whose seed 4 fails, and whose seed 5 has weights that are no numbers."""

    trainer = trainer_of([3, 4, 5], epochs=3)
    own = trainer.weights

    def weights():
        found = own()
        for arrays in found.values():
            arrays["output.weight"][2, 0] = np.inf
        return found

    trainer.weights = weights
    trainer.failed = {4: 2}
    path = tmp_path / "failed.zarr.zip"
    written = {"training": {"trainer": "supervised", "label": None}}
    train(trainer, path, "failed", {"settings": written})
    return member._replace(weights=(path,))


def test_networks_that_failed_have_reasons_and_the_others_numbers(failed):
    chosen = [Chosen("own", seed, "last", 3) for seed in (3, 4, 5)]
    found = measure([failed], chosen, EVERY, Settings(device="cpu"))
    by_seed = {
        seed: [row for one, row in found.values if one.seed == seed] for seed in (3, 4, 5)
    }
    assert all(math.isfinite(row.value) for row in by_seed[3])
    assert {row.reason for row in by_seed[4]} == {"the loss became NaN or infinite in epoch 2"}
    assert {row.reason for row in by_seed[5]} == {"its weights are not finite"}
    kinds = [[(row.signal, row.layer) for row in rows] for rows in by_seed.values()]
    assert sorted(kinds[0]) == sorted(kinds[1]) == sorted(kinds[2])
    lost = {one.seed: targets["lost"] for one, targets in found.targets}
    assert lost == {3: "", 4: "the loss became NaN or infinite in epoch 2", 5: lost[5]}
    assert lost[5] == "its weights are not finite"
