"""AlphaZero's self-play (Silver et al. 2018): games by search, and a network that learns from
them.

An epoch is an iteration: a network plays games against itself by open_spiel's search and is
trained on the latest ones. One batch per epoch evaluates all positions of a small game, and the
search looks them up; in a large game the network evaluates position by position. All random
numbers depend on (seed, epoch), and seeds train one after the other: a seed gets the same bits
alone and in a block, and a resumed training gives the same bits.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, model_validator

from infoplane.costs import Cost
from infoplane.datasets import games
from infoplane.datasets.game import Settings as GameSettings
from infoplane.datasets.source import Data, Shape
from infoplane.isolated import isolated
from infoplane.machine import device_of
from infoplane.networks.arrays import to_array, to_tensor
from infoplane.networks.description import build
from infoplane.networks.network import Misfit, Network, Weights
from infoplane.settings import Settings as BaseSettings
from infoplane.training.cost import of_self_play
from infoplane.training.optimizers import Adam, Optimizer
from infoplane.training.parameters import Parameters, part_of
from infoplane.training.search import Evaluator, Search, result, self_play
from infoplane.training.trainer import (
    NETWORK,
    Arrays,
    Growing,
    Lost,
    Metric,
    State,
    Trainer,
    TrainerSettings,
)

if TYPE_CHECKING:
    import pyspiel
    from torch import Tensor

log = logging.getLogger(__name__)

GAMES, STEPS, MATCHES, TRIALS = range(4)
"""Keys of the random numbers of an epoch's games, training and evaluation."""
RANDOM, PERFECT = range(2)
"""Opponents."""
ASKED_AT_ONCE = 4096
"""Number of positions in a batch of evaluations."""


class Noise(BaseSettings):
    """Dirichlet noise on the probabilities at the root of every search."""

    share: float = Field(default=0.25, ge=0, le=1)
    """This share ε of the probabilities at the root is noise."""
    concentration: float = Field(default=1.0, gt=0)
    """The noise is drawn from a Dirichlet distribution with this α for every action."""


class Evaluation(BaseSettings):
    """Settings of the games and searches that judge players, in addition to their losses."""

    every: int = Field(default=10, ge=1)
    """Players are judged at intervals of this many epochs, and always at the first and the
    last."""
    games: int = Field(default=100, ge=2, multiple_of=2)
    """A player plays this many games against each opponent, half of them as the first
    player."""
    simulations: int | None = Field(default=None, ge=2)
    """The search for each judged move has this many simulations; null means the number of
    self-play."""
    positions: int = Field(default=200, ge=1)
    """The search's move is compared with the optimal moves on this many positions, drawn
    once."""


class Settings(TrainerSettings):
    shaping: ClassVar[tuple[str, ...]] = ("trainer",)
    together: ClassVar[int] = 1

    trainer: Literal["selfplay"]
    """`selfplay` trains the network on games that it plays against itself."""
    epochs: int = Field(ge=1)
    """Self-play and training alternate this many times."""
    games: int = Field(default=24, ge=1)
    """Each epoch plays this many games."""
    simulations: int = Field(default=50, ge=2)
    """The search for each move has this many simulations."""
    exploration: float = Field(default=1.4, gt=0)
    """This is c of PUCT: with a larger c the search follows probabilities more than results."""
    noise: Noise | None = Noise()
    """The root has this noise, in self-play only; null means none."""
    temperature: float = Field(default=1.0, ge=0)
    """Moves are drawn in proportion to visits^(1/τ) with this τ; 0 plays the most visited
    move."""
    drawn_moves: int = Field(default=30, ge=0)
    """This many first moves of a game are drawn; later ones are the most visited."""
    buffer: int = Field(default=8192, ge=1)
    """Training draws from this many positions of the latest games."""
    steps: int = Field(default=50, ge=1)
    """The optimizer takes this many steps after the games of an epoch."""
    batch_size: int = Field(default=128, ge=1)
    """A step has this many positions, drawn from the buffer."""
    optimizer: Optimizer = Adam(method="adam", learning_rate=1e-3, weight_decay=1e-4)
    """The optimizer has a method, a learning rate and a weight decay."""
    evaluation: Evaluation = Evaluation()
    """This section sets how players are judged."""

    @property
    def numbers(self) -> range:
        return range(self.epochs + 1)

    @model_validator(mode="after")
    def _trains_after_warm_up(self):
        self.optimizer.check(self.epochs)
        return self


class SelfPlay(Trainer):
    """The players of a block, one after the other."""

    Settings = Settings

    @isolated()
    def __init__(self, settings: Settings, network: Network, data: Data, seeds: Sequence[int]):
        self.settings, self.network, self.seeds = settings, network, list(seeds)
        self.networks = {NETWORK: network}
        self.epochs, self.keep = settings.numbers, settings.keep
        self.board = Board(GameSettings.model_validate(data.attributes["settings"]))
        self.metrics = _metrics(settings.evaluation.games, self.board.solution is not None)
        x = torch.from_numpy(data.x[:ASKED_AT_ONCE]).to(device_of(settings.device))
        self.players = [Player(settings, network, self.board, x, seed) for seed in self.seeds]
        self.failed: dict[int, int] = {}

    @classmethod
    def networks_of(
        cls, settings: Settings, network: BaseSettings, data: Shape
    ) -> dict[str, Network]:
        """One network, with a score for every action and a value."""
        if not data.n_actions:
            text = "must be another, not 'selfplay', which learns positions of a game"
            raise Misfit(("trainer",), f"{text} (source: game)", at=("training",))
        found = build(network, data.of_input, data.n_actions + 1)
        if "policy_value" not in found.links:
            text = "must be policy_value with training.trainer selfplay"
            raise Misfit(("family",), f"{text}, not '{network.family}'", of_shape=False)
        return {NETWORK: found}

    @classmethod
    def cost(
        cls, settings: Settings, network: Network, data: Shape, n_seeds: int, threads: int = 1
    ) -> Cost:
        return of_self_play(network, data, n_seeds, settings)

    @property
    def lost(self) -> dict[int, Lost]:
        return {
            seed: Lost(f"the loss became NaN or infinite in epoch {epoch}")
            for seed, epoch in self.failed.items()
        }

    def advance(self, epoch: int) -> Arrays:
        names = [metric.name for metric in self.metrics]
        found = {name: np.full(len(self.seeds), np.nan, np.float32) for name in names}
        for i, player in enumerate(self.players):
            if player.seed in self.failed:
                continue
            try:
                values = player.epoch(epoch)
            except FloatingPointError:
                log.error("seed %d: the loss became NaN in epoch %d", player.seed, epoch)
                self.failed[player.seed] = epoch
                continue
            for name, value in values.items():
                found[name][i] = value
        if len(self.failed) == len(self.seeds):
            raise FloatingPointError(
                f"the loss of every seed became NaN (seed: epoch {self.failed}); a smaller "
                "learning rate or another initialisation may help"
            )
        return found

    def weights(self) -> dict[str, dict[str, np.ndarray]]:
        each = [player.weights for player in self.players]
        names = self.network.arrays
        return {NETWORK: {n: np.concatenate([to_array(w[n]) for w in each]) for n in names}}

    def state(self) -> State:
        failed = np.array(list(self.failed.items()), np.int64).reshape(-1, 2)
        return {
            "failed": failed,
            **{
                f"{player.seed}.{name}": value
                for player in self.players
                for name, value in player.state().items()
            },
        }

    def restore(self, state: State) -> None:
        self.failed = {int(seed): int(epoch) for seed, epoch in state["failed"]}
        for player in self.players:
            player.restore(part_of(state, f"{player.seed}."))


def _metrics(n_games: int, solved: bool) -> tuple[Metric, ...]:
    """Metrics of a player at an epoch; those of perfect play only if the game is solved."""
    alone_and_searching = ("network", "search")
    best, lost = "positions with an optimal move", f"lost of {n_games} against perfect"
    points = f"points of {n_games} against random"
    found = [
        Metric("loss_policy", "cross-entropy of the policy  [nats]", "lower"),
        Metric("loss_value", "squared error of the value", "lower"),
        *(Metric(f"random_{who}", points, "higher") for who in alone_and_searching),
    ]
    if solved:
        found += [Metric(f"optimal_{who}", best, "higher") for who in alone_and_searching]
        found += [Metric(f"lost_{who}", lost, "lower") for who in alone_and_searching]
    return tuple(found)


class Board:
    """A game with its positions and solution.

    positions, rows : all positions, and the row of each by its name; None for a large game
    solution : None if the game is not solved
    """

    def __init__(self, settings: GameSettings):
        self.game = games.load(settings.game, settings.parameters)
        self.shape = tuple(self.game.observation_tensor_shape())
        self.n_actions = self.game.num_distinct_actions()
        self.positions, self.rows, self.solution = None, {}, None
        if settings.solve or settings.sample is None:
            self.positions = games.positions(*settings.key)
            self.rows = {name: row for row, name in enumerate(self.positions.names)}
        if settings.solve:
            self.solution = games.solution(*settings.key)

    def move(self, state: pyspiel.State, random: np.random.RandomState, perfect: bool) -> int:
        """A move of a random player, or of a perfect one, whose moves keep the game's value."""
        actions = state.legal_actions()
        if perfect:
            row = self.rows[games.name_of(state)]
            actions = np.flatnonzero(self.solution.optimal[row])
        return int(actions[random.randint(len(actions))])


class Player:
    """The network of one seed, and its games.

    x : inputs that measure the ranges of a quantised network
    """

    def __init__(
        self, settings: Settings, network: Network, board: Board, x: Tensor, seed: int
    ):
        self.settings, self.network, self.board, self.seed = settings, network, board, seed
        self.x, self.game = x, board.game
        first = network.initialise(seed)
        self.learner = self._learner({n: v[None].to(x.device) for n, v in first.items()})
        self.learner.calibrate(x)
        self.n_before = 0
        width = int(np.prod(board.shape)) + board.n_actions + 1
        self.played = np.zeros((0, width), np.float32)

    def _learner(self, weights: Weights) -> Parameters:
        """The network with these weights (1, *shape), in a block of its own."""
        chosen = self.settings
        return Parameters(
            chosen.optimizer, chosen.epochs, self.network, [0], [self.seed], weights
        )

    @property
    def weights(self) -> dict[str, Tensor]:
        return self.learner.weights

    def epoch(self, epoch: int) -> dict[str, float]:
        """Play and train, except in epoch 0, and judge; metrics by name.

        Raises FloatingPointError if the loss becomes NaN or infinite.
        """
        found = {}
        if epoch > 0:
            self._play(epoch)
            found = self._train(epoch)
            self.learner.calibrate(self.x)
        chosen = self.settings.evaluation
        evaluator = self.evaluator()
        if self.board.solution is not None:
            found["optimal_network"] = self._optimal_by_network(evaluator)
        if epoch % chosen.every == 0 or epoch == self.settings.epochs:
            found |= self._judged(evaluator, epoch)
        return found

    def evaluator(self) -> Evaluator:
        """The present network, for searches."""
        evaluator = Evaluator(self.game, self._ask)
        if self.board.positions is not None:
            evaluator.know(self.board.positions, self.board.rows)
        return evaluator

    def _ask(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (n, A) and values (n,) of observations, float64."""
        x = torch.from_numpy(x.reshape(-1, *self.network.input_shape)).to(self.x.device)
        with torch.no_grad():
            parts = [self.network.run(self.weights, p)[0][0] for p in x.split(ASKED_AT_ONCE)]
        found = torch.cat(parts).double().numpy(force=True)
        return found[:, :-1], found[:, -1]

    def _play(self, epoch: int) -> None:
        """Play the games of an epoch and add them to the buffer."""
        chosen, evaluator = self.settings, self.evaluator()
        noise = chosen.noise and (chosen.noise.share, chosen.noise.concentration)
        fresh = []
        for number in range(chosen.games):
            random = _random(self.seed, epoch, GAMES, number)
            search = Search(evaluator, chosen.simulations, chosen.exploration, random, noise)
            drawn = chosen.temperature, chosen.drawn_moves
            played = self_play(search, self.game, random, *drawn)
            x = played.x.reshape(len(played.x), -1)
            fresh.append(np.hstack([x, played.policy, played.result[:, None]]))
        rows = np.concatenate([self.played, *fresh]).astype(np.float32)
        self.n_before += max(0, len(rows) - chosen.buffer)
        self.played = rows[-chosen.buffer :]

    def _train(self, epoch: int) -> dict[str, float]:
        """Take the steps of an epoch; means of the losses over them."""
        chosen, learner = self.settings, self.learner
        random = _random(self.seed, epoch, STEPS)
        rows = torch.from_numpy(self.played).to(self.x.device)
        x, policy, result = rows.split(
            [rows.shape[1] - 1 - self.board.n_actions, self.board.n_actions, 1], 1
        )
        x = x.reshape(-1, *self.network.input_shape)
        total = torch.zeros(2, dtype=torch.float64, device=self.x.device)
        for step in range(chosen.steps):
            at = torch.from_numpy(random.randint(len(rows), size=chosen.batch_size))
            at = at.to(self.x.device)
            learner.set_rate((epoch - 1) * chosen.steps + step, chosen.steps)
            own = {**learner.leaves, **learner.buffers}
            outputs, changed = learner.network.run(own, x[at], training=True)
            losses = torch.stack(losses_of(outputs[0], policy[at], result[at, 0]))
            learner.step(losses.sum())
            learner.buffers |= {name: value.detach() for name, value in changed.items()}
            total += losses.detach()
        means = (total / chosen.steps).tolist()
        if not np.isfinite(means).all():
            raise FloatingPointError
        return dict(zip(("loss_policy", "loss_value"), means, strict=True))

    def _optimal_by_network(self, evaluator: Evaluator) -> float:
        """Share of all positions in which the network's highest-scored legal action keeps the
        game's value."""
        legal = np.where(self.board.positions.legal, evaluator.scores, -np.inf)
        return float(self.board.solution.optimal[np.arange(len(legal)), legal.argmax(1)].mean())

    def _judged(self, evaluator: Evaluator, epoch: int) -> dict[str, float]:
        """Games with each opponent, and moves of the search, by name of the metric."""
        random = self._results(evaluator, epoch, RANDOM)
        found = {f"random_{who}": float((1 + r).sum() / 2) for who, r in random.items()}
        if self.board.solution is not None:
            perfect = self._results(evaluator, epoch, PERFECT)
            found |= {f"lost_{who}": float((r < 0).sum()) for who, r in perfect.items()}
            found["optimal_search"] = self._optimal_by_search(evaluator)
        return found

    def _results(self, evaluator: Evaluator, epoch: int, kind: int) -> dict[str, np.ndarray]:
        """Results in [−1, 1] of games against an opponent, by the network alone and with
        search; the opponent begins every second game."""
        results: dict[str, list[float]] = {"network": [], "search": []}
        for number in range(self.settings.evaluation.games):
            random = _random(self.seed, epoch, MATCHES, kind, number)
            opponent = partial(self.board.move, random=random, perfect=kind == PERFECT)
            search = self._search(evaluator, random)
            for who, choose in (("network", evaluator.best), ("search", search.best)):
                players, sign = [choose, opponent], 1
                if number % 2:
                    players, sign = players[::-1], -1
                results[who].append(sign * result(self.game, players))
        return {who: np.array(own) for who, own in results.items()}

    def _search(self, evaluator: Evaluator, random: np.random.RandomState) -> Search:
        """The search that judges a player, without noise."""
        chosen = self.settings
        simulations = chosen.evaluation.simulations or chosen.simulations
        return Search(evaluator, simulations, chosen.exploration, random)

    def _optimal_by_search(self, evaluator: Evaluator) -> float:
        """Share of some positions, drawn once, in which the search's move keeps the value."""
        board = self.board
        n = min(self.settings.evaluation.positions, len(board.rows))
        right = []
        for row in _random(TRIALS).choice(len(board.rows), n, replace=False).tolist():
            search = self._search(evaluator, _random(self.seed, TRIALS, row))
            state = games.state_of(self.game, board.positions, row)
            right.append(board.solution.optimal[row, search.best(state)])
        return float(np.mean(right))

    def state(self) -> dict[str, np.ndarray | Growing]:
        """All state that is needed to continue."""
        return {
            "games": Growing(self.n_before, self.played),
            **{f"weights.{name}": to_array(value) for name, value in self.weights.items()},
            **{f"optimizer.{name}": v for name, v in self.learner.state().items()},
        }

    def restore(self, state: State) -> None:
        """Restore a state from `state`."""
        self.n_before, self.played = state["games"]
        named = part_of(state, "weights.")
        self.learner = self._learner(
            {name: to_tensor(value).to(self.x.device) for name, value in named.items()}
        )
        self.learner.restore(part_of(state, "optimizer."))


def losses_of(outputs: Tensor, policy: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the policy in nats and squared error of the value, means over inputs.

    outputs : (n, A + 1); policy : (n, A), shares of visits; result : (n,), for the player to
        move
    """
    logarithms = torch.log_softmax(outputs[:, :-1], dim=1)
    return -(policy * logarithms).sum(1).mean(), (outputs[:, -1] - result).square().mean()


def _random(*key: int) -> np.random.RandomState:
    """Random numbers that depend on a key alone, in the form for open_spiel's search."""
    return np.random.RandomState(np.random.SeedSequence(key).generate_state(4))
