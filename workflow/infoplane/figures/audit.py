"""How far values move if layers are written in other coordinates: one figure, one table."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import style
from infoplane.information import COORDINATES, ERROR, PAIRS
from infoplane.invariance.moves import sentences

NAME = "audit"
LEAST = 1e-3
"""The axis is linear up to this many bits and logarithmic above."""
LOOK = {"ixt": (-0.17, style.COLOURS[0], "o"), "ity": (0.17, style.COLOURS[1], "s")}
"""For each quantity: its offset from the line of its estimator, its colour and its marker."""


def save(
    moves: pd.DataFrame,
    summary: pd.DataFrame,
    exempt: Mapping[str, str],
    folder: Path,
    recipe: str,
) -> None:
    """Write png, pdf, csv and json of the figure into a folder.

    moves, summary : of `invariance.moves`, `distances` and `moves_of`, of runs and estimators
    exempt : by an estimator's name, why its quantity is not invariant; empty: it is
    """
    folder.mkdir(parents=True, exist_ok=True)
    png, pdf, csv, about = (
        folder / f"{NAME}{end}" for end in (".png", ".pdf", ".csv", ".json")
    )
    style.save(draw(moves, exempt), moves, png, pdf, csv)
    text = {
        "caption": caption(moves, exempt),
        "alt": alt(summary, exempt),
        "table": table(summary, exempt),
        "heading": "Invariance audit",
        "recipe": recipe,
    }
    about.write_text(json.dumps(text, indent=1), encoding="utf-8")


@style.styled
def draw(moves: pd.DataFrame, exempt: Mapping[str, str]) -> Drawn:
    """One panel per map, one line per run and estimator, one mark per value: its move in
    bits."""
    names = [name for name in COORDINATES if name in set(moves["map"])]
    lines = list(moves[["run", "estimator"]].drop_duplicates().itertuples(index=False))
    many = len({run for run, _ in lines}) > 1
    figure = style.new_figure(1.0 + 1.65 * len(names), 1.15 + 0.3 * len(lines))
    panels = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
    far = np.nanmax(moves.moves.to_numpy(), initial=1.0)
    for axes, name in zip(panels, names, strict=True):
        axes.axvspan(0, ERROR, color=style.QUIET, alpha=0.18, lw=0)
        for place, (run, estimator) in enumerate(lines):
            at = (moves["map"] == name) & (moves.run == run) & (moves.estimator == estimator)
            for of, (beside, colour, marker) in LOOK.items():
                x = moves[at & (moves.quantity == of)].moves.dropna()
                label = f"${PAIRS[of]}$" if place == 0 else None
                look = {"ms": 3, "alpha": 0.55, "mew": 0, "color": colour, "label": label}
                axes.plot(x, np.full(len(x), place + beside), marker, **look)
            if not moves[at].moves.notna().any():
                axes.text(LEAST, place, " not asked", va="center", size=6, color=style.QUIET)
        axes.set_xscale("symlog", linthresh=LEAST)
        axes.set_xlim(-0.3 * LEAST, 1.5 * far)
        axes.set_xticks([0, 0.01, 0.1, 1, *([10] if far > 10 else [])])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.minorticks_off()
        axes.set_title(COORDINATES[name].replace(" of units", ""), size=8)
    texts = [f"{run}, {by}" if many else by for run, by in lines]
    whose = [" (exempt)" if exempt.get(by) else "" for _, by in lines]
    panels[0].set_yticks(range(len(lines)), [a + b for a, b in zip(texts, whose, strict=True)])
    panels[0].set_ylim(len(lines) - 0.5, -0.5)
    figure.supxlabel("distance from the value of the unchanged layer  [bits]", size=8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure


def caption(moves: pd.DataFrame, exempt: Mapping[str, str]) -> str:
    """What is drawn, for which layers, and which estimators are exempt."""
    there = moves[moves.moves.notna()]
    if there.empty:
        return "Nothing is drawn: these layers have no value in two coordinates."
    n = {key: there[key].nunique() for key in ("layer", "epoch", "seed", "repeat")}
    texts = [
        "Distances, in bits, between the values of a layer and of the same layer in other "
        "coordinates, which do not change its information: each unit rescaled, all units "
        "rotated, each unit bent by an increasing function, their order permuted. "
        f"{_many(n['layer'], 'layer')}, {_many(n['epoch'], 'epoch')}, "
        f"{_many(n['seed'], 'seed')} of each run, {_many(n['repeat'], 'random map')} of each "
        f"kind. Grey: up to {ERROR:g} bit."
    ]
    texts += [f"{by} is exempt: {why}." for by, why in exempt.items() if why]
    share = there.at_limit.mean()
    if share > 0:
        texts.append(f"{share:.0%} of the values are at their cap in all coordinates.")
    return " ".join(texts)


def alt(summary: pd.DataFrame, exempt: Mapping[str, str]) -> str:
    """The largest moves in a sentence, for readers who do not see the figure."""
    there = summary[summary["values"] > 0]
    said = []
    for (run, by), own in there.groupby(["run", "estimator"], sort=False):
        worst = own.loc[own.largest.idxmax()]
        kind = "exempt, " if exempt.get(by) else ""
        said.append(
            f"{run} by {by} {kind}{worst.largest:.2g} under {COORDINATES[worst['map']]}"
        )
    return f"Largest moves in bits: {'; '.join(said)}." if said else "An empty figure."


def table(summary: pd.DataFrame, exempt: Mapping[str, str]) -> list[list[str]]:
    """How far each run's estimators move, one sentence per row."""
    rows = [["run", "what moves"]]
    for (run, by), own in summary.groupby(["run", "estimator"], sort=False):
        rows += [[run, sentence] for sentence in sentences(by, exempt.get(by, ""), own)]
    return rows


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
