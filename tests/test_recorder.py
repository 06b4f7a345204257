"""Recordings of a loop of the user's own: whole after any kill, and what was recorded."""

import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from tests.networks.nets import Mixed, Net, TwoHeads

import infoplane
from infoplane import Recorder
from infoplane.networks.arrays import to_tensor
from infoplane.stores import series
from infoplane.stores.weights import WeightsStore

LOOP = """
import sys, torch
from infoplane import Recorder
from tests.networks.nets import Net

folder = sys.argv[1]
recorder = Recorder(f"{folder}/recording", model := Net(width=64), seed=3)
first = 0 if recorder.last is None else recorder.last + 1
print("ready", flush=True)
for epoch in range(first, 40):
    torch.manual_seed(epoch)  # a stand-in for a training
    for array in (*model.parameters(), model.norm.running_mean):
        torch.nn.init.normal_(array)
    torch.save(model.state_dict(), f"{folder}/{epoch}.pt")
    recorder.save(epoch, loss=1 / (epoch + 1))
"""


def test_a_recording_holds_whole_epochs_whenever_it_is_killed(tmp_path):
    draw, command = random.Random(0), [sys.executable, "-c", LOOP, str(tmp_path)]
    for kill in (True, True, False):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            if kill:
                time.sleep(draw.uniform(0, 0.05))
                process.send_signal(signal.SIGKILL)
    assert process.returncode == 0
    files = series.files_of(f"{tmp_path}/recording")
    assert list(files[3]) == list(range(40))
    for epoch, path in files[3].items():
        said = torch.load(tmp_path / f"{epoch}.pt", weights_only=True)
        read = series.load(path)
        assert said.keys() == read.keys()
        assert all(
            torch.equal(said[n], read[n]) and said[n].dtype == read[n].dtype for n in said
        )
        assert series.recorded(path)["metrics"] == {"loss": 1 / (epoch + 1)}


@pytest.mark.parametrize("left", ["epoch-000001.safetensors.9.partial", ".tmpfc9uCq"])
def test_a_recording_goes_on_after_its_last_epoch(tmp_path, left):
    model = Net()
    Recorder(tmp_path / "r", model).save(0)
    (tmp_path / "r" / left).write_bytes(b"half a file, left by a kill")
    again = Recorder(tmp_path / "r", model)
    assert again.last == 0 and not (tmp_path / "r" / left).exists()
    again.save(5, loss=0.5)
    assert again.epochs == [0, 5]


def test_an_epoch_that_is_recorded_is_replaced_only_where_that_is_asked_for(tmp_path):
    model = Net()
    recorder = Recorder(tmp_path, model)
    for epoch in range(4):
        recorder.save(epoch)
    before = (tmp_path / "epoch-000001.safetensors").read_bytes()
    for epoch in (1, 3):
        with pytest.raises(ValueError, match="has epoch 3 already"):
            recorder.save(epoch)
    assert (tmp_path / "epoch-000001.safetensors").read_bytes() == before
    with torch.no_grad():
        model.head.weight.add_(1)
    again = Recorder(tmp_path, model, replace=True)
    again.save(1)
    assert again.epochs == [0, 1]
    read = series.load(tmp_path / "epoch-000001.safetensors")
    assert torch.equal(read["head.weight"], model.head.weight)


def test_shared_arrays_and_all_types_are_recorded(tmp_path):
    model = Mixed()
    path = Recorder(tmp_path, model).save(0)
    state, read = model.state_dict(), series.load(path)
    assert state.keys() == read.keys()
    assert all(
        torch.equal(state[n], read[n]) and state[n].dtype == read[n].dtype for n in state
    )


def test_a_folder_of_another_seed_model_or_purpose_is_refused(tmp_path):
    Recorder(tmp_path / "r", Net()).save(0)
    with pytest.raises(ValueError, match="records seed 0, not 1"):
        Recorder(tmp_path / "r", Net(), seed=1)
    with pytest.raises(ValueError, match="records another model"):
        Recorder(tmp_path / "r", TwoHeads())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"is not a recording: it holds thesis\.tex"):
        Recorder(tmp_path / "mine", Net())


def test_a_recording_of_another_seed_than_its_path_says_is_refused(tmp_path):
    Recorder(tmp_path / "7", Net(), seed=3).save(0)
    with pytest.raises(series.SeriesError, match="holds seed 3, but its path names another"):
        series.files_of(f"{tmp_path}/{{seed}}")
    Recorder(tmp_path / "r", Net(), seed=3).save(0)
    assert list(series.files_of(f"{tmp_path}/r")) == [3]


def test_a_finished_recording_is_a_store_of_weights(tmp_path):
    model, states = Mixed(), {}
    with Recorder(tmp_path / "3", model, seed=3) as recorder:
        for epoch in (0, 2, 5):
            model.train()(torch.rand(4, 8).double())
            states[epoch] = {n: a.clone() for n, a in model.state_dict().items()}
            recorder.save(epoch, **({"loss": 1 / 3} if epoch else {}))
    assert [path.name for path in tmp_path.iterdir()] == ["3.zarr.zip"]
    tree = infoplane.open(tmp_path / "3.zarr.zip")
    assert set(tree["network"].children) == {"parameters", "buffers"}
    assert set(tree["network/buffers"].data_vars) == {"frozen", "steps"}
    assert tree["metrics/loss"].dtype == np.float64
    store = WeightsStore(tmp_path / "3.zarr.zip")
    assert store.seeds.tolist() == [3] and store.epochs.tolist() == [0, 2, 5]
    np.testing.assert_array_equal(store.metrics_table()["loss"], [np.nan, 1 / 3, 1 / 3])
    for i, state in enumerate(states.values()):
        for name, arrays in store.read([*states], [3]).items():
            kind = str(state[name].dtype).removeprefix("torch.")
            read = to_tensor(np.asarray(arrays[0, i]), kind)
            assert read.dtype == state[name].dtype and torch.equal(read, state[name])


def test_an_error_leaves_a_recording_open_and_a_finished_one_is_closed(tmp_path):
    model = Net()
    with pytest.raises(KeyboardInterrupt), Recorder(tmp_path / "r", model) as recorder:
        recorder.save(0)
        raise KeyboardInterrupt
    again = Recorder(tmp_path / "r", model)
    assert again.last == 0
    again.finish()
    for late in (lambda: again.save(1), again.finish, lambda: Recorder(again.store, model)):
        with pytest.raises(ValueError, match=r"r\.zarr\.zip is a finished recording"):
            late()
    again.store.rename(tmp_path / "0.zarr.zip")
    with pytest.raises(series.SeriesError, match=r"adopt them by .*\{seed\}\.zarr\.zip"):
        series.files_of(f"{tmp_path}/{{seed}}")
    content = (tmp_path / "0.zarr.zip").read_bytes()
    (tmp_path / "1.zarr.zip").write_bytes(content[:-9])
    with pytest.raises(series.SeriesError, match=r"1\.zarr\.zip cannot be read") as error:
        series.files_of(f"{tmp_path}/{{seed}}.zarr.zip")
    assert "rm" not in str(error.value)
    with pytest.raises(ValueError, match="has no epoch; save one"):
        Recorder(tmp_path / "empty", model).finish()
    with pytest.raises(ValueError, match="a metric cannot be called 'train/loss'"):
        Recorder(tmp_path / "empty", model).save(0, **{"train/loss": 1.0})


def test_a_recording_that_is_killed_while_it_is_packed_is_whole(tmp_path, monkeypatch):
    model = Net()
    recorder = Recorder(tmp_path / "0", model)
    for epoch in range(3):
        recorder.save(epoch)
    before = {file.name: file.read_bytes() for file in recorder.path.iterdir()}

    def killed(*_):
        raise KeyboardInterrupt

    for place in ("infoplane.stores.files.pack", "infoplane.recorder.partial_of"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(place, killed)
            recorder.finish()
        assert {file.name: file.read_bytes() for file in recorder.path.iterdir()} == before
        if not recorder.store.exists():
            assert list(series.files_of(f"{tmp_path}/{{seed}}")[0]) == [0, 1, 2]
            assert Recorder(tmp_path / "0", model).last == 2
    shutil.rmtree(recorder.path)
    assert list(series.files_of(f"{tmp_path}/{{seed}}.zarr.zip")[0]) == [0, 1, 2]
