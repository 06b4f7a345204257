"""Seeds that fail and stores that are damaged: nothing is silently wrong."""

import re
import subprocess
import zipfile

import numpy as np
import pandas as pd
import pytest

from infoplane.stores.weights import WeightsStore

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

OPTIONS = ("--configfile", "experiment.yaml")
WEIGHTS = "tiny/runs/tanh/weights/seeds-0-1.zarr.zip"
KDE = "tiny/runs/tanh/information/kde/seeds-0-1.zarr.zip"
FIGURES = "tiny/runs/tanh/figures"


def flip_a_byte(store, array):
    """In the middle of the first chunk or shard of an array."""
    with zipfile.ZipFile(store) as archive:
        names = [n for n in archive.namelist() if n.startswith(array) and "/c/" in n]
        chunk = archive.getinfo(min(names))
    content = bytearray(store.read_bytes())
    content[chunk.header_offset + 30 + len(chunk.filename) + chunk.file_size // 2] ^= 0x10
    store.unlink()  # what the cache has of it stays whole
    store.write_bytes(content)


def mend(project, said, store):
    """Do what the message says, word by word."""
    remedy = re.search(r"damaged: .*Remove it \((rm -r '[^']*')\) and start the workflow", said)
    assert remedy, said
    assert str(store.relative_to(project.root)) in remedy[1]
    subprocess.run(remedy[1], shell=True, cwd=project.root, check=True)
    assert not store.exists()


@pytest.mark.parametrize(
    ("store", "array", "reader"),
    [
        pytest.param(WEIGHTS, "network/parameters/", f"{KDE}", id="weights"),
        pytest.param(KDE, "ixt/", FIGURES, id="information"),
    ],
)
def test_damaged_store_is_refused_and_mended_to_the_same_bits(
    copy, finished, assert_same_bits, store, array, reader
):
    damaged = copy.results(store)
    flip_a_byte(damaged, array)
    wanted = copy.results(reader)
    subprocess.run(["rm", "-r", wanted], check=True)

    said = copy.snakemake(f"results/{reader}", *OPTIONS, fails=True)
    assert not wanted.exists()
    mend(copy, said, damaged)
    copy.snakemake(f"results/{reader}", *OPTIONS)
    assert_same_bits(damaged, finished.results(store))
    if reader == KDE:
        assert_same_bits(wanted, finished.results(reader))
    else:
        for csv in wanted.glob("*.csv"):
            assert csv.read_bytes() == finished.results(reader, csv.name).read_bytes()


def test_failed_seeds_are_named_and_the_others_finish(copy, tiny, arrays_of):
    exploding = {
        "network": {"activation": "relu"},
        "training": {"optimizer": {"method": "sgd", "learning_rate": 1e6}},
        "seeds": 12,
        "seeds_per_block": 12,
    }
    copy.configure(tiny, {"runs.nan": exploding})
    copy.snakemake("run_nan", *OPTIONS)
    figure = copy.results("tiny/runs/nan/figures/information_plane-binned.csv")
    store = copy.results("tiny/runs/nan/weights/seeds-0-11.zarr.zip")
    weights, lost = arrays_of(store), WeightsStore(store).lost
    failed = sorted(lost)
    assert 0 < len(failed) < 12
    log = copy.log("tiny/train/nan/seeds-0-11.log")
    for seed in failed:
        said = f"seed {seed}: {lost[seed].reason};"
        assert f"train nan seeds-0-11: {said}" in log
    for name, values in weights.items():
        if name.startswith("/network/parameters/") and values.ndim > 1:
            whole = np.isfinite(values[:, -1]).reshape(12, -1).all(axis=1)
            assert np.flatnonzero(~whole).tolist() == failed
    found = arrays_of(copy.results("tiny/runs/nan/information/binned/seeds-0-11.zarr.zip"))
    known = np.isfinite(next(v for k, v in found.items() if k.endswith("/ixt")))
    assert np.flatnonzero(~known.all(axis=(1, 2))).tolist() == failed
    rows = pd.read_csv(figure)
    assert (rows.n_seeds == 12 - len(failed)).all()
    assert (rows.seeds_left_out.astype(str) == "|".join(map(str, failed))).all()


def test_run_of_which_every_seed_fails_stops_with_a_clear_message(copy, tiny):
    training = {"optimizer": {"method": "sgd", "learning_rate": 1e30}, "epochs": 6}
    copy.configure(tiny, {"runs.relu.training": training})
    weights = "tiny/runs/relu/weights/seeds-0-0.zarr.zip"
    said = copy.snakemake(f"results/{weights}", *OPTIONS, fails=True)
    assert "train relu seeds-0-0: the loss of every seed became NaN" in said
    assert "(seed: epoch {0: 1})" in said
    assert "a smaller learning rate" in said
    assert not copy.results(weights).exists()
