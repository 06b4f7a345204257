"""Curves of critics, and what it saves to carry them over."""

import numpy as np
import pandas as pd
import pytest

from infoplane.figures import FIGURES
from infoplane.measurement.convergence import ALL, CARRIED, FRESH


@pytest.fixture
def curves():
    """Two seeds, two epochs, two layers: carried critics begin at 1 bit and gain nothing."""
    rows = []
    for start in (CARRIED, FRESH):
        for seed in (0, 1):
            for epoch in (0, 4):
                for layer in ("conv1", "output"):
                    for quantity in ("ixt", "ity"):
                        carried = start == CARRIED and epoch > 0
                        # the second seed's critics stop earlier, and one began far below 0
                        n = 5 - seed
                        bounds = np.ones(n) if carried else np.minimum(np.arange(n) / 2, 1)
                        bounds[0] -= 9 * (carried and layer == "output" and seed)
                        rows += [
                            {
                                "run": "lenet5",
                                "estimator": "c" if start == CARRIED else "f",
                                "start": start,
                                "seed": seed,
                                "epoch": epoch,
                                "layer": layer,
                                "quantity": quantity,
                                "step": 50 * i,
                                "bound": bound,
                                "carried": carried,
                                "value": 1.0,
                            }
                            for i, bound in enumerate(bounds)
                        ]
    return pd.DataFrame(rows)


def test_curves_are_means_over_seeds_that_hold_their_last_bound(curves):
    shown = FIGURES["convergence_curves"].numbers(curves)
    one = shown[
        (shown.start == FRESH)
        & (shown.quantity == "ity")
        & (shown.layer == "conv1")
        & (shown.epoch == 4)
    ]
    assert one.step.tolist() == [0, 50, 100, 150, 200]
    assert one.bound_mean.tolist() == [0, 0.5, 1, 1, 1]
    assert one.n_training.tolist() == [2, 2, 2, 2, 1] and set(one.n_seeds) == {2}
    assert len(shown) == 2 * 2 * 2 * 2 * 5


def test_carried_and_fresh_share_axes_and_every_epoch_has_a_curve(curves):
    figure = FIGURES["convergence_curves"].draw(curves)
    panels = np.array(figure.axes[:8]).reshape(2, 4)
    titles = [axes.get_title() for axes in panels[0]]
    assert titles == [
        f"${q}$, {start}" for q in ("I(X;T)", "I(T;Y)") for start in (CARRIED, FRESH)
    ]
    for row in panels:
        for left, right in (row[:2], row[2:]):
            assert left.get_ylim() == right.get_ylim() and left.get_xlim() == right.get_xlim()
            assert left.get_ylim()[0] > -1  # what begins at −8 bits is cut off
            assert len(left.get_lines()) == len(right.get_lines()) == 3  # and a line at 0
    caption = FIGURES["convergence_curves"].caption(
        FIGURES["convergence_curves"].numbers(curves), {"estimator": "mine"}
    )
    assert "begins with the weights of the epoch before" in caption
    assert "begin below the axes" in caption and "Means of 2 seeds" in caption


def test_a_single_estimator_has_its_curves_alone(curves):
    alone = curves[curves.start == FRESH]
    figure = FIGURES["convergence_curves"].draw(alone)
    assert len([axes for axes in figure.axes if axes.get_title()]) == 2
    assert "weights of the epoch before" not in FIGURES["convergence_curves"].caption(
        FIGURES["convergence_curves"].numbers(alone)
    )


def test_differences_of_steps_are_drawn_with_their_intervals(curves):
    kind = FIGURES["convergence_steps"]
    shown = kind.numbers(curves)
    assert set(shown.layer) == {"conv1", "output", ALL} and set(shown.run) == {"lenet5"}
    row = shown[(shown.measure == "steps_to_level") & (shown.layer == "conv1")].iloc[0]
    assert (row.mean_carried, row.mean_fresh, row.difference) == (0, 100, -100)
    figure = kind.draw(curves)
    assert [axes.get_xlabel() for axes in figure.axes[:3]] == [
        "steps until the rule stops",
        "steps to the same bound",
        "reported value  [bits]",
    ]
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["conv1", "output", ALL]
    caption = kind.caption(shown, {"estimator": "mine"})
    assert "12 carried over and 100 fresh steps to the same bound" in caption
    assert "2 clusters" in caption and "95%" in caption
    assert kind.alt(shown).startswith("Convergence steps of lenet5")


def test_without_a_carried_critic_nothing_is_drawn_and_it_is_said(curves):
    kind = FIGURES["convergence_steps"]
    first = curves[curves.epoch == 0]
    assert kind.numbers(first).empty
    assert "no critic was carried over" in kind.caption(kind.numbers(first))
    assert "no critic was carried over" in kind.alt(kind.numbers(first))
    assert kind.draw(first).texts
    empty = curves[:0]
    assert FIGURES["convergence_curves"].draw(empty).texts
