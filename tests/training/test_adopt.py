"""Checkpoints of the user's own, taken up as they are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.networks.nets import Mixed, Net

from infoplane import Recorder
from infoplane.networks import mlp, module
from infoplane.networks.arrays import to_tensor
from infoplane.stores.series import SeriesError
from infoplane.stores.weights import WeightsStore
from infoplane.training.adopt import Adopt, Settings, unfit
from infoplane.training.loop import train


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def net():
    path = "tests.networks.nets:Net"
    return module.Module(module.Settings(family="module", path=path), (8,), 2)


def adopted(network, files, seeds=(0,), **settings):
    chosen = Settings(trainer="adopt", files=files, **settings)
    assert unfit(chosen, network, seeds) == ""
    return Adopt(chosen, network, None, list(seeds))


def changed(model, epoch):
    """Stands for an epoch of training."""
    torch.manual_seed(epoch)
    for array in model.state_dict().values():
        if array.is_floating_point():
            array.copy_(torch.rand(array.shape) + epoch)
        else:
            array.add_(1)
    return model


def same(trainer, epoch, state, row=0):
    trainer.advance(epoch)
    (weights,) = trainer.weights().values()
    network = trainer.networks["network"]
    for name, array in weights.items():
        read = to_tensor(array[row : row + 1], network.dtypes.get(name, "float32"))[0]
        assert torch.equal(read, state[name]), name
        assert read.dtype == state[name].dtype
    return weights.keys() == network.arrays.keys()


def test_pt_safetensors_and_recordings_of_one_loop_are_equal(net):
    model, states = Net(), {}
    recorder, finished = Recorder("recording", model), Recorder("finished", model)
    for epoch in range(3):
        states[epoch] = {n: a.clone() for n, a in changed(model, epoch).state_dict().items()}
        torch.save({"model": model.state_dict(), "epoch": epoch}, f"{epoch:03d}.pt")
        save_file(states[epoch], f"{epoch}.safetensors")
        recorder.save(epoch, loss=1 / (1 + epoch))
        finished.save(epoch, loss=1 / (1 + epoch))
    finished.finish()
    recordings = [adopted(net, "recording"), adopted(net, "finished.zarr.zip")]
    ways = [
        adopted(net, "{epoch}.pt", key="model"),
        adopted(net, "{epoch}.safetensors"),
        *recordings,
    ]
    for way in ways:
        assert way.epochs == [0, 1, 2]
        assert all(same(way, epoch, states[epoch]) for epoch in (0, 1, 2))
    assert ways[0].metrics == ()
    for way in recordings:
        assert [m.name for m in way.metrics] == ["loss"]
        np.testing.assert_allclose(way.advance(1)["loss"], [0.5])


def test_all_types_and_shared_arrays_are_taken_up():
    path = "tests.networks.nets:Mixed"
    network = module.Module(module.Settings(family="module", path=path), (8,), 2)
    state = changed(Mixed(), 3).state_dict()
    torch.save(state, "3.pt")
    assert same(adopted(network, "{epoch}.pt"), 3, state)
    Recorder("r", changed(Mixed(), 3)).save(3)
    assert same(adopted(network, "r"), 3, state)
    Recorder("r", Mixed()).finish()
    assert same(adopted(network, "r.zarr.zip"), 3, state)
    state["shared.weight"] = state["shared.weight"] + 1
    torch.save(state, "4.pt")
    with pytest.raises(SeriesError, match=r"4\.pt: .* are one array, and differ"):
        adopted(network, "{epoch}.pt").advance(4)


def test_seeds_are_rows_and_prefixes_are_left_off(net):
    states = {}
    for seed in (3, 5):
        state = states[seed] = changed(Net(), seed).state_dict()
        Path(str(seed)).mkdir()
        wrapped = {f"module._orig_mod.net.{name}": a for name, a in state.items()}
        torch.save(wrapped, f"{seed}/7.pt")
    prefixes = ["module.", "_orig_mod.", "net."]
    trainer = adopted(net, "{seed}/{epoch}.pt", (3, 5), prefixes=prefixes)
    assert trainer.settings.seeds == [3, 5]
    assert all(same(trainer, 7, states[seed], row) for row, seed in enumerate((3, 5)))


def test_networks_of_other_families_are_taken_up():
    network = mlp.MLP(mlp.Settings(hidden=[3]), (8,), 2)
    state = network.initialise(0)
    save_file({name: a.contiguous() for name, a in state.items()}, "0.safetensors")
    assert same(adopted(network, "{epoch}.safetensors"), 0, state)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda s: s.pop("norm.running_mean"), "0.pt: lacks norm.running_mean"),
        (lambda s: s.update(more=torch.ones(1)), "0.pt: has more, which the network lacks"),
        (lambda s: s.update({"head.bias": torch.ones(3)}), "0.pt: head.bias is of shape (3,)"),
        (
            lambda s: s.update({"head.bias": torch.ones(2).double()}),
            "0.pt: head.bias is float64, in the network float32",
        ),
        (
            lambda s: s.update({"module.head.bias": torch.ones(2)}),
            "0.pt: head.bias and module.head.bias are both head.bias",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_said_from_headers_alone(net, edit, said):
    state = Net().state_dict()
    edit(state)
    torch.save(state, "0.pt")
    settings = Settings(trainer="adopt", files="{epoch}.pt")
    assert said in unfit(settings, net, [0])
    with pytest.raises(SeriesError) as error:
        Adopt(settings, net, None, [0]).advance(0)
    assert said in str(error.value)


@pytest.mark.parametrize("name", ["norm.running_var", "head.weight"])
def test_a_number_that_is_nan_is_said(net, name):
    state = Net().state_dict()
    state[name].view(-1)[0] = torch.nan
    torch.save(state, "0.pt")
    with pytest.raises(SeriesError, match=rf"0\.pt: \w+ {name} is NaN"):
        adopted(net, "{epoch}.pt").advance(0)


def test_a_gap_and_a_seed_without_files_are_said(net):
    for epoch in (0, 1, 2, 4):
        torch.save(Net().state_dict(), f"{epoch}.pt")
    settings = Settings(trainer="adopt", files="{epoch}.pt")
    with pytest.raises(SeriesError, match="epoch 3 is missing between 2 and 4"):
        _ = settings.series
    assert adopted(net, "{epoch}.pt", gaps=True).epochs == [0, 1, 2, 4]
    with pytest.raises(SeriesError, match="no files of seed 1"):
        Adopt(Settings(trainer="adopt", files="{epoch}.pt", gaps=True), net, None, [0, 1])


def test_a_buffer_that_is_zero_everywhere_is_in_the_store(net):
    """Zarr would leave out a chunk that equals what stands for missing numbers."""
    torch.save(Net().state_dict(), "0.pt")
    torch.save(Net().state_dict(), "1.pt")
    train(adopted(net, "{epoch}.pt"), Path("weights.zarr.zip"), "of a test")
    store = WeightsStore(Path("weights.zarr.zip"))
    steps = store.read([0, 1], [0])["norm.num_batches_tracked"]
    assert steps.dtype == np.int64 and steps.tolist() == [[0, 0]]
    table = store.metrics_table()
    assert table[["seed", "epoch"]].to_numpy().tolist() == [[0, 0], [0, 1]]
