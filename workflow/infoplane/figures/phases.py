"""Statistics of phases under one factor at a time: which are there, how large, when."""

import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import factors, style, tables
from infoplane.figures.figure import Figure
from infoplane.phases.intervals import CONFIDENCE

BARS = {
    "compression": ("compresses", "fall of $I(X;T)$ [bits]\nturn to last epoch", 0),
    "fitting": ("fits", "rise of {} [bits]\nfirst epoch to turn", 1),
}
"""Of each panel of bits the verdict, the label and the colour."""
ROW, HEAD = 0.15, 0.24
"""Inches of a level, and of a factor's name."""


class Phases(Figure):
    """Intervals of the last hidden layer's phases, one line per level."""

    of = "factors"

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """One row per factor, level and layer: factors.of_levels, and what Y is (second)."""
        second = tables.second(information)
        return factors.of_levels(information).assign(second=second)

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """Three panels, one line per level: the fall of I(X;T), the rise of I(T;Y) before it,
        and the epoch of the turn; of the last hidden layer. Takes what `numbers` takes.
        """
        shown = cls.numbers(information)
        if shown.empty:
            return style.blank(style.new_figure(4.4, 3.4), _nothing())
        last = shown[shown.is_last_hidden]
        names = list(dict.fromkeys(last.factor))
        heights, places, at = {}, [], 0.0
        for name in names:
            heights[name] = at
            at += HEAD
            for row in last[last.factor == name].itertuples():
                places.append((at, row))
                at += ROW
        figure = style.new_figure(6.9, 1.0 + at)
        grid = figure.subplots(1, 3, sharey=True)
        second = tables.symbol(shown, "ity")
        for axes, (name, (verdict, label, colour)) in zip(grid, BARS.items(), strict=False):
            axes.axvline(0, color=style.QUIET, lw=0.7, zorder=0)
            axes.set_xlabel(label.format(second))
            for place, row in places:
                _bar(axes, place, row, name, getattr(row, verdict) is True, colour)
        epochs = [int(information.epoch.min()), int(information.epoch.max())]
        style.epoch_axis(grid[2], epochs, room=0.15)
        grid[2].set_xlabel("epoch of the turn")
        for place, row in places:
            grid[2].plot([row.turn_first, row.turn_last], [place] * 2, color=style.INK, lw=1)
            grid[2].plot(row.turn, place, "o", color=style.INK, ms=3)
        grid[0].set_yticks([p for p, _ in places], [row.level for _, row in places])
        for label in grid[0].get_yticklabels():
            label.set_parse_math(False)
        grid[0].set_ylim(at + 0.02, -0.06)
        for axes in grid:
            axes.tick_params(axis="y", length=0)
            for name in names[1:]:
                axes.axhline(heights[name], color=style.QUIET, lw=0.3)
        for name, place in heights.items():
            grid[0].annotate(
                factors.in_words(name), (0, place + 0.12), (-4, 0), ha="right", va="center",
                xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=8,
                weight="bold", parse_math=False,
            )  # fmt: skip
        style.note(figure, [
            f"last hidden layer, intervals of {CONFIDENCE:.0%} over seeds",
            "filled: the interval excludes zero",
        ])  # fmt: skip
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        open_to_chance = int(numbers.compresses.notna().sum())
        hollow = int((numbers.n_hollow_turn + numbers.n_hollow_end > 0).sum())
        return [
            "Phases under one factor at a time, of the last hidden layer: the fall of I(X;T) "
            "from its turn (the epoch at which its mean is highest) to the last epoch, the "
            "rise of I(T;Y) from the first epoch to the turn, and the turn with all epochs "
            "that are not shown to be lower.",
            f"Lines are intervals of {CONFIDENCE:.0%} over seeds; a phase is called present "
            "if its interval excludes zero. The turn of each seed is chosen by the seeds "
            "before it, so curves that only rise are called falling in at most "
            f"{(1 - CONFIDENCE) / 2:.1%} of experiments.",
            *factors.answers(numbers),
            f"The table has all {len(numbers)} layers and levels; by chance alone, "
            f"{open_to_chance * (1 - CONFIDENCE) / 2:.1f} of {open_to_chance} would be called "
            "compressing.",
            f"In {hollow} of them a value at the turn or at the end is saturated or above "
            "H(X) or H(Y)."
            if hollow
            else "",
        ]

    @classmethod
    def caption(cls, numbers: pd.DataFrame, *_given) -> str:
        return super().caption(numbers.assign(run="") if len(numbers) else numbers)

    @classmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        if numbers.empty:
            return f"An empty figure: {_nothing()}."
        return "Intervals of the last hidden layer's phases. " + " ".join(
            factors.answers(numbers)
        )

    @classmethod
    def table(cls, numbers: pd.DataFrame) -> pd.DataFrame | None:
        if numbers.empty:
            return None
        second = tables.second(numbers)
        rows = [
            {
                "factor": factors.in_words(row.factor),
                "level": row.level,
                "layer": row.layer,
                "seeds": str(row.n_seeds),
                "turn (epoch)": factors.turn(row),
                "fall of I(X;T) [bits]": factors.estimate(row, "compression"),
                "compression": _verdict(row.compresses),
                f"rise of I(T;{second}) [bits]": factors.estimate(row, "fitting"),
                "fitting": _verdict(row.fits),
                f"I(T;{second}) at the end [bits]": factors.estimate(row, "ity_end"),
                "gradient SNR at the turn": factors.estimate(row, "gradient_snr", style.bits),
            }
            for row in numbers[numbers.is_last_hidden].itertuples()
        ]
        return pd.DataFrame(rows)


def _nothing() -> str:
    return "no seed left to draw: all failed or were set aside"


def _verdict(present: bool | None) -> str:
    return {True: "present", False: "absent"}.get(present, "open")


def _bar(axes, place: float, row, name: str, present: bool, colour: int) -> None:
    shade = style.COLOURS[colour]
    lower, upper = getattr(row, f"{name}_lower"), getattr(row, f"{name}_upper")
    axes.plot([lower, upper], [place] * 2, color=shade, lw=1.2)
    axes.plot(
        getattr(row, name), place, style.MARKERS[colour], color=shade, ms=3.4,
        mfc=shade if present else "white", mew=0.8,
    )  # fmt: skip
