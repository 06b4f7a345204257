"""Does I(X;T) follow H(Bin(T))? One estimator's values against the clustering measure.

Goldfeld et al. 2019 find that in noisy networks I(X;T) falls when the binned activations
cluster. For each layer this gives Pearson's and Spearman's correlation of the means over seeds,
over equally weighted epochs.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn
from matplotlib.ticker import MaxNLocator

from infoplane.figures import plane, sentences, style, tables
from infoplane.figures.figure import Figure

LEAST_CHANGE = 0.01
"""Both must change by this many bits over training: less is within the estimators' errors."""


class BinnedEntropy(Figure):
    """I(X;T) against H(Bin(T)), one panel per layer."""

    of = "pair"

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """One row per epoch and layer: both quantities and, alike for a layer, the
        correlations.

        information : rows of one run by one estimator of I(X;T) and, in column
        `entropy_binned`, by `clustering` on the same epochs
        Columns: run, estimator, epoch, layer, n_seeds, ixt_mean, ixt_sd, entropy_binned_mean,
        entropy_binned_sd in bits; epochs_compared, pearson, spearman (NaN for fewer than three
        epochs, or if one of the two changes by less than LEAST_CHANGE), n_above_entropy
        (seeds with more information than H(X) or H(Y)), entropy_x, entropy_y, those of
        tables.QUANTITY, seeds_left_out.
        """
        needed = [
            "run",
            "estimator",
            "seed",
            "epoch",
            "layer",
            "ixt",
            "entropy_binned",
            "flags",
        ]
        tables.require(information, needed, "information")
        run = tables.only(information, "run", "information")
        failed, aside = tables.failed_seeds(information), tables.set_aside_seeds(information)
        kept = information[~information.seed.isin([*failed, *aside])]
        kept = kept[np.isfinite(kept.ixt) & np.isfinite(kept.entropy_binned)]
        by = ["epoch", "layer"]
        shown = tables.over_seeds(kept, by, ["ixt", "entropy_binned"])
        above = kept.assign(n_above_entropy=tables.has_flag(kept["flags"], "above_entropy"))
        shown = shown.join(above.groupby(by).n_above_entropy.sum()).reset_index()
        for layer, rows in shown.groupby("layer", sort=False):
            at = shown.layer == layer
            shown.loc[at, "epochs_compared"] = len(rows)
            shown.loc[at, "pearson"] = _correlation("pearson", rows)
            shown.loc[at, "spearman"] = _correlation("spearman", rows)
        shown.insert(0, "estimator", tables.only(information, "estimator", "information"))
        shown.insert(0, "run", run)
        shown = tables.with_entropies(shown, kept)
        shown = shown.assign(**tables.about(information))
        return shown.assign(**tables.naming(information, failed, aside))

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """One panel per layer: I(X;T) against H(Bin(T)), one point per epoch, coloured by
        epoch.

        Takes the arguments of `numbers`.
        """
        shown = cls.numbers(information)
        if shown.empty:
            text = "nothing to compare: no seed has both I(X;T) and H(Bin(T))"
            return style.blank(style.new_figure(4.4, 3.4), text)
        layers = tables.layers_of(shown)
        columns = min(3, len(layers))
        rows = -(-len(layers) // columns)
        figure = style.new_figure(0.6 + 2.1 * columns, 0.3 + 2.1 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        norm, colours = style.epoch_norm(shown.epoch), style.epoch_colours()
        for axes, layer in zip(grid.flat, layers, strict=False):
            part = shown[shown.layer == layer].sort_values("epoch")
            axes.plot(
                part.entropy_binned_mean, part.ixt_mean, color=style.QUIET, lw=0.4, zorder=1
            )
            axes.scatter(
                part.entropy_binned_mean, part.ixt_mean, s=9, zorder=3,
                c=colours(norm(part.epoch.to_numpy(dtype=float))),
            )  # fmt: skip
            axes.set_title(layer, loc="left", fontweight="bold", pad=13)
            axes.text(
                0, 1.03, _said(part), ha="left", va="bottom", fontsize=6.5, color=style.QUIET,
                transform=axes.transAxes,
            )  # fmt: skip
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
            axes.ticklabel_format(useOffset=False)
            axes.set_xlabel("$H(\\mathrm{Bin}(T))$  [bits]")
            axes.set_ylabel(f"{tables.symbol(shown, 'ixt')}  [bits]")
        for axes in grid.flat[len(layers) :]:
            axes.set_visible(False)
        plane.colourbar(figure, grid, norm, shown.epoch, pad=0.015, aspect=28)
        style.note(figure, [f"mean of {tables.seeds_text(shown)}", tables.left_out(shown)])
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        layers = numbers.drop_duplicates("layer")
        varies = np.isfinite(layers.pearson)
        values = "; ".join(
            f"{row.layer} {sentences.value(row.pearson)} and {sentences.value(row.spearman)}"
            for row in layers[varies].itertuples()
        )
        constant = ", ".join(layers.layer[~varies])
        return [
            f"I(X;T) of {numbers.run.iloc[0]} by {numbers.estimator.iloc[0]} against "
            "H(Bin(T)), in "
            f"bits, one panel per layer, one point per epoch ({sentences.epochs(numbers)}).",
            values and f"Pearson's and Spearman's correlation over these epochs: {values}.",
            constant and f"No correlation of {constant}: one of the two hardly varies.",
            sentences.seeds(numbers, "spread is not shown"),
            sentences.above_entropy(
                int(numbers.n_above_entropy.sum()), int(numbers.n_seeds.sum())
            ),
        ]


def _correlation(method: str, rows: pd.DataFrame) -> float:
    x, y = rows.entropy_binned_mean, rows.ixt_mean
    if len(rows) < 3 or min(np.ptp(x), np.ptp(y)) < LEAST_CHANGE:
        return float("nan")
    return float(pd.concat([x, y], axis=1).corr(method).iloc[0, 1])


def _said(part: pd.DataFrame) -> str:
    pearson, spearman = part.pearson.iloc[0], part.spearman.iloc[0]
    if not np.isfinite(pearson):
        return "no correlation: one of them hardly varies"
    return f"Pearson {pearson:.2f}, Spearman {spearman:.2f}".replace("-", "−")
