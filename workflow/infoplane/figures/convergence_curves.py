"""How critics converge at each measured epoch: carried critics next to fresh ones (Tokovenko,
Rigter & Ilse, "Transferring weights of MINE")."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure as Drawn
from matplotlib.ticker import MaxNLocator

from infoplane.figures import sentences, style
from infoplane.figures.figure import Figure
from infoplane.measurement.convergence import CARRIED, FRESH

QUANTITY = {"ixt": "$I(X;T)$", "ity": "$I(T;Y)$"}
COLUMNS = ["run", "start", "quantity", "layer", "epoch", "step"]
NAMED = 9
"""Most epochs that the colourbar names."""
LOWEST = -0.15
"""Share of the largest bound of a row of panels, below which curves are cut off: weights of
another epoch may begin far below 0."""


class ConvergenceCurves(Figure):
    """The held-out bound against the step of training, one curve per measured epoch."""

    of = "convergence"

    @classmethod
    def numbers(cls, curves: pd.DataFrame) -> pd.DataFrame:
        """Means over seeds of the bound at each evaluation, in bits.

        curves : one row per evaluation of a critic of one run: run, estimator, start, seed,
        epoch, layer, quantity, step, bound
        Returns run, start, quantity, layer, epoch, step, bound_mean, n_seeds, n_training (seeds
        whose critic still trained). A critic that has stopped counts with its last bound, to
        the last step of its epoch; a bound that was not finite is left out.
        """
        needed = ("run", "start", "quantity", "layer", "epoch", "seed", "step", "bound")
        lacking = [name for name in needed if name not in curves]
        if lacking:
            raise ValueError(f"the curves table lacks {', '.join(lacking)}")
        finite = curves[np.isfinite(curves.bound.astype(float))]
        parts = []
        for key, part in finite.groupby(COLUMNS[:5], sort=False):
            wide = part.pivot(index="step", columns="seed", values="bound").sort_index()
            mean = wide.ffill().mean(axis=1)
            shown = pd.DataFrame({"step": wide.index, "bound_mean": mean.to_numpy()})
            shown["n_seeds"] = wide.shape[1]
            shown["n_training"] = wide.notna().sum(axis=1).to_numpy()
            parts.append(shown.assign(**dict(zip(COLUMNS[:5], key, strict=True))))
        columns = [*COLUMNS, "bound_mean", "n_seeds", "n_training"]
        if not parts:
            return pd.DataFrame(columns=columns)
        return pd.concat(parts, ignore_index=True)[columns]

    @classmethod
    @style.styled
    def draw(cls, curves: pd.DataFrame) -> Drawn:
        """One row of panels per layer; for each quantity a panel of critics carried over and
        one of fresh ones, on the same axes. Takes what `numbers` takes."""
        shown = cls.numbers(curves)
        layers = list(dict.fromkeys(shown.layer))
        if not layers:
            return style.blank(style.new_figure(4.4, 3.4), "no critic kept a curve")
        starts = [start for start in (CARRIED, FRESH) if (shown.start == start).any()]
        columns = [(q, start) for q in QUANTITY for start in starts]
        figure = style.new_figure(6.9, 0.9 + 1.25 * len(layers))
        grid = figure.subplots(len(layers), len(columns), squeeze=False)
        epochs = sorted(shown.epoch.unique())
        # A colour for each epoch: curves of late epochs would all be of one on a log scale.
        colours = style.epoch_colours()(np.linspace(0, 1, len(epochs)))
        last = shown.step.max()
        for i, layer in enumerate(layers):
            for axes, (quantity, start) in zip(grid[i], columns, strict=True):
                of_both = shown[(shown.layer == layer) & (shown.quantity == quantity)]
                _curves(
                    axes,
                    of_both[of_both.start == start],
                    dict(zip(epochs, colours, strict=True)),
                )
                _axes(axes, of_both, last)
                if i == 0:
                    axes.set_title(f"{QUANTITY[quantity]}, {start}", fontsize=7.5)
                if start == starts[0]:
                    axes.set_ylabel(f"{layer}  [bits]" if quantity == "ixt" else "[bits]")
                else:
                    axes.tick_params(labelleft=False)
                if i < len(layers) - 1:
                    axes.tick_params(labelbottom=False)
        figure.supxlabel("steps of training of the critic")
        _colourbar(figure, list(grid.flat), epochs, colours)
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        n_seeds = int(numbers.n_seeds.max())
        return [
            f"Convergence of the critics of {numbers.run.iloc[0]}: the bound on held-out pairs "
            "in bits against the step of training, one curve per measured epoch, by colour "
            f"({sentences.epochs(numbers)}).",
            "A critic carried over begins with the weights of the epoch before, a fresh one "
            "with new ones; at the first epoch both are fresh."
            if set(numbers.start) == {CARRIED, FRESH}
            else "",
            f"Means of {n_seeds} seeds; a critic that has stopped counts with its last bound."
            if n_seeds > 1
            else "",
            "Curves that begin below the axes start from weights unsuited to the new epoch."
            if (numbers.bound_mean < 0).any()
            else "",
        ]

    @classmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        """One sentence in place of the image."""
        if numbers.empty:
            return super().alt(numbers)
        return f"{cls.heading()} of {numbers.run.iloc[0]}, {sentences.epochs(numbers)}."


def _curves(axes: Axes, shown: pd.DataFrame, colours: Mapping) -> None:
    for epoch, part in shown.groupby("epoch"):
        axes.plot(part.step, part.bound_mean, color=colours[epoch], lw=0.9)


def _colourbar(figure: Drawn, axes: list[Axes], epochs: Sequence[int], colours) -> None:
    """One field per epoch; some fields have the epoch's number."""
    norm = BoundaryNorm(np.arange(len(epochs) + 1) - 0.5, max(len(epochs), 2))
    scale = ScalarMappable(norm, ListedColormap(colours))
    bar = figure.colorbar(scale, ax=axes, pad=0.015, aspect=40)
    named = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), NAMED)).round())
    bar.set_ticks(named, labels=[style.epoch_text(epochs[int(i)]) for i in named])
    bar.ax.minorticks_off()
    bar.outline.set_linewidth(0.4)
    bar.set_label("epoch")


def _axes(axes: Axes, of_both: pd.DataFrame, last: float) -> None:
    """The same limits for both starts; on the axis of steps the first ones are distinct."""
    top = float(of_both.bound_mean.max()) if len(of_both) else 1.0
    top = max(top, 0.1)
    axes.set_ylim(LOWEST * top, 1.06 * top)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.axhline(0, color=style.QUIET, lw=0.4, zorder=0)
    first = float(of_both.step[of_both.step > 0].min()) if len(of_both) else 1.0
    axes.set_xscale("symlog", linthresh=first, linscale=0.5)
    axes.set_xlim(0, last)
    ticks = [0.0, *(10.0**k for k in range(1, 8) if first <= 10.0**k <= last)]
    axes.set_xticks(ticks, [style.epoch_text(tick) for tick in ticks])
    axes.minorticks_off()
