"""The expected cost of training a block of seeds, for any network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infoplane.costs import GFLOPS, IMPORT_SECONDS, TORCH_MB, Cost, speed_of

if TYPE_CHECKING:
    from infoplane.datasets.source import Shape
    from infoplane.networks.network import Network
    from infoplane.training.selfplay import Settings as SelfPlay

STEP_SECONDS, STEP_SECONDS_A_LAYER = 5e-4, 2.5e-4
BY_TORCH = 0.01, STEP_SECONDS, STEP_SECONDS_A_LAYER, 8e-9, GFLOPS
"""Fixed seconds of an epoch (with its metrics and the journal) and of a step; seconds of an
activation forwards and backwards; speed of products, in 10^9 operations per second."""
COMPILED = 1e-3, 0, 0, 1e-9, 40.0
"""The same for compiled loops, whose steps have no fixed cost."""
WEIGHT_SECONDS, KEPT_SECONDS = 1.5e-8, 4e-8
"""Seconds of a weight in a step, and of a written weight."""
COPIES, KEPT_BYTES, EVALUATED_BYTES = 20, 2**27, 2**29
"""Matrices of all weights in memory at once: the weights, gradients and their statistics, two
of the optimizer, the latest, temporaries. Then the largest size of kept weights before
compression, and of the widest layer in an evaluation."""
SIMULATION_SECONDS, ASKED_SECONDS = 1e-4, 3e-4
"""Seconds of a simulation of open_spiel's search, and more if each one needs the network."""
MOVES = 40
"""Numbers for an unknown game with a board of this size."""


def of_training(
    network: Network,
    data: Shape,
    n_seeds: int,
    n_epochs: int,
    n_kept: int,
    batch: int = 256,
    threads: int = 1,
    compiled: bool = False,
) -> Cost:
    """Peak memory and seconds of n_epochs epochs of mini-batches, some of which are kept."""
    n, n_layers, slower = data.n_train, len(network.layers), network.slowdown
    batch, n_steps, weights = min(batch, n), -(-n // batch), n_seeds * network.n_parameters
    units, widest = sum(network.widths.values()) + network.n_drawn, max(network.widths.values())
    at_once = 1 if compiled else n_seeds
    epoch, step, layer, value, gflops = COMPILED if compiled else BY_TORCH
    n_bytes = (
        data.n * (9 * data.d + 24)  # inputs
        + n_seeds * n * (16 + 12 * network.n_drawn)  # the order of an epoch, its noise
        + 8 * at_once * batch * (data.d + 3 * slower * units)
        + 4 * COPIES * weights
        + min(16 * weights * n_kept, KEPT_BYTES)
        + min(16 * at_once * data.n * max(widest, data.d), EVALUATED_BYTES)
        + n_epochs * (6000 + 10 * n_seeds * (4 + 3 * n_layers))  # metrics
    )
    products = n_seeds * network.n_products * (6 * n + 2 * data.n) / (gflops * 1e9)
    values = n_seeds * n * units * value + n_steps * weights * WEIGHT_SECONDS
    epoch += n_steps * slower * (step + layer * n_layers)
    epoch += (products + slower * values) / speed_of(threads)
    seconds = IMPORT_SECONDS + n_epochs * epoch + n_kept * weights * KEPT_SECONDS
    return Cost(TORCH_MB + n_bytes / 1e6, seconds)


def of_self_play(network: Network, data: Shape, n_seeds: int, settings: SelfPlay) -> Cost:
    """Peak memory and seconds of games by search and of training on them."""
    n, judged, product = settings.epochs, settings.evaluation, network.n_products / GFLOPS / 5e8
    n_moves = min(MOVES, data.d // 3 + 1)  # a plane for each player, and one for empty fields
    searches = n * settings.games * n_moves
    searches += (n // judged.every + 2) * (judged.games * n_moves + judged.positions)
    asks = "value" not in data.classes  # not solved, and perhaps too large for a table
    simulation = SIMULATION_SECONDS + asks * (ASKED_SECONDS + product)
    simulations = searches * max(settings.simulations, judged.simulations or 0)
    step = STEP_SECONDS + STEP_SECONDS_A_LAYER * len(network.layers)
    step += 3 * settings.batch_size * product
    seconds = simulations * simulation + n * (settings.steps * step + 2 * data.n * product)
    n_bytes = data.n * (20 * data.d + 40 * data.n_actions + 1000)  # positions, by name
    n_bytes += n_seeds * 12 * settings.buffer * (data.d + data.n_actions)
    n_bytes += 4 * COPIES * n_seeds * network.n_parameters + KEPT_BYTES
    n_bytes += 16 * min(data.n, 4096) * max(*network.widths.values(), data.d)
    return Cost(TORCH_MB + n_bytes / 1e6, IMPORT_SECONDS + n_seeds * seconds)
