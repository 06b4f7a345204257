"""The calibration page's other figures: shares of right answers, and peers' published rows."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from infoplane.figures import style
from infoplane.figures.calibration import KINDS, numbers

SHARES = LinearSegmentedColormap.from_list("shares", ["#B2452B", "#F3E9C9", "#1F6F8B"])
"""From nothing right to everything right; the ends differ in lightness from the middle."""
NATS = np.log(2)


def shares(errors: pd.DataFrame) -> pd.DataFrame:
    """Share of tasks that were answered right in every seed, by kind, estimator, n and d.

    Columns: kind, estimator, n, d, tasks (answered), right (a share), median_error (of the
    absolute errors of the means, bits).
    """
    parts = []
    for kind in KINDS:
        shown = numbers(errors, kind)
        shown["right"] = shown.right.astype(bool)
        shown["size"] = shown.error.abs()
        groups = shown.groupby(["kind", "estimator", "n", "d"], sort=False)
        parts.append(
            groups.agg(
                tasks=("right", "size"),
                right=("right", "mean"),
                median_error=("size", "median"),
            ).reset_index()
        )
    return pd.concat(parts, ignore_index=True)


@style.styled
def draw_shares(errors: pd.DataFrame) -> Figure:
    """A table in colours for each kind: estimators down, samples and dimensions across."""
    of_page = shares(errors)
    kinds = [kind for kind in KINDS if (of_page.kind == kind).any()]
    if not kinds:
        return style.blank(style.new_figure(4, 1.2), "no estimator on this page has answered")
    cells = {kind: _cells(of_page[of_page.kind == kind]) for kind in kinds}
    heights = [len(table) + 3.2 for table in cells.values()]
    width = max(len(table.columns) for table in cells.values())
    figure = style.new_figure(1.3 + 0.3 * width, 0.3 + 0.185 * sum(heights))
    panels = figure.subplots(len(kinds), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, kind in zip(panels, kinds, strict=True):
        _table(axes, cells[kind], width)
        axes.set_title(KINDS[kind].capitalize(), loc="left", fontweight="bold", pad=20)
    return figure


def caption_of_shares(errors: pd.DataFrame) -> str:
    """What the figure shows, in sentences."""
    return (
        "Percentage of tasks that an estimator answers within 0.1 bit or 10 % of the truth in "
        "every seed, by number of samples n and dimensions d of the wider variable. Blank: "
        "not asked, or refused."
    )


def published(errors: pd.DataFrame, rows, problems) -> pd.DataFrame:
    """Our means next to peers' published estimates, in nats.

    rows : {estimator: published estimates of 1, 2, … nats}; problems : names of the problems
    on the page that have the published sizes
    Columns: estimator, method, shape, n, truth, mean, sd, published, distance (|mean −
    published|), closer (nearer to the truth than the peer).
    """
    columns = [
        "estimator",
        "method",
        "shape",
        "n",
        "truth",
        "mean",
        "sd",
        "published",
        "distance",
        "closer",
    ]
    shown = errors[errors.family.isin(problems) & errors["mean"].notna()]
    shown = shown[shown.method.isin(rows)]
    shown = shown[shown.n == shown.n.max()] if len(shown) else shown
    compared = []
    for row in shown.itertuples():
        nats = round(row.truth * NATS)
        mean, peer = row.mean * NATS, rows[row.method]
        if abs(row.truth * NATS - nats) < 1e-6 and 1 <= nats <= len(peer):
            theirs = peer[nats - 1]
            compared.append(
                {
                    "estimator": row.estimator,
                    "method": row.method,
                    "shape": row.task.rsplit(", ", 1)[0],
                    "n": row.n,
                    "truth": nats,
                    "mean": mean,
                    "sd": row.sd * NATS,
                    "published": theirs,
                    "distance": abs(mean - theirs),
                    "closer": abs(mean - nats) < abs(theirs - nats),
                }
            )
    return pd.DataFrame(compared, columns=columns)


@style.styled
def draw_published(errors: pd.DataFrame, rows, problems) -> Figure:
    """One panel per estimator: our estimates by shape, the published row in black; nats."""
    pairs = published(errors, rows, problems)
    if pairs.empty:
        figure = style.new_figure(4, 1.2)
        return style.blank(figure, "this page has no problem with published estimates of peers")
    names = list(dict.fromkeys(pairs.estimator))
    figure = style.new_figure(2.6 * len(names) + 1.3, 2.7)
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        part = pairs[pairs.estimator == name]
        top = part.truth.max() + 0.4
        axes.plot([0, top], [0, top], color=style.QUIET, lw=0.6, label="truth")
        peer = part.drop_duplicates("truth")
        axes.plot(
            peer.truth,
            peer.published,
            color="black",
            lw=1.2,
            marker="x",
            ms=4,
            label="published",
        )
        for i, shape in enumerate(dict.fromkeys(part["shape"])):
            ours = part[part["shape"] == shape]
            look = style.look(i) | {"linestyle": "-"}
            axes.errorbar(
                ours.truth, ours["mean"], ours.sd.fillna(0), ms=3.4, label=shape, **look
            )
        axes.set_title(name, loc="left", fontweight="bold")
        axes.set_xlabel("true information  [nats]")
    panels[0].set_ylabel("estimate  [nats]")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def caption_of_published(errors: pd.DataFrame, rows, problems) -> str:
    """What the figure shows, in sentences, with how many rows agree."""
    pairs = published(errors, rows, problems)
    if pairs.empty:
        return "The problems with published estimates of peers are on the full page."
    fine = (pairs.distance <= 0.1) | pairs.closer.astype(bool)
    return (
        f"Estimates of sparse normals of 1 to 10 nats on {int(pairs.n.max()):,} samples and "
        "peers' published ones, in nats. The published rows do not name their distribution; "
        "shapes are dimensions of A × B and the number of pairs of correlated coordinates. "
        f"{int(fine.sum())} of {len(pairs)} estimates are within 0.1 nat of the published one "
        "or nearer to the truth."
    )


def _cells(shares: pd.DataFrame) -> pd.DataFrame:
    """Shares with estimators as rows, in the page's order, and (n, d) as columns."""
    table = shares.pivot(index="estimator", columns=["n", "d"], values="right")
    return table.reindex(index=list(dict.fromkeys(shares.estimator))).sort_index(axis=1)


def _table(axes: Axes, cells: pd.DataFrame, width: int) -> None:
    values = np.full((len(cells), width), np.nan)
    values[:, : len(cells.columns)] = 100 * cells.to_numpy()
    axes.pcolormesh(values, cmap=SHARES, vmin=0, vmax=100, edgecolors="white", linewidth=1)
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            ink = "white" if value < 20 or value > 80 else style.INK
            axes.text(
                j + 0.5, i + 0.5, f"{value:.0f}", ha="center", va="center", size=6.5, color=ink
            )
    axes.invert_yaxis()
    axes.set_yticks(np.arange(len(cells)) + 0.5, cells.index)
    dimensions = [d for _, d in cells.columns]
    axes.set_xticks(np.arange(len(dimensions)) + 0.5, [str(d) for d in dimensions])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    sizes = [n for n, _ in cells.columns]
    for n in dict.fromkeys(sizes):
        first, count = sizes.index(n), sizes.count(n)
        if first:
            axes.axvline(first, color=style.INK, lw=0.8)
        axes.annotate(
            f"n = {n:,};  d =" if count > 2 else f"n = {n:,}" if count == 2 else f"{n:,}",
            (first, 0),
            (1, 13),
            textcoords="offset points",
            size=6.5,
            color=style.QUIET,
            annotation_clip=False,
        )
