"""Positions of a game from open_spiel, with labels from its solution."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from infoplane.datasets import games
from infoplane.datasets.options import generator
from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings

MOST_CLASSES = 1000
"""The assumed number of sets of legal moves in a sample, for plans."""


class Settings(SourceSettings):
    """Positions of a game of two players with perfect information; needs no files."""

    source: Literal["game"]
    """`game` gives positions of a game of open_spiel, as the player to move observes them."""

    game: str
    """The game has this name in open_spiel, such as tic_tac_toe or connect_four."""

    parameters: dict[str, bool | int | float | str] = Field(default={})
    """The game has these parameters of open_spiel, such as rows and columns."""

    sample: int | None = Field(default=None, ge=2)
    """The data set has this many positions, each once, from games of random moves drawn with
    `seed`; null takes all positions of the game."""

    solve: bool = True
    """`true` solves the game exhaustively, for the labels `value`, the first player's result of
    perfect play, and `optimal_moves`, the set of moves that keep it. false gives one label,
    `legal_moves`, the set of legal moves."""

    standardise: Literal["none"] = "none"
    """Observations are never standardised, because a player sees them unchanged."""

    @model_validator(mode="after")
    def _possible(self):
        games.load(self.game, self.parameters)
        if self.solve:
            games.solution(*self.key)
        elif self.sample is None:
            games.positions(*self.key)
        return self

    @property
    def key(self) -> tuple[str, games.Sorted]:
        """The arguments of `games.positions`."""
        return self.game, tuple(sorted(self.parameters.items()))


class Game(Source):
    """Observations (n, *shape) of all positions, or of a sample; all of them train."""

    Settings = Settings

    def load(self, places: Sequence[Path]) -> Raw:
        chosen = self.settings
        game = games.load(chosen.game, chosen.parameters)
        if chosen.sample is None:
            found = games.Sample(self._all.names, self._all.x, self._all.legal)
        else:
            rng = generator(chosen.seed, "sample")
            found = games.sampled(game, chosen.sample, rng)
        rows = np.arange(len(found.x))
        labels = {**self._labels(found.names), "legal_moves": _sets(found.legal)}
        notes = (f"{game} by open_spiel: {games.described(game)}",)
        n_actions = game.num_distinct_actions()
        split = rows, rows[:0]
        whole = chosen.sample is None
        return Raw(found.x, labels, *split, notes=notes, n_actions=n_actions, whole=whole)

    def shape(self, places: Sequence[Path]) -> Shape:
        """From the game's description and its solution; the sets of legal moves in a sample are
        not counted."""
        chosen = self.settings
        game = games.load(chosen.game, chosen.parameters)
        n = chosen.sample or len(self._all.x)
        classes = {name: label.n_classes for name, label in self._solved.items()}
        legal = MOST_CLASSES if chosen.sample else _sets(self._all.legal).n_classes
        classes["legal_moves"] = min(n, legal)
        of_input = tuple(game.observation_tensor_shape())
        return Shape(n, of_input, classes, n, game.num_distinct_actions())

    @property
    def _all(self) -> games.Positions:
        return games.positions(*self.settings.key)

    def _labels(self, names: Sequence[str]) -> dict[str, Label]:
        """Labels of these positions from the solution; the classes are those of the whole
        game."""
        if not self.settings.solve:
            return {}
        row = {name: i for i, name in enumerate(self._all.names)}
        rows = np.array([row[name] for name in names])
        return {name: label.of(rows) for name, label in self._solved.items()}

    @cached_property
    def _solved(self) -> dict[str, Label]:
        """Labels of every position of the game."""
        if not self.settings.solve:
            return {}
        found = games.solution(*self.settings.key)
        values, codes = np.unique(found.value, return_inverse=True)
        names = tuple(f"{value:g}" for value in values)
        return {"value": Label(codes, names), "optimal_moves": _sets(found.optimal)}


def _sets(moves: np.ndarray) -> Label:
    """Sets of moves (n, A) as a label, "0 2 8"."""
    sets, codes = np.unique(moves, axis=0, return_inverse=True)
    names = (" ".join(map(str, np.flatnonzero(one))) for one in sets)
    return Label(codes.reshape(-1), tuple(names))
