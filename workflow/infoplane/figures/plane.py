"""One information plane on one pair of axes: the common part of a single plane and a
comparison."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from infoplane.figures import caps, references, style, tables

LINES = 60
"""Epochs whose layers are joined: more lines would bury the points."""
TICKS = 12
"""Epochs whose I(X;Y) is marked at the edge of the plane."""
CROSSES = 6
"""Epochs at which each layer shows its spread over seeds."""
SQUASHED = 0.12
"""Share of the plane's area below which its points count as squashed into a corner."""
VIOLATING = 0.5
"""Share of the seeds above which a point in breach of data processing is marked."""
LEAST = 1e-3
"""An axis of at most this many bits shows nothing, like I(T;Y) if H(Y) = 0; it then spans 1
bit."""
MANY_POINTS = 3000
"""Points from which a PDF stores them as an image, to open quickly."""


class View(NamedTuple):
    """Limits of the two axes, in bits."""

    x: tuple[float, float]
    y: tuple[float, float]


def whole(numbers: pd.DataFrame) -> View:
    """From 0, or the smallest value, to a bit above H(X) and H(Y), or the largest value.

    The axes reach down to −H(X) at most, or −1 if that is 0: a critic whose bound exploded may
    give −100 bits, which would leave no room for the others.
    """
    floor = -float(numbers.entropy_x.max()) or -1.0
    return View(
        _reach(numbers.ixt_mean, numbers.ixt_sd, numbers.entropy_x, floor),
        _reach(numbers.ity_mean, numbers.ity_sd, numbers.entropy_y, floor),
    )


def detail(numbers: pd.DataFrame) -> View:
    """Just around the points."""
    return View(_around(numbers.ixt_mean), _around(numbers.ity_mean))


def share(inner: View, outer: View) -> float:
    """Share of the outer view's area that the inner one takes."""
    return float(
        np.prod([(i[1] - i[0]) / (o[1] - o[0]) for i, o in zip(inner, outer, strict=True)])
    )


def squashed(numbers: pd.DataFrame) -> bool:
    """Whether the points fill so little of the plane that they need an enlarged panel."""
    if numbers[["ixt_mean", "ity_mean"]].dropna().empty:
        return False
    return share(detail(numbers), whole(numbers)) < SQUASHED


def panel(
    axes: Axes, numbers: pd.DataFrame, layers: Sequence[str], view: View, norm, size: float
) -> None:
    """Points, lines between layers, spreads, intervals and reference lines; layers are named
    later.

    numbers : tables.by_epoch_and_layer; layers : every layer, from input to output;
    norm : epoch to [0, 1]; size : area of a marker in points²
    """
    axes.set_xlim(view.x)
    axes.set_ylim(view.y)
    axes.set_xlabel(f"{tables.symbol(numbers, 'ixt')}  [bits]")
    axes.set_ylabel(f"{tables.symbol(numbers, 'ity')}  [bits]")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    for value, line in ((view.x, axes.axvline), (view.y, axes.axhline)):
        if value[0] < 0 < value[1]:
            line(0, color=style.QUIET, lw=0.5, zorder=0)
    colours = style.epoch_colours()
    last = numbers.epoch.max()
    numbers = numbers.dropna(subset=["ixt_mean", "ity_mean"])  # layers that nothing measured
    raster = len(numbers) > MANY_POINTS
    _join(axes, numbers, norm, colours)
    _ceiling(axes, numbers, norm, colours)
    for i, layer in enumerate(layers):
        rows = numbers[numbers.layer == layer].sort_values("epoch")
        _intervals(axes, rows, norm, colours, width=0.7 * np.sqrt(size))
        _crosses(axes, rows, norm, colours)
        marker = style.look(i)["marker"]
        for hollow, part in rows.groupby(rows.n_hollow > 0):
            shade = colours(norm(part.epoch.to_numpy(dtype=float)))
            end = (part.epoch == last).to_numpy()
            points = axes.scatter(
                part.ixt_mean,
                part.ity_mean,
                s=np.where(end, 2.2 * size, size),
                marker=marker,
                facecolors="white" if hollow else shade,
                edgecolors=shade
                if hollow
                else np.where(end[:, None], (0, 0, 0, 1), (1, 1, 1, 0.6)),
                linewidths=0.8 if hollow else np.where(end, 0.7, 0.15),
                zorder=3 + i / 100,
                rasterized=raster,
            )
            points.set_gid(f"{layer}|{'hollow' if hollow else 'filled'}")
    wrong = violating(numbers)
    if len(wrong):
        marks = axes.scatter(
            wrong.ixt_mean, wrong.ity_mean, s=0.5 * size, marker="x", c=style.WARN,
            linewidths=0.6, zorder=4, rasterized=raster,
        )  # fmt: skip
        marks.set_gid("violating")


def violating(numbers: pd.DataFrame) -> pd.DataFrame:
    """The points at which most seeds break the data processing inequality."""
    return numbers[numbers.n_violates_dpi > VIOLATING * tables.n_measured(numbers)]


def mark(axes: Axes, numbers: pd.DataFrame, view: View, fontsize: float = 7) -> str:
    """Lines at H(X), H(Y) and the caps. Returns texts without room, for the small print."""
    limits = caps.grouped(numbers)
    lines = {**tables.line(numbers, "entropy_x"), **caps.lines(limits)}
    references.reference_lines(axes, "x", lines, fontsize)
    level = tables.line(numbers, "entropy_y")
    references.reference_lines(axes, "y", level, fontsize, inside=True)
    return "; ".join(filter(None, [_outside(numbers, view), _cap_outside(limits, view)]))


def _cap_outside(limits: caps.Caps | None, view: View) -> str:
    if limits is None:
        return ""
    if limits.deviating:
        return caps.note(limits)
    right = limits.common > view.x[1]
    return f"cap = {style.bits(limits.common)} bits, right of this figure" if right else ""


def _outside(numbers: pd.DataFrame, view: View) -> str:
    """How many points lie below the view's limits, and how far."""
    texts = []
    for values, limit, where in (
        (numbers.ixt_mean, view.x[0], "left of"),
        (numbers.ity_mean, view.y[0], "below"),
    ):
        out = values[values < limit]
        if len(out):
            points = "1 point at" if len(out) == 1 else f"{len(out)} points, down to"
            texts.append(f"{points} {style.bits(out.min())} bits, {where} this figure")
    return "; ".join(texts)


def legend(figure: Figure, layers: Sequence[str], numbers: pd.DataFrame) -> None:
    """The layers that were measured by their markers, from input to output, in rows above all
    panels."""
    measured = set(numbers.dropna(subset=["ixt_mean", "ity_mean"]).layer)
    look = {"linestyle": "", "ms": 4, "color": style.QUIET}
    handles = [
        Line2D([], [], marker=style.look(i)["marker"], label=layer, **look)
        for i, layer in enumerate(layers)
        if layer in measured
    ]
    columns = style.fitting([h.get_label() for h in handles], figure.get_figwidth())
    # matplotlib fills columns first, but layers are read along rows
    rows_first = [handle for i in range(columns) for handle in handles[i::columns]]
    # inside a panel there may be no corner without points
    figure.legend(
        handles=rows_first,
        loc="outside upper left",
        ncols=columns,
        handlelength=1.4,
        handletextpad=0.1,
        columnspacing=1.2,
        labelspacing=0.3,
        borderpad=0,
    )


def colourbar(figure: Figure, axes, norm, epochs, **options) -> None:
    """A colourbar "epoch" whose ticks include the first and the last epoch; none for one."""
    if len(np.unique(epochs)) == 1:
        return
    bar = figure.colorbar(ScalarMappable(norm, style.epoch_colours()), ax=axes, **options)
    bar.ax.yaxis.set_major_locator(FixedLocator(style.epoch_ticks(epochs)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(style.epoch_text))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.outline.set_linewidth(0.4)
    bar.set_label("epoch")


def small_print(numbers: pd.DataFrame, crosses: bool = True) -> list[str]:
    """The meaning of crosses (or bands) and hollow markers; empty if there are none."""
    notes = []
    if numbers.epoch.nunique() == 1:
        notes.append(f"epoch {numbers.epoch.iloc[0]} only")
    if (numbers.n_seeds > 1).any():
        notes.append(
            f"mean of {tables.seeds_text(numbers)}, {'crosses' if crosses else 'bands'} ±1 sd"
        )
    limits = ["H(X)", *(["H(Y)"] if numbers.entropy_y.notna().any() else [])]
    names = {
        "saturated": "saturated",
        "above_entropy": f"above {' or '.join(limits)}",
    }
    hollow = [text for flag, text in names.items() if numbers[f"n_{flag}"].sum() > 0]
    if hollow:
        notes.append(f"hollow: {' or '.join(hollow)} in at least one seed")
    if crosses and tables.drawn_ends(numbers):
        notes.append("pale bars: intervals")
    if crosses and len(tables.ceiling(numbers)):
        notes.append("ticks at the right: I(X;Y) at its epoch")
    if crosses and len(violating(numbers)):
        notes.append("red crosses: most seeds break the data processing inequality")
    return notes


def _join(axes: Axes, numbers: pd.DataFrame, norm, colours) -> None:
    shown = style.few(numbers.epoch, LINES)
    rows = numbers[numbers.epoch.isin(shown)]
    paths = {e: part[["ixt_mean", "ity_mean"]] for e, part in rows.groupby("epoch")}
    axes.add_collection(
        LineCollection(
            [path.to_numpy() for path in paths.values()],
            colors=[colours(float(norm(epoch))) for epoch in paths],
            linewidths=0.45,
            alpha=0.35,
            zorder=2,
        ),
        autolim=False,
    )


def _ceiling(axes: Axes, numbers: pd.DataFrame, norm, colours) -> None:
    """Ticks at the right edge, at I(X;Y) of some epochs, in their colours."""
    found = tables.ceiling(numbers)
    for epoch in style.few(found.index, TICKS):
        axes.plot(
            [0.94, 1],
            [found[epoch]] * 2,
            color=colours(float(norm(epoch))),
            lw=1.4,
            transform=axes.get_yaxis_transform(),
            zorder=1.5,
            gid="I(X;Y)",
        )


def _intervals(axes: Axes, rows: pd.DataFrame, norm, colours, width: float) -> None:
    """Pale bars: the mean interval over seeds, if it is informative. width : in points"""
    rows = rows[rows.epoch.isin(style.few(rows.epoch, CROSSES))]
    says = [
        tables.told(rows, end).notna()
        & ~np.isclose(rows[f"{end}_mean"], rows[f"{end[:3]}_mean"])
        for end in tables.ENDS
    ]
    rows = rows[np.any(says, axis=0)]
    x, y = (
        np.clip(rows[[f"{of}_interval_low_mean", f"{of}_interval_high_mean"]], *limits)
        for of, limits in (("ixt", axes.get_xlim()), ("ity", axes.get_ylim()))
    )
    look = {"linewidths": width, "alpha": 0.25, "zorder": 2.2, "gid": "interval"}
    _bars(axes, rows, x.to_numpy(), y.to_numpy(), norm, colours, **look)


def _crosses(axes: Axes, rows: pd.DataFrame, norm, colours) -> None:
    """Crosses of ±1 standard deviation over seeds."""
    rows = rows[rows.epoch.isin(style.few(rows.epoch, CROSSES))]
    x, y = (
        np.stack([mean - sd, mean + sd], axis=1)
        for mean, sd in ((rows.ixt_mean, rows.ixt_sd), (rows.ity_mean, rows.ity_sd))
    )
    _bars(axes, rows, x, y, norm, colours, linewidths=0.7, alpha=0.8, zorder=2.5)


def _bars(axes: Axes, rows: pd.DataFrame, x, y, norm, colours, **look) -> None:
    """Bars through the point of each row, in its epoch's colour: from x[i, 0] to x[i, 1], and
    from y[i, 0] to y[i, 1]; none if an end is not known."""
    across = [[(a, at), (b, at)] for (a, b), at in zip(x, rows.ity_mean, strict=True)]
    upright = [[(at, a), (at, b)] for (a, b), at in zip(y, rows.ixt_mean, strict=True)]
    bars = np.array([*across, *upright]).reshape(-1, 2, 2)
    shades = colours(norm(rows.epoch.to_numpy(dtype=float)))
    known = np.isfinite(bars).all(axis=(1, 2))
    axes.add_collection(
        LineCollection(bars[known], colors=np.tile(shades, (2, 1))[known], **look),
        autolim=False,
    )


def _reach(
    mean: pd.Series, sd: pd.Series, entropy: pd.Series, floor: float
) -> tuple[float, float]:
    spread = sd.fillna(0)
    low = min(0.0, max(float((mean - spread).min()), floor))
    # the entropy of a reconstruction is unknown
    high = float(np.nanmax([entropy.max(), (mean + spread).max()]))
    if high - low <= LEAST:
        return low - 0.06, low + 1.06
    room = 0.06 * (high - low)
    return (low - room if low < 0 else 0.0, high + room)


def _around(mean: pd.Series) -> tuple[float, float]:
    low, high = float(mean.min()), float(mean.max())
    room = 0.08 * (high - low) or 0.05 * max(abs(high), 1)
    return low - room, high + room
