"""Information planes of several runs side by side (tanh beside ReLU), one estimator."""

import math

import pandas as pd
from matplotlib.figure import Figure

from infoplane.figures import plane, style, tables

COLUMNS = 3
"""Planes in one row of a page's width."""


def numbers(information: pd.DataFrame, entropy_x, entropy_y) -> pd.DataFrame:
    """Means and spreads over seeds, one row a run, epoch and layer, in bits.

    information : the information table of one estimator and any number of runs
    entropy_x, entropy_y : H(X) and H(Y) of the measured inputs, bits; or {run: bits}
    Returns the columns of tables.by_epoch_and_layer, the runs in order of appearance; runs
    of which every seed failed are in attrs["runs_left_out"].
    """
    tables.require(information, ["run", "estimator"], "information")
    tables.only(information, "estimator", "information")
    parts = {
        run: tables.by_epoch_and_layer(
            part, tables.of_run(entropy_x, run), tables.of_run(entropy_y, run)
        )
        for run, part in information.groupby("run", sort=False)
    }
    shown = pd.concat(parts.values(), ignore_index=True)
    # such a run has no row to be named in; the caption still must name it
    shown.attrs["runs_left_out"] = [run for run, part in parts.items() if part.empty]
    return shown


@style.styled
def draw(information: pd.DataFrame, entropy_x, entropy_y) -> Figure:
    """One plane a run, on the same axes and with the same colours; rows of up to three.

    Takes what `numbers` takes.
    """
    shown = numbers(information, entropy_x, entropy_y)
    if shown[["ixt_mean", "ity_mean"]].dropna().empty:
        return style.blank(style.new_figure(4.4, 3.4), "no seed left to draw: all failed")
    runs = list(dict.fromkeys(information.run))
    columns, rows = _grid(len(runs))
    figure = style.new_figure(0.6 + 2.15 * columns + (0.8 if columns < 3 else 0), 2.55 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    view, norm = plane.whole(shown), style.epoch_norm(shown.epoch)
    layers = tables.layers_of(shown)  # one marker a name, in every plane
    said: dict[str, list[str]] = {}
    for i, (run, axes) in enumerate(zip(runs, grid.flat, strict=False)):
        part = shown[shown.run == run]
        axes.set_title(run, pad=13, parse_math=False)  # a "$" is a "$"
        if part.empty:
            axes.text(0.5, 0.5, "all seeds failed", ha="center", transform=axes.transAxes)
            continue
        plane.panel(axes, part, layers, view, norm, size=8)
        for text in (tables.left_out(part), plane.mark(axes, part, view, fontsize=6.5)):
            said.setdefault(text, []).append(run)
        if i % columns:
            axes.set_ylabel("")
        if i + columns < len(runs):
            axes.set_xlabel("")
        axes.tick_params(labelbottom=i + columns >= len(runs))
    for axes in grid.flat[len(runs) :]:
        axes.set_visible(False)
    plane.colourbar(figure, grid, norm, shown.epoch, pad=0.015, aspect=28)
    plane.legend(figure, layers)
    everywhere = shown.run.nunique()
    notes = [
        text if len(of) == everywhere else f"{', '.join(of)}: {text}"
        for text, of in said.items()
        if text
    ]
    style.note(figure, [*plane.small_print(shown), *notes])
    return figure


def _grid(count: int) -> tuple[int, int]:
    """Columns and rows for so many planes; four look better as two by two."""
    columns = 2 if count == 4 else min(count, COLUMNS)
    return columns, math.ceil(count / columns)
