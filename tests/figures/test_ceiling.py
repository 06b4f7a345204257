"""I(X;Y) by epoch: drawn where it is known and is not H(Y)."""

import numpy as np
import pytest

from infoplane.figures import tables
from infoplane.figures.information_curves import InformationCurves
from infoplane.figures.information_plane import InformationPlane


@pytest.fixture
def falling(information):
    """I(X;Y) falls as a generator learns; it differs between seeds."""
    table = information(seeds=2)
    table["information_xy"] = 0.8 / (1 + np.log1p(table.epoch)) + 0.1 * table.seed
    return table


def test_the_ceiling_is_the_mean_over_seeds_at_each_epoch(falling):
    numbers = InformationPlane.numbers(falling)
    found = tables.ceiling(numbers)
    wanted = {e: 0.8 / (1 + np.log1p(e)) + 0.05 for e in falling.epoch.unique()}
    assert found.to_dict() == pytest.approx(wanted)


def test_the_ceiling_is_drawn_and_said(falling):
    found = tables.ceiling(InformationPlane.numbers(falling))
    plane = InformationPlane.draw(falling)
    ticks = [line.get_ydata()[0] for line in plane.axes[0].lines if line.get_gid() == "I(X;Y)"]
    assert ticks == pytest.approx(found.to_list())
    right = InformationCurves.draw(falling).axes[1]
    drawn = [line.get_ydata() for line in right.lines if line.get_gid() == "I(X;Y)"]
    np.testing.assert_allclose(drawn, [found])
    for figure in (InformationPlane, InformationCurves):
        said = figure.caption(InformationPlane.numbers(falling))
        assert "I(X;Y), which no true I(T;Y) exceeds: 0.85 bits at epoch 0," in said


@pytest.mark.parametrize("value", [np.nan, 0.999])
def test_where_it_is_not_known_or_is_the_entropy_nothing_is_drawn(information, value):
    table = information().assign(information_xy=value)
    assert tables.ceiling(InformationPlane.numbers(table)).empty
    assert "I(X;Y)" not in InformationPlane.caption(InformationPlane.numbers(table))


def test_remarks_are_named_in_notes_by_what_they_say(information):
    table = information(seeds=4)
    said = {0: "collapsed generator: so and so", 2: "collapsed generator: so", 3: "constant: x"}
    table["remark"] = table.seed.map(lambda seed: said.get(seed, ""))
    text = tables.left_out(InformationPlane.numbers(table))
    assert text == "seeds 0, 2: collapsed generator; seed 3: constant"
