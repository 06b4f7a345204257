"""Estimate against truth: one small panel per estimator, with every task of the calibration
page."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from infoplane.figures import style
from infoplane.information import tolerance

KINDS = {
    "continuous": "two continuous variables",
    "labels": "a continuous variable and a label",
    "inputs": "a layer and the index of its input",
}
"""The variables of each kind of task, for titles."""

COLUMNS = 4
PANEL = (1.72, 1.62)
"""Width and height of a panel, inches."""
TICKS = (0, 1, 2, 4, 8, 16)
MARKERS = ("o", "s", "^", "D", "v")


def numbers(errors: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The rows of one kind that were answered and can be judged, with `d`, the dimensions of
    the wider variable.

    errors : what truth.errors gives. Bits.
    """
    judged = errors["mean"].notna() & errors.truth.notna()
    shown = errors[(errors.kind == kind) & judged].copy()
    shown["d"] = shown[["d_a", "d_b"]].max(axis=1)
    return shown.reset_index(drop=True)


@style.styled
def draw(errors: pd.DataFrame, kind: str) -> Figure:
    """Mean estimate over seeds against the truth of the estimator's own quantity, in bits.

    Bars are ±1 standard deviation over seeds, or ±1 standard error where there is one seed;
    pale lines span an estimator's own intervals. Takes what `numbers` takes.
    """
    shown = numbers(errors, kind)
    if shown.empty:
        figure = style.new_figure(4, 1.2)
        return style.blank(figure, f"no estimator on this page answers for {KINDS[kind]}")
    names = list(dict.fromkeys(shown.estimator))
    n_columns = min(COLUMNS, len(names))
    n_rows = -(-len(names) // n_columns)
    look = _Look(shown)
    # no lower than the legend, which is to the right of the panels
    height = max(n_rows * PANEL[1] + 0.35, 0.15 * len(look.handles()) + 0.3)
    figure = style.new_figure(max(n_columns, 2) * PANEL[0] + 0.95, height)
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    for panel, name in zip(panels.flat, names, strict=False):
        _panel(panel, shown[shown.estimator == name], name, look)
    for panel in panels.flat[len(names) :]:
        panel.set_visible(False)
    for i, panel in enumerate(panels.flat[: len(names)]):
        # a panel with none below it has the axis to itself
        panel.tick_params(labelbottom=i + n_columns >= len(names))
    figure.supxlabel("truth of the estimator's own quantity  [bits]", fontsize=8)
    figure.supylabel("estimate  [bits]", fontsize=8)
    figure.legend(
        handles=look.handles(), loc="outside right center", handlelength=1.2, labelspacing=0.35
    )
    return figure


def caption(errors: pd.DataFrame, kind: str) -> str:
    """What the figure shows, in sentences."""
    shown = numbers(errors, kind)
    if shown.empty:
        return f"No estimator on this page answers for {KINDS[kind]}."
    seeds = int(shown.n_seeds.max())
    bars = "standard deviation over seeds" if seeds > 1 else "standard error of its own"
    sizes = ", ".join(f"{n:,}" for n in sorted(set(shown.n)))
    return (
        f"Estimates of the information of {KINDS[kind]} against the truth of each estimator's "
        "own quantity, with its bins, noise or projections in it, in bits, on axes that are "
        f"linear to about 1 bit and logarithmic above: {shown.task.nunique()} tasks of "
        f"{', '.join(dict.fromkeys(shown.family))}; n = {sizes} (markers), 1 to "
        f"{int(shown.d.max())} dimensions (colours). Points are means of {seeds} "
        f"{'seeds' if seeds > 1 else 'seed'} with bars of ±1 {bars}; pale lines span the "
        "intervals that an estimator gives. Grey band: within 0.1 bit or 10 % of the truth, "
        "with the share of points that lie there in every seed. Ticks on the right: caps, the "
        "largest values that the estimator could return. Arrowheads at an edge are points "
        "beyond it."
    )


class _Look:
    """Limits, colours by dimension and markers by number of samples, shared by all panels."""

    def __init__(self, shown: pd.DataFrame):
        self.sizes = sorted(set(shown.n))
        self.dimensions = sorted(set(shown.d))
        self.high = float(shown.truth.max()) * 1.12 + 0.15
        self.low = -0.45
        norm = LogNorm(1, max(self.dimensions[-1], 2))
        colours = style.epoch_colours()
        self.colour = {d: colours(norm(d)) for d in self.dimensions}
        self.marker = dict(zip(self.sizes, MARKERS * len(self.sizes), strict=False))

    def handles(self) -> list[Line2D]:
        plain = {"linestyle": "", "markersize": 4.2}
        sizes = [
            Line2D(
                [], [], marker=self.marker[n], color=style.QUIET, label=f"n = {n:,}", **plain
            )
            for n in self.sizes
        ]
        dimensions = [
            Line2D([], [], marker="o", color=self.colour[d], label=f"d = {d}", **plain)
            for d in self.dimensions
        ]
        gap = Line2D([], [], linestyle="", label=" ")
        cap = Line2D([], [], color=style.INK, lw=0.9, label="cap")
        return [*sizes, gap, *dimensions, gap, cap]


def _panel(axes: Axes, rows: pd.DataFrame, name: str, look: _Look) -> None:
    truth = np.linspace(0, look.high, 200)
    off = tolerance(truth)
    axes.fill_between(truth, truth - off, truth + off, color="0.87", lw=0, zorder=0)
    axes.plot(truth, truth, color=style.QUIET, lw=0.6, zorder=1)
    for cap in sorted(set(rows.cap.dropna().round(1))):
        if cap < look.high:  # a tick on the far side: many caps would be many lines
            axes.axhline(cap, 0.95, 1, color=style.INK, lw=0.7, zorder=5)
    for d in look.dimensions:
        for n in look.sizes:
            _points(axes, rows[(rows.d == d) & (rows.n == n)], d, n, look)
    for axis, set_limits in ((axes.xaxis, axes.set_xlim), (axes.yaxis, axes.set_ylim)):
        axis.set_major_locator(FixedLocator([t for t in TICKS if t <= look.high]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
        set_limits(look.low, look.high)
    share = 100 * rows.right.astype(bool).mean()
    axes.set_title(name, loc="left", fontweight="bold")
    axes.set_title(f"{share:.0f} % right", loc="right", fontsize=6.5, color=style.QUIET)


def _points(axes: Axes, rows: pd.DataFrame, d: int, n: int, look: _Look) -> None:
    axes.set_xscale("asinh", linear_width=1.0)
    axes.set_yscale("asinh", linear_width=1.0)
    if rows.empty:
        return
    colour = look.colour[d]
    inside = rows["mean"].between(look.low, look.high)
    here = rows[inside]
    bounded = here[here.interval_low.notna() & here.interval_high.notna()]
    axes.vlines(
        bounded.truth,
        bounded.interval_low.clip(look.low, look.high),
        bounded.interval_high.clip(look.low, look.high),
        color=colour,
        lw=0.5,
        alpha=0.25,
        zorder=2,
    )
    spread = here.sd.fillna(here.stderr).fillna(0)
    axes.errorbar(
        here.truth,
        here["mean"],
        yerr=spread,
        linestyle="",
        marker=look.marker[n],
        markersize=2.9,
        markeredgewidth=0.3,
        markeredgecolor="white",
        color=colour,
        elinewidth=0.8,
        zorder=3,
    )
    for beyond, edge, marker in (
        (rows["mean"] > look.high, look.high, "^"),
        (rows["mean"] < look.low, look.low, "v"),
    ):
        if not beyond.any():  # an empty line beyond the axes would upset the layout
            continue
        axes.plot(
            rows.truth[beyond],
            np.full(beyond.sum(), edge),
            linestyle="",
            marker=marker,
            markersize=3.6,
            color=colour,
            markeredgewidth=0,
            clip_on=False,
            zorder=4,
        )
