"""The content of the interactive part of an experiment's page, within a bounded size."""

import base64
import gzip
import json
from importlib.resources import files
from typing import NamedTuple

import pandas as pd

from infoplane.figures import interactive, style, tables
from infoplane.figures.sheets import Sheet, Training, written

MOST_SEEDS = 20
"""At most this many seeds of a run are drawn one by one."""
MOST_VALUES = 1_500_000
"""A page has at most this many values of single seeds (6 MB); beyond, it draws fewer seeds."""
MOST_MEANS = 600_000
"""A page has at most this many values of means (3 MB); beyond, it leaves out the last runs."""
MOST_CARDS = 150
"""A page has at most this many groups of graphs; beyond, it leaves out the last runs."""
LEVEL = 5
"""The level of compression. plotly.js takes half of the time of level 9, and 1 % more bytes."""
AT_FIRST = 2
"""At first the page shows this many runs and this many estimators; if there is only one of
either, it shows the square of this number of the other."""


class Card(NamedTuple):
    """A group of graphs: those of a sheet, or of a training.

    grid : its values; graphs : see `interactive`; about : what the numbers are, in words
    stills : names of its still pictures' files
    """

    grid: Sheet | Training
    graphs: list[interactive.Graph]
    about: str
    stills: tuple[str, ...]

    @property
    def run(self) -> str:
        return self.grid.run

    @property
    def estimator(self) -> str:
        """The estimator; empty for a training."""
        return self.grid.estimator if isinstance(self.grid, Sheet) else ""

    @property
    def looks(self) -> dict[str, str]:
        """The colour of each layer."""
        measured = self.grid.measured if isinstance(self.grid, Sheet) else ()
        return {x: style.look(self.grid.layers.index(x))["color"] for x in measured}

    def written(self) -> dict:
        """For JSON."""
        grid = self.grid
        return {
            "run": self.run,
            "estimator": self.estimator,
            "layers": grid.layers,
            "epochs": grid.epochs,
            "seeds": grid.seeds,
            "means": written(grid.means),
            "of_seeds": written(grid.of_seeds),
            "graphs": [graph._asdict() for graph in self.graphs],
        }


class Explorer:
    """Collects the content of an interactive page, and thins it as it grows."""

    def __init__(self) -> None:
        self.cards: list[Card] = []
        self.seeds = MOST_SEEDS
        self.left_out: list[str] = []

    def take(self, kind: type[Sheet] | type[Training], table: pd.DataFrame) -> None:
        """Add the sheet of a table of information, or the training of a table of metrics. A
        full page adds none."""
        if len(self.cards) < MOST_CARDS:
            self.add(kind.of(table, self.seeds))
            return
        by = table.estimator.iloc[0] if kind is Sheet else "training"
        self.left_out.append(f"{table.run.iloc[0]}, {by}")

    def add(self, grid: Sheet | Training | None) -> None:
        """Add a sheet or a training; None, which means that there is nothing to draw, is left
        out."""
        if grid is None:
            return
        card = _card(_thinned(grid, self.seeds))
        means = sum(map(_n_means, [*(c.grid for c in self.cards), grid]))
        if means > MOST_MEANS:
            self.left_out.append(f"{card.run}, {card.estimator or 'training'}")
            return
        self.cards.append(card)
        each = sum(_of_one_seed(card.grid) for card in self.cards)
        if self.seeds * each > MOST_VALUES:
            self.seeds = MOST_VALUES // each
            self.cards = [
                card._replace(grid=_thinned(card.grid, self.seeds)) for card in self.cards
            ]

    @property
    def sheets(self) -> list[Sheet]:
        return [card.grid for card in self.cards if isinstance(card.grid, Sheet)]

    @property
    def runs(self) -> list[str]:
        return list(dict.fromkeys(card.run for card in self.cards))

    @property
    def estimators(self) -> list[str]:
        return list(dict.fromkeys(sheet.estimator for sheet in self.sheets))

    @property
    def layers(self) -> dict[str, str]:
        """Layers that were measured, with their colours; "" where cards differ in it."""
        colours: dict[str, str] = {}
        for card in self.cards:
            for layer, colour in card.looks.items():
                colours[layer] = colour if colours.get(layer, colour) == colour else ""
        return colours

    @property
    def drawn(self) -> list[int]:
        """Seeds that are drawn one by one in any run."""
        return sorted({seed for card in self.cards for seed in card.grid.seeds})

    @property
    def epochs(self) -> list:
        """The stops of the slider: epochs at which any run was measured."""
        own = self.sheets or [card.grid for card in self.cards]
        return sorted({epoch for grid in own for epoch in grid.epochs})

    @property
    def shown(self) -> tuple[set[str], set[str]]:
        """Runs and estimators that are shown at first."""
        n_runs = AT_FIRST if len(self.estimators) > 1 else AT_FIRST**2
        n_estimators = AT_FIRST if len(self.runs) > 1 else AT_FIRST**2
        return {*self.runs[:n_runs]}, {*self.estimators[:n_estimators]}

    @property
    def notes(self) -> list[str]:
        """Sentences about what is not on the page."""
        most = max((card.grid.n_seeds for card in self.cards), default=0)
        texts = []
        if most > self.seeds:
            texts.append(
                f"Of up to {most} seeds of a run, the first {self.seeds} are drawn one by one: "
                "more would make this page too large. Means and bands are of all seeds."
            )
        if n := len(self.left_out):
            texts.append(
                f"{n} of {n + len(self.cards)} groups of graphs are left out, from "
                f"{self.left_out[0]} on: they would make this page too large. Still pictures "
                "and tables have them."
            )
        gone = dict.fromkeys(f"{s.run}: {s.left_out}." for s in self.sheets if s.left_out)
        return [*texts, *gone]

    @property
    def data(self) -> str:
        """All cards, and the epochs of the slider, as `packed` text."""
        told = {"epochs": self.epochs, "cards": [card.written() for card in self.cards]}
        return packed(json.dumps(told, separators=(",", ":"), allow_nan=False))


def packed(text: str) -> str:
    """Compressed text for HTML: gzip, base64. The page unpacks it."""
    compressed = gzip.compress(text.encode(), LEVEL, mtime=0)
    return base64.b64encode(compressed).decode("ascii")


def plotly() -> str:
    """plotly.js, packed."""
    script = files("plotly") / "package_data" / "plotly.min.js"
    return packed(script.read_text(encoding="utf-8"))


def script(name: str) -> str:
    """A script of this folder."""
    return (files("infoplane.figures") / name).read_text(encoding="utf-8")


def _card(grid: Sheet | Training) -> Card:
    if isinstance(grid, Training):
        graphs = [
            interactive.panel(grid, label, parts, grid.run)
            for label, parts in grid.panels.items()
        ]
        return Card(grid, graphs, "", ("training_curves",))
    graphs = [interactive.plane(grid), *(interactive.curve(grid, q) for q in tables.VALUES)]
    plain = (tables.QUANTITY["quantity_ixt"], tables.QUANTITY["quantity_ity"])
    about = "" if grid.quantities == plain else f"{' and '.join(grid.quantities)}."
    about = f"{about} {grid.changes}".strip()
    stills = ("information_plane", "information_curves")
    return Card(grid, graphs, about, tuple(f"{still}-{grid.estimator}" for still in stills))


def _thinned(grid: Sheet | Training, seeds: int) -> Sheet | Training:
    """With fewer seeds that are drawn one by one."""
    if len(grid.seeds) <= seeds:
        return grid
    fewer = {name: array[:seeds].copy() for name, array in grid.of_seeds.items()}
    return grid._replace(seeds=grid.seeds[:seeds], of_seeds=fewer)


def _n_means(grid: Sheet | Training) -> int:
    return sum(array.size for array in grid.means.values())


def _of_one_seed(grid: Sheet | Training) -> int:
    return len(grid.of_seeds) * len(grid.layers) * len(grid.epochs)
