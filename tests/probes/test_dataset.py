"""The inputs that are measured of a data set."""

import numpy as np
import pytest
import torch

from infoplane.datasets import SOURCES
from infoplane.datasets.prepare import prepare
from infoplane.datasets.source import Data, Label
from infoplane.probes.dataset import DatasetProbe, Settings


def inputs(data, **settings):
    return DatasetProbe(Settings(**settings), data).inputs(0, 0, None)


def test_measured_part_is_a_setting(data):
    part = {name: inputs(data, inputs=name) for name in ("train", "test", "all")}
    assert [len(p.x) for p in part.values()] == [200, 56, 256]
    assert np.array_equal(part["test"].x, data.x[data.test])
    assert part["all"].entropy_x == 8.0
    share = data.y[data.train].mean()
    expected = -(share * np.log2(share) + (1 - share) * np.log2(1 - share))
    assert part["train"].entropy_y == pytest.approx(expected)


def test_subset_is_seeded_and_within_its_part(data):
    def draw(seed):
        return inputs(data, inputs="train", subset=50, subset_seed=seed).x

    assert torch.equal(draw(0), draw(0)) and not torch.equal(draw(0), draw(1))
    rows = {tuple(row) for row in data.x[data.train]}
    assert len(draw(0)) == 50 and all(tuple(row) in rows for row in draw(0).numpy())


def test_repeated_inputs_lower_the_entropy_of_x():
    x = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)
    data = Data(x, {"y": Label(np.arange(8) % 2, ("0", "1"))}, np.arange(8), np.arange(0), {})
    assert inputs(data).entropy_x == 2.0


def test_a_part_without_inputs_is_an_error(data):
    nothing = Data(data.x, data.labels, data.train, data.test[:0], {})
    with pytest.raises(ValueError, match=r"measure\.inputs: test leaves 0 inputs"):
        inputs(nothing, inputs="test")


def test_a_label_is_chosen_by_name(data):
    quarter = np.arange(256) // 64
    labels = {**data.labels, "quarter": Label(quarter, tuple("abcd"))}
    information = {"y": 0.9, "quarter": 2.0}
    two = Data(data.x, labels, data.train, data.test, {"information_xy": information})
    assert inputs(two).y.tolist() == data.y.tolist()
    chosen = DatasetProbe(Settings(label="quarter"), two)
    assert chosen.inputs(0, 0, None).y.tolist() == quarter.tolist()
    assert chosen.inputs(0, 0, None).entropy_y == 2 == chosen.information_xy(0, 0, None)
    with pytest.raises(ValueError, match=r"no label 'third'; it has: y, quarter"):
        inputs(two, label="third")


@pytest.mark.parametrize(
    ("source", "chosen", "whole"),
    [
        ({}, {}, True),
        ({"shuffled_labels": 0.5}, {}, True),  # permuted, and so they are
        ({"size": 4000}, {}, False),
        ({"training_share": 0.9}, {}, False),
        ({"labels": "stochastic", "gamma": 40}, {}, False),  # Y was drawn
        ({}, {"inputs": "train"}, False),
        ({}, {"subset": 4000}, False),
    ],
)
def test_what_is_measured_is_all_there_is_where_nothing_is_left_out(source, chosen, whole):
    settings = SOURCES["szt"].Settings(source="szt", **source)
    found = inputs(prepare(settings), **chosen)
    assert found.whole is whole


def test_images_are_a_sample(tmp_path):
    x = np.random.default_rng(0).random((40, 3))
    np.savez(tmp_path / "own.npz", x=x, y=np.arange(40) % 2)
    settings = SOURCES["arrays"].Settings(source="arrays", path=str(tmp_path / "own.npz"))
    data = prepare(settings)
    assert not inputs(data).whole
    # those that did not train are draws of more
    assert [inputs(data, inputs=of).unseen for of in ("all", "train", "test")] == [0, 0, 1]
    assert inputs(data, inputs="test", subset=4).unseen


def test_a_part_of_a_finite_population_is_no_draws_of_it():
    for source in ({}, {"size": 4000}):
        settings = SOURCES["szt"].Settings(source="szt", **source)
        assert not inputs(prepare(settings), inputs="test").unseen
