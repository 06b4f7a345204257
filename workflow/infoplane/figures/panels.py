"""Several information planes side by side: the same axes, the same colours."""

import math
from collections.abc import Iterable, Mapping

import pandas as pd
from matplotlib.figure import Figure

from infoplane.figures import plane, style, tables
from infoplane.figures.style import RC

COLUMNS = 3
"""Planes in one row of a page's width."""
PANEL = 2.15
"""Inches of the page's width that a plane takes, axis labels included."""


def side_by_side(
    parts: Mapping[str, pd.DataFrame],
    subtitles: Mapping[str, str] | None = None,
    columns: int | None = None,
) -> Figure:
    """One plane per part, in rows of up to three.

    parts : by title, in order, from tables.by_epoch_and_layer; an empty one has no seed left
    subtitles : a second, smaller line under some titles; columns : planes in a row, if rows
        have a meaning
    """
    shown = pd.concat(parts.values(), ignore_index=True)
    if shown[["ixt_mean", "ity_mean"]].dropna().empty:
        return style.blank(
            style.new_figure(4.4, 3.4), "no seed left to draw: all failed or were set aside"
        )
    columns, rows = _grid(len(parts), columns)
    figure = style.new_figure(0.6 + PANEL * columns + (0.8 if columns < 3 else 0), 2.55 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    view, norm = plane.whole(shown), style.epoch_norm(shown.epoch)
    layers = tables.layers_of(shown)  # one marker per name, in every plane
    size = _title_size(parts)
    titles_of: dict[str, list[str]] = {}
    for i, ((title, part), axes) in enumerate(zip(parts.items(), grid.flat, strict=False)):
        axes.set_title(title, pad=13, fontsize=size, parse_math=False)  # a "$" is a "$"
        if subtitles and title in subtitles:
            below = axes.text(
                0.5, 1.1, subtitles[title], ha="center", va="bottom", fontsize=6,
                color=style.QUIET, transform=axes.transAxes, parse_math=False,
            )  # fmt: skip
            below.set_in_layout(False)  # a long one must not push the panels apart
            axes.set_title(title, pad=22, fontsize=size, parse_math=False)
        if part.empty:
            axes.text(
                0.5, 0.5, "all seeds failed or set aside", ha="center", transform=axes.transAxes
            )
            continue
        plane.panel(axes, part, layers, view, norm, size=8)
        for text in (tables.left_out(part), plane.mark(axes, part, view, fontsize=6.5)):
            titles_of.setdefault(text, []).append(title)
        if i % columns and shown.second.nunique() == 1:
            axes.set_ylabel("")
        if i + columns < len(parts):
            axes.set_xlabel("")
        axes.tick_params(labelbottom=i + columns >= len(parts))
    for axes in grid.flat[len(parts) :]:
        axes.set_visible(False)
    plane.colourbar(figure, grid, norm, shown.epoch, pad=0.015, aspect=28)
    plane.legend(figure, layers, shown)
    everywhere = sum(not part.empty for part in parts.values())
    notes = [
        text if len(of) == everywhere else f"{', '.join(of)}: {text}"
        for text, of in titles_of.items()
        if text
    ]
    style.note(figure, [*plane.small_print(shown), *notes])
    return figure


def _grid(count: int, columns: int | None) -> tuple[int, int]:
    """Columns and rows for `count` planes; four look better as two by two."""
    columns = columns or (2 if count == 4 else min(count, COLUMNS))
    return columns, math.ceil(count / columns)


def _title_size(titles: Iterable[str]) -> float:
    """Points at which the longest title stays above its own plane."""
    longest = max(len(title) for title in titles)
    return min(RC["axes.titlesize"], max(4.0, 72 * PANEL / (0.56 * longest)))
