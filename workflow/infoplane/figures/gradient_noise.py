"""Drift and diffusion: mean and noise of every layer's gradient over training.

Sources: Shwartz-Ziv & Tishby 2017, arXiv:1703.00810, figure 4; Saxe et al. 2018, ICLR,
"On the information bottleneck theory of deep learning", section 4.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from infoplane.figures import bins, sentences, style, tables
from infoplane.figures.figure import Figure

GRADIENTS = ("gradient_mean", "gradient_std")
COLUMNS = (*GRADIENTS, "weight_norm")
DRAWN = ("relative_mean", "relative_std", "snr")
DASHES = {"mean": "-", "std": (0, (2.5, 1.2))}


class GradientNoise(Figure):
    """Mean and standard deviation of gradients over epochs, and their ratio."""

    of = "run"
    of_gradients = True

    @classmethod
    def numbers(cls, gradients: pd.DataFrame) -> pd.DataFrame:
        """Geometric means over bins of epochs and over seeds, one row per bin and layer; no
        unit.

        gradients : the metrics table of one run; epoch 0, before training, has no gradient,
        and layers without parameters of their own have no numbers and are left out
        Returns run, the bin (epoch, first_epoch, last_epoch, n_epochs), layer, n_seeds,
        seeds_left_out and, for relative_mean and relative_std (both over the norm of the
        weights) and snr (mean over std), the geometric mean, {name}_lower and {name}_upper: one
        standard deviation, over seeds, of the logarithm of a seed's mean in the bin away.
        """
        if not set(COLUMNS) <= set(gradients):
            return _nothing(f"its trainer declares no {', '.join(COLUMNS)}")
        tables.require(gradients, ["run", "seed", "epoch", "layer", *COLUMNS], "gradients")
        gradients = gradients[gradients.layer != ""]
        run = tables.only(gradients, "run", "gradients")
        has_own = gradients.weight_norm.notna().groupby(gradients.layer).any()
        gradients = gradients[gradients.layer.map(has_own)]
        if gradients.empty:
            return _nothing("no measured layer has parameters of its own")
        trained = gradients[gradients.epoch > 0]
        failed = tables.seeds_that_failed(trained)
        aside = tables.set_aside_seeds(trained)
        kept = trained[~trained.seed.isin([*failed, *aside])].copy()
        # on a logarithmic axis one seed in ten would rule an arithmetic mean
        with np.errstate(divide="ignore", invalid="ignore"):
            kept["relative_mean"] = np.log(kept.gradient_mean / kept.weight_norm)
            kept["relative_std"] = np.log(kept.gradient_std / kept.weight_norm)
            kept["snr"] = np.log(kept.gradient_mean / kept.gradient_std)
        logs = bins.over_seeds(kept, ["layer"], DRAWN)
        result = logs[["epoch", *bins.ADDED, "layer"]].copy()
        result.insert(0, "run", run)
        for name in DRAWN:
            mean, sd = logs[f"{name}_mean"], logs[f"{name}_sd"]
            result[name] = np.exp(mean)
            result[f"{name}_lower"], result[f"{name}_upper"] = (
                np.exp(mean - sd),
                np.exp(mean + sd),
            )
        result["n_seeds"] = logs.n_seeds
        return result.assign(**tables.naming(gradients, failed, aside))

    @classmethod
    @style.styled
    def draw(cls, gradients: pd.DataFrame) -> Drawn:
        """Two panels, log-log: gradient mean and std over the weight norm, and their ratio."""
        shown = cls.numbers(gradients)
        figure = style.new_figure(6.9, 2.9)
        if shown[list(DRAWN)].dropna(how="all").empty:
            why = shown.attrs.get("why", "no seed is left, epoch 0 only, or all are 0")
            return style.blank(figure, f"no gradient to draw: {why}")
        left, right = figure.subplots(1, 2)
        layers = tables.layers_of(shown)
        for axes, label in ((left, "gradient / weight norm"), (right, "signal-to-noise ratio")):
            style.epoch_axis(axes, bins.ends(shown))
            axes.set_yscale("log")
            axes.yaxis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=99))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.set_ylabel(label)
        right.axhline(1, color=style.QUIET, lw=0.7, linestyle=(0, (4, 2)), zorder=0)
        for i, layer in enumerate(layers):
            rows = shown[shown.layer == layer]
            _line(left, rows, "relative_mean", i, DASHES["mean"])
            _line(left, rows, "relative_std", i, DASHES["std"])
            _line(right, rows, "snr", i, "-")
        handles = [
            _handle(style.look(i)["color"], "-", layer) for i, layer in enumerate(layers)
        ]
        figure.legend(handles=handles, loc="outside right center", handlelength=2.4)
        left.legend(
            handles=[_handle(style.INK, dashes, name) for name, dashes in DASHES.items()],
            loc="lower left",
            handlelength=3.2,
        )
        notes = []
        if shown.n_seeds.max() > 1:
            notes = [
                f"geometric mean of {tables.seeds_text(shown)}, bands ±1 sd of the logarithm"
            ]
        style.note(figure, [bins.text(shown), *notes, tables.left_out(shown)])
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        return [
            f"Gradients of {numbers.run.iloc[0]} ({sentences.epochs(numbers)}), every layer: "
            "left, the norm "
            "of the mean over an epoch's mini-batches (solid) and of the standard deviation "
            "(dashed), both divided by the norm of the weights; right, the first over the "
            "second.",
            "Above 1 drift dominates, below 1 noise.",
            sentences.binned(numbers, "geometric mean"),
            sentences.seeds(
                numbers, "bands are ±1 standard deviation of the logarithm", "Geometric mean"
            ),
        ]


def _nothing(why: str) -> pd.DataFrame:
    """No rows, and why."""
    table = pd.DataFrame(columns=["run", "epoch", *bins.ADDED, "layer", *DRAWN])
    table.attrs["why"] = why
    return table


def _line(axes, rows: pd.DataFrame, name: str, position: int, dashes) -> None:
    colour = style.look(position)["color"]
    dot = "o" if rows[name].notna().sum() == 1 else ""
    axes.plot(rows.epoch, rows[name], color=colour, linestyle=dashes, marker=dot, ms=3)
    lower, upper = rows[f"{name}_lower"], rows[f"{name}_upper"]
    axes.fill_between(rows.epoch, lower, upper, color=colour, alpha=0.15, lw=0)


def _handle(colour: str, dashes, name: str) -> Line2D:
    return Line2D([], [], color=colour, linestyle=dashes, label=name)
