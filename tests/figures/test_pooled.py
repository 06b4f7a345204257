"""Figures of pools: by number of draws, and beside single epochs."""

import numpy as np
import pandas as pd
import pytest

from infoplane.figures import FIGURES, pooled_planes, tables

LAYERS = ("alpha", "output")
LENGTHS = (1, 2, 8)


@pytest.fixture
def pooled():
    """Three seeds; H(T|X) is half of log2 r; the longest windows of seed 0 and 1 drift."""
    rows = [
        {
            "run": "tanh",
            "estimator": "binned",
            "pool": "late",
            **tables.QUANTITY,
            "group": seed,
            "end": 100,
            "length": length,
            "layer": layer,
            "n_draws": length,
            "drift": 1.0 * length,
            "gradient_snr": 0.1,
            "ixt": 8 - i - 0.5 * np.log2(length) + 0.1 * seed,
            "ity": 0.9,
            "ixt_interval_low": 5.0 - i,
            "ixt_interval_high": np.nan,
            "ity_interval_low": np.nan,
            "ity_interval_high": np.nan,
            "ixt_interval_kind": "proven",
            "ity_interval_kind": "none",
            "ixt_cap": 12.0,
            "entropy_x": 12.0,
            "entropy_y": 1.0,
            "entropy_given_x": 0.5 * np.log2(length),
            "flags": "not_stationary" if length == 8 and seed < 2 else "",
        }
        for seed in range(3)
        for length in LENGTHS
        for i, layer in enumerate(LAYERS)
    ]
    return pd.DataFrame(rows)


def test_numbers_are_means_over_seeds_by_draws(pooled):
    shown = FIGURES["window_length"].numbers(pooled)
    assert len(shown) == len(LENGTHS) * len(LAYERS) and (shown.n_groups == 3).all()
    row = shown[(shown.layer == "output") & (shown.n_draws == 8)].iloc[0]
    assert row.ixt_mean == pytest.approx(7 - 1.5 + 0.1)
    assert row.ixt_sd == pytest.approx(0.1)
    assert (row.entropy_given_x_mean, row.log2_draws, row.n_drifting) == (1.5, 3, 2)


def test_only_the_last_windows_are_drawn_by_length(pooled):
    early = pooled.assign(end=50, ixt=99.0)
    both = pd.concat([early, pooled])
    pd.testing.assert_frame_equal(
        FIGURES["window_length"].numbers(both),
        FIGURES["window_length"].numbers(pooled),
    )


def test_panels_show_the_cap_of_the_draws_and_what_drifts(pooled):
    figure = FIGURES["window_length"].draw(pooled)
    assert len(figure.axes) == 3
    first = figure.axes[0]
    dashed = [line for line in first.lines if list(line.get_ydata()) == [0, 1, 3]]
    assert len(dashed) == 1  # log2 r
    hollow = [
        line
        for line in figure.axes[1].lines
        if line.get_markerfacecolor() == "white" and len(line.get_xdata())
    ]
    assert len(hollow) == 2 and all(list(line.get_xdata()) == [8] for line in hollow)


def test_an_estimator_without_entropies_has_two_panels(pooled):
    figure = FIGURES["window_length"].draw(pooled.drop(columns="entropy_given_x"))
    assert len(figure.axes) == 2


def test_captions_count_what_drifted(pooled):
    text = FIGURES["window_length"].caption(FIGURES["window_length"].numbers(pooled))
    assert "up to 8" in text and "In 4 of 18 windows and layers the weights still" in text
    assert "8 draws" in FIGURES["window_length"].alt(FIGURES["window_length"].numbers(pooled))


def test_captions_count_what_is_above_the_entropy(pooled):
    caption = lambda table: FIGURES["window_length"].caption(  # noqa: E731
        FIGURES["window_length"].numbers(table)
    )
    assert "above" not in caption(pooled)
    assert "Of 18 values, 18 are above H(X)" in caption(pooled.assign(flags="above_entropy"))


def test_planes_stand_beside_each_other_and_drifting_windows_are_counted(pooled, information):
    single = information(estimator="binned", layers=LAYERS, seeds=3).assign(
        plane="single epochs"
    )
    title = pooled_planes.title(pooled, "epochs")
    assert title == "8 epochs pooled"
    windows = pooled_planes.of_windows(pooled).assign(plane=title)
    table = pd.concat([single, windows], ignore_index=True)
    shown = FIGURES["pooled_planes"].numbers(table)
    assert set(shown.plane) == {"single epochs", title}
    assert (shown[shown.plane == title].n_not_stationary == 2).all()
    assert "4 are from windows in which weights drifted" in FIGURES["pooled_planes"].caption(
        shown
    )
    figure = FIGURES["pooled_planes"].draw(table)
    titles = [axes.get_title() for axes in figure.axes]
    assert "tanh, single epochs" in titles and "tanh, 8 epochs pooled" in titles
    assert "on the same axes" in FIGURES["pooled_planes"].caption(shown)
