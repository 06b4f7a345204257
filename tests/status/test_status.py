"""What a status says of folders that tests make: finished, growing, halted, damaged, absent."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from infoplane.information import Information, LayerInformation
from infoplane.plan.files import Files
from infoplane.status import Wanted, status_of, text
from infoplane.stores.information import write_information
from infoplane.stores.weights import Journal
from infoplane.training.trainer import Lost, Metric

SETTINGS = {"training": {"epochs": 9}}
METRICS = (Metric("loss", "loss", "lower"), Metric("norm", "norm", None, True))


def journal_of(home, run, block, n_epochs, parameters=None):
    """A journal with a checkpoint after so many epochs."""
    first, last = (int(n) for n in block.split("-")[1:])
    seeds = list(range(first, last + 1))
    path = home / "runs" / run / "weights" / f"{block}.zarr.zip"
    network = SimpleNamespace(parameters=parameters or {"w": (2, 3)}, buffers={}, dtypes={})
    networks, epochs = {"network": network}, np.arange(10)
    journal = Journal(path, "of a test", networks, METRICS, seeds, epochs, epochs, ["a"])
    journal.resume()
    weights = {"network": {"w": np.ones((len(seeds), 2, 3), np.float32)}}
    for _ in range(n_epochs):
        metrics = {
            "loss": np.ones(len(seeds), np.float32),
            "norm": np.ones((len(seeds), 1), np.float32),
        }
        journal.append(metrics, weights)
    journal.checkpoint({"epoch": np.array(n_epochs - 1)})
    return journal


def information_of(home, run, estimator, block, flags=("saturated",)):
    first, last = (int(n) for n in block.split("-")[1:])
    seeds = list(range(first, last + 1))
    record = LayerInformation(Information(1.0, flags=flags), Information(0.5, flags=flags))
    records = {(s, e, "a"): record for s in seeds for e in (0, 9)}
    path = home / "runs" / run / "information" / estimator / f"{block}.zarr.zip"
    write_information(records, seeds, [0, 9], ["a"], {}, path, entropies={})
    return path


def grow_old(path):
    """As if nothing had been written there for an hour."""
    before = time.time() - 3600
    for file in [path, *path.rglob("*")]:
        os.utime(file, (before, before))


@pytest.fixture
def home(tmp_path):
    """A run of two finished blocks, a third growing; one estimator of both, one of one."""
    home = tmp_path / "results" / "mine"
    journal_of(home, "tanh", "seeds-0-1", 10).finish(
        {"settings": SETTINGS}, {1: Lost("the loss became NaN")}
    )
    journal_of(home, "tanh", "seeds-2-3", 10).finish(
        {"settings": SETTINGS}, {2: Lost("low", True)}
    )
    journal_of(home, "tanh", "seeds-4-5", 5)
    information_of(home, "tanh", "binned", "seeds-0-1")
    information_of(home, "tanh", "binned", "seeds-2-3", flags=())
    information_of(home, "tanh", "kde", "seeds-0-1")
    return home


def test_what_was_made_otherwise_counts_as_not_there(home, tmp_path):
    runs = home / "runs" / "tanh"
    stores = {
        runs / "weights" / "seeds-0-1.zarr.zip": "recipe of another learning rate",
        runs / "information" / "binned" / "seeds-0-1.zarr.zip": "recipe of other bins",
    }
    asked = Wanted(9, ["seeds-0-1", "seeds-2-3"], ["binned"], recipes=stores)
    found = status_of(home, tmp_path / "logs", {"tanh": asked})
    said = text(found)
    assert found.other == sorted(stores)
    assert "1 of 2 blocks" in row(said, "tanh")
    assert "seeds-0-1 outdated" in row(said, "tanh")
    assert "1 of 2" in row(said, "binned")
    assert all(f"  {store}" in said for store in stores)


def test_a_training_that_failed_is_not_growing(home, tmp_path):
    journal = journal_of(home, "tanh", "seeds-4-5", 5)
    journal.fail("the loss of every seed became NaN")
    said = text(status_of(home, tmp_path / "logs", WANTED))
    assert "seeds-4-5 9 of 9, FAILED" in row(said, "tanh")
    assert "the loss of every seed became NaN" in said
    assert "growing" not in said
    journal.resume()
    assert "growing" in text(status_of(home, tmp_path / "logs", WANTED))


WANTED = {
    "tanh": Wanted(9, ["seeds-0-1", "seeds-2-3", "seeds-4-5"], ["binned", "kde", "late/kde"]),
    "relu": Wanted(9, ["seeds-0-0"], ["binned"]),
}


def row(said, start):
    return next(line for line in said.splitlines() if line.startswith(start))


def test_what_is_there_stands_beside_what_is_asked_for(home, tmp_path):
    said = text(status_of(home, tmp_path / "logs", WANTED))
    tanh = row(said, "tanh")
    assert "2 of 3 blocks" in tanh
    assert "9 of 9; seeds-4-5 4 of 9, growing" in tanh
    assert "failed 1" in tanh and "set aside 1" in tanh
    assert "binned 2 of 3, kde 1 of 3, late/kde 0 of 1" in tanh
    assert "0 of 1 block" in row(said, "relu") and "binned 0 of 1" in row(said, "relu")
    assert row(said, "binned").split() == ["binned", "2", "of", "4", "8", "saturated", "4"]
    assert "DAMAGED" not in said and "half-written" not in said


def test_without_a_configuration_what_is_there_is_all_that_is_known(home, tmp_path):
    said = text(status_of(home, tmp_path / "logs"))
    assert "9 of 9; seeds-4-5 4, growing" in row(said, "tanh")
    assert "binned, kde" in row(said, "tanh")
    assert row(said, "kde").split() == ["kde", "1", "of", "1", "4", "saturated", "4"]


def test_a_run_that_is_no_longer_asked_for_is_said_to_be_so(home, tmp_path):
    said = text(status_of(home, tmp_path / "logs", {"relu": WANTED["relu"]}))
    assert row(said, "tanh").startswith("tanh (not in the configuration)")


def test_a_training_that_stands_still_is_halted(home, tmp_path):
    grow_old(home / "runs/tanh/weights/seeds-4-5.zarr.zip.partial")
    said = text(status_of(home, tmp_path / "logs", WANTED))
    assert "seeds-4-5 4 of 9, halted" in said
    assert "half-written" not in said  # a journal is resumed, not left over


def test_a_training_before_its_first_checkpoint(home, tmp_path):
    (home / "runs/tanh/weights/seeds-4-5.zarr.zip.partial/checkpoint.npz").unlink()
    said = text(status_of(home, tmp_path / "logs", WANTED))
    assert "seeds-4-5 not at a checkpoint yet, growing" in said


@pytest.mark.parametrize(
    "store",
    [
        "runs/tanh/weights/seeds-0-1.zarr.zip",
        "runs/tanh/weights/seeds-4-5.zarr.zip.partial",
        "runs/tanh/information/kde/seeds-0-1.zarr.zip",
    ],
)
def test_a_damaged_store_is_named_with_its_remedy(home, tmp_path, store):
    path = home / store
    file = path / "checkpoint.npz" if path.is_dir() else path
    file.write_bytes(file.read_bytes()[:-7])
    said = text(status_of(home, tmp_path / "logs", WANTED))
    assert f"{path} is damaged" in said and f"rm -r '{path}'" in said
    if "weights" in store:
        assert f"{path.name.split('.')[0]} DAMAGED" in said
    else:
        assert "kde 0 of 3" in said


def test_half_written_stores_are_listed_once_nobody_writes_them(home, tmp_path):
    left = home / "runs/tanh/information/kde/seeds-2-3.zarr.zip.partial"
    left.mkdir()
    (left / "zarr.json").write_text("{}")
    assert "half-written" not in text(status_of(home, tmp_path / "logs"))
    grow_old(left)
    said = text(status_of(home, tmp_path / "logs"))
    assert "half-written" in said and str(left) in said


def test_results_of_the_older_layout_are_neither_counted_nor_damaged(home, tmp_path):
    expected = text(status_of(home, tmp_path / "logs"))
    for store in ("weights/seeds-6-7", "information/kde/seeds-2-3"):
        folder = home / "runs/tanh" / f"{store}.zarr"
        folder.mkdir()
        (folder / "zarr.json").write_text("{}")
    assert text(status_of(home, tmp_path / "logs")) == expected
    assert sorted(Files(home).blocks_of_weights("tanh")) == ["seeds-0-1", "seeds-2-3"]


def test_jobs_say_how_far_they_are_until_they_end(home, tmp_path):
    log = tmp_path / "logs/mine/train/tanh/seeds-4-5.log"
    log.parent.mkdir(parents=True)
    line = "2026-01-01 00:00:00 INFO train tanh seeds-4-5: epoch 5 of 10, 01:20 left\n"
    log.write_text("something before\n" + line)
    found = status_of(home, log.parents[2]).running
    assert found == ["train tanh seeds-4-5: epoch 5 of 10, 01:20 left"]
    log.write_text(line + "2026-01-01 00:00:00 INFO train tanh seeds-4-5: 10 epoch in 02:40\n")
    assert status_of(home, log.parents[2]).running == []
    log.write_text(line)
    grow_old(log)
    assert status_of(home, log.parents[2]).running == []


def test_an_experiment_without_anything(tmp_path):
    said = text(status_of(tmp_path / "none", Path("logs"), WANTED))
    assert "0 of 3 blocks" in row(said, "tanh")
    assert "no runs yet" in text(status_of(tmp_path / "none", Path("logs")))
