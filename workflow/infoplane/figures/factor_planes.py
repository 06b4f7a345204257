"""Planes under one factor at a time: one row per factor, one column per level, all else the
same."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import factors, plane, references, sentences, style, tables
from infoplane.figures.figure import Figure
from infoplane.phases.intervals import CONFIDENCE

PANEL = 1.28, 1.5
"""Inches of a plane, its title and room included."""
JOINED = ["turn", "turn_first", "turn_last"] + [
    f"{name}{end}" for name in ("compression", "fitting") for end in ("", "_lower", "_upper")
]
VERDICTS = ["compresses", "fits", "is_last_hidden"]


class FactorPlanes(Figure):
    """One small plane per level of every factor."""

    of = "factors"
    names_estimator = True

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """Means and spreads over seeds, one row per factor, level, epoch and layer, in bits.

        information : tables of all levels, with columns factor and level
        Returns factor, level, the columns of tables.by_epoch_and_layer and, constant over
        epochs, JOINED and VERDICTS of the layer, from factors.of_levels.
        """
        shown = []
        for factor, level, part in factors.parts(information):
            numbers = tables.by_epoch_and_layer(part)
            numbers.insert(0, "factor", factor)
            numbers.insert(1, "level", level)
            shown.append(numbers)
        found = factors.of_levels(information)
        place = [*factors.LEVEL, "layer"]
        joined = found.reindex(columns=[*place, *JOINED, *VERDICTS])
        together = pd.concat(shown, ignore_index=True).merge(joined, on=place, how="left")
        return together.assign(is_last_hidden=together.is_last_hidden.eq(True))

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """Planes of the same data on the same axes; under each title, the fall of the last
        hidden layer after its turn, with its interval. Takes the arguments of `numbers`.
        """
        shown = cls.numbers(information).assign(ixt_cap=np.nan)
        titles = [(factor, level) for factor, level, _ in factors.parts(information)]
        rows = list(dict.fromkeys(factor for factor, _ in titles))
        columns = max(sum(of == row for of, _ in titles) for row in rows)
        if shown[["ixt_mean", "ity_mean"]].dropna().empty:
            return style.blank(
                style.new_figure(4.4, 3.4), "no seed left to draw: all failed or were set aside"
            )
        width = max(0.9 + PANEL[0] * columns, 4.2)
        figure = style.new_figure(width, 0.7 + PANEL[1] * len(rows))
        grid = figure.subplots(len(rows), columns, squeeze=False)
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03, hspace=0.02, wspace=0.02)
        norm, layers = style.epoch_norm(shown.epoch), _layers(shown)
        views = _views(shown)
        placed = {}
        for row, factor in enumerate(rows):
            levels = [level for of, level in titles if of == factor]
            for column, level in enumerate(levels):
                part = shown[(shown.factor == factor) & (shown.level == level)]
                view = views.get(_data(part))
                placed[row, column] = view
                _plane(grid[row, column], part, level, layers, view, norm)
            for axes in grid[row, len(levels) :]:
                axes.set_visible(False)
            grid[row, 0].annotate(
                factors.in_words(factor), (0, 0.5), (-28, 0), xycoords="axes fraction",
                textcoords="offset points", rotation=90, va="center", ha="center",
                fontsize=8.5, weight="bold", parse_math=False,
            )  # fmt: skip
        for (row, column), view in placed.items():
            axes = grid[row, column]
            axes.set_ylabel("")
            below = placed.get((row + 1, column))
            axes.tick_params(
                labelbottom=view != below, labelleft=view != placed.get((row, column - 1))
            )
            if row + 1 < len(rows):
                axes.set_xlabel("")
        figure.supylabel(f"{tables.symbol(shown, 'ity')}  [bits]", fontsize=8)
        bar = {"pad": 0.01, "shrink": min(1, 3 / len(rows)), "aspect": 25}
        plane.colourbar(figure, grid, norm, shown.epoch, **bar)
        plane.legend(figure, layers, shown)
        style.note(figure, [*plane.small_print(shown), "dotted: H(X) and H(Y)", *_lost(shown)])
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        listed = "; ".join(
            f"{factors.in_words(name)} ({', '.join(levels)})"
            for name, levels in _levels(numbers).items()
        )
        own = numbers.drop_duplicates([*factors.LEVEL, "layer"])
        estimators = list(dict.fromkeys(numbers.estimator))
        return [
            f"Information planes under one factor at a time, one row per factor: {listed}; "
            "all else is the same in a row. I(T;Y) against I(X;T) in bits, one point per epoch "
            f"and layer, coloured by epoch ({sentences.epochs(numbers)}).",
            "Above each plane: the fall of I(X;T) of the last hidden layer from its "
            f"turn to the last epoch, with its interval of {CONFIDENCE:.0%} over seeds; bold "
            "if it excludes zero.",
            *factors.answers(own[own.turn.notna()]),
            sentences.seeds(
                numbers, "crosses at some epochs are ±1 standard deviation", name=False
            ),
            *(f"{text}." for text in _lost(numbers)),
            f"Planes are by {estimators[0]}, except in factors that vary the estimator."
            if len(estimators) > 1
            else "",
            sentences.flagged(numbers),
        ]

    @classmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        if numbers.empty:
            return super().alt(numbers)
        named = [
            f"{name.replace('_', ' ')} ({len(levels)} levels)"
            for name, levels in _levels(numbers).items()
        ]
        return f"Small information planes, one row per factor: {', '.join(named)}."


def _levels(numbers: pd.DataFrame) -> dict[str, list[str]]:
    """The levels of each factor."""
    once = numbers.drop_duplicates(factors.LEVEL)
    return {str(name): list(part.level) for name, part in once.groupby("factor", sort=False)}


def _plane(axes, part: pd.DataFrame, level: str, layers, view, norm) -> None:
    axes.set_title(level, pad=11, fontsize=7.5, parse_math=False)
    if part.empty or view is None:
        axes.text(0.5, 0.5, "no seed left", ha="center", transform=axes.transAxes, fontsize=6)
        axes.set(xticks=[], yticks=[])
        return
    plane.panel(axes, part, layers, view, norm, size=4)
    axes.locator_params(nbins=3)
    axes.tick_params(labelsize=6, pad=1.5, length=2)
    axes.xaxis.label.set_size(7)
    for along, entropy in (("x", "entropy_x"), ("y", "entropy_y")):
        references.reference_lines(axes, along, {"_": tables.level(part, entropy)})
    last = part[part.is_last_hidden]
    if last.empty or np.isnan(last.compression.iloc[0]):
        return
    row = next(last.itertuples())
    axes.text(
        0.5, 1.02, f"↓ {factors.estimate(row, 'compression')}", ha="center", va="bottom",
        fontsize=5.8, transform=axes.transAxes, parse_math=False,
        color=style.INK if row.compresses is True else style.QUIET,
        weight="bold" if row.compresses is True else "normal",
    )  # fmt: skip


def _data(part: pd.DataFrame) -> tuple[float, ...]:
    """The key of data that need their own axes: H(X) and H(Y)."""
    return tuple(round(tables.level(part, name), 1) for name in tables.ENTROPIES)


def _views(shown: pd.DataFrame) -> dict[tuple[float, ...], plane.View]:
    groups: dict[tuple[float, ...], list[pd.DataFrame]] = {}
    for _, part in shown.groupby(factors.LEVEL, sort=False):
        groups.setdefault(_data(part), []).append(part)
    return {key: plane.whole(pd.concat(found)) for key, found in groups.items()}


def _layers(shown: pd.DataFrame) -> list[str]:
    """Every layer once, those of the deepest network in its order: one marker per name."""
    of = [tables.layers_of(part) for _, part in shown.groupby(factors.LEVEL, sort=False)]
    of.sort(key=len, reverse=True)
    return list(dict.fromkeys(layer for layers in of for layer in layers))


def _lost(numbers: pd.DataFrame) -> list[str]:
    """The remark on seeds that are left out, with their place."""
    where: dict[str, list[str]] = {}
    for (factor, level), part in numbers.groupby(factors.LEVEL, sort=False):
        if text := tables.left_out(part):
            where.setdefault(text, []).append(f"{factor.replace('_', ' ')} {level}")
    return [f"{', '.join(of)}: {text}" for text, of in where.items()]
