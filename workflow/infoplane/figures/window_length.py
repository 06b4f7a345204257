"""Pooled information as a function of how many draws are pooled.

From r draws of an input an estimator sees at most log2 r bits of H(T|X), which the figure shows
as a line. While H(T|X) follows that line, I(X;T) = H(T) − H(T|X) is an upper end and falls
further with r.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawn

from infoplane.figures import references, sentences, style, tables
from infoplane.figures.figure import Figure

PANELS = ("entropy_given_x", "ixt", "ity")


class WindowLength(Figure):
    """H(T|X), I(X;T) and I(T;Y) against the number of pooled draws."""

    of = "pool"

    @classmethod
    def numbers(cls, pooled: pd.DataFrame) -> pd.DataFrame:
        """Means over seeds at the last window's end, one row a number of draws and layer.

        pooled : the table of one run, one pool and one estimator (stores.pooled)
        Columns: run, estimator, pool, layer, length, n_draws, n_groups; mean and sd over seeds
        (or groups of them) of ixt, ity and entropy_given_x; means of the ends of intervals;
        log2_draws; drift and gradient_snr (means), n_drifting (groups whose weights drifted),
        n_above_entropy (groups with more information than H(X) or H(Y)), entropy_x, entropy_y,
        those of tables.QUANTITY.
        """
        needed = [
            *tables.ENTROPIES,
            "run",
            "estimator",
            "pool",
            "group",
            "end",
            "length",
            "layer",
            "n_draws",
            "ixt",
        ]
        tables.require(pooled, needed, "pooled")
        last = pooled[pooled.end == pooled.end.max()].copy()
        if "entropy_given_x" not in last:
            last["entropy_given_x"] = np.nan
        last["drifting"] = tables.has_flag(last["flags"], "not_stationary")
        last["above"] = tables.has_flag(last["flags"], "above_entropy")
        groups = last.groupby(["layer", "length", "n_draws"], sort=False)
        shown = groups.agg(
            n_groups=("group", "nunique"),
            **{f"{q}_mean": (q, "mean") for q in PANELS},
            **{f"{q}_sd": (q, "std") for q in PANELS},
            **{f"{q}_mean": (q, "mean") for q in tables.ENDS},
            drift=("drift", "mean"),
            gradient_snr=("gradient_snr", "mean"),
            n_drifting=("drifting", "sum"),
            n_above_entropy=("above", "sum"),
        ).reset_index()
        for name in ("pool", "estimator", "run"):
            shown.insert(0, name, tables.only(pooled, name, "pooled"))
        shown["log2_draws"] = np.log2(shown.n_draws)
        shown["end"] = int(last.end.max())
        for name in tables.ENTROPIES:
            shown[name] = tables.level(last, name)
        return shown.assign(**tables.about(pooled))

    @classmethod
    @style.styled
    def draw(cls, pooled: pd.DataFrame) -> Drawn:
        """H(T|X), I(X;T) and I(T;Y) against the number of draws, one line per layer, ±1 sd.

        H(T|X) only where the estimator gives it. Dotted: ends of intervals, as far as they
        lie between 0 and the entropy. Hollow: in most seeds the layer's weights drifted. Takes
        what `numbers` takes.
        """
        shown = cls.numbers(pooled)
        figure = style.new_figure(6.9, 2.6)
        if shown[["ixt_mean", "ity_mean"]].dropna().empty:
            return style.blank(figure, "no seed left to draw: all failed")
        layers = tables.layers_of(shown)
        draws = np.sort(shown.n_draws.unique())
        panels = {
            q: "$H(T|X)$" if q == "entropy_given_x" else tables.symbol(shown, q)
            for q in PANELS
            if shown[f"{q}_mean"].notna().any()
        }
        grid = figure.subplots(1, len(panels))
        for axes, (quantity, label) in zip(grid, panels.items(), strict=True):
            axes.set_xscale("log", base=2)
            axes.set_xticks(draws, [str(r) for r in draws], minor=False)
            axes.minorticks_off()
            axes.set_xlabel("draws $r$")
            axes.set_ylabel(f"{label}  [bits]")
            for i, layer in enumerate(layers):
                _line(axes, shown[shown.layer == layer].sort_values("n_draws"), quantity, i)
            if quantity == "entropy_given_x":
                axes.plot(draws, np.log2(draws), color=style.INK, lw=0.8, ls=(0, (4, 2)))
                axes.annotate(
                    "$\\log_2 r$", (draws[-1], np.log2(draws[-1])), (-2, 2), ha="right",
                    textcoords="offset points", size=7,
                )  # fmt: skip
            else:
                name = "entropy_x" if quantity == "ixt" else "entropy_y"
                title = "H(X)" if quantity == "ixt" else "H(Y)"
                references.reference_lines(axes, "y", {title: tables.level(shown, name)})
        handles, names = axes.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right center")
        style.note(figure, small_print(shown))
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        end, most = int(numbers.end.iloc[0]), int(numbers.n_draws.max())
        drifting = int(numbers.n_drifting.sum())
        several = numbers.n_groups.max() > 1
        return [
            f"Pooled information of {numbers.run.iloc[0]} (pool {numbers.pool.iloc[0]}, "
            "windows "
            f"that end at epoch {end}) as a function of the draws r of each input, up to "
            f"{most}: "
            "H(T|X), I(X;T) and I(T;Y) in bits, one line per layer.",
            "Dashed: log2 r, the most that r draws can show of H(T|X); while H(T|X) follows "
            "it, "
            "I(X;T) = H(T) − H(T|X) falls further with r.",
            f"Means over up to {int(numbers.n_groups.max())} seeds or groups of seeds; bands "
            "are "
            "±1 standard deviation."
            if several
            else "",
            f"In {drifting} of {int(numbers.n_groups.sum())} windows and layers the weights "
            "still "
            "drifted (hollow if most of them did)."
            if drifting
            else "",
            sentences.above_entropy(
                int(numbers.n_above_entropy.sum()), int(numbers.n_groups.sum())
            ),
        ]


def small_print(shown: pd.DataFrame) -> list[str]:
    """What bands and hollow markers mean, where there are any."""
    notes = []
    if shown.n_groups.max() > 1:
        notes.append(f"mean of up to {shown.n_groups.max()} seeds or groups, bands ±1 sd")
    if _drifting(shown).any():
        notes.append("hollow: in most of them the layer's weights still drifted")
    if any(tables.told(shown, end).notna().any() for end in tables.ENDS):
        notes.append("dotted: ends of intervals")
    return notes


def _drifting(rows: pd.DataFrame) -> pd.Series:
    return rows.n_drifting > 0.5 * rows.n_groups


def _line(axes: Axes, rows: pd.DataFrame, quantity: str, position: int) -> None:
    mean, sd = rows[f"{quantity}_mean"], rows[f"{quantity}_sd"]
    if rows[f"{quantity}_mean"].isna().all():
        return  # a layer that the estimator does not measure is not in the legend either
    style.layer_line(
        axes, rows.n_draws, mean, sd, _drifting(rows), position, rows.layer.iloc[0]
    )
    for end in (e for e in tables.ENDS if e.startswith(quantity)):
        value = tables.told(rows, end)
        inside = value.where(~np.isclose(value, mean))
        colour = style.look(position)["color"]
        axes.plot(rows.n_draws, inside, color=colour, lw=0.7, ls=(0, (1, 1.5)), zorder=1.5)
