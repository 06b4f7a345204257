"""Self-play: what it learns, seeds alone and in blocks, and what a killed one ends in."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pyspiel
import pytest
import torch

from infoplane.config import ConfigError, load
from infoplane.datasets import games, prepare
from infoplane.datasets.game import Settings as GameSettings
from infoplane.networks.network import Misfit
from infoplane.networks.policy_value import Settings as NetworkSettings
from infoplane.stores import rows
from infoplane.stores.archive import StoreError, partial_of
from infoplane.stores.weights import CHECKPOINT, WeightsStore
from infoplane.training.loop import train
from infoplane.training.search import Evaluator, Search, self_play
from infoplane.training.selfplay import SelfPlay, Settings, losses_of

TTT = {"source": "game", "game": "tic_tac_toe"}
LARGE = {"source": "game", "game": "connect_four", "sample": 40, "solve": False}
SHORT = {
    "epochs": 3,
    "games": 3,
    "simulations": 8,
    "steps": 5,
    "batch_size": 16,
    "buffer": 30,
    "evaluation": {"every": 2, "games": 4, "positions": 5},
}


def trainer(seeds=(0,), game=TTT, network=None, **options) -> SelfPlay:
    written = {"trainer": "selfplay", "device": "cpu", **SHORT, **options}
    settings = Settings.model_validate(written)
    family = {"family": "policy_value", "trunk": {"kind": "dense", "units": [16]}}
    chosen = NetworkSettings.model_validate({**family, **(network or {})})
    data = prepare(GameSettings.model_validate(game))
    networks = SelfPlay.networks_of(settings, chosen, data.shape)
    return SelfPlay(settings, networks["network"], data, list(seeds))


def trained(path, seeds=(0,), identity="same", **options) -> WeightsStore:
    train(trainer(seeds, **options), path, identity, checkpoint_seconds=0)
    return WeightsStore(path)


def same(store: WeightsStore, other: WeightsStore, seeds) -> None:
    ours, theirs = (s.read(s.epochs, seeds) for s in (store, other))
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
    ours, theirs = (s.metrics().sel(seed=list(seeds)) for s in (store, other))
    assert ours.equals(theirs)


class Even:
    """Knows nothing: every move is as likely, every position as good."""

    def __call__(self, x):
        return np.zeros((len(x), 9)), np.zeros(len(x))


@pytest.mark.parametrize("moves", [[0, 3, 1, 4], [8, 0, 1, 4, 7]])
def test_search_finds_a_win_in_one(moves):
    """x at 0 and 1 wins at 2, before o at 3 and 4 does; x at 8 and 1 and 7 threatens 6, 5, …,
    and o at 0 and 4 must answer."""
    game = pyspiel.load_game("tic_tac_toe")
    state = game.new_initial_state()
    for move in moves:
        state.apply_action(move)
    wins = [
        action
        for action in state.legal_actions()
        if state.child(action).is_terminal()
        and state.child(action).player_return(state.current_player()) == 1
    ]
    search = Search(Evaluator(game, Even()), 60, 1.4, np.random.RandomState(0))
    assert (search.best(state) in wins) == bool(wins)
    if not wins:  # then it sees the other's
        threats = [
            action
            for action in state.legal_actions()
            if any(
                state.child(action).child(reply).is_terminal()
                for reply in state.child(action).legal_actions()
            )
        ]
        assert search.best(state) not in threats or len(threats) == len(state.legal_actions())


def test_evaluator_masks_illegal_moves_and_speaks_of_both_players():
    game = pyspiel.load_game("tic_tac_toe")

    def ask(x):
        return np.tile(np.arange(9.0), (len(x), 1)), np.full(len(x), 0.5)

    evaluator, state = Evaluator(game, ask), game.new_initial_state()
    assert evaluator.evaluate(state).tolist() == [0.5, -0.5]
    state.apply_action(8)
    assert evaluator.evaluate(state).tolist() == [-0.5, 0.5]  # the other is to move
    actions, shares = zip(*evaluator.prior(state), strict=True)
    assert actions == tuple(range(8)) and evaluator.best(state) == 7
    np.testing.assert_allclose(shares, np.exp(np.arange(8)) / np.exp(np.arange(8)).sum())
    # the search shuffles what it is given
    evaluator.prior(state).clear()
    assert len(evaluator.prior(state)) == 8


def test_positions_that_are_looked_up_are_those_that_would_be_asked_for():
    player = trainer().players[0]
    table, asking = player.evaluator(), Evaluator(player.game, player._ask)
    assert len(table.rows) == 4520
    rng = np.random.default_rng(0)
    for row in rng.integers(4520, size=50):
        state = games.state_of(player.game, player.board.positions, int(row))
        # float32 sums of one position, and of many together
        np.testing.assert_allclose(table.evaluate(state), asking.evaluate(state), atol=1e-6)
        ours, theirs = (dict(one.prior(state)) for one in (table, asking))
        np.testing.assert_allclose(list(ours.values()), list(theirs.values()), atol=1e-6)


def test_game_of_self_play_says_who_has_won():
    game = pyspiel.load_game("tic_tac_toe")
    evaluator = Evaluator(game, Even())
    for seed in range(6):
        random = np.random.RandomState(seed)
        played = self_play(Search(evaluator, 8, 1.4, random), game, random, 1.0, 30)
        n = len(played.x)
        assert played.policy.shape == (n, 9) and np.allclose(played.policy.sum(1), 1)
        empty = played.x[:, 0].reshape(n, 9)
        assert not (played.policy * (1 - empty)).any()  # no move to where a stone is
        if n < 9:  # whoever moved last has won
            assert played.result[-1] == 1 and played.result[-2] == -1


def test_losses_are_those_of_torch():
    source = torch.Generator().manual_seed(0)
    outputs, result = (torch.randn(7, k, generator=source) for k in (6, 1))
    policy = torch.softmax(torch.randn(7, 5, generator=source), 1)
    found = losses_of(outputs, policy, result[:, 0])
    expected = torch.nn.functional.cross_entropy(outputs[:, :5], policy)
    torch.testing.assert_close(found[0], expected)
    mse = torch.nn.functional.mse_loss(outputs[:, 5], result[:, 0])
    torch.testing.assert_close(found[1], mse)


def test_a_small_game_is_learnt(tmp_path):
    """nim of 1, 2, 3, which the first player loses: then no game is lost but those 10."""
    nim = {"source": "game", "game": "nim", "parameters": {"pile_sizes": "1;2;3"}}
    options = {"epochs": 12, "games": 20, "simulations": 30, "steps": 60, "buffer": 2000}
    options["optimizer"] = {"method": "adam", "learning_rate": 5e-3}
    judged = {"every": 12, "games": 20, "positions": 38}
    network = {"trunk": {"kind": "dense", "units": [32]}}
    store = trained(
        tmp_path / "w.zarr.zip", game=nim, network=network, evaluation=judged, **options
    )
    first, last = (store.metrics().isel(epoch=epoch, seed=0) for epoch in (0, -1))
    assert last["lost_search"] == 10 < first["lost_search"]
    # of 38 positions; as seen 0.61 and 0.97 at first, 0.9 and 1 at the end
    assert last["optimal_network"] > 0.8 and last["optimal_search"] == 1


def test_a_large_board_is_played_position_by_position(tmp_path):
    store = trained(tmp_path / "w.zarr.zip", game=LARGE, epochs=1, games=1, simulations=4)
    names = {metric.name for metric in store.declared}
    assert names == {"loss_policy", "loss_value", "random_network", "random_search"}
    assert np.isfinite(store.metrics()["loss_policy"].values[0, 1])


def test_metrics_are_declared_and_said_at_their_epochs(tmp_path):
    metrics = trained(tmp_path / "w.zarr.zip").metrics().isel(seed=0)
    assert np.isnan(metrics["loss_policy"].values).tolist() == [True, False, False, False]
    assert np.isfinite(metrics["optimal_network"].values).all()
    for name in ("random_search", "optimal_search", "lost_network"):  # 0, 2 and the last
        assert np.isnan(metrics[name].values).tolist() == [False, True, False, False]


def test_a_seed_alone_is_that_of_a_block(tmp_path):
    block = trained(tmp_path / "block.zarr.zip", seeds=(2, 3))
    same(trained(tmp_path / "alone.zarr.zip", seeds=(3,)), block, (3,))
    first, second = (block.read([3], [seed])["policy.weight"] for seed in (2, 3))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("network", [{}, {"quantisation": {"bits": 4}}, {"batch_norm": True}])
@pytest.mark.parametrize("killed_at", [1, 2])
def test_state_goes_on_with_the_same_bits(network, killed_at):
    whole, first, second = (trainer((0, 1), network=network) for _ in range(3))
    for epoch in range(killed_at + 1):
        whole.advance(epoch), first.advance(epoch)
    second.restore(first.state())
    for epoch in range(killed_at + 1, 4):
        expected, found = whole.advance(epoch), second.advance(epoch)
        for name, value in expected.items():
            assert np.array_equal(value, found[name], equal_nan=True), name
    for name, value in whole.weights()["network"].items():
        assert np.array_equal(value, second.weights()["network"][name]), name


def test_rows_are_appended_and_a_torn_end_is_cut_off(tmp_path):
    path, like = tmp_path / "games.rows", np.zeros((0, 3), np.float32)
    some = np.arange(24, dtype=np.float32).reshape(8, 3)
    rows.append(path, 0, some[:3])
    size = path.stat().st_size
    rows.append(path, 3, some[3:8])
    assert np.array_equal(rows.taken_up(path, 0, 8, like), some)
    assert np.array_equal(rows.taken_up(path, 4, 8, like), some[4:])
    with path.open("r+b") as file:  # killed in the middle of the second
        file.truncate(size + 30)
    assert np.array_equal(rows.taken_up(path, 1, 3, like), some[1:3])
    assert path.stat().st_size == size
    rows.append(path, 3, some[3:5])
    assert np.array_equal(rows.taken_up(path, 0, 5, like), some[:5])
    with pytest.raises(StoreError, match="has 5 of 6 rows"):
        rows.taken_up(path, 0, 6, like)
    whole = bytearray(path.read_bytes())
    whole[size - 1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(StoreError, match="block of row 0 has changed"):
        rows.taken_up(path, 0, 5, like)


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from tests.training.test_selfplay import trained
trained(Path(sys.argv[1]), seeds=(0, 1), epochs=20)
"""


def test_killed_self_play_ends_in_the_same_bits(tmp_path):
    """SIGKILL at moments of its own, whatever is being written then."""
    whole = trained(tmp_path / "whole.zarr.zip", seeds=(0, 1), epochs=20)
    path = tmp_path / "w.zarr.zip"
    here = str(Path(__file__).parents[2])
    n_killed = 0
    for wait in (0.02, 0.11, None):
        checkpoint = partial_of(path) / CHECKPOINT
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        code = textwrap.dedent(KILLED)
        job = subprocess.Popen([sys.executable, "-c", code, str(path), here])
        if wait is None:
            assert job.wait(120) == 0
            break
        limit = time.monotonic() + 60
        while job.poll() is None and time.monotonic() < limit:
            if checkpoint.exists() and checkpoint.stat().st_mtime_ns > before:
                break
            time.sleep(0.01)
        time.sleep(wait)
        if job.poll() is None:
            n_killed += 1
            os.kill(job.pid, signal.SIGKILL)
            job.wait()
    assert n_killed >= 2
    same(WeightsStore(path), whole, (0, 1))


def test_a_damaged_buffer_starts_the_training_anew(tmp_path, caplog):
    path = tmp_path / "w.zarr.zip"
    first = trainer()

    class Ended(Exception):
        pass

    advance = first.advance

    def until(epoch):
        if epoch == 2:
            raise Ended
        return advance(epoch)

    first.advance = until
    with pytest.raises(Ended):
        train(first, path, "same", checkpoint_seconds=0)
    (file,) = partial_of(path).glob("*.rows")
    damaged = bytearray(file.read_bytes())
    damaged[40] ^= 255
    file.write_bytes(damaged)
    same(trained(path), trained(tmp_path / "whole.zarr.zip"), (0,))
    assert "training starts anew" in caplog.text


def experiment(dataset=TTT, network=None, training=None, **measure):
    family = {"family": "policy_value", "trunk": {"kind": "dense", "units": [8]}}
    run = {
        "dataset": "board",
        "network": family if network is None else network,
        "training": {"trainer": "selfplay", "epochs": 2, **(training or {})},
        "measure": measure,
    }
    written = {
        "experiment": "play",
        "datasets": {"board": dataset},
        "estimators": {"exact": {"estimator": "exact"}},
        "runs": {"one": run},
    }
    return load(written, "play.yaml")


RESIDUAL = {"family": "policy_value", "trunk": {"kind": "residual", "channels": 4, "blocks": 1}}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"dataset": {"source": "digits"}},
            r"training\.trainer: must be another, not 'selfplay'",
        ),
        ({"network": {"hidden": [3]}}, r"network\.family: must be policy_value .*not 'mlp'"),
        ({"network": RESIDUAL}, r"trunk\.kind: must be dense.*flatten: false"),
        ({"training": {"trainer": "supervised"}}, r"training\.trainer: must be selfplay"),
        ({"training": {"simulations": 1}}, r"simulations: must be an integer ≥ 2"),
        ({"training": {"evaluation": {"games": 3}}}, r"evaluation\.games.*multiple of 2"),
        ({"label": "values"}, r"no label 'values' of data set 'board'\. Did you mean 'value'"),
        ({"dataset": {**TTT, "game": "tictactoe"}}, r"no game 'tictactoe'.*tic_tac_toe"),
        ({"dataset": {**TTT, "game": "backgammon"}}, "Backgammon, 2 players.*EXPLICIT_STOCH"),
        ({"dataset": {**TTT, "game": "connect_four"}}, "over 200000 positions"),
    ],
)
def test_what_does_not_go_together_is_named_before_any_job(keys, said):
    with pytest.raises(ConfigError, match=said):
        experiment(**keys)


def test_seeds_of_self_play_are_jobs_of_their_own(tmp_path):
    from infoplane.plan.plan import Plan

    plan = Plan(experiment(), tmp_path)
    assert len(plan.weights_of("one")) == 10
    assert plan.costs.training("one", "seeds-0-0").seconds > 0


def test_supervised_network_for_selfplay_is_refused_by_the_trainer():
    with pytest.raises(Misfit, match="policy_value"):
        from infoplane.networks.mlp import Settings as MLP

        settings = Settings.model_validate({"trainer": "selfplay", **SHORT})
        shape = prepare(GameSettings.model_validate(TTT)).shape
        SelfPlay.networks_of(settings, MLP(hidden=[3]), shape)
