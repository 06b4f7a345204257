"""Quantised convolutional networks and players of a game: truths by counts of all inputs."""

from collections import Counter

import numpy as np
import pytest

from infoplane.estimators import ESTIMATORS
from infoplane.truth import maps
from infoplane.truth.counting import CountedLayer, CountedMaps, counted
from infoplane.truth.game_positions import GamePositions
from infoplane.truth.quantised_cnns import QuantisedCNNs
from infoplane.truth.run import run


@pytest.fixture(scope="module")
def digits():
    family = QuantisedCNNs(epochs=[0, 15], channels=[2, 3], units=3)
    return family, family.prepare()


@pytest.fixture(scope="module")
def players():
    family = GamePositions(epochs=[1], channels=2, layers=["trunk", "value_hidden"])
    return family, family.prepare()


def test_counts_are_those_of_rows():
    """Entropies by a dictionary of rows, as they are defined."""
    rng = np.random.default_rng(0)
    t, y = rng.integers(0, 2, (300, 4)), rng.integers(0, 3, 300)

    def entropy(values):
        p = np.array(list(Counter(values).values())) / len(t)
        return -(p * np.log2(p)).sum()

    rows = [tuple(row) for row in t]
    both = list(zip(rows, y, strict=True))
    ixt, ity = counted(t, y)
    assert ixt == pytest.approx(entropy(rows))
    assert ity == pytest.approx(entropy(rows) + entropy(y) - entropy(both))


def test_readings_of_maps():
    t = np.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)
    whole, shape = maps.read(t, "whole")
    assert shape == (3, 2, 2) and (whole == t.reshape(2, 12)).all()
    one, shape = maps.read(t, "channel")
    assert shape == (1, 2, 2) and (one == t[:, 0].reshape(2, 4)).all()
    mean, shape = maps.read(t, "mean")
    assert shape == () and (mean == t.sum((2, 3))).all()


def test_tasks_cover_layers_epochs_and_readings(digits):
    family, prepared = digits
    tasks = family.tasks(prepared)
    assert len(tasks) == 3 * 2 * (3 + 3 + 1)  # kinds × epochs × readings of three layers
    by_name = {task.name: task for task in tasks}
    start = "conv2, epoch 15"
    whole = by_name[f"{start}, 3 × 4 × 4, 2 bit, index of X"]
    one = by_name[f"{start}, one of 3 channels of 4 × 4, 2 bit, index of X"]
    mean = by_name[f"{start}, means of 3 channels of 4 × 4, 2 bit, index of X"]
    assert (whole.d, one.d, mean.d) == (48, 16, 3)
    # what is read of a layer is a function of it; X has log2 1797 bits
    assert max(one.truth, mean.truth) <= whole.truth <= np.log2(1797) + 1e-9
    assert whole.draw(100, 0).samples.shape == (3, 4, 4)


def test_the_network_learns_its_labels(digits):
    family, prepared = digits
    known = {task.name: task.truth for task in family.tasks(prepared)}
    early, late = (known[f"dense1, epoch {epoch}, 3 units, 2 bit, Y"] for epoch in (0, 15))
    assert late > early + 0.3


@pytest.mark.parametrize("which", ["digits", "players"])
def test_counting_and_binning_are_exact_on_the_population(which, request):
    """Every activation is one of four values: the bins of each task hold one of them each."""
    family, prepared = request.getfixturevalue(which)
    tasks = [task for task in family.tasks(prepared) if task.kind != "continuous"]
    n = len(prepared["x"])
    for name in ("exact", "binned"):
        asked = [task for task in tasks if name in task.settings]
        table = run(name, ESTIMATORS[name](), which, asked, [n], 1)
        assert len(table) == len(asked) > 0 and (table.refused == "").all()
        assert np.allclose(table.value, table.truth, atol=1e-9), name
        assert (table.interval_kind == "exact").all()


def test_few_inputs_show_the_bias_of_counts(digits):
    family, prepared = digits
    task = next(t for t in family.tasks(prepared) if t.kind == "inputs" and t.truth > 8)
    samples = task.draw(100, 0).samples
    found = ESTIMATORS["exact"]().estimate(samples)
    assert not samples.whole and found.ixt.value <= np.log2(100) < task.truth
    assert found.ixt.interval.kind != "exact"


def test_positions_have_two_labels_and_boards(players):
    family, prepared = players
    assert prepared["x"].shape == (4520, 27)
    tasks = {task.name: task for task in family.tasks(prepared)}
    whole = "trunk, epoch 1, 2 × 3 × 3, 2 bit"
    value, moves = (tasks[f"{whole}, {label}"] for label in ("value", "optimal moves"))
    assert 0 < value.truth < moves.truth <= tasks[f"{whole}, X"].truth
    assert value.draw(50, 0).pair.shapes == ((2, 3, 3), ())


def test_equal_means_are_equal_numbers():
    """Sums of the same values in another order would differ in their last bits."""
    rng = np.random.default_rng(1)
    codes = rng.permuted(np.tile(rng.integers(0, 8, 49), (60, 2, 1)), axis=2)
    population = CountedMaps(np.zeros((60, 1)), {"Y": np.arange(60) % 2}, (), 3)
    tasks = population.tasks(
        {"conv1, epoch 0": codes.reshape(60, 2, 7, 7)}, ["conv1"], [0], ["mean"]
    )
    assert {task.truth for task in tasks} == {0.0}


def test_labels_share_what_does_not_depend_on_them():
    y = {"a": np.arange(8) % 2, "b": np.arange(8) % 4}
    layer = CountedLayer("t", np.arange(8.0)[:, None], np.eye(8), y)
    assert [(t.name, t.truth) for t in layer.tasks()] == [
        ("t, a", 1.0),
        ("t, X", 3.0),
        ("t, index of X", 3.0),
        ("t, b", 2.0),
    ]
