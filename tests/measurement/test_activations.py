"""Activations from weights: in order, in blocks, the same however they are cut."""

import pytest
import torch

from infoplane.measurement.activations import Activations
from infoplane.networks import mlp
from infoplane.networks.description import rebuild
from infoplane.probes.dataset import DatasetProbe, Settings
from infoplane.stores.activations import ActivationsStore
from infoplane.stores.weights import WeightsStore
from infoplane.training import supervised
from infoplane.training.loop import train
from infoplane.training.trainer import Lost

EVERY = Settings(epochs={"schedule": "list", "epochs": [0, 4, 8]}, device="cpu")


def flat(activations):
    return {(s.seed, s.epoch, s.layer): s.t for batch in activations for s in batch}


def test_activations_are_the_networks_own(weights, data):
    found = flat(Activations(weights, DatasetProbe(EVERY, data)))
    assert len(found) == 3 * 3 * 3
    network = rebuild(weights.networks["network"])
    one = {n: torch.from_numpy(w[:, 0]) for n, w in weights.read([4], [5]).items()}
    for layer, reading in network.read(one, torch.from_numpy(data.x)):
        torch.testing.assert_close(found[5, 4, layer], reading.t[0][:, None, :])


def test_batches_hold_one_layer_each_in_order(weights, data):
    activations = Activations(weights, DatasetProbe(EVERY, data))
    layers = [{s.layer for s in batch} for batch in activations]
    assert layers == [{"hidden1"}, {"hidden2"}, {"output"}]
    assert len(activations) == 3


def test_gradients_are_recorded_between_batches(weights, data):
    for _ in Activations(weights, DatasetProbe(EVERY, data)):
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
def test_blocks_change_nothing(weights, data, at_once):
    probe = DatasetProbe(EVERY, data)
    whole, cut = (Activations(weights, probe) for _ in range(2))
    cut.at_once = at_once
    assert max(len(batch) for batch in cut) <= at_once
    assert len(cut) == sum(1 for _ in cut)
    a, b = flat(whole), flat(cut)
    assert a.keys() == b.keys()
    for key in a:
        torch.testing.assert_close(a[key], b[key])


def test_memory_bounds_what_is_held_at_once(weights, data):
    probe = DatasetProbe(EVERY, data)
    assert Activations(weights, probe, memory_mb=0).at_once == 1
    # three arrays of 256 inputs × 6 units × 4 bytes a network
    assert Activations(weights, probe, memory_mb=1).at_once == 10**6 // (3 * 6144)


def test_all_batches_are_held_where_memory_has_room_for_them(weights, data):
    probe = DatasetProbe(EVERY, data)
    roomy, tight = (Activations(weights, probe, memory_mb=mb) for mb in (1024, 60))
    assert tight.held() is tight
    held = roomy.held()
    assert isinstance(held, list) and len(held) == len(roomy)
    assert flat(held).keys() == flat(roomy).keys()
    a, b = flat(held), flat(roomy)
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_shared_store_gives_the_same(weights, data, tmp_path):
    probe = DatasetProbe(EVERY, data)
    direct = Activations(weights, probe)
    direct.at_once = 2
    direct.save(tmp_path / "t.zarr.zip", {})
    stored = ActivationsStore(tmp_path / "t.zarr.zip")
    shared = Activations(weights, probe, shared=stored)
    a, b = flat(direct), flat(shared)
    assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_failed_seeds_are_not_measured(weights, data):
    weights.lost = {4: Lost("the loss became NaN")}
    measured = flat(Activations(weights, DatasetProbe(EVERY, data)))
    assert {seed for seed, _, _ in measured} == {3, 5}


def test_epochs_that_were_not_kept_are_refused(weights, data):
    settings = Settings(epochs={"schedule": "list", "epochs": [99]})
    with pytest.raises(ValueError, match=r"\[99\] were not kept"):
        Activations(weights, DatasetProbe(settings, data))


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
        for batch in Activations(noisy_weights, DatasetProbe(NOISY, data))
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
    probe = DatasetProbe(NOISY, data)
    whole, cut = (Activations(noisy_weights, probe) for _ in range(2))
    cut.at_once = at_once
    a, b = flat(whole), flat(cut)
    assert a.keys() == b.keys()
    for key in a:
        torch.testing.assert_close(a[key], b[key])
    other = NOISY.model_copy(update={"noise_seed": 1})
    c = flat(Activations(noisy_weights, DatasetProbe(other, data)))
    assert not torch.equal(a[3, 4, "hidden1"], c[3, 4, "hidden1"])
