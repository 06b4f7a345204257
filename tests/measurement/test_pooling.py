"""Pools: which draws a window holds, what H(T|X) can be, when weights count as drifting."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
from pydantic import ValidationError

from infoplane.estimators import binned
from infoplane.measurement import pooling
from infoplane.measurement.activations import Activations
from infoplane.networks import mlp
from infoplane.probes import dataset as probes
from infoplane.probes.dataset import DatasetProbe
from infoplane.samples import Samples
from infoplane.stores.joined import JoinedWeights
from infoplane.stores.pooled import read_pooled, write_pooled
from infoplane.training import supervised
from infoplane.training.loop import train

BINS = binned.BinnedSettings(estimator="binned", n_bins=30)
SEEDS = [0, 1, 2, 3]


def trained(data, folder, noise=None, dropout=0.0):
    settings = mlp.Settings(
        hidden=[6, 3], initialisation="fan_in", noise=noise, dropout=dropout
    )
    chosen = supervised.Settings(epochs=12, batch_size=64, device="cpu")
    paths = []
    for seeds in (SEEDS[:2], SEEDS[2:]):
        trainer = supervised.Supervised(chosen, mlp.MLP(settings, (8,), 2), data, seeds)
        path = folder / f"seeds-{seeds[0]}-{seeds[1]}.zarr.zip"
        train(trainer, path, "same")
        paths.append(path)
    return JoinedWeights(paths)


@pytest.fixture
def weights(data, tmp_path):
    return trained(data, tmp_path)


@pytest.fixture
def noisy_weights(data, tmp_path):
    return trained(data, tmp_path, {"sigma": 0.1})


def pool_of(weights, data, memory_mb=100, passes="evaluation", **settings):
    measure = probes.Settings(device="cpu", passes=passes)
    source = Activations(weights, DatasetProbe(measure, data))
    return pooling.Pool(source, pooling.Settings(**settings), memory_mb)


def measured(pool, settings=BINS):
    drifts = pooling.Drifts(pool.activations)
    return pooling.measure(pool, binned.Binned(settings), drifts)


def single(weights, data, seed, epoch):
    """Layers of one network as Activations gives them, by name."""
    measure = probes.Settings(epochs={"schedule": "list", "epochs": [epoch]}, device="cpu")
    batches = list(Activations(weights, DatasetProbe(measure, data)))
    return {s.layer: s.t for batch in batches for s in batch if s.seed == seed}


def test_a_window_holds_the_last_epochs_of_its_seed(weights, data):
    pool = pool_of(weights, data, lengths=[1, 3], step=2)
    (block,) = [b for b in pool.blocks if b.group == 3]
    assert block.epochs == (8, 10, 12) and block.end == 12
    for found in pool.samples(block):
        by_length = dict(found)
        assert by_length[1].t.shape[1] == 1 and by_length[3].t.shape[1] == 3
        layer = by_length[3].layer
        for draw, epoch in enumerate((8, 10, 12)):
            alone = single(weights, data, 3, epoch)[layer][:, 0]
            torch.testing.assert_close(by_length[3].t[:, draw], alone)
        torch.testing.assert_close(by_length[1].t[:, 0], by_length[3].t[:, 2])


def test_seeds_are_pooled_in_groups_across_stores(weights, data):
    pool = pool_of(weights, data, over="seeds", lengths=[1, 2, 3])
    made = [(b.lengths, b.group, b.seeds) for b in pool.blocks]
    assert made == [
        *[((1,), i, (i,)) for i in range(4)],
        ((2,), 0, (0, 1)),
        ((2,), 1, (2, 3)),
        ((3,), 0, (0, 1, 2)),
    ]
    ((_, samples),) = next(pool.samples(pool.blocks[-1]))
    for draw, seed in enumerate((0, 1, 2)):
        alone = single(weights, data, seed, 12)["hidden1"][:, 0]
        torch.testing.assert_close(samples.t[:, draw], alone)


def test_both_is_epochs_of_all_seeds(weights, data):
    pool = pool_of(weights, data, over="both", lengths=[1, 2])
    (block,) = pool.blocks
    draws = {length: s.n_draws for length, s in next(pool.samples(block))}
    assert draws == {1: 4, 2: 8}


def test_windows_that_slide_leave_out_what_does_not_fit(weights, data):
    ends = {"schedule": "every", "n": 3}
    pool = pool_of(weights, data, lengths=[2, 5], ends=ends)
    windows = {b.end: b.lengths for b in pool.blocks if b.group == 0}
    assert windows == {3: (2,), 6: (2, 5), 9: (2, 5), 12: (2, 5)}
    with pytest.raises(ValueError, match="no window fits: the shortest has length 40"):
        pool_of(weights, data, lengths=[40])


def test_noise_is_pooled_draw_by_draw(noisy_weights, data):
    pool = pool_of(noisy_weights, data, over="noise", lengths=[1, 4])
    found = dict(next(pool.samples(pool.blocks[0])))
    assert found[4].t.shape[1] == 4 and found[4].sigma == pytest.approx(0.1)
    assert float(found[4].centres.std(dim=1).max()) < 1e-6
    added = (found[4].t - found[4].centres) / 0.1
    assert float(added.std()) == pytest.approx(1, abs=0.05)


def test_masks_of_dropout_are_pooled_draw_by_draw(data, tmp_path):
    weights = trained(data, tmp_path, dropout=0.5)
    pool = pool_of(weights, data, over="noise", lengths=[1, 4], passes="training")
    by_length = dict(next(pool.samples(pool.blocks[0])))
    draws = by_length[4].t
    assert draws.shape[1] == 4 and by_length[4].sigma is None
    torch.testing.assert_close(by_length[1].t, draws[:, :1])
    dropped = (draws == 0).float().mean(dim=(0, 2))  # a share for each draw
    assert float((dropped - 0.5).abs().max()) < 0.06  # 4.7 sd of 256 × 6 masks
    rows = measured(pool, BINS)
    given = [row.record.extra["entropy_given_x"] for row in rows if row.length == 4]
    assert min(given) > 0.5  # bit; without masks it is 0


def test_pooled_information_is_that_of_the_counted_table(weights, data):
    pool = pool_of(weights, data, lengths=[4])
    rows = measured(pool, binned.BinnedSettings(estimator="binned", n_bins=5, range="layer"))
    block = pool.blocks[2]
    for ((_, samples),) in pool.samples(block):
        t = samples.t.numpy()
        low, high = t.min(), t.max()
        codes = np.clip(((t - low) / (high - low) * 5).astype(int), 0, 4)
        flat = np.unique(codes.reshape(-1, codes.shape[-1]), axis=0, return_inverse=True)[1]
        flat = flat.reshape(codes.shape[:2])

        def entropy(values):
            p = np.unique(values, return_counts=True)[1] / values.size
            return -(p * np.log2(p)).sum()

        given = np.mean([entropy(row) for row in flat])
        (row,) = [r for r in rows if r.group == block.group and r.layer == samples.layer]
        assert row.record.ixt.value == pytest.approx(entropy(flat) - given, abs=0.02)
        assert row.record.extra["entropy_given_x"] == pytest.approx(given, abs=0.02)


def test_entropy_given_x_is_at_most_that_of_the_draws_and_grows_with_them(weights, data):
    rows = measured(pool_of(weights, data, over="both", lengths=[1, 2, 4, 8]))
    for layer in ("hidden1", "hidden2", "output"):
        found = [r for r in rows if r.layer == layer]
        given = [r.record.extra["entropy_given_x"] for r in found]
        assert [r.n_draws for r in found] == [4, 8, 16, 32]
        assert all(g <= math.log2(r.n_draws) + 1e-9 for g, r in zip(given, found, strict=True))
        assert given == sorted(given) and given[-1] > 0.1
        assert all(r.record.ixt.value <= 8 for r in found)


def test_a_survey_reaches_over_all_windows(weights, data):
    chosen = binned.BinnedSettings(estimator="binned", range="layer_over_training", n_bins=10)
    rows = measured(pool_of(weights, data, lengths=[1, 3]), chosen)
    assert len(rows) == 4 * 3 * 2 and all(np.isfinite(r.record.ixt.value) for r in rows)


def test_groups_of_seeds_of_all_sizes_are_binned_alike(weights, data):
    chosen = binned.BinnedSettings(estimator="binned", range="layer_over_training", n_bins=10)
    alone = measured(pool_of(weights, data, over="seeds", lengths=[1, 4]), chosen)
    beside = measured(pool_of(weights, data, over="seeds", lengths=[1, 2, 3, 4]), chosen)
    asked = {(r.group, r.length, r.layer): r.record.ixt.value for r in alone}
    same = {
        (r.group, r.length, r.layer): r.record.ixt.value for r in beside if r.length in (1, 4)
    }
    assert asked == same
    # on the range of all seeds
    for seed in SEEDS:
        fixed = binned.BinnedSettings(
            estimator="binned",
            range="fixed",
            n_bins=10,
            low=min(float(single(weights, data, s, 12)["hidden1"].min()) for s in SEEDS),
            high=max(float(single(weights, data, s, 12)["hidden1"].max()) for s in SEEDS),
        )
        t = single(weights, data, seed, 12)["hidden1"]
        samples = Samples.of(t, np.arange(256) % 2, draws=True)
        expected = binned.Binned(fixed).estimate(samples).ixt.value
        assert asked[seed, 1, "hidden1"] == pytest.approx(expected, abs=1e-9)


def test_too_much_memory_is_refused_with_the_numbers(weights, data):
    with pytest.raises(ValueError, match=r"40 draws of 256 inputs .* memory_mb allows 0\.5"):
        pool_of(weights, data, memory_mb=0.5, over="both", lengths=[10])


class Walk:
    """Weights of one layer that do what a test wants, read like a store."""

    def __init__(self, way):
        self.way = way[None]  # (1, n_epochs, n_weights)
        self.attributes = {}

    def read(self, epochs, seeds, network):
        return {"w": self.way[:, list(epochs)]}


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("straight", 5, 6), ("random", 0.8, 1.2), ("held", 0, 0.5)]
)
def test_drift_is_measured_against_independent_steps(kind, low, high):
    rng = np.random.default_rng(0)
    n = 31
    if kind == "straight":
        way = np.arange(n)[:, None] * np.ones(200)
    elif kind == "random":
        way = rng.standard_normal((n, 200)).cumsum(0)
    else:
        way = rng.standard_normal((n, 200))  # around one place
    drifts = pooling.Drifts.__new__(pooling.Drifts)
    drifts.weights, drifts._read, drifts.name = Walk(way), None, "network"
    drifts.network = SimpleNamespace(of_layer={"layer": ("w",)})
    drifts.reader = SimpleNamespace(of={"layer": "layer", "bare": "bare"})
    epochs = tuple(range(n))
    shape = (1, n, 1)
    drifts.snr = xr.DataArray(
        np.full(shape, 0.2),
        dims=("seed", "epoch", "layer"),
        coords={"seed": [0], "epoch": list(epochs), "layer": ["layer"]},
    )
    block = pooling.Block(0, n - 1, (0,), epochs, 1, (n,))
    found = drifts.of(block, n, "layer")
    assert low < found.weights < high
    assert found.gradient_snr == pytest.approx(0.2)
    assert found.is_drifting(1.5) == (kind == "straight")
    assert math.isnan(drifts.of(block, 2, "layer").weights)
    drifts.snr = None
    assert math.isnan(drifts.of(block, n, "bare").weights)


def test_drifting_windows_are_flagged(weights, data):
    rows = measured(pool_of(weights, data, lengths=[1, 10], drift=1.001))
    flagged = [r for r in rows if "not_stationary" in r.record.flags]
    assert flagged and all(r.length == 10 for r in flagged)
    assert all(r.drift > 1.001 or r.gradient_snr > 1 for r in flagged)


def test_stores_give_back_what_was_written(weights, data, tmp_path):
    rows = measured(pool_of(weights, data, lengths=[1, 3]))
    write_pooled(rows, {"pool": "{}"}, tmp_path / "p.zarr.zip")
    table, about = read_pooled(tmp_path / "p.zarr.zip")
    assert about["pool"] == "{}" and len(table) == len(rows)
    for row, read in zip(rows, table.itertuples(), strict=True):
        assert (read.group, read.end, read.length, read.layer) == row[:4]
        assert read.ixt == row.record.ixt.value and read.flags == "|".join(row.record.flags)
        assert read.entropy_given_x == row.record.extra["entropy_given_x"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lengths": []}, "at least 1 item"),
        ({"lengths": [2, 2]}, "list each length once"),
        ({"over": "seeds", "step": 2}, "step counts epochs"),
        ({"drift": 1}, "greater than 1"),
    ],
)
def test_wrong_settings_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        pooling.Settings(**settings)
