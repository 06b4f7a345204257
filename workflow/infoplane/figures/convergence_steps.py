"""How many steps a carried critic saves, and where it ends: paired differences."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawn

from infoplane.figures import style
from infoplane.figures.convergence_curves import QUANTITY
from infoplane.figures.figure import Figure
from infoplane.measurement import convergence

PANELS = {
    "steps": "steps until the rule stops",
    "steps_to_level": "steps to the same bound",
    "value": "reported value  [bits]",
}
APART = 0.16
"""Half the distance of the two quantities of a layer, in layers."""


class ConvergenceSteps(Figure):
    """Carried over minus fresh: steps until training ends, steps to a common bound, value."""

    of = "convergence"
    of_twins = True

    @classmethod
    def numbers(cls, curves: pd.DataFrame) -> pd.DataFrame:
        """The table of measurement.convergence.differences, with the run before it.

        curves : as convergence.paired takes them, with a column `run`
        """
        pairs = convergence.paired(curves)
        if pairs.empty:
            shown = pd.DataFrame()
            shown.attrs["why"] = "no critic was carried over from an epoch before"
            return shown
        shown = convergence.differences(pairs)
        shown.insert(0, "run", curves.run.iloc[0])
        return shown

    @classmethod
    @style.styled
    def draw(cls, curves: pd.DataFrame) -> Drawn:
        """One panel per measure, one point per layer and quantity, with its interval. Takes
        what `numbers` takes."""
        shown = cls.numbers(curves)
        if shown.empty:
            return style.blank(style.new_figure(4.4, 3.4), shown.attrs["why"])
        layers = list(dict.fromkeys(shown.layer))
        figure = style.new_figure(6.9, 1.1 + 0.3 * len(layers))
        grid = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (measure, label) in zip(grid, PANELS.items(), strict=True):
            part = shown[shown.measure == measure]
            for i, quantity in enumerate(QUANTITY):
                _points(axes, part[part.quantity == quantity], layers, i)
            axes.axvline(0, color=style.QUIET, lw=0.6, zorder=0)
            axes.set_xlabel(f"{label}")
        grid[0].set_yticks(range(len(layers)), layers)
        grid[0].invert_yaxis()
        grid[1].set_title("carried over − fresh", fontsize=8)
        handles, names = grid[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right center")
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        percent = f"{convergence.CONFIDENCE:.0%}"
        return [
            f"Critics of {numbers.run.iloc[0]} carried over from the epoch before minus fresh "
            "ones of the same seed, epoch, layer and quantity: mean differences of steps until "
            "the rule stops the training, of steps to the same bound "
            f"({convergence.LEVEL:.0%} of the lower of the two largest), and of the value in "
            "bits.",
            f"Bars are {percent} intervals by bootstrap of {int(numbers.n_clusters.max())} "
            "clusters, each a seed at an epoch; epochs of one seed are not independent, so "
            "the intervals are rather too short.",
            *(_verdict(row) for row in _summary(numbers).itertuples()),
        ]

    @classmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        """One sentence in place of the image."""
        if numbers.empty:
            return f"An empty figure: {numbers.attrs.get('why', 'no pairs of critics')}."
        return (
            f"{cls.heading()} of {numbers.run.iloc[0]}: {' '.join(cls.sentences(numbers)[2:])}"
        )


def _summary(numbers: pd.DataFrame) -> pd.DataFrame:
    """The rows of all layers together, or of the only layer."""
    of_all = numbers[numbers.layer == convergence.ALL]
    return of_all if len(of_all) else numbers[numbers.layer == numbers.layer.iloc[0]]


def _verdict(row) -> str:
    """One row of differences in a sentence."""
    quantity = QUANTITY[row.quantity].strip("$")
    what = {
        "steps": "steps until the rule stops",
        "steps_to_level": "steps to the same bound",
        "value": "bits",
    }[row.measure]
    interval = f"[{_number(row.lower)}, {_number(row.upper)}]"
    text = (
        f"{quantity}, {row.layer}: {_number(row.mean_carried)} carried over and "
        f"{_number(row.mean_fresh)} fresh {what}, difference {_number(row.difference)} "
        f"{interval}"
    )
    if np.isfinite(row.lower) and row.lower <= 0 <= row.upper:
        text += ", which does not exclude zero"
    return f"{text} ({row.n_pairs} pairs)."


def _number(value: float) -> str:
    """Whole from 10 on, else two decimals."""
    text = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2f}"
    return text.replace("-", "−")


def _points(axes: Axes, part: pd.DataFrame, layers: list[str], i: int) -> None:
    look = style.look(i)
    at = np.array([layers.index(layer) for layer in part.layer]) + (2 * i - 1) * APART
    difference = part.difference.to_numpy()
    reach = np.array([difference - part.lower, part.upper - difference])
    axes.errorbar(
        difference,
        at,
        xerr=np.nan_to_num(np.abs(reach)),
        fmt=look["marker"],
        color=look["color"],
        markersize=4,
        elinewidth=0.9,
        capsize=2,
        label=QUANTITY[("ixt", "ity")[i]],
    )
