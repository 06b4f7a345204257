"""How often each signal names the better of two networks: a table in colours."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Drawn

from infoplane.figures import style
from infoplane.figures.families import BETTER, SHOWN_LAYERS, FamilyFigure, in_order

SHARES = LinearSegmentedColormap.from_list("order", ["#B35806", "#F7F7F7", "#2166AC"])
"""From always wrong over a coin to always right; distinct with any colour vision."""


class PairsInOrder(FamilyFigure):
    """One target: signals down, families across, one panel per stratum."""

    name = "pairs_in_order"
    target = "accuracy_test"

    @classmethod
    def numbers(
        cls, networks: pd.DataFrame, scores: pd.DataFrame, about: Mapping[str, Any]
    ) -> pd.DataFrame:
        rows = in_order(scores, cls.target, about)
        rows = rows[rows.layer.isin(SHOWN_LAYERS)].copy()
        rows["control"] = [about[signal]["control"] for signal in rows.signal]
        return rows

    @classmethod
    @style.styled
    def draw(cls, numbers: pd.DataFrame) -> Drawn:
        labels = list(dict.fromkeys(numbers.label))
        families = list(dict.fromkeys(numbers.family))
        strata = list(dict.fromkeys(numbers.stratum))
        width = 2.6 + (0.42 * len(families) + 0.15) * len(strata)
        figure = style.new_figure(max(width, 4.5), 1.1 + 0.17 * len(labels))
        panels = figure.subplots(1, len(strata), sharey=True, squeeze=False)[0]
        for axes, stratum in zip(panels, strata, strict=True):
            part = numbers[numbers.stratum == stratum]
            cells = {
                name: part.pivot(index="label", columns="family", values=name).reindex(
                    index=labels, columns=families
                )
                for name in ("value", "low", "high")
            }
            values = 100 * cells["value"].to_numpy(np.float64)
            image = axes.pcolormesh(
                values, cmap=SHARES, vmin=0, vmax=100, edgecolors="white", linewidth=0.8
            )
            sure = (cells["low"].to_numpy() > 0.5) | (cells["high"].to_numpy() < 0.5)
            for (i, j), value in np.ndenumerate(values):
                if np.isfinite(value):
                    axes.text(
                        j + 0.5,
                        i + 0.5,
                        f"{value:.0f}",
                        ha="center",
                        va="center",
                        size=6.5,
                        weight="bold" if sure[i, j] else "normal",
                        color="white" if abs(value - 50) > 36 else style.INK,
                    )
            axes.set_title(stratum.replace("_", " "))
            axes.set_xticks(np.arange(len(families)) + 0.5, families, rotation=40, ha="right")
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        panels[0].invert_yaxis()
        panels[0].set_yticks(np.arange(len(labels)) + 0.5, labels, size=6.5)
        bar = figure.colorbar(image, ax=list(panels), aspect=40, pad=0.01, shrink=0.6)
        bar.set_label("pairs in the right order  [%]")
        bar.outline.set_visible(False)
        return figure

    @classmethod
    def caption(cls, numbers: pd.DataFrame) -> str:
        n = numbers.groupby(["family", "stratum"]).n_networks.max()
        ties = 100 * numbers.n_ties.sum() / max(numbers.n_pairs.sum(), 1)
        controls = numbers[numbers.control.astype(bool)]
        held = (controls.low <= 0.5) & (controls.high >= 0.5)
        return (
            f"Share of pairs of networks in which a signal names the one with the "
            f"{BETTER[cls.target]}, in per cent, at each stratum. 50 is a coin, less is "
            "systematically wrong. Ties of the signal count half "
            f"({ties:.0f} % of the comparisons shown). Bold: the interval by resamples of the "
            f"networks excludes 50. {n.min()} to {n.max()} networks per family and stratum. Of "
            f"{len(controls)} intervals of the controls, {int(held.sum())} contain 50."
        )

    @classmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        best = numbers.loc[numbers.value.idxmax()] if numbers.value.notna().any() else None
        said = (
            ""
            if best is None
            else (
                f" The largest share is {best.value:.0%}: {best.label} in {best.family}, "
                f"{best.stratum}."
            )
        )
        return f"A table in colours of {numbers.label.nunique()} signals.{said}"


class PairsInOrderOfGap(PairsInOrder):
    """The same of the gap between training and test accuracy."""

    name = "pairs_in_order-gap"
    target = "gap"
