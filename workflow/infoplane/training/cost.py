"""What the training of a block of seeds is expected to need, whatever the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infoplane.costs import GFLOPS, IMPORT_SECONDS, TRAINING_MB, Cost, speed_of

if TYPE_CHECKING:
    from infoplane.datasets.source import Shape
    from infoplane.networks.network import Network

STEP_SECONDS, STEP_SECONDS_A_LAYER, EPOCH_SECONDS = 5e-4, 2.5e-4, 0.01
"""Of a step, and of an epoch with its metrics and the journal, whatever their size: measured
on small networks."""
VALUE_SECONDS = 8e-9
"""Of one activation, forward and back."""
PARAMETER_SECONDS = 1.5e-8
"""Of one weight in a step: its gradient, the statistics of that, the optimizer."""
KEPT_SECONDS = 4e-8
"""Of one kept weight: compressed and written, and in checkpoints before."""
COPIES = 16
"""Matrices of all weights that are alive at once: the weights, their gradient in parts and as
one, its sum and its squares, two of the optimizer, the latest, temporaries of the metrics."""
KEPT_BYTES, EVALUATED_BYTES = 2**27, 2**29
"""Of kept weights until they are compressed, and of the widest layer in an evaluation."""
USUAL_BATCH = 256
"""Inputs of a step, where a trainer does not say."""


def of_training(
    network: Network,
    data: Shape,
    n_seeds: int,
    n_epochs: int,
    n_kept: int,
    batch: int = USUAL_BATCH,
    threads: int = 1,
) -> Cost:
    """Peak memory and seconds of so many epochs of mini-batches, of which some are kept."""
    n_train, n_layers, slower = data.n_train, len(network.layers), network.slowdown
    batch, n_steps = min(batch, n_train), -(-n_train // batch)
    widths, noisy = sum(network.widths.values()), network.n_drawn
    widest = max(*network.widths.values(), data.d)
    parameters = n_seeds * network.n_parameters
    n_bytes = (
        data.n * (8.8 * data.d + 24)  # inputs
        + n_seeds * n_train * (16 + 12 * noisy)  # the order of an epoch, its noise
        + 8 * n_seeds * batch * (data.d + 3 * slower * widths)
        + 4 * COPIES * parameters
        + min(16 * parameters * n_kept, max(16 * parameters, KEPT_BYTES))
        + min(EVALUATED_BYTES, 16 * n_seeds * data.n * widest)
        + 2.5 * n_epochs * (2500 + 4 * n_seeds * (4 + 3 * n_layers))  # metrics
    )
    products = n_seeds * network.n_products * (6 * n_train + 2 * data.n) / (GFLOPS * 1e9)
    values = n_seeds * n_train * (widths + noisy) * VALUE_SECONDS
    computed = products + slower * (values + n_steps * parameters * PARAMETER_SECONDS)
    overhead = n_steps * slower * (STEP_SECONDS + STEP_SECONDS_A_LAYER * n_layers)
    epoch = EPOCH_SECONDS + overhead + computed / speed_of(threads)
    seconds = IMPORT_SECONDS + n_epochs * epoch + n_kept * parameters * KEPT_SECONDS
    return Cost(TRAINING_MB + n_bytes / 1e6, seconds)


def of_reading(network: Network, data: Shape, n_seeds: int, n_epochs: int) -> Cost:
    """Peak memory and seconds of taking up files of trained networks, all of them kept."""
    parameters = n_seeds * network.n_parameters
    n_bytes = 8.8 * data.n * data.d + 4 * COPIES * parameters + max(16 * parameters, KEPT_BYTES)
    seconds = IMPORT_SECONDS + n_epochs * (n_seeds * EPOCH_SECONDS + parameters * KEPT_SECONDS)
    return Cost(TRAINING_MB + n_bytes / 1e6, seconds)
