"""Figures of networks that are compared pair by pair, and their files.

Each is a class with `numbers`, the tidy table of all that is drawn; `draw`, which takes these
numbers and draws nothing else; and `caption` and `alt`, read from them.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import style
from infoplane.signals.layers import NETWORK, layer_label

BETTER = {"accuracy_test": "better test accuracy", "gap": "smaller gap of accuracies"}
"""The better network's property, by target."""
SHOWN_LAYERS = (NETWORK, "@last_hidden", "output")
"""The layers of signals in a figure. Tables have every layer."""


class FamilyFigure(ABC):
    """A figure of all families.

    name : of its files
    """

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def numbers(
        cls, networks: pd.DataFrame, scores: pd.DataFrame, about: Mapping[str, Any]
    ) -> pd.DataFrame:
        """Every number that is drawn.

        networks, scores : tables of the same names; about : of each signal, and the axes of
        each family (`axes`)
        """

    @classmethod
    @abstractmethod
    def draw(cls, numbers: pd.DataFrame) -> Drawn:
        """Nothing but these numbers."""

    @classmethod
    @abstractmethod
    def caption(cls, numbers: pd.DataFrame) -> str:
        """Sentences about the figure."""

    @classmethod
    @abstractmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        """One sentence in place of the image."""


def in_order(scores: pd.DataFrame, target: str, about: Mapping[str, Any]) -> pd.DataFrame:
    """Shares of pairs in the right order over all networks, each with its signal in words."""
    chosen = (scores.score == "in_order") & (scores.networks == "all")
    rows = scores[chosen & (scores.target == target)].drop(columns=["score", "networks"])
    names = [in_words(s, la, about) for s, la in zip(rows.signal, rows.layer, strict=True)]
    rows.insert(0, "label", names)
    return rows


def save(
    figures: Sequence[type[FamilyFigure]],
    tables: tuple[pd.DataFrame, pd.DataFrame, Mapping[str, Any]],
    folder: Path,
    recipe: str,
) -> None:
    """Write png, pdf, csv and json of each figure into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        numbers = figure.numbers(*tables)
        png, pdf, csv, about = (
            folder / f"{figure.name}{ending}" for ending in (".png", ".pdf", ".csv", ".json")
        )
        style.save(figure.draw(numbers), numbers, png, pdf, csv)
        text = {
            "caption": figure.caption(numbers),
            "alt": figure.alt(numbers),
            "recipe": recipe,
        }
        about.write_text(json.dumps(text, indent=1), encoding="utf-8")


def in_words(signal: str, layer: str, about: Mapping[str, Any]) -> str:
    """A signal of a layer, as a figure names it: "I(T;Y), kde, output"; with its own name
    where another has the same label."""
    labels = {name: one.get("label") for name, one in about.items() if name != "axes"}
    label, where = labels[signal] or signal.replace("_", " "), layer_label(layer)
    if list(labels.values()).count(labels[signal]) > 1:
        label = f"{label} [{signal.replace('_', ' ')}]"
    return f"{label}, {where}" if where else label
