"""How far estimators' own quantities are from I(A;B), independent of their estimates."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from infoplane.figures import style
from infoplane.figures.calibration import KINDS, TICKS
from infoplane.information import tolerance

SAME = 1e-6
"""Bits within which two truths are one."""
PANEL = (2.05, 2.0)
"""Width and height of a panel, inches."""


def numbers(errors: pd.DataFrame) -> pd.DataFrame:
    """The tasks on which an estimator's own quantity may differ from I(A;B).

    Columns: estimator, kind, family, task, n, d_a, d_b, information (I(A;B)), truth (of the
    estimator's own quantity) and distance (truth − information), in bits. Estimators whose two
    truths never differ are left out.
    """
    both = errors[errors.truth.notna() & errors.information.notna()]
    both = both.assign(distance=both.truth - both.information)
    apart = both.distance.abs() > SAME
    names = [
        name for name in dict.fromkeys(both.estimator) if apart[both.estimator == name].any()
    ]
    columns = ["estimator", "kind", "family", "task", "n", "d_a", "d_b"]
    kept = both[both.estimator.isin(names)]
    return kept[[*columns, "information", "truth", "distance"]].reset_index(drop=True)


@style.styled
def draw(errors: pd.DataFrame) -> Figure:
    """The truth of the own quantity against I(A;B), bits; the band is the page's tolerance."""
    shown = numbers(errors)
    if shown.empty:
        figure = style.new_figure(4, 1.2)
        return style.blank(figure, "every estimator on this page estimates I(A;B) itself")
    names = list(dict.fromkeys(shown.estimator))
    figure = style.new_figure(max(2, len(names)) * PANEL[0] + 1.9, PANEL[1] + 0.35)
    panels = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
    high = float(shown[["information", "truth"]].max().max()) * 1.12 + 0.15
    line = np.linspace(0, high, 200)
    for axes, name in zip(panels, names, strict=True):
        rows = shown[shown.estimator == name]
        axes.set_xscale("asinh", linear_width=1.0)
        axes.set_yscale("asinh", linear_width=1.0)
        off = tolerance(line)
        axes.fill_between(line, line - off, line + off, color="0.87", lw=0, zorder=0)
        axes.plot(line, line, color=style.QUIET, lw=0.6, zorder=1)
        for i, (kind, text) in enumerate(KINDS.items()):
            part = rows[rows.kind == kind]
            look = style.look(i) | {"linestyle": "", "markersize": 3.2}
            axes.plot(part.information, part.truth, label=text, alpha=0.7, **look)
        for axis, limits in ((axes.xaxis, axes.set_xlim), (axes.yaxis, axes.set_ylim)):
            axis.set_major_locator(FixedLocator([t for t in TICKS if t <= high]))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_locator(NullLocator())
            limits(-0.15, high)
        axes.set_title(name, loc="left", fontweight="bold")
        median = f"median {rows.distance.abs().median():.2f} bit"
        axes.set_title(median, loc="right", fontsize=6.5, color=style.QUIET)
    figure.supxlabel("I(A;B)  [bits]", fontsize=8)
    figure.supylabel("own quantity  [bits]", fontsize=8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def caption(errors: pd.DataFrame) -> str:
    """What the figure shows, in sentences."""
    shown = numbers(errors)
    if shown.empty:
        return "Every estimator on this page estimates I(A;B) itself."
    names = " and ".join(dict.fromkeys(shown.estimator))
    return (
        "Distance of an estimator's own quantity from I(A;B). Both are truths: more "
        "samples do not bring them together. Grey band: within 0.1 bit or 10 % of I(A;B). On "
        f"the right the median distance. Points are the tasks on which both truths of {names} "
        "are known. Estimators without a panel estimate I(A;B), or their truth is unknown."
    )
