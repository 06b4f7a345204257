"""A run's own layers: which epochs, tables as files, the figure and what it says."""

import json

import numpy as np
import pytest

from infoplane.estimators.binned import Binned
from infoplane.estimators.sp import SP
from infoplane.figures import audit as figure
from infoplane.invariance import table
from infoplane.invariance.audit import values_of
from infoplane.invariance.moves import distances, moves_of
from infoplane.invariance.run import epochs_of
from infoplane.invariance.settings import MapSettings
from infoplane.samples import Samples
from infoplane.stores.recipes import recipe_in


@pytest.mark.parametrize(
    ("number", "chosen"),
    [(1, [90]), (2, [0, 90]), (3, [0, 9, 90]), (9, [0, 2, 9, 40, 90])],
)
def test_epochs_are_spread_and_the_last_is_among_them(number, chosen):
    assert epochs_of([0, 2, 9, 40, 90], number) == chosen


@pytest.fixture
def values():
    random = np.random.default_rng(0)
    t = random.normal(size=(300, 2)).astype(np.float32)
    layers = [
        Samples.of(t, (t[:, 0] > 0).astype(int), layer="a", seed=0, epoch=e) for e in (0, 9)
    ]
    settings = MapSettings(repeats=2, maps=["rescale", "permute"])
    parts = [values_of(by, layers, settings) for by in (Binned(n_bins=5), SP())]
    for part, by in zip(parts, ("bins", "sp"), strict=True):
        part.insert(0, "run", "r")
        part.insert(1, "estimator", by)
    return parts


def test_tables_are_read_as_they_were_written(values, tmp_path):
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for part, path in zip(values, paths, strict=True):
        table.write(part, path, "made so")
        assert recipe_in(path) == "made so"
    found = table.read(paths)
    assert len(found) == sum(map(len, values))
    first = found[found.estimator == "bins"]
    assert np.allclose(first.ixt, values[0].ixt, rtol=1e-14)
    assert found.ixt[len(first) :].isna().all()
    assert found.refused.iloc[-1].startswith("the layer has no noise of its own")


def test_the_figure_is_of_the_numbers_and_says_them(values, tmp_path):
    table.write(values[0], tmp_path / "a.json", "")
    table.write(values[1], tmp_path / "b.json", "")
    read = table.read([tmp_path / "a.json", tmp_path / "b.json"])
    moves, summary = distances(read), moves_of(read)
    figure.save(moves, summary, {"bins": "", "sp": "why"}, tmp_path / "figures", "made so")
    said = json.loads((tmp_path / "figures" / "audit.json").read_text())
    assert said["recipe"] == "made so"
    worst = summary[(summary.estimator == "bins")].largest.max()
    assert f"r by bins {worst:.2g} under unit rescalings" in said["alt"]
    assert "sp is exempt: why" in said["caption"]
    assert "2 epochs, 1 seed of each run, 2 random maps" in said["caption"]
    assert any("bins: no value moves" in row[1] for row in said["table"])
    assert any("sp: not asked under" in row[1] for row in said["table"])
    drawn = figure.draw(moves, {"sp": "why"})
    labels = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert labels == ["bins", "sp (exempt)"]
    shown = sum(len(line.get_xdata()) for axes in drawn.axes for line in axes.lines)
    assert shown == moves.moves.notna().sum()
