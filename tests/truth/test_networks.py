"""Truths of trained networks: Monte Carlo and counts, on small cases and on the SZT net."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad

from infoplane.estimators import binned, sp
from infoplane.truth import channel_information, channels, mixtures, quantised, trained
from infoplane.truth.run import run

SMALL = {"epochs": [0, 2], "layers": ["hidden4", "hidden5"]}


@pytest.fixture(scope="module")
def channel():
    family = channels.Channels(network=SMALL, sigmas=[0.5], standard_error=0.02)
    return family.tasks(family.prepare())


@pytest.fixture(scope="module")
def quantised_tasks():
    family = quantised.Quantised(network=SMALL, bits=[3])
    return family.tasks(family.prepare())


def test_two_points_in_noise_by_quadrature():
    """Four points on a line, two labels: an integral over t says the same."""
    edge = mixtures.edge_of(0.6)
    points = np.array([[0.0], [edge]])
    found = channel_information.information(points, np.array([0, 1]), 1.0, 0.002, seed=0)
    assert found.ixt == pytest.approx(0.6, abs=4 * 0.002)
    assert found.ity == pytest.approx(0.6, abs=4 * 0.002)  # the label is the input
    assert 0 < found.ixt_error <= 0.002


def test_points_of_a_plane_with_labels_by_quadrature():
    points = np.array([[0.0, 0.0], [1.0, 0.2], [0.3, 1.5], [-1.0, 0.7], [2.0, 2.0]])
    y, sigma = np.array([0, 0, 1, 1, 1]), 0.6

    def density(t, rows):
        squares = np.square(np.array(t) - points[rows]).sum(axis=1)
        return np.exp(-squares / (2 * sigma**2)).mean() / (2 * np.pi * sigma**2)

    def entropy(rows):
        def integrand(u, v):
            p = density((u, v), rows)
            return -p * np.log2(p) if p > 0 else 0.0

        return dblquad(integrand, -4.5, 5.5, -4.5, 5.5, epsabs=1e-4)[0]

    h = entropy(np.arange(5))
    ity = h - 0.4 * entropy(np.flatnonzero(y == 0)) - 0.6 * entropy(np.flatnonzero(y == 1))
    ixt = h - np.log2(2 * np.pi * np.e * sigma**2)
    found = channel_information.information(points, y, sigma, 0.003, seed=1)
    assert found.ixt == pytest.approx(ixt, abs=4 * 0.003)
    assert found.ity == pytest.approx(ity, abs=4 * 0.003)


def test_errors_of_the_monte_carlo_are_those_of_its_repeats():
    rng = np.random.default_rng(0)
    points, y = rng.standard_normal((200, 3)), rng.integers(0, 2, 200)
    found = [channel_information.information(points, y, 0.4, 0.02, seed) for seed in range(40)]
    for i in (0, 2):
        values, claimed = [f[i] for f in found], np.mean([f[i + 1] for f in found])
        # of 40 repeats, the sd is within a third of the error with probability 0.997
        assert np.std(values, ddof=1) == pytest.approx(claimed, rel=0.36)


def test_points_far_apart_keep_all_information():
    points = 100.0 * np.eye(8)
    found = channel_information.information(points, np.arange(8) % 2, 0.01, 1e-3, seed=0)
    assert found == pytest.approx((3.0, 0.0, 1.0, 0.0), abs=1e-9)


def test_channel_tasks_have_the_truths_of_theory(channel):
    by_kind = {}
    for task in channel:
        by_kind.setdefault(task.kind, {})[task.name.rpartition(", ")[0]] = task
    assert set(by_kind) == {"continuous", "labels", "inputs"}
    assert len(channel) == 3 * 2 * 2
    for name, with_x in by_kind["continuous"].items():
        with_y, layer = by_kind["labels"][name], by_kind["inputs"][name]
        assert with_x.truth == layer.truth > with_y.truth > 0
        assert with_x.truth < 12 and with_y.truth < 1
        assert 0 < with_x.truth_error <= 0.02


def test_noisy_layers_carry_the_noise(channel):
    task = next(t for t in channel if t.kind == "labels")
    draw = task.draw(4096, 0)
    noise = (draw.pair.a - draw.samples.t[:, 0]).numpy()
    assert np.std(noise) == pytest.approx(0.5, rel=4 / np.sqrt(2 * noise.size))
    assert stats.kstest(noise.ravel() / 0.5, "norm").pvalue > 1e-4
    assert (draw.pair.b == draw.samples.y).all()
    assert task.settings["kde"]["noise_variance"] == 0.25
    assert draw.noisy.sigma == 0.5 and (draw.noisy.centres == draw.samples.t).all()
    assert (draw.noisy.t[:, 0] == draw.pair.a).all()


def test_sample_propagation_has_the_truth_of_every_channel(channel):
    tasks = [task for task in channel if task.kind != "continuous"]
    table = run("sp", sp.SP(target=0.02), "channels", tasks, [4096, 5000], 1)
    # a layer has 4,096 inputs and no more
    assert set(table.n[table.refused == ""]) == {4096}
    answered = table[table.refused == ""]
    assert len(answered) == len(tasks) and answered.truth.notna().all()
    errors = np.hypot(answered.stderr, answered.truth_error)
    assert ((answered.value - answered.truth).abs() <= 4 * errors).all()


def test_more_rows_than_patterns_take_every_pattern_as_often(channel):
    task = next(t for t in channel if t.kind == "continuous")
    draw = task.draw(2 * 4096, 0)
    patterns, counts = np.unique(draw.pair.b.numpy(), axis=0, return_counts=True)
    assert len(patterns) == 4096 and (counts == 2).all()
    assert draw.samples is None


def test_quantised_truth_is_what_binning_counts(quantised_tasks):
    """The same cells: binned answers exactly, at all 4,096 inputs."""
    layers = [task for task in quantised_tasks if task.kind == "inputs"]
    assert len(layers) == 4
    for task in layers:
        settings = binned.BinnedSettings(**task.settings["binned"])
        samples = task.draw(4096, 0).samples
        (record,) = binned.Binned(settings).session()([samples])
        assert record.ixt.value == pytest.approx(task.truth, abs=1e-9)
        with_y = next(
            t for t in quantised_tasks if t.name == task.name.replace("index of X", "Y")
        )
        assert record.ity.value == pytest.approx(with_y.truth, abs=1e-9)


def test_few_inputs_of_a_quantised_layer_show_the_plug_in_bias(quantised_tasks):
    task = max((t for t in quantised_tasks if t.kind == "inputs"), key=lambda t: t.truth)
    settings = binned.BinnedSettings(**task.settings["binned"])
    (record,) = binned.Binned(settings).session()([task.draw(100, 0).samples])
    assert record.ixt.value < task.truth
    assert record.ixt.value <= np.log2(100)


def test_cells_and_middles_belong_together():
    t = np.linspace(-1, 1, 1001)
    cells = quantised.cells_of(t, 3)
    assert cells.min() == 0 and cells.max() == 7
    assert np.abs(quantised.middles(cells, 3) - t).max() <= 1 / 8 + 1e-12


def test_unknown_layer_is_named():
    with pytest.raises(ValueError, match=r"no layer 'hidden9'\. Known: hidden1, hidden2"):
        trained.chosen_layers(trained.Training(layers=["hidden9"]))
