"""The information plane of one run and one estimator (Shwartz-Ziv & Tishby 2017)."""

import pandas as pd
from matplotlib.figure import Figure as Drawn
from matplotlib.patches import Rectangle

from infoplane.figures import plane, sentences, style, tables
from infoplane.figures.figure import Figure


class InformationPlane(Figure):
    """I(T;Y) against I(X;T), one point per epoch and layer."""

    of = "estimator"
    names_estimator = True

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """Means and spreads over seeds, one row per epoch and layer, in bits.

        information : the information table of one run and one estimator
        Returns the columns of tables.by_epoch_and_layer.
        Raises ValueError if the table holds several runs or estimators.
        """
        return tables.by_epoch_and_layer(information)

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """I(T;Y) against I(X;T), one point per epoch and layer: the mean over seeds.

        Takes the arguments of `numbers`. If the points fill little of the plane, a second panel
        enlarges them.
        """
        shown = cls.numbers(information)
        if shown[["ixt_mean", "ity_mean"]].dropna().empty:
            return style.blank(
                style.new_figure(4.4, 3.4), "no seed left to draw: all failed or were set aside"
            )
        layers = tables.layers_of(shown)
        full, close = plane.whole(shown), plane.detail(shown)
        enlarged = plane.squashed(shown)
        views = [full, close] if enlarged else [full]
        figure = style.new_figure(6.9 if enlarged else 4.6, 3.4)
        panels = figure.subplots(1, len(views), squeeze=False)[0]
        norm = style.epoch_norm(shown.epoch)
        outside = ""
        for axes, view in zip(panels, views, strict=True):
            plane.panel(
                axes, shown, layers, view, norm, size=6 if enlarged and view is full else 13
            )
            outside = plane.mark(axes, shown, view) if view is full else outside
        plane.legend(figure, layers, shown)
        if enlarged:
            _outline(panels[0], panels[1], close)
        plane.colourbar(figure, list(panels), norm, shown.epoch, pad=0.015, aspect=28)
        style.note(figure, [*plane.small_print(shown), outside, tables.left_out(shown)])
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        texts = [
            f"Information plane of {numbers.run.iloc[0]}: I(T;Y) against I(X;T) in bits, one "
            "point "
            f"per epoch and layer, coloured by epoch ({sentences.epochs(numbers)}).",
            "Thin lines join the layers of one epoch; large markers are the last epoch.",
            sentences.seeds(
                numbers, "crosses at some epochs are ±1 standard deviation over seeds"
            ),
            sentences.levels(numbers),
            sentences.ceiling(numbers, "Ticks at the right edge"),
            sentences.flagged(numbers),
        ]
        if plane.squashed(numbers):
            texts.insert(1, "The right panel enlarges the box in the left one.")
        return texts


def _outline(axes, enlarged_axes, view: plane.View) -> None:
    (x0, x1), (y0, y1) = view
    box = Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=style.INK, lw=0.6, zorder=8)
    axes.add_patch(box)
    enlarged_axes.set_title("the box, enlarged", loc="left", fontsize=7, color=style.QUIET)
    for spine in enlarged_axes.spines.values():
        spine.set_visible(True)
