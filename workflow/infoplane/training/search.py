"""Search and play by open_spiel: a network's evaluations of positions, and games with them.

Names of positions, values and observations are as in `datasets.games`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infoplane.datasets import games

if TYPE_CHECKING:
    import pyspiel

Choose = Callable[["pyspiel.State"], int]
"""A player: its action in a state."""


class Said(NamedTuple):
    """A network's evaluation of a position.

    prior : probabilities of the legal actions, (action, p)
    returns : (2,), the expected result of each player
    """

    prior: list[tuple[int, float]]
    returns: np.ndarray


class Evaluator:
    """A network for open_spiel's search, with `evaluate` and `prior`.

    ask : gives the policy's scores (n, A) and values (n,) of observations (n, *shape), for the
        player to move

    Evaluations are remembered; `know` evaluates all positions of a game at once.
    """

    def __init__(
        self, game: pyspiel.Game, ask: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    ):
        self.game, self.ask, self.most = game, ask, game.max_utility()
        self.said: dict[str, Said] = {}
        self.rows: dict[str, int] = {}

    def know(self, found: games.Positions, rows: dict[str, int]) -> None:
        """Evaluate all positions of a game at once; rows : of each position by name."""
        self.rows, self.scores, self.values = rows, *self.ask(found.x)

    def evaluate(self, state: pyspiel.State) -> np.ndarray:
        """The expected result of each player."""
        return self._of(state).returns

    def prior(self, state: pyspiel.State) -> list[tuple[int, float]]:
        """Probabilities of the legal actions; the search shuffles the list."""
        return list(self._of(state).prior)

    def best(self, state: pyspiel.State) -> int:
        """The most probable action, without search."""
        return max(self._of(state).prior, key=lambda pair: pair[1])[0]

    def _of(self, state: pyspiel.State) -> Said:
        name = games.name_of(state)
        found = self.said.get(name)
        if found is None:
            found = self.said[name] = self._asked(name, state)
        return found

    def _asked(self, name: str, state: pyspiel.State) -> Said:
        row = self.rows.get(name)
        if row is None:
            (scores,), (value,) = self.ask(games.observation(self.game, state)[None])
        else:
            scores, value = self.scores[row], self.values[row]
        actions = state.legal_actions()
        own = np.exp(scores[actions] - scores[actions].max())
        prior = list(zip(actions, (own / own.sum()).tolist(), strict=True))
        value = float(value) * self.most * (1 if state.current_player() == 0 else -1)
        return Said(prior, np.array([value, -value]))


class Search:
    """PUCT search (Silver et al. 2017) with an evaluator.

    noise : share and concentration of Dirichlet noise at the root; None: no noise
    """

    def __init__(
        self,
        evaluator: Evaluator,
        simulations: int,
        exploration: float,
        random: np.random.RandomState,
        noise: tuple[float, float] | None = None,
    ):
        from open_spiel.python.algorithms.mcts import MCTSBot, SearchNode

        self.bot = MCTSBot(
            evaluator.game,
            exploration,
            simulations,
            evaluator,
            solve=False,
            random_state=random,
            child_selection_fn=SearchNode.puct_value,
            dirichlet_noise=noise,
            dont_return_chance_node=True,
        )
        self.n_actions = evaluator.game.num_distinct_actions()

    def visits(self, state: pyspiel.State) -> np.ndarray:
        """Number of visits of each action, (A,)."""
        found = np.zeros(self.n_actions)
        for child in self.bot.mcts_search(state).children:
            found[child.action] = child.explore_count
        return found

    def best(self, state: pyspiel.State) -> int:
        """The most visited action."""
        return int(self.visits(state).argmax())


class Game(NamedTuple):
    """A game of self-play, move by move.

    x : observations (n, *shape); policy : shares of visits (n, A); result : (n,), for the
        player to move, in [−1, 1]
    """

    x: np.ndarray
    policy: np.ndarray
    result: np.ndarray


def self_play(
    search: Search,
    game: pyspiel.Game,
    random: np.random.RandomState,
    temperature: float,
    n_drawn: int,
) -> Game:
    """A game against itself.

    temperature : the first n_drawn moves of a game are drawn by visits^(1 / temperature); the
        others, and all if it is 0, are the most visited moves
    """
    state, x, policies, players = game.new_initial_state(), [], [], []
    while not state.is_terminal():
        visits = search.visits(state)
        x.append(games.observation(game, state))
        policies.append(visits / visits.sum())
        players.append(state.current_player())
        if temperature and len(x) <= n_drawn:
            weights = (visits / visits.max()) ** (1 / temperature)
            action = random.choice(len(weights), p=weights / weights.sum())
        else:
            action = visits.argmax()
        state.apply_action(int(action))
    sign = 1 - 2 * np.array(players)
    result = state.player_return(0) / game.max_utility()
    return Game(np.stack(x), np.stack(policies), sign * result)


def result(game: pyspiel.Game, players: Sequence[Choose]) -> float:
    """The first player's result of a game, in [−1, 1]."""
    state = game.new_initial_state()
    while not state.is_terminal():
        state.apply_action(players[state.current_player()](state))
    return state.player_return(0) / game.max_utility()
