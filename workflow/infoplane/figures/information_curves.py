"""I(X;T) and I(T;Y) of every layer over training, one run and one estimator."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawn

from infoplane.figures import caps, plane, references, sentences, style, tables
from infoplane.figures.figure import Figure
from infoplane.figures.information_plane import InformationPlane

MARKED = 9
"""Epochs at which a line carries its layer's marker."""


class InformationCurves(Figure):
    """I(X;T) and I(T;Y) over epochs, one line per layer."""

    of = "estimator"
    names_estimator = True

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """Means, spreads and intervals over seeds, one row per epoch and layer, in bits.

        Takes and returns what information_plane.numbers does.
        """
        return InformationPlane.numbers(information)

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """One line per layer: mean over seeds with a band of ±1 sd. Dotted lines are the mean
        ends of intervals, if they are narrower than 0 to the entropy.

        Takes the arguments of `numbers`.
        """
        shown = cls.numbers(information)
        figure = style.new_figure(6.9, 2.9)
        if shown[["ixt_mean", "ity_mean"]].dropna().empty:
            return style.blank(figure, "no seed left to draw: all failed or were set aside")
        layers = tables.layers_of(shown)
        view = plane.whole(shown)
        capped = caps.grouped(shown)
        left, right = figure.subplots(1, 2)
        lines = {
            "ixt": (
                left,
                f"{tables.symbol(shown, 'ixt')}  [bits]",
                view.x,
                {**tables.line(shown, "entropy_x"), **caps.lines(capped)},
            ),
            "ity": (
                right,
                f"{tables.symbol(shown, 'ity')}  [bits]",
                view.y,
                tables.line(shown, "entropy_y"),
            ),
        }
        ends = tables.drawn_ends(shown)
        for quantity, (axes, label, limits, levels) in lines.items():
            style.epoch_axis(axes, shown.epoch)
            axes.set_ylim(limits)
            axes.set_ylabel(label)
            if limits[0] < 0:
                axes.axhline(0, color=style.QUIET, lw=0.5, zorder=0)
            references.reference_lines(axes, "y", levels)
            if quantity == "ity":
                _ceiling(axes, tables.ceiling(shown))
            for i, layer in enumerate(layers):
                rows = shown[shown.layer == layer]
                _line(axes, rows, quantity, i)
                for end in ends:
                    if end.startswith(quantity):
                        _end(axes, rows, end, i)
        handles, names = left.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right center", handlelength=2.4)
        notes = plane.small_print(shown, crosses=False)
        notes += ["dotted: ends of intervals"] if ends else []
        if capped and (capped.deviating or capped.common > view.x[1]):
            notes.append(caps.note(capped))
        style.note(figure, [*notes, tables.left_out(shown)])
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        ends = tables.drawn_ends(numbers)
        return [
            f"I(X;T) and I(T;Y) in bits of every layer of {numbers.run.iloc[0]} over training "
            f"({sentences.epochs(numbers)}).",
            sentences.seeds(numbers, "bands are ±1 standard deviation over seeds"),
            "Dotted lines are the mean ends of the intervals, drawn where they lie between 0 "
            "and the entropy."
            if ends
            else "",
            sentences.levels(numbers),
            sentences.ceiling(numbers, "Dashes over epochs"),
            sentences.flagged(numbers),
        ]


def _ceiling(axes: Axes, found: pd.Series) -> None:
    """I(X;Y) over epochs, named at its end."""
    if found.empty:
        return
    dashes = {"color": style.INK, "lw": 0.9, "linestyle": (0, (4, 2)), "zorder": 1.8}
    axes.plot(found.index, found, gid="I(X;Y)", **dashes)
    last = found.index[-1], found.iloc[-1]
    axes.annotate(
        "$I(X;Y)$",
        last,
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=7,
        color=style.INK,
    )


def _line(axes: Axes, rows: pd.DataFrame, quantity: str, position: int) -> None:
    if rows[f"{quantity}_mean"].isna().all():
        return  # a layer that the estimator does not measure is not in the legend either
    style.layer_line(
        axes,
        rows.epoch,
        rows[f"{quantity}_mean"],
        rows[f"{quantity}_sd"],
        rows.n_hollow > 0,
        position,
        rows.layer.iloc[0],
        marked=rows.epoch.isin(style.few(rows.epoch, MARKED)),
    )


def _end(axes: Axes, rows: pd.DataFrame, end: str, position: int) -> None:
    axes.plot(
        rows.epoch,
        tables.told(rows, end),
        color=style.look(position)["color"],
        marker="_" if len(rows) == 1 else "",
        lw=0.7,
        linestyle=(0, (1, 1.5)),
        alpha=0.7,
        zorder=1.5,
    )
