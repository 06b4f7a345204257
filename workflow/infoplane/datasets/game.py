"""Positions of a game, out of open_spiel, with labels by its solution."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from infoplane.datasets import games
from infoplane.datasets.options import generator
from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings


class Settings(SourceSettings):
    """Positions of a game of two players with perfect information; needs no files."""

    source: Literal["game"]
    """Positions of a game of open_spiel, as observed by the player who is to move."""

    game: str
    """The game's name in open_spiel: tic_tac_toe, connect_four, …"""

    parameters: dict[str, bool | int | float | str] = Field(default={})
    """The game's own parameters: rows, columns, …"""

    sample: int | None = Field(default=None, ge=2)
    """This many positions, each once, of games by random moves drawn from `seed`; null: all
    positions of the game."""

    solve: bool = True
    """Solve the game exhaustively, for the labels `value` (the first player's result of perfect
    play) and `optimal_moves` (the set of moves that keep it). false: there are no labels."""

    standardise: Literal["none"] = "none"
    """Observations stay as the game gives them, as a player sees them in play."""

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
        """What `games.positions` takes."""
        return self.game, tuple(sorted(self.parameters.items()))


class Game(Source):
    """Observations (n, *shape) of all positions, or of a sample; all of them train."""

    Settings = Settings

    def load(self, places: Sequence[Path]) -> Raw:
        chosen = self.settings
        game = games.load(chosen.game, chosen.parameters)
        if chosen.sample is None:
            names, x = games.positions(*chosen.key)[:2]
        else:
            rng = generator(chosen.seed, "sample")
            found = games.sampled(game, chosen.sample, rng)
            names, x = list(found), np.stack(list(found.values()))
        rows = np.arange(len(x))
        labels = self._labels(names) if chosen.solve else {}
        notes = (f"{game} by open_spiel: {games.described(game)}",)
        n_actions = game.num_distinct_actions()
        return Raw(x, labels, rows, rows[:0], notes=notes, n_actions=n_actions)

    def shape(self, places: Sequence[Path]) -> Shape:
        """By the game's own description, and its solution."""
        chosen = self.settings
        game = games.load(chosen.game, chosen.parameters)
        n = chosen.sample or len(games.positions(*chosen.key).x)
        classes = {}
        if chosen.solve:
            classes = {name: len(texts) for name, (_, texts) in self._solved.items()}
        of_input = tuple(game.observation_tensor_shape())
        return Shape(n, of_input, classes, n, game.num_distinct_actions())

    def _labels(self, names: Sequence[str]) -> dict[str, Label]:
        """Labels of these positions; classes are those of the whole game."""
        row = {name: i for i, name in enumerate(games.positions(*self.settings.key).names)}
        rows = np.array([row[name] for name in names])
        return {
            name: Label(codes[rows], texts) for name, (codes, texts) in self._solved.items()
        }

    @cached_property
    def _solved(self) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
        """Codes of every position of the game and the names of their classes, by label."""
        found = games.solution(*self.settings.key)
        values, of_value = np.unique(found.value, return_inverse=True)
        sets, of_set = np.unique(found.optimal, axis=0, return_inverse=True)
        moves = (" ".join(map(str, np.flatnonzero(one))) for one in sets)
        return {
            "value": (of_value.astype(np.int64), tuple(f"{value:g}" for value in values)),
            "optimal_moves": (of_set.reshape(-1).astype(np.int64), tuple(moves)),
        }
