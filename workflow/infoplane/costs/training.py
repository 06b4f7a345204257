"""Memory and time of a training."""

from infoplane.costs.cost import GFLOPS, IMPORT_SECONDS, TRAINING_MB, Cost, speed_of
from infoplane.costs.schedules import n_of
from infoplane.datasets.source import Shape
from infoplane.networks.network import Network
from infoplane.stores.weights import SHARD_BYTES
from infoplane.training.supervised import CALIBRATION_INPUTS, EVALUATION_BYTES

STEP_SECONDS, STEP_SECONDS_A_LAYER = 5e-4, 2.5e-4
"""Of a step, whatever its size: measured on small networks."""
EPOCH_SECONDS = 0.01
"""Of an epoch: evaluation, metrics and the journal, whatever their size."""
VALUE_SECONDS = 8e-9
"""Of one activation, forward and back."""
PARAMETER_SECONDS = 1.5e-8
"""Of one weight in a step: its gradient, the statistics of that, the optimizer."""
KEPT_SECONDS = 4e-8
"""Of one kept weight: compressed and written, and in checkpoints before."""
COPIES = 16
"""Matrices of all weights that are alive at once: the weights, their gradient in parts and as
one, its sum and its squares, two of the optimizer, the latest, temporaries of the metrics."""


def of_training(
    network: Network, settings, data: Shape, n_seeds: int, threads: int = 1
) -> Cost:
    """Peak memory and seconds of training n_seeds networks as one batch.

    settings : of the training; a trainer without batches is taken for one of 256 inputs
    """
    weights = 4 * n_seeds * network.n_parameters  # bytes
    batch = min(getattr(settings, "batch_size", 256), data.n_train)
    widths = sum(network.widths.values())
    widest = max(*network.widths.values(), data.d)
    noisy = network.n_drawn
    last = len(settings.numbers) - 1
    kept = n_of(settings.keep, last + 1)
    shard = min(kept * weights, max(weights, SHARD_BYTES))

    inputs = 2.2 * 4 * data.n * data.d + 24 * data.n
    steps = 2 * 4 * n_seeds * batch * (data.d + 3 * network.slowdown * widths)
    order = 16 * n_seeds * data.n_train
    noise = 12 * n_seeds * data.n_train * noisy
    evaluated = min(EVALUATION_BYTES, 4 * n_seeds * data.n * widest)
    measured = n_seeds * min(CALIBRATION_INPUTS, data.n_train)
    calibrated = bool(network.buffers) * 6 * 4 * measured * widest
    n_layers = len(network.layers)
    metrics = 2.5 * last * (2500 + 4 * n_seeds * (4 + 3 * n_layers))
    n_bytes = (
        inputs
        + COPIES * weights
        + steps
        + order
        + noise
        + max(4 * evaluated, calibrated)
        + 4 * shard
        + metrics
    )

    prefit = getattr(settings, "prefit", None)
    n_epochs = last + (prefit.epochs if prefit else 0)
    slower = network.slowdown
    n_steps = -(-data.n_train // batch)
    values = n_seeds * data.n_train * (widths + noisy)
    products = n_seeds * network.n_products * (6 * data.n_train + 2 * data.n)
    computed = (
        products / (GFLOPS * 1e9)
        + VALUE_SECONDS * values * slower
        + n_steps * PARAMETER_SECONDS * n_seeds * network.n_parameters * slower
    )
    overhead = n_steps * slower * (STEP_SECONDS + STEP_SECONDS_A_LAYER * n_layers)
    seconds = (
        IMPORT_SECONDS
        + n_epochs * (EPOCH_SECONDS + overhead + computed / speed_of(threads))
        + KEPT_SECONDS * kept * n_seeds * network.n_parameters
    )
    return Cost(TRAINING_MB + n_bytes / 1e6, seconds)
