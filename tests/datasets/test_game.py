"""Positions of games: populations and entropies that are known, and the solver."""

import numpy as np
import pyspiel
import pytest
from open_spiel.python.algorithms import minimax

from infoplane.datasets import games, prepare, shape_of
from infoplane.information import entropy_of_counts

SMALL_FOUR = {"rows": 3, "columns": 4, "x_in_row": 3}
SMALL = [
    ("tic_tac_toe", {}),
    ("connect_four", SMALL_FOUR),
    ("nim", {"pile_sizes": "1;2;3"}),  # no draws
    ("breakthrough", {"rows": 5, "columns": 2}),  # its text does not say who is to move
    ("hex", {"board_size": 3}),
]


def sorted_pairs(parameters):
    return tuple(sorted(parameters.items()))


@pytest.mark.parametrize(
    ("game", "parameters", "n", "entropies", "n_sets"),
    [
        # field notes: recomputed by minimax, to three digits
        ("tic_tac_toe", {}, 4520, {"value": 1.488, "optimal_moves": 6.221}, 372),
        ("connect_four", SMALL_FOUR, 4631, {"value": 1.250}, None),
    ],
)
def test_population_is_that_of_minimax(settings, game, parameters, n, entropies, n_sets):
    chosen = settings("game", game=game, parameters=parameters)
    data = prepare(chosen)
    assert data.attributes["entropy_x"] == pytest.approx(np.log2(n), abs=1e-12)
    for name, entropy in entropies.items():
        assert data.attributes["entropy_y"][name] == pytest.approx(entropy, abs=5e-4)
        assert data.attributes["information_xy"][name] == data.attributes["entropy_y"][name]
    assert n_sets in (None, data.labels["optimal_moves"].n_classes)
    assert data.shape == shape_of(chosen) and len(data.train) == n


def test_entropy_of_tic_tac_toe_is_that_of_the_issue(settings):
    found = prepare(settings("game", game="tic_tac_toe")).attributes
    assert round(found["entropy_x"], 3) == 12.142
    assert round(found["entropy_y"]["value"], 3) == 1.488
    assert round(found["entropy_y"]["optimal_moves"], 3) == 6.221


@pytest.mark.parametrize(("game", "parameters"), SMALL)
def test_solution_is_that_of_open_spiel(game, parameters):
    """On 30 positions near the end, which its alpha-beta search solves in no time."""
    loaded = pyspiel.load_game(game, parameters)
    found = games.positions(game, sorted_pairs(parameters))
    solution = games.solution(game, sorted_pairs(parameters))
    row = {name: i for i, name in enumerate(found.names)}
    rng = np.random.default_rng(0)
    for _ in range(30):
        state, path = loaded.new_initial_state(), []
        while not state.is_terminal():
            path.append(state.clone())
            state.apply_action(rng.choice(state.legal_actions()))
        state = path[max(0, len(path) - 4)]
        i = row[games.name_of(state)]
        assert found.player[i] == state.current_player()
        assert str(games.state_of(loaded, found, i)) == str(state)
        assert np.flatnonzero(found.legal[i]).tolist() == state.legal_actions()
        assert np.array_equal(found.x[i], games.observation(loaded, state))
        # minimax says what is best for the first player it is asked for
        value, _ = minimax.alpha_beta_search(loaded, state, maximizing_player_id=0)
        assert solution.value[i] == value
        best = [
            action
            for action in state.legal_actions()
            if minimax.alpha_beta_search(loaded, state.child(action), maximizing_player_id=0)[0]
            == value
        ]
        assert np.flatnonzero(solution.optimal[i]).tolist() == best


def test_labels_of_a_position_are_its_solution(settings):
    data = prepare(settings("game", game="tic_tac_toe", flatten=False))
    assert data.x.shape == (4520, 3, 3, 3) and data.x.dtype == np.float32
    names = games.positions("tic_tac_toe").names
    value, moves = data.labels["value"], data.labels["optimal_moves"]
    wins = names.index("0 xx.\noo.\n...")
    assert value.class_names[value.codes[wins]] == "1"
    assert moves.class_names[moves.codes[wins]] == "2"
    assert value.class_names[value.codes[0]] == "0"  # perfect play is a draw
    assert moves.class_names[moves.codes[0]] == "0 1 2 3 4 5 6 7 8"


def test_sample_is_seeded_each_position_once_and_labelled(settings):
    def drawn(seed, **keys):
        return prepare(settings("game", game="tic_tac_toe", sample=500, seed=seed, **keys))

    one = drawn(0)
    assert np.array_equal(one.x, drawn(0).x) and not np.array_equal(one.x, drawn(1).x)
    assert len(np.unique(one.x, axis=0)) == 500
    everything = prepare(settings("game", game="tic_tac_toe"))
    known = {x.tobytes(): y for x, y in zip(everything.x, everything.y, strict=True)}
    assert [known[x.tobytes()] for x in one.x] == one.y.tolist()
    assert list(drawn(0, solve=False).labels) == ["legal_moves"]
    legal = one.labels["legal_moves"]
    for x, code in zip(one.x.reshape(-1, 3, 9), legal.codes, strict=True):
        assert legal.class_names[code] == " ".join(map(str, np.flatnonzero(x[0])))  # empty


def test_large_board_is_sampled_without_a_solution(settings):
    chosen = settings("game", game="connect_four", sample=300, solve=False, flatten=False)
    data = prepare(chosen)
    planned = shape_of(chosen)
    assert data.x.shape == (300, 3, 6, 7) and data.shape[:2] == planned[:2]
    assert data.shape.n_actions == 7 and data.attributes["entropy_x"] == entropy_of_counts(
        np.ones(300)
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"game": "tic_tac_to"}, r"no game 'tic_tac_to'\. Did you mean 'tic_tac_toe'"),
        (
            {"game": "connect_four", "parameters": {"rowss": 3}},
            r"'rowss'; it has: columns.*'ro",
        ),
        (
            {"game": "connect_four", "parameters": {"rows": "a"}},
            "Wrong type for parameter rows",
        ),
        ({"game": "connect_four", "parameters": {"columns": -4}}, "no board of 3 × 6 × -4"),
        (
            {"game": "backgammon"},
            r"must be deterministic; .*Backgammon, 2.*EXPLICIT_STOCHASTIC",
        ),
        (
            {"game": "kuhn_poker"},
            r"must have perfect information; .*Kuhn.*IMPERFECT_INFORMATION",
        ),
        ({"game": "catch"}, r"has 1 players, and must have 2"),
        ({"game": "matrix_rps"}, r"must be played in turns"),
        ({"game": "connect_four"}, r"over 200000 positions.*smaller board.*sample: 10000"),
        ({"game": "connect_four", "sample": 50}, r"over 200000 .*solve: false"),
        ({"game": "go", "parameters": {"board_size": 2}}, r"depends on how it was reached"),
        ({"game": "dots_and_boxes"}, r"depends on how it was reached"),  # who drew which line
        ({"game": "tic_tac_toe", "standardise": "all"}, "none"),
    ],
)
def test_game_that_cannot_be_taken_is_named(settings, keys, said):
    with pytest.raises(ValueError, match=said):
        settings("game", **keys)


def test_sample_of_more_positions_than_there_are_is_named(settings):
    with pytest.raises(ValueError, match="sample must be smaller than 5000"):
        prepare(settings("game", game="tic_tac_toe", sample=5000))


def test_positions_that_come_back_have_no_solution():
    """Two positions that lead to one another."""
    x, nowhere = np.zeros((2, 1), np.float32), np.full((2, 1), np.nan)
    there, children = np.ones((2, 1), bool), np.array([[1], [0]])
    before = np.array([[-1, -1], [0, 0]])
    found = games.Positions(["a", "b"], x, np.array([0, 1]), there, children, nowhere, before)
    with pytest.raises(ValueError, match="repeat within a game"):
        games.solved(found)
