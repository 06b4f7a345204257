"""Which permutations of the axes work, and which collapse."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.compare.collapse import CONSTANT, DEAD, DIVERGED
from infoplane.figures import style
from infoplane.figures.families import FamilyFigure

MARKS = {DIVERGED: "×", DEAD: "†", CONSTANT: "="}
UNIQUE = "·"
MOST_CELLS = 40
"""Columns of a panel; of more networks, the first."""


class Permutations(FamilyFigure):
    """One panel per family: the first axes down, the others and seeds across; test accuracy in
    colours at the first stratum, with marks for what collapsed."""

    name = "permutations"

    @classmethod
    def numbers(
        cls, networks: pd.DataFrame, scores: pd.DataFrame, about: Mapping[str, Any]
    ) -> pd.DataFrame:
        first = networks[networks.stratum == networks.stratum.iloc[0]]
        found = []
        for family, axes in about["axes"].items():
            rows = first[first.family == family]
            down = list(axes[: (len(axes) + 1) // 2])
            across = [*axes[len(down) :], "seed"]
            found.append(
                pd.DataFrame(
                    {
                        "family": family,
                        "stratum": rows.stratum,
                        "row": _joined(rows, down),
                        "column": _joined(rows, across),
                        "accuracy_test": rows.accuracy_test,
                        "state": rows.state,
                        "unique_codes": rows.unique_codes,
                        "left_out": rows.left_out,
                    }
                )
            )
        return pd.concat(found, ignore_index=True)

    @classmethod
    @style.styled
    def draw(cls, numbers: pd.DataFrame) -> Drawn:
        families = list(dict.fromkeys(numbers.family))
        columns = min(3, len(families))
        rows = -(-len(families) // columns)
        tables = {name: numbers[numbers.family == name] for name in families}
        most_rows = max(table["row"].nunique() for table in tables.values())
        most_columns = max(table["column"].nunique() for table in tables.values())
        most_columns = min(most_columns, MOST_CELLS)
        width = columns * (1.2 + 0.3 * most_columns)
        figure = style.new_figure(width, rows * (0.9 + 0.22 * most_rows) + 0.5)
        panels = figure.subplots(rows, columns, squeeze=False)
        image, last = None, numbers.accuracy_test.max()
        for axes, (name, table) in zip(panels.flat, tables.items(), strict=False):
            down = list(dict.fromkeys(table["row"]))
            across = list(dict.fromkeys(table["column"]))[:MOST_CELLS]
            cells = table.drop_duplicates(["row", "column"]).set_index(["row", "column"])
            cells = cells.reindex(pd.MultiIndex.from_product([down, across]))
            shape = len(down), len(across)
            values = 100 * cells.accuracy_test.to_numpy(np.float64).reshape(shape)
            image = axes.pcolormesh(
                np.ma.masked_invalid(values),
                cmap="cividis",
                vmin=0,
                vmax=100 * last if np.isfinite(last) else 1,
                edgecolors="white",
                linewidth=0.8,
            )
            states = cells.state.to_numpy(object).reshape(shape)
            unique = cells.unique_codes.to_numpy(object).reshape(shape)
            for (i, j), state in np.ndenumerate(states):
                mark = MARKS.get(state, UNIQUE if unique[i, j] else "")
                dark = not np.isfinite(values[i, j]) or values[i, j] > 60 * last
                ink = style.INK if dark else "white"
                axes.text(j + 0.5, i + 0.5, mark, ha="center", va="center", color=ink, size=8)
            axes.set_title(name, loc="left")
            axes.invert_yaxis()
            axes.set_yticks(np.arange(len(down)) + 0.5, down, size=6)
            axes.set_xticks(np.arange(len(across)) + 0.5, across, size=6, rotation=90)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        for axes in list(panels.flat)[len(families) :]:
            axes.set_visible(False)
        bar = figure.colorbar(image, ax=list(panels.flat), aspect=30, pad=0.01, shrink=0.7)
        bar.set_label("test accuracy  [%]")
        bar.outline.set_visible(False)
        return figure

    @classmethod
    def caption(cls, numbers: pd.DataFrame) -> str:
        n = len(numbers)
        counts = {state: int((numbers.state == state).sum()) for state in MARKS}
        unique = int((numbers.unique_codes != "").sum())
        out = int(((numbers.left_out != "") & (numbers.state == "")).sum())
        also = f" {out} are not in this stratum and have no colour." if out else ""
        return (
            f"Test accuracy of {n} networks, {numbers.stratum.iloc[0].replace('_', ' ')}, one "
            f"cell per network. Collapsed: × diverged ({counts[DIVERGED]}), † a hidden layer "
            f"is dead ({counts[DEAD]}), = one class for every input ({counts[CONSTANT]}). "
            f"{UNIQUE} works, but an estimate of I(X;T) gives each input its own code "
            f"in every hidden layer ({unique} networks).{also} The rules are in "
            "compare.collapse; every collapsed network is in collapsed.csv."
        )

    @classmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        by_family = numbers.groupby("family", sort=False)
        said = "; ".join(
            f"{name} {int((rows.state != '').sum())} of {len(rows)}" for name, rows in by_family
        )
        return f"Maps of test accuracy over permutations of the axes. Collapsed: {said}."


def _joined(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Each network's values on these axes, in few words."""
    parts = [
        [f"seed {v}" if name == "seed" else str(v).replace("_", " ") for v in rows[name]]
        for name in names
    ]
    return [", ".join(values) for values in zip(*parts, strict=True)]
