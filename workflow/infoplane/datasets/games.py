"""Games of two players with perfect information, by open_spiel: all positions, the solution.

A position is a state in which a player moves next. Two states are one position if open_spiel's
text for them is the same and the same player moves next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infoplane.table import nearest

if TYPE_CHECKING:
    import pyspiel

MOST_POSITIONS = 200_000
"""Number of positions in the largest game that is solved exhaustively, which costs seconds,
also in every plan."""
CHECKED = 2000
"""For this many positions, reached in a second way, check that the way makes no difference."""
PATIENCE = 2000
"""Sampling ends with an error after this many random games in a row without a new position."""

Value = bool | int | float | str
Parameters = Mapping[str, Value]
Sorted = tuple[tuple[str, Value], ...]
"""Parameters as pairs, sorted by name."""


class Positions(NamedTuple):
    """All n positions of a game with A actions, sorted by their distance from the start.

    names : of the positions (`name_of`)
    x : float32 (n, *shape), a player's observation
    player : int64 (n,), the player to move, 0 or 1
    legal : bool (n, A)
    children : int64 (n, A), the position after an action; −1 if there is none
    ends : float64 (n, A), the first player's result if an action ends the game, else NaN
    before : int64 (n, 2), a position and its action that lead here; −1 at the start
    """

    names: list[str]
    x: np.ndarray
    player: np.ndarray
    legal: np.ndarray
    children: np.ndarray
    ends: np.ndarray
    before: np.ndarray


class Sample(NamedTuple):
    """Some positions of a game: names, x and legal as in `Positions`."""

    names: list[str]
    x: np.ndarray
    legal: np.ndarray


class Solution(NamedTuple):
    """value : float64 (n,), the first player's result of perfect play from each position on
    optimal : bool (n, A), actions that keep the value"""

    value: np.ndarray
    optimal: np.ndarray


def load(name: str, parameters: Parameters) -> pyspiel.Game:
    """The game of this name.

    Raises ValueError if there is none or a parameter is wrong. The game must have two players
    who move in turn, without chance, with perfect information, with zero sum, and with rewards
    only at the end.
    """
    import pyspiel

    kinds = {kind.short_name: kind for kind in pyspiel.registered_games()}
    if name not in kinds:
        raise ValueError(f"open_spiel has no game '{name}'.{nearest(name, kinds)}")
    known = kinds[name].parameter_specification
    for key in parameters:
        if key not in known:
            there_are = ", ".join(known) or "none"
            hint = nearest(key, known)
            raise ValueError(f"{name} has no parameter '{key}'; it has: {there_are}.{hint}")
    try:
        game = pyspiel.load_game(name, dict(parameters))
        shape, n_actions = game.observation_tensor_shape(), game.num_distinct_actions()
    except (pyspiel.SpielError, RuntimeError, TypeError) as error:
        raise ValueError(f"open_spiel rejects {name}: {error}") from None
    if wrong := _unfit(game):
        raise ValueError(f"{name} {wrong}; open_spiel describes it as {described(game)}")
    if min(*shape, n_actions, 1) < 1:
        raise ValueError(f"{name} has no board of {' × '.join(map(str, shape))}")
    return game


def described(game: pyspiel.Game) -> str:
    """A game in open_spiel's own words."""
    kind = game.get_type()
    words = (kind.dynamics, kind.chance_mode, kind.information, kind.utility, kind.reward_model)
    said = ", ".join(word.name for word in words)
    return f"{kind.long_name}, {game.num_players()} players, {said}"


def _unfit(game: pyspiel.Game) -> str:
    """Why a game cannot be learnt here; empty if it can."""
    kind, n_players = game.get_type(), game.num_players()
    rules = {
        f"has {n_players} players, and must have 2": n_players == 2,
        "must be played in turns": kind.dynamics.name == "SEQUENTIAL",
        "must be deterministic": kind.chance_mode.name == "DETERMINISTIC",
        "must have perfect information": kind.information.name == "PERFECT_INFORMATION",
        "must be of zero sum": kind.utility.name == "ZERO_SUM",
        "must be decided at its end alone": kind.reward_model.name == "TERMINAL",
        "must have observations as tensors": kind.provides_observation_tensor,
    }
    return " and ".join(rule for rule, holds in rules.items() if not holds)


def positions(name: str, parameters: Sorted = ()) -> Positions:
    """All positions of a game, each once.

    Raises ValueError if there are more than MOST_POSITIONS.
    """
    found = _counted(name, parameters)
    if found is None:
        raise ValueError(
            f"{load(name, dict(parameters))} has over {MOST_POSITIONS} positions, too many "
            "to solve it exhaustively; take a smaller board (parameters), or positions reached "
            "by random play, without a solution: sample: 10000, solve: false"
        )
    return found


@cache
def _counted(name: str, parameters: Sorted) -> Positions | None:
    """All positions; None if there are too many, which is cached too."""
    game = load(name, dict(parameters))
    start = game.new_initial_state()
    rows, states, again = {name_of(start): 0}, [start], []
    x, player, moves, before = [], [], [], [(-1, -1)]
    for row, state in enumerate(_growing(states)):
        x.append(observation(game, state))
        player.append(state.current_player())
        moves.append(_moves(state))
        for move, child in moves[-1].items():
            if not child.name:
                continue
            if child.name not in rows:
                rows[child.name] = len(rows)
                states.append(state.child(move))
                before.append((row, move))
            elif len(again) < CHECKED:
                again.append((rows[child.name], state.child(move)))
        if len(rows) > MOST_POSITIONS:
            return None
    for row, state in again:
        if _moves(state) != moves[row] or not np.array_equal(observation(game, state), x[row]):
            raise ValueError(
                f"what a player of {game} sees of a position, or how it goes on, depends on "
                "how it was reached, so that positions do not solve it; take positions reached "
                "by random play, without a solution: sample: 10000, solve: false"
            )
    shape = len(rows), game.num_distinct_actions()
    legal, children = np.zeros(shape, bool), np.full(shape, -1)
    ends = np.full(shape, np.nan)
    for row, own in enumerate(moves):
        for move, child in own.items():
            legal[row, move], ends[row, move] = True, child.end
            children[row, move] = rows.get(child.name, -1)
    names, before = list(rows), np.array(before)
    return Positions(names, np.stack(x), np.array(player), legal, children, ends, before)


class _Child(NamedTuple):
    """The result of a move: a position of this name, or "" and the first player's result."""

    name: str
    end: float | None


def _moves(state: pyspiel.State) -> dict[int, _Child]:
    """The result of each legal action."""
    found = {}
    for action in state.legal_actions():
        child = state.child(action)
        over = child.is_terminal()
        found[action] = (
            _Child("", child.player_return(0)) if over else _Child(name_of(child), None)
        )
    return found


def _growing(states: list) -> Iterator:
    """Each state of a growing list; the list forgets it."""
    place = 0
    while place < len(states):
        state, states[place] = states[place], None
        yield state
        place += 1


def state_of(game: pyspiel.Game, found: Positions, row: int) -> pyspiel.State:
    """A state of this position."""
    path = []
    while row > 0:
        row, action = found.before[row]
        path.append(action)
    state = game.new_initial_state()
    for action in reversed(path):
        state.apply_action(action)
    return state


def name_of(state: pyspiel.State) -> str:
    """The name of a position, which distinguishes it from others."""
    return f"{state.current_player()} {state}"


def observation(game: pyspiel.Game, state: pyspiel.State) -> np.ndarray:
    """The observation of the player to move, float32, in the game's own shape."""
    seen = np.array(state.observation_tensor(), np.float32)
    return seen.reshape(game.observation_tensor_shape())


@cache
def solution(name: str, parameters: Sorted = ()) -> Solution:
    """The game's solution, position by position.

    Raises ValueError if no exhaustive search can find it.
    """
    return solved(positions(name, parameters), name)


def solved(found: Positions, name: str = "the game") -> Solution:
    """The solution, computed backwards from the ends: the results of a position's actions
    decide its value.

    Raises ValueError if positions repeat in a game, because then its ends do not determine a
    solution.
    """
    sign = np.where(found.player == 0, 1.0, -1.0)[:, None]
    value, inner = np.full(len(sign), np.nan), found.children >= 0
    after = np.where(found.legal, found.ends, -sign * np.inf)
    unknown = len(value)
    while unknown:
        after[inner] = value[found.children[inner]]
        value = (sign * after).max(axis=1) * sign[:, 0]  # NaN until all are known
        before, unknown = unknown, int(np.isnan(value).sum())
        if unknown == before:
            raise ValueError(
                f"positions of {name} repeat within a game, so its ends do not determine a "
                "solution; take positions without one: solve: false"
            )
    return Solution(value, found.legal & (after == value[:, None]))


def sampled(game: pyspiel.Game, n: int, rng: np.random.Generator) -> Sample:
    """n positions, each once: one from each of many random games.

    Raises ValueError if the game does not have n positions.
    """
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    in_vain = 0
    while len(found) < n:
        state, path = game.new_initial_state(), []
        while not state.is_terminal():
            path.append(state.clone())
            actions = state.legal_actions()
            state.apply_action(actions[rng.integers(len(actions))])
        state = path[rng.integers(len(path))]
        name = name_of(state)
        in_vain = in_vain + 1 if name in found else 0
        if in_vain == PATIENCE:
            raise ValueError(
                f"random play of {game} reaches hardly more than {len(found)} positions; "
                f"sample must be smaller than {n}"
            )
        found.setdefault(name, (observation(game, state), state.legal_actions_mask()))
    x, legal = zip(*found.values(), strict=True)
    return Sample(list(found), np.stack(x), np.array(legal, bool))
