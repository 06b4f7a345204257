"""Training of quantised networks, on random labels first, and of networks set aside."""

import logging

import numpy as np
import pytest
import torch
from tests.steps import steps

from infoplane import streams
from infoplane.measurement.activations import Activations
from infoplane.networks import mlp
from infoplane.networks.network import initialise_seeds
from infoplane.probes.dataset import DatasetProbe
from infoplane.probes.dataset import Settings as MeasureSettings
from infoplane.stores.information import read_information, write_information
from infoplane.stores.weights import WeightsStore
from infoplane.training import supervised
from infoplane.training.loop import train


@pytest.fixture
def trained(data):
    def run(seeds, bits=None, activation="tanh", epochs=3, **options):
        quantisation = {"bits": bits} if bits else None
        chosen = {"activation": activation, "quantisation": quantisation}
        network = mlp.MLP(mlp.Settings(hidden=[6, 3], **chosen), (8,), 2)
        options = {"epochs": epochs, "batch_size": 64, "device": "cpu"} | options
        settings = supervised.Settings.model_validate(options)
        return supervised.Supervised(settings, network, data, seeds)

    return run


def last(trainer):
    return list(steps(trainer))[-1]


def assert_same(found, expected):
    for name, values in expected.weights.items():
        assert np.array_equal(found.weights[name], values), name
    for name, values in expected.metrics.items():
        np.testing.assert_array_equal(found.metrics[name], values)


# --- quantised


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_quantised_network_learns_and_32_bits_are_the_plain_one(trained, activation):
    options = {"epochs": 60, "optimizer": {"method": "adam", "learning_rate": 0.02}}
    final = last(trained([0, 1], 4, activation, **options))
    assert (final.metrics["accuracy_train"] > 0.9).all()
    plain, wide = (last(trained([0, 1], bits, activation)) for bits in (None, 32))
    assert_same(wide, plain)


@pytest.mark.parametrize("method", ["adam", "adamw"])
def test_ranges_are_those_of_the_epochs_own_weights(trained, data, method):
    optimizer = {"method": method, "learning_rate": 0.05}
    trainer = trained([3, 4], 4, "relu", optimizer=optimizer)
    x = torch.from_numpy(data.x[data.train])
    ranges = []
    for epoch in steps(trainer):
        weights = {name: torch.from_numpy(v) for name, v in epoch.weights.items()}
        found = trainer.network.calibrate(weights, x)
        assert set(found) == {"hidden1.range", "hidden2.range"}
        for name, value in found.items():
            assert torch.equal(weights[name], value)
        ranges.append(weights["hidden1.range"])
    assert not torch.equal(ranges[0], ranges[-1])


def test_a_resumed_quantised_training_ends_in_the_same_bits(trained):
    options = {"activation": "relu", "prefit": {"epochs": 2}}
    whole = list(steps(trained([0, 1], 4, **options)))
    stopped = trained([0, 1], 4, **options)
    left = steps(stopped)
    next(left), next(left)
    resumed = trained([0, 1], 4, **options)
    resumed.restore(stopped.state())
    rest = list(steps(resumed))
    assert [epoch.number for epoch in rest] == [2, 3]
    assert_same(rest[-1], whole[-1])


# --- on random labels first


PREFIT = {"epochs": 40, "seed": 0}
FAST = {"method": "adam", "learning_rate": 0.02}


def test_epoch_zero_is_the_network_after_random_labels(trained, data):
    plain, fitted = trained([0], epochs=1), trained([0], epochs=1, prefit=PREFIT)
    first, after = (next(steps(trainer)) for trainer in (plain, fitted))
    assert after.number == 0 and np.isnan(after.metrics["gradient_mean"]).all()
    assert not np.array_equal(first.weights["hidden1.weight"], after.weights["hidden1.weight"])
    none = next(steps(trained([0], epochs=1, prefit={"epochs": 0})))
    assert_same(none, first)


def test_labels_are_permuted_by_each_seed_for_itself(trained, data):
    """A network fits the permuted labels better than the true ones, and only its own."""
    prefit = {"epochs": 400, "seed": 3}
    trainer = trained([5, 6], prefit=prefit, optimizer=FAST)
    weights = next(steps(trainer)).weights
    x = torch.from_numpy(data.x[data.train])
    logits, _ = trainer.network.run({n: torch.from_numpy(w) for n, w in weights.items()}, x)
    y = torch.from_numpy(data.y[data.train])
    of = {s: y[streams.order(len(y), s, supervised.PREFIT, 3)] for s in (5, 6)}
    right = torch.tensor(
        [[(one.argmax(1) == of[s]).float().mean() for s in (5, 6)] for one in logits]
    )
    # 200 inputs: agreement with labels that were not seen has a deviation of 0.035
    assert (right.diag() > right.flip(1).diag() + 0.1).all(), right
    assert all(sorted(labels.tolist()) == sorted(y.tolist()) for labels in of.values())


def test_another_prefit_seed_gives_other_labels(trained):
    found = [
        next(steps(trained([0], prefit={"epochs": 3, "seed": s}))).weights for s in (0, 1, 0)
    ]
    bias = [weights["hidden1.bias"] for weights in found]
    assert np.array_equal(bias[0], bias[2]) and not np.array_equal(bias[0], bias[1])


def test_the_optimizer_starts_anew_and_epochs_keep_their_order(trained, data):
    """What follows is the training of a network that starts where the prefit ended."""
    fitted = trained([0, 1], prefit=PREFIT, optimizer=FAST)
    left = steps(fitted)
    start = next(left)
    plain = trained([0, 1], optimizer=FAST)
    parameters = plain.network.parameters
    flat = [torch.from_numpy(start.weights[n]).flatten(1) for n in parameters]
    plain.groups[0].start([torch.cat(flat, dim=1)])
    *_, ours = left
    *_, theirs = steps(plain)
    assert_same(ours, theirs)


def test_a_seed_is_prefitted_alike_beside_others(trained):
    together = next(steps(trained([0, 1, 2], prefit=PREFIT)))
    alone = next(steps(trained([1], prefit=PREFIT)))
    for name, values in alone.weights.items():
        # float32 sums in another order, over 160 steps
        np.testing.assert_allclose(together.weights[name][1], values[0], atol=1e-4)


class Killed(BaseException):
    """Stands in for SIGKILL."""


def test_a_kill_among_random_labels_ends_in_the_same_bits(trained, tmp_path, monkeypatch):
    options = {"prefit": {"epochs": 5}, "epochs": 2}

    def run(name):
        trainer = trained([0, 1], 4, "relu", **options)
        path = tmp_path / name
        train(trainer, path, "id", checkpoint_seconds=0)
        return WeightsStore(path).read(range(3), [0, 1])

    steps = []

    def dying(self):
        steps.append(self)
        if len(steps) == 3:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(supervised.Progress, "advance", dying)
        run("a.zarr.zip")
    again, whole = run("a.zarr.zip"), run("b.zarr.zip")
    assert all(np.array_equal(again[name], values) for name, values in whole.items())


# --- set aside


@pytest.fixture
def stored(trained, tmp_path):
    """A store of a training of four seeds of which some do not learn, and its trainer."""

    def run(below):
        rule = {"quantity": "accuracy_train", "below": below}
        trainer = trained([0, 1, 2, 5], epochs=2, set_aside=rule)
        path = tmp_path / f"{below}.zarr.zip"
        train(trainer, path, "id")
        return WeightsStore(path), trainer

    return run


def test_seeds_below_the_threshold_are_kept_named_and_not_measured(stored, data, caplog):
    ends = dict(
        zip([0, 1, 2, 5], stored(1.0)[1].values["accuracy_train"].tolist(), strict=True)
    )
    middle = float(np.median(list(ends.values())))
    with caplog.at_level(logging.WARNING):
        store, _ = stored(middle)
    low = {seed: value for seed, value in ends.items() if value < middle}
    assert 0 < len(low) < 4
    assert store.lost == {s: (f"accuracy_train {v:.4f}", True) for s, v in low.items()}
    assert all(f"seed {seed}: set aside, it ended with" in caplog.text for seed in low)
    assert np.isfinite(store.read([0, 2], [0, 1, 2, 5])["output.bias"]).all()
    table = store.metrics_table()
    assert set(table[table.set_aside].seed) == set(low)
    measured = Activations(store, DatasetProbe(MeasureSettings(), data))
    assert measured.seeds == [seed for seed in ends if seed not in low]


def test_a_value_at_the_threshold_is_not_below_it(stored):
    ends = stored(1.0)[1].values["accuracy_train"].tolist()
    store, _ = stored(min(ends))
    assert store.lost == {}


def test_failed_seeds_are_not_set_aside_as_well(trained):
    trainer = trained([0, 1], set_aside={"below": 1.0})
    left = steps(trainer)
    next(left)
    with torch.no_grad():
        trainer.groups[0].flats[0][1] = torch.nan
    *_, _ = left
    lost = {seed: why.set_aside for seed, why in trainer.lost.items()}
    assert not lost[1] and lost.get(0, True)


def test_information_of_seeds_set_aside_is_flagged(stored, data, tmp_path):
    store, _ = stored(1.0)  # all four
    settings = MeasureSettings()
    activations = Activations(store, DatasetProbe(settings, data))
    assert list(activations) == []
    path = tmp_path / "i.zarr.zip"
    epochs, layers = activations.epochs, activations.layers
    write_information({}, [0, 1, 2, 5, 9], epochs, layers, {}, path, [0, 1, 2, 5], entropies={})
    table, _ = read_information(path)
    assert set(table[table.seed != 9]["flags"]) == {"set_aside"}
    assert set(table[table.seed == 9]["flags"]) == {"training_failed"}
    assert table.ixt.isna().all()


def test_without_the_rule_nobody_is_set_aside(trained):
    trainer = trained([0, 1])
    last(trainer)
    assert trainer.lost == {}


def test_first_weights_do_not_depend_on_quantisation(trained):
    plain, quantised = (trained([2], bits).network for bits in (None, 4))
    for name, values in initialise_seeds(plain, [2]).items():
        assert torch.equal(initialise_seeds(quantised, [2])[name], values)
