"""How comparisons change at one epoch, or at one training loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import style
from infoplane.figures.families import FamilyFigure, in_order

OF_NETWORKS = ("training_accuracy", "training_loss", "margin", "path_norm", "random")
MOST = 9
"""The largest number of panels."""


class Strata(FamilyFigure):
    """Families across, one panel per signal, strata side by side with intervals."""

    name = "strata"

    @classmethod
    def numbers(
        cls, networks: pd.DataFrame, scores: pd.DataFrame, about: Mapping[str, Any]
    ) -> pd.DataFrame:
        rows = in_order(scores, "accuracy_test", about)
        signals = {name: one["settings"] for name, one in about.items() if name != "axes"}
        kinds = {name: settings["signal"] for name, settings in signals.items()}
        informs = [name for name, settings in signals.items() if settings.get("of") == "ity"]
        wanted = [(name, "output") for name in informs]
        wanted += [(name, "@last_hidden") for name in informs]
        wanted += [(name, "") for name in kinds if kinds[name] in OF_NETWORKS]
        wanted = wanted[:MOST] if len(wanted) <= MOST else _fewer(wanted)
        pairs = pd.MultiIndex.from_frame(rows[["signal", "layer"]])
        rows = rows[pairs.isin(wanted)].copy()
        order = {pair: place for place, pair in enumerate(wanted)}
        rows["place"] = [order[pair] for pair in zip(rows.signal, rows.layer, strict=True)]
        return rows.sort_values("place", kind="stable").drop(columns="place")

    @classmethod
    @style.styled
    def draw(cls, numbers: pd.DataFrame) -> Drawn:
        labels = list(dict.fromkeys(numbers.label))
        families = list(dict.fromkeys(numbers.family))
        strata = list(dict.fromkeys(numbers.stratum))
        columns = min(3, max(len(labels), 1))
        rows = -(-max(len(labels), 1) // columns)
        figure = style.new_figure(2.5 * columns, 1.75 * rows + 0.4)
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, label in zip(panels.flat, labels, strict=False):
            axes.axhline(50, color=style.QUIET, lw=0.6, zorder=1)
            for k, stratum in enumerate(strata):
                part = numbers[(numbers.label == label) & (numbers.stratum == stratum)]
                part = part.set_index("family").reindex(families)
                x = np.arange(len(families)) + 0.22 * (k - (len(strata) - 1) / 2)
                middle = 100 * part.value.to_numpy(np.float64)
                ends = 100 * part[["low", "high"]].to_numpy(np.float64).T
                own = {"color": style.COLOURS[k], "label": stratum.replace("_", " ")}
                axes.vlines(x, *ends, color=own["color"], lw=1.1)
                axes.plot(x, middle, style.MARKERS[k], ms=3.6, **own)
            axes.set_title(label, size=7)
            axes.set_ylim(-3, 103)
            axes.set_xticks(range(len(families)), families, rotation=40, ha="right")
        for axes in list(panels.flat)[len(labels) :]:
            axes.set_visible(False)
        for axes in list(panels.flat)[max(len(labels) - columns, 0) : len(labels)]:
            axes.tick_params(labelbottom=True)
        for axes in panels[:, 0]:
            axes.set_ylabel("in order  [%]")
        handles, names = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=len(strata))
        return figure

    @classmethod
    def caption(cls, numbers: pd.DataFrame) -> str:
        return (
            "Share of pairs of networks in which a signal names the one with the better test "
            "accuracy, in per cent, if networks are compared "
            f"{', '.join(s.replace('_', ' ') for s in dict.fromkeys(numbers.stratum))}. Lines "
            "are intervals by resamples of the networks; grey: a coin. Networks without an "
            "epoch in a stratum are left out of it."
        )

    @classmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        means = numbers.groupby(["label", "stratum"], sort=False).value.mean()
        said = "; ".join(f"{label}, {s}: {100 * v:.0f}" for (label, s), v in means.items())
        return f"Shares in order by stratum, in per cent, means over families: {said}."


def _fewer(wanted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """As many signals as there is room for: of networks, then of outputs, then of hidden
    layers."""
    ranks = {"": 0, "output": 1, "@last_hidden": 2}
    kept = sorted(wanted, key=lambda pair: ranks[pair[1]])[:MOST]
    return [pair for pair in wanted if pair in kept]
