"""Activations from weights: in order, in blocks, the same however they are cut."""

import numpy as np
import pytest
import torch

from infoplane.activations import Activations, Measured, Settings
from infoplane.datasets.source import Data, Label
from infoplane.networks import mlp
from infoplane.networks.description import rebuild
from infoplane.stores.activations import ActivationsStore
from infoplane.stores.weights import WeightsStore
from infoplane.training import supervised
from infoplane.training.loop import train
from infoplane.training.trainer import Lost


@pytest.fixture
def weights(trainer_of, network_settings, tmp_path):
    trainer = trainer_of([3, 4, 5], epochs=8)
    path = tmp_path / "w.zarr.zip"
    train(trainer, path, "same")
    return WeightsStore(path)


EVERY = Settings(epochs={"schedule": "list", "epochs": [0, 4, 8]}, device="cpu")


def flat(activations):
    return {(s.seed, s.epoch, s.layer): s.t for batch in activations for s in batch}


def test_activations_are_the_networks_own(weights, data):
    found = flat(Activations(weights, Measured(data, EVERY), EVERY))
    assert len(found) == 3 * 3 * 3
    network = rebuild(weights.networks["network"])
    one = {n: torch.from_numpy(w[:, 0]) for n, w in weights.read([4], [5]).items()}
    for layer, reading in network.read(one, torch.from_numpy(data.x)):
        torch.testing.assert_close(found[5, 4, layer], reading.t[0][:, None, :])


def test_batches_hold_one_layer_each_in_order(weights, data):
    activations = Activations(weights, Measured(data, EVERY), EVERY)
    layers = [{s.layer for s in batch} for batch in activations]
    assert layers == [{"hidden1"}, {"hidden2"}, {"output"}]
    assert len(activations) == 3


def test_gradients_are_recorded_between_batches(weights, data):
    for _ in Activations(weights, Measured(data, EVERY), EVERY):
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
def test_blocks_change_nothing(weights, data, at_once):
    measured = Measured(data, EVERY)
    whole, cut = (Activations(weights, measured, EVERY) for _ in range(2))
    cut.at_once = at_once
    assert max(len(batch) for batch in cut) <= at_once
    assert len(cut) == sum(1 for _ in cut)
    a, b = flat(whole), flat(cut)
    assert a.keys() == b.keys()
    for key in a:
        torch.testing.assert_close(a[key], b[key])


def test_memory_bounds_what_is_held_at_once(weights, data):
    measured = Measured(data, EVERY)
    assert Activations(weights, measured, EVERY, memory_mb=0).at_once == 1
    # three arrays of 256 inputs × 6 units × 4 bytes a network
    assert Activations(weights, measured, EVERY, memory_mb=1).at_once == 10**6 // (3 * 6144)


def test_shared_store_gives_the_same(weights, data, tmp_path):
    measured = Measured(data, EVERY)
    direct = Activations(weights, measured, EVERY)
    direct.at_once = 2
    direct.save(tmp_path / "t.zarr.zip", {})
    stored = ActivationsStore(tmp_path / "t.zarr.zip")
    shared = Activations(weights, measured, EVERY, shared=stored)
    a, b = flat(direct), flat(shared)
    assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_failed_seeds_are_not_measured(weights, data):
    weights.lost = {4: Lost("the loss became NaN")}
    measured = flat(Activations(weights, Measured(data, EVERY), EVERY))
    assert {seed for seed, _, _ in measured} == {3, 5}


def test_measured_part_is_a_setting(data):
    part = {name: Measured(data, Settings(inputs=name)) for name in ("train", "test", "all")}
    assert [len(p.x) for p in part.values()] == [200, 56, 256]
    assert np.array_equal(part["test"].x, data.x[data.test])
    assert part["all"].entropy_x == 8.0
    share = data.y[data.train].mean()
    expected = -(share * np.log2(share) + (1 - share) * np.log2(1 - share))
    assert part["train"].entropy_y == pytest.approx(expected)


def test_subset_is_seeded_and_within_its_part(data):
    def draw(seed):
        return Measured(data, Settings(inputs="train", subset=50, subset_seed=seed)).x

    assert torch.equal(draw(0), draw(0)) and not torch.equal(draw(0), draw(1))
    rows = {tuple(row) for row in data.x[data.train]}
    assert len(draw(0)) == 50 and all(tuple(row) in rows for row in draw(0).numpy())


def test_repeated_inputs_lower_the_entropy_of_x():
    x = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)
    data = Data(x, {"y": Label(np.arange(8) % 2, ("0", "1"))}, np.arange(8), np.arange(0), {})
    assert Measured(data, Settings()).entropy_x == 2.0


def test_a_part_without_inputs_is_an_error(data):
    nothing = Data(data.x, data.labels, data.train, data.test[:0], {})
    with pytest.raises(ValueError, match=r"measure\.inputs: test leaves 0 inputs"):
        Measured(nothing, Settings(inputs="test"))


def test_epochs_that_were_not_kept_are_refused(weights, data):
    settings = Settings(epochs={"schedule": "list", "epochs": [99]})
    with pytest.raises(ValueError, match=r"\[99\] are asked for"):
        Activations(weights, Measured(data, settings), settings)


@pytest.fixture
def noisy_weights(data, tmp_path):
    settings = mlp.Settings(hidden=[6, 3], noise={"sigma": 0.2, "relative": True})
    chosen = supervised.Settings(epochs=4, batch_size=64, device="cpu")
    network = mlp.MLP(settings, (8,), 2)
    trainer = supervised.Supervised(chosen, network, data, [3, 4])
    train(trainer, tmp_path / "n.zarr.zip", "same")
    return WeightsStore(tmp_path / "n.zarr.zip")


NOISY = Settings(epochs={"schedule": "list", "epochs": [0, 4]}, draws=50, device="cpu")


def test_draws_of_a_noisy_network_share_centres_in_the_first_layer_alone(noisy_weights, data):
    found = {
        (s.seed, s.epoch, s.layer): s
        for batch in Activations(noisy_weights, Measured(data, NOISY), NOISY)
        for s in batch
    }
    first, second = found[3, 4, "hidden1"], found[3, 4, "hidden2"]
    assert first.t.shape == (len(data.x), 50, 6) and first.centres.shape == first.t.shape
    assert float(first.centres.std(dim=1).max()) < 1e-6
    assert float(second.centres.std(dim=1).min()) > 0
    scale = float(noisy_weights.read([4], [3])["hidden1.scale"][0, 0, 0])
    assert first.sigma == pytest.approx(0.2 * scale)
    added = (first.t - first.centres) / first.sigma
    assert float(added.std()) == pytest.approx(1, abs=0.02)
    output = found[3, 4, "output"]
    assert output.sigma is None and output.centres is None
    assert output.t.shape == (len(data.x), 50, 2)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_noise_is_that_of_the_seed_and_epoch_however_work_is_cut(noisy_weights, data, at_once):
    measured = Measured(data, NOISY)
    whole, cut = (Activations(noisy_weights, measured, NOISY) for _ in range(2))
    cut.at_once = at_once
    a, b = flat(whole), flat(cut)
    assert a.keys() == b.keys()
    for key in a:
        torch.testing.assert_close(a[key], b[key])
    other = NOISY.model_copy(update={"noise_seed": 1})
    c = flat(Activations(noisy_weights, measured, other))
    assert not torch.equal(a[3, 4, "hidden1"], c[3, 4, "hidden1"])
