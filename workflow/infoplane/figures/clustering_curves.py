"""How the activations of every layer cluster over training, which binning tracks (Goldfeld et
al. 2019); one run and one estimator."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawn

from infoplane.figures import sentences, style, tables
from infoplane.figures.figure import Figure

MEASURES = {
    "entropy_binned": "$H(\\mathrm{Bin}(T))$  [bits]",
    "distance_within": "distance within a class",
    "distance_between": "distance between classes",
    "silhouette": "silhouette",
    "cdnv": "CDNV",
    "cosine_within": "cosine within a class",
    "cosine_between": "cosine between classes",
}
"""Columns of the information table, and their axes' labels."""
PANELS = (
    ("entropy_binned",),
    ("distance_within", "distance_between"),
    ("silhouette",),
    ("cdnv",),
    ("cosine_within", "cosine_between"),
)
"""Measures that share axes: the first is solid, the second dashed."""
LABELS = {1: "distance: within (solid), between", 4: "cosine: within (solid), between"}
MARKED = 9
"""Epochs at which a line carries its layer's marker."""


class ClusteringCurves(Figure):
    """One panel per measure of clustering, one line per layer."""

    of = "estimator"
    information = False

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """Means and spreads over seeds of every measure, one row per epoch and layer.

        information : the information table of one run and one estimator with MEASURES among its
        columns
        Returns run, estimator, epoch, layer, n_seeds, {measure}_mean, {measure}_sd,
        seeds_left_out. Raises ValueError if a measure is missing.
        """
        needed = ("run", "estimator", "seed", "epoch", "layer", "flags", *MEASURES)
        tables.require(information, needed, "information")
        run = tables.only(information, "run", "information")
        estimator = tables.only(information, "estimator", "information")
        failed = tables.failed_seeds(information)
        aside = tables.set_aside_seeds(information)
        kept = information[~information.seed.isin([*failed, *aside])]
        kept = tables.on_common_epochs(kept, list(MEASURES))
        result = tables.over_seeds(kept, ["epoch", "layer"], list(MEASURES)).reset_index()
        result.insert(0, "run", run)
        result.insert(1, "estimator", estimator)
        return result.assign(**tables.naming(information, failed, aside))

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """One panel per measure, one line per layer: mean over seeds with a band of ±1 sd.

        Takes the arguments of `numbers`.
        """
        shown = cls.numbers(information)
        figure = style.new_figure(6.9, 4.4)
        if shown.empty:
            return style.blank(figure, "no seed left to draw: all failed or were set aside")
        layers = tables.layers_of(shown)
        grid = figure.subplots(2, 3).flat
        for place, (axes, measures) in enumerate(zip(grid, PANELS, strict=False)):
            style.epoch_axis(axes, shown.epoch, room=0.16)  # three panels a row
            axes.set_ylabel(LABELS.get(place, MEASURES[measures[0]]))
            if place < 2:
                axes.set_xlabel("")
            for measure, dash in zip(measures, ("-", (0, (4, 1.5))), strict=False):
                for i, layer in enumerate(layers):
                    _line(axes, shown[shown.layer == layer], measure, i, dash)
            if (
                measures == ("cdnv",) and shown.cdnv_mean.min() > 0
            ):  # NaN from a single class is not
                axes.set_yscale("log")
        last = list(figure.axes)[-1]
        last.set_axis_off()
        handles, names = figure.axes[0].get_legend_handles_labels()
        last.legend(handles, names, loc="center", handlelength=2.4)
        several = (shown.n_seeds > 1).any()
        notes = [f"mean of {tables.seeds_text(shown)}, bands ±1 sd"] if several else []
        style.note(figure, [*notes, tables.left_out(shown)])
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        return [
            f"Clustering of the activations of {numbers.run.iloc[0]} over training "
            f"({sentences.epochs(numbers)}), every layer: not information, but what binning "
            "tracks.",
            "H(Bin(T)) in bits; mean Euclidean distances within and between classes; "
            "silhouette; "
            "class-distance normalised variance (CDNV); mean cosines.",
            sentences.seeds(numbers, "bands are ±1 standard deviation over seeds"),
        ]


def _line(axes: Axes, rows: pd.DataFrame, measure: str, position: int, dash) -> None:
    look = style.look(position)
    mean, sd = rows[f"{measure}_mean"], rows[f"{measure}_sd"]
    label = rows.layer.iloc[0] if dash == "-" else None
    marked = rows.epoch.isin(style.few(rows.epoch, MARKED)).to_numpy().nonzero()[0].tolist()
    axes.plot(
        rows.epoch, mean, color=look["color"], linestyle=dash, marker=look["marker"],
        markersize=3.2, markevery=marked, lw=1.0, label=label, zorder=3,
    )  # fmt: skip
    axes.fill_between(
        rows.epoch, mean - sd, mean + sd, color=look["color"], alpha=0.15, lw=0, zorder=2
    )
