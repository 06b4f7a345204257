"""The journal: what is kept, what a kill leaves behind, what a resumed training ends in."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile

import numpy as np
import pytest
import torch
import xarray as xr
from tests.steps import steps

from infoplane.machine import require_disk
from infoplane.stores import weights as stores
from infoplane.stores.archive import StoreError, partial_of
from infoplane.stores.files import open_tree
from infoplane.stores.weights import CHECKPOINT, Journal, WeightsStore
from infoplane.training.loop import train


def trained(trainer_of, network_settings, path, seeds=(0, 1), identity="same", **options):
    train(trainer_of(list(seeds), **options), path, identity, checkpoint_seconds=0)
    return WeightsStore(path)


@pytest.fixture(params=[1, 4, 4096])
def shard(request, monkeypatch):
    """Shards of one, of four and of many epochs."""
    monkeypatch.setattr(stores, "_power_of_two", lambda n: request.param)
    return request.param


def test_store_holds_what_the_trainer_gave(trainer_of, network_settings, tmp_path, shard):
    store = trained(trainer_of, network_settings, tmp_path / "w.zarr.zip", epochs=9)
    epochs = list(steps(trainer_of([0, 1], epochs=9)))
    assert store.epochs.tolist() == list(range(10))
    assert store.seeds.tolist() == [0, 1]
    read = store.read([0, 3, 9], [1])
    for place, number in enumerate([0, 3, 9]):
        for name, values in epochs[number].weights.items():
            assert np.array_equal(read[name][0, place], values[1])
    loss = store.metrics()["loss_train"].values
    np.testing.assert_array_equal(loss, np.stack([e.metrics["loss_train"] for e in epochs], 1))
    assert not partial_of(tmp_path / "w.zarr.zip").exists()


def test_no_global_of_torch_changes_a_training(trainer_of, network_settings, tmp_path):
    def weights(name):
        store = trained(trainer_of, network_settings, tmp_path / name, epochs=2)
        return store.read([0, 2], [0, 1])

    expected = weights("usual.zarr.zip")
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            found = weights("changed.zarr.zip")
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_kept_epochs_follow_the_schedule(trainer_of, network_settings, tmp_path):
    keep = {"schedule": "every", "n": 4}
    store = trained(trainer_of, network_settings, tmp_path / "w.zarr.zip", epochs=10, keep=keep)
    assert store.epochs.tolist() == [0, 4, 8, 10]
    whole = trained(trainer_of, network_settings, tmp_path / "all.zarr.zip", epochs=10)
    for name, values in store.read([8, 10], [0]).items():
        assert np.array_equal(values, whole.read([8, 10], [0])[name])
    assert store.metrics().sizes["epoch"] == 11


def test_last_epoch_is_kept_where_a_rule_ends_training(trainer_of, network_settings, tmp_path):
    store = trained(
        trainer_of,
        network_settings,
        tmp_path / "w.zarr.zip",
        seeds=[0],
        epochs=100,
        keep={"schedule": "every", "n": 50},
        optimizer={"method": "sgd", "learning_rate": 1e-12},
        stop={"quantity": "accuracy_test", "patience": 3},
    )
    assert store.epochs.tolist() == [0, 3]
    assert np.isfinite(store.read([3], [0])["output.bias"]).all()


class Killed(BaseException):
    """Stands in for SIGKILL: nothing after it runs."""


@pytest.mark.parametrize("killed_at", [0, 3, 4, 7])
@pytest.mark.parametrize("moment", ["append", "checkpoint", "between"])
def test_a_killed_training_ends_in_the_same_bits(
    killed_at, moment, shard, trainer_of, network_settings, tmp_path, monkeypatch
):
    whole = trained(trainer_of, network_settings, tmp_path / "whole.zarr.zip", epochs=9)
    calls = {"n": 0}

    def dying(original, after):
        def call(self, *arguments):
            if calls["n"] == killed_at:
                if after:
                    original(self, *arguments)
                raise Killed
            calls["n"] += 1
            return original(self, *arguments)

        return call

    with monkeypatch.context() as patch, pytest.raises(Killed):
        name = "append" if moment == "append" else "checkpoint"
        patch.setattr(Journal, name, dying(getattr(Journal, name), after=moment == "between"))
        trained(trainer_of, network_settings, tmp_path / "w.zarr.zip", epochs=9)
    assert not (tmp_path / "w.zarr.zip").exists()
    resumed = trained(trainer_of, network_settings, tmp_path / "w.zarr.zip", epochs=9)
    ours, theirs = (s.read(range(10), [0, 1]) for s in (resumed, whole))
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
    assert resumed.metrics().identical(whole.metrics())


def test_a_kill_after_the_stopping_rule_keeps_the_last_epoch(
    trainer_of, network_settings, tmp_path, monkeypatch
):
    options = {
        "seeds": [0],
        "epochs": 100,
        "keep": {"schedule": "every", "n": 50},
        "optimizer": {"method": "sgd", "learning_rate": 1e-12},
        "stop": {"quantity": "accuracy_test", "patience": 3},
    }
    whole = trained(trainer_of, network_settings, tmp_path / "whole.zarr.zip", **options)

    def die(self, *arguments):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Journal, "finish", die)
        trained(trainer_of, network_settings, tmp_path / "w.zarr.zip", **options)
    resumed = trained(trainer_of, network_settings, tmp_path / "w.zarr.zip", **options)
    assert resumed.epochs.tolist() == whole.epochs.tolist() == [0, 3]
    assert np.array_equal(
        resumed.read([3], [0])["hidden1.weight"], whole.read([3], [0])["hidden1.weight"]
    )


@pytest.mark.parametrize("killed_after", ["metrics", "network"])
def test_a_kill_while_the_store_is_finished_is_resumed(
    trainer_of, network_settings, tmp_path, monkeypatch, killed_after
):
    path, options = tmp_path / "w.zarr.zip", {"epochs": 9}
    write = xr.Dataset.to_zarr

    def killed(self, *args, group, **others):
        write(self, *args, group=group, **others)
        if group == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(xr.Dataset, "to_zarr", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(trainer_of, network_settings, path, **options)
    monkeypatch.undo()
    assert (partial_of(path) / "metrics").exists() and not path.exists()
    resumed = trained(trainer_of, network_settings, path, **options)
    whole = trained(trainer_of, network_settings, tmp_path / "whole.zarr.zip", **options)
    ours, theirs = (s.read(range(10), [0, 1]) for s in (resumed, whole))
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
    assert resumed.metrics().identical(whole.metrics())


def test_a_journal_made_from_something_else_is_not_resumed(
    trainer_of, network_settings, tmp_path, monkeypatch
):
    path = tmp_path / "w.zarr.zip"

    def die(self, *arguments):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Journal, "finish", die)
        trained(trainer_of, network_settings, path, identity="old")
    resumed = []
    original = Journal.resume
    monkeypatch.setattr(
        Journal, "resume", lambda self: resumed.append(original(self)) or resumed[-1]
    )
    trained(trainer_of, network_settings, path, identity="new")
    assert resumed == [None]


@pytest.mark.slow
def test_sigkill_at_random_moments_changes_no_bit(tmp_path):
    script = tmp_path / "training.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys, time
            from pathlib import Path
            import numpy as np, torch
            from infoplane.datasets.source import Data, Label
            from infoplane.networks import mlp
            from infoplane.training import supervised
            from infoplane.training.loop import train
            torch.set_num_threads(1)
            x = ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype(np.float32)
            y = (x.sum(1) > 4).astype(np.int64)
            data = Data(x, {"y": Label(y, ("0", "1"))}, np.arange(200), np.arange(200, 256), {})
            chosen = mlp.Settings(hidden=[6, 3])
            settings = supervised.Settings(epochs=250, batch_size=32, device="cpu")

            class Slow(supervised.Supervised):
                def advance(self, epoch):
                    time.sleep(0.004)  # no machine is through before the second kill
                    return super().advance(epoch)

            def trainer():
                return Slow(settings, mlp.MLP(chosen, (8,), 2), data, [0, 1, 2])

            trainer().advance(0)  # what is compiled is loaded
            print("ready", flush=True)
            train(trainer(), Path(sys.argv[1]), "same", checkpoint_seconds=0.05)
            """
        )
    )

    def start(path):
        return subprocess.Popen(
            [sys.executable, script, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    whole, killed = tmp_path / "whole.zarr.zip", tmp_path / "killed.zarr.zip"
    assert start(whole).wait() == 0
    rng = np.random.default_rng(0)
    kills = 0
    for _ in range(30):
        process = start(killed)
        process.stdout.readline()
        time.sleep(rng.uniform(0.1, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if killed.exists():
            break
        kills += 1
    if not killed.exists():
        assert start(killed).wait() == 0
    assert kills >= 2, "the test needs kills before the end"
    ours, theirs = WeightsStore(killed), WeightsStore(whole)
    a, b = (s.read(s.epochs, s.seeds) for s in (ours, theirs))
    assert all(np.array_equal(a[name], b[name]) for name in b)
    assert ours.metrics().identical(theirs.metrics())


def test_too_small_a_disk_is_refused_before_training(tmp_path):
    with pytest.raises(OSError, match=r"w\.zarr\.zip may take 1e\+09 TB, but .* has .* free"):
        require_disk(tmp_path / "w.zarr.zip", 10**21)


def test_failed_seeds_are_named_in_the_store(trainer_of, network_settings, tmp_path):
    trainer = trainer_of([3, 4])
    advance = trainer.advance

    def poisoned(epoch):
        if epoch == 2:
            (flat,) = trainer.groups[0].flats
            flat[0] = np.nan
            trainer.groups[0].start([flat])
        return advance(epoch)

    trainer.advance = poisoned
    train(trainer, tmp_path / "w.zarr.zip", "same")
    store = WeightsStore(tmp_path / "w.zarr.zip")
    assert store.lost == {3: ("the loss became NaN or infinite in epoch 2", False)}
    assert np.isnan(store.read([5], [3])["output.bias"]).all()
    assert np.isfinite(store.read([5], [4])["output.bias"]).all()


def test_missing_store_says_how_to_make_it(tmp_path):
    with pytest.raises(StoreError, match="does not exist; the workflow makes it"):
        WeightsStore(tmp_path / "none.zarr.zip")


@pytest.mark.parametrize("damage", ["deleted", "cut", "flipped"])
@pytest.mark.parametrize("what", ["shard", "checkpoint.npz", "identity.txt", "zarr.json"])
def test_a_damaged_journal_ends_in_the_same_bits(
    trainer_of, network_settings, tmp_path, monkeypatch, caplog, what, damage
):
    monkeypatch.setattr(stores, "_power_of_two", lambda n: 2)
    whole = trained(trainer_of, network_settings, tmp_path / "whole.zarr.zip", epochs=9)
    path = tmp_path / "w.zarr.zip"

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Journal, "finish", killed)
        trained(trainer_of, network_settings, path, epochs=9)
    journal = partial_of(path)
    if what == "shard":
        file = min(f for f in journal.rglob("c/**/*") if f.is_file())
    else:
        file = max(f for f in journal.rglob(what))
    content = file.read_bytes()
    middle = len(content) // 2
    if what == CHECKPOINT:  # in numbers: a zip's own dates may be anything
        with zipfile.ZipFile(file) as members:
            largest = max(members.infolist(), key=lambda member: member.file_size)
        middle = largest.header_offset + largest.file_size // 2
    if damage == "deleted":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(content[:middle])
    else:
        file.write_bytes(
            content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        )
    again = trained(trainer_of, network_settings, path, epochs=9)
    anew = "training starts anew" in caplog.text
    assert anew == (
        what in ("shard", "checkpoint.npz") and (what, damage) != (CHECKPOINT, "deleted")
    )
    for name, values in again.read(again.epochs, again.seeds).items():
        assert values.tobytes() == whole.read(whole.epochs, whole.seeds)[name].tobytes()
    xr.testing.assert_identical(again.metrics(), whole.metrics())
    open_tree(path)
